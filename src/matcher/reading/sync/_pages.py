"""Lists published page by page: fetched whole, resumed where broken, and never replaced by less.

A list is kept in `pages/<key>/`, one file a page as it came.  A new reading goes to `.coming/<key>/` and takes the
old one's place in one step, once it is whole and not much shorter.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from matcher.reading.sync import _client
from matcher.reference import places

#: A list that loses more than this share of its records at once indicates a change by the publisher, not closures.
MOST_LOST = 0.2
COMING, OLD = ".coming", ".old"  # hidden: `matcher read` takes the folder for what is whole
TRIES = 3  # readings of a list that changes while it is read


@dataclass(frozen=True, slots=True)
class Listing:
    """How a publisher cuts a list: where the rows and their count are, and the parameters of a page."""

    rows: str
    total: str  # dotted, as "meta.total"
    page: Callable[[int, int], dict[str, Any]]  # (page number from 1, rows received) -> parameters
    identity: tuple[str, ...] = ("id", "siret")
    reach: int = 1 << 62  # a list of so many records is beyond what its pages give


Outcome = Literal["read", "same", "kept", "partial", "beyond"]


@dataclass
class Lists(_client.Run):
    """The lists of one folder with their state, which is saved after every page."""

    accept_fewer: bool
    today: date

    def __post_init__(self) -> None:
        self.state.setdefault("lists", {})
        for old in (self.folder / OLD).glob("*"):  # a run that ended between two renames
            if not (self.folder / "pages" / old.name).exists():
                self._move(old, self.folder / "pages" / old.name)
            shutil.rmtree(old, ignore_errors=True)

    def read(
        self, key: str, url: str, listing: Listing, asked: Mapping[str, Any] | None = None, after: str = ""
    ) -> Outcome:
        """One list whole: "same" where unchanged, "kept" where the old one stands, "partial" for a first one cut.

        "beyond" where its pages do not reach its end: nothing is read.  One read whole on the day `after`, or later, is not asked for.
        """
        if after and self.fetched(key) >= after:
            self.report.unchanged += 1
            return "same"
        held = self.state["lists"].get(key, {}) if (self.folder / "pages" / key).is_dir() else {}
        outcome: Outcome = "partial"
        for _ in range(TRIES):
            total, seen, validators = self._once(key, url, listing, asked or {}, held)
            if total < 0:
                self.report.unchanged += 1
                self.state["lists"][key]["fetched"] = self.today.isoformat()
                self.save()
                return "same"
            if total >= listing.reach:
                self._drop(key)
                return "beyond"
            if seen >= total:
                break
            self.state.pop("partial", None)
        before = int(held.get("records", 0))
        if seen < total:
            self.report.notes.append(
                f"{key}: {seen} of {total} records: the list changed while it was read; run again later"
            )
            validators = {}
        else:
            outcome = "read"
        fewer = seen < before * (1 - MOST_LOST) and not self.accept_fewer
        if before and (fewer or (seen < total and seen < before)):
            self.report.notes.append(
                f"{key}: {seen} records where {before} were held: those are kept; "
                "if the list has really shrunk, run again with --accept-fewer"
            )
            self._drop(key)
            return "kept"
        self._adopt(key, seen, total, validators)
        return outcome

    def put(self, key: str, rows: list[Any]) -> None:
        """A list that came in one piece."""
        page = {"total_count": len(rows), "results": rows}
        _client._write_json(self.folder / COMING / key / f"{key}_00001.json", page)
        self.report.pages += 1
        self._adopt(key, len(rows), len(rows), {})

    def fetched(self, key: str) -> str:
        """The day on which a list was last read whole; "" for never."""
        held = self.state["lists"].get(key, {})
        return str(held.get("fetched", "")) if held.get("records", 0) >= held.get("total", 0) else ""

    def files(self, key: str) -> list[Path]:
        """The pages of a list, in order."""
        return sorted((self.folder / "pages" / key).glob("*.json"))

    def _once(
        self, key: str, url: str, listing: Listing, asked: Mapping[str, Any], held: Mapping[str, Any]
    ) -> tuple[int, int, dict[str, str]]:
        """(count the publisher states, or -1 where unchanged; distinct records received; validators)."""
        partial = self.state.get("partial") or {}
        if partial.get("key") != key or not (self.folder / COMING / key).is_dir():
            self._drop(key)
            partial = {"key": key, "number": 1, "received": 0, "total": -1, "seen": [], "validators": {}}
        seen, total = set(partial["seen"]), int(partial["total"])
        number, received = int(partial["number"]), int(partial["received"])
        while total < 0 or received < total:
            # The address of the next page is not followed: a page could send our token elsewhere.
            page, validators = self.http.json(
                url, {**asked, **listing.page(number, received)}, held if number == 1 else None
            )
            if page is None:
                return -1, 0, {}
            rows, total = rows_of(page, url, listing)
            if total >= listing.reach:
                return total, 0, {}
            if number == 1:
                partial["validators"] = validators
            before, received = len(seen), received + len(rows)
            seen |= {identity(row, listing) for row in rows}
            if not rows or len(seen) == before:
                break  # an empty page, or the same one again: the publisher cuts its list in another way
            _client._write_json(self.folder / COMING / key / f"{key}_{number:05d}.json", page)
            self.report.pages += 1
            number += 1
            partial |= {"number": number, "received": received, "total": total, "seen": sorted(seen)}
            self.state["partial"] = partial
            self.save()
        return total, len(seen), dict(partial["validators"])

    def _adopt(self, key: str, seen: int, total: int, validators: Mapping[str, str]) -> None:
        """Replace the old pages by the new ones."""
        (self.folder / COMING / key).mkdir(parents=True, exist_ok=True)
        pages = self.folder / "pages" / key
        if pages.exists():
            self._move(pages, self.folder / OLD / key)
        self._move(self.folder / COMING / key, pages)
        shutil.rmtree(self.folder / OLD / key, ignore_errors=True)
        today = self.today.isoformat()
        self.state["lists"][key] = {**validators, "records": seen, "total": total, "fetched": today}
        self.report.records += seen
        self._drop(key)

    def _drop(self, key: str) -> None:
        shutil.rmtree(self.folder / COMING / key, ignore_errors=True)
        if (self.state.get("partial") or {}).get("key") == key:
            self.state.pop("partial")
        self.save()

    @staticmethod
    def _move(source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        source.rename(target)


@contextmanager
def listed(
    what: str,
    folder: Path,
    accept_fewer: bool = False,
    today: date | None = None,
    publisher: str | None = None,
) -> Iterator[Lists]:
    """The lists of a folder, alone, as `run`."""
    with _client.run(what, folder, publisher) as run:
        yield Lists(**vars(run), accept_fewer=accept_fewer, today=today or datetime.now(UTC).date())


def rows_of(page: Any, url: str, listing: Listing) -> tuple[list[Any], int]:
    """The rows of a page and the count it states.  Raises Unreachable when the page has another shape."""
    rows = page.get(listing.rows) if isinstance(page, dict) else None
    total: Any = page
    for name in listing.total.split("."):
        total = total.get(name) if isinstance(total, dict) else None
    if not isinstance(rows, list) or not isinstance(total, int):
        raise _client.Unreachable(
            f"{_client._shown(url)} answered with another shape (no {listing.rows!r} with {listing.total!r}): its API may have "
            "changed; what was fetched is kept"
        )
    return rows, total


def identity(row: Any, listing: Listing) -> str:
    """The identity of a record within its list."""
    if not isinstance(row, dict):
        return str(row)
    return "|".join(str(row.get(name, "")) for name in listing.identity) or str(sorted(row.items()))


def paged(size: str, most: int) -> Callable[[int, int], dict[str, Any]]:
    """Pages asked for by their number."""
    return lambda page, _received: {"page": page, size: most}


def offset(most: int) -> Callable[[int, int], dict[str, Any]]:
    """Pages asked for by how many rows came before (Django's limit and offset)."""
    return lambda _page, received: {"limit": most, "offset": received}


def departments(given: Iterable[str]) -> list[str]:
    """The departments asked for, else all."""
    return list(given) or [department.code for department in places.departments()]
