"""Fetch what is published: BOAMP notices, DECP awards, Le Marché's structures, the register, the nomenclatures.

Pages are kept as they came, for `matcher read` to read; a run that broke goes on where it stopped, a second
run asks only for what is new.  Addresses and tokens come from the environment (`ADDRESSES`, `TOKENS`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from matcher.domain import BadInput, MatcherError

if TYPE_CHECKING:
    import httpx

#: Where each list is published; the variable of the environment that names another address.
ADDRESSES: dict[str, tuple[str, str]] = {
    "boamp": (
        "MATCHER_BOAMP_URL",
        "https://boamp-datadila.opendatasoft.com/api/explore/v2.1/catalog/datasets/boamp",
    ),
    "decp": (
        "MATCHER_DECP_URL",
        "https://www.data.gouv.fr/api/1/datasets/r/11cea8e8-df3e-4ed1-932b-781e2635e432",
    ),
    "siae": ("MATCHER_SIAE_URL", "https://lemarche.inclusion.gouv.fr/api/siae/"),
    "entreprises": ("MATCHER_ENTREPRISES_URL", "https://recherche-entreprises.api.gouv.fr/search"),
    "cpv": ("MATCHER_CPV_URL", ""),
    "naf": ("MATCHER_NAF_URL", ""),
    "cog": (
        "MATCHER_COG_URL",
        "https://geo.api.gouv.fr/communes?fields=code,nom,codesPostaux,codeDepartement,population,siren,centre",
    ),
}
#: Tokens, where the publisher asks for one; they go out as `Authorization: Bearer` to that address alone.
TOKENS = {"siae": "MATCHER_SIAE_TOKEN", "boamp": "MATCHER_BOAMP_TOKEN"}
WHAT = ("boamp", "decp", "siae", "entreprises", "reference")

#: Answers that may be other in a moment.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
ATTEMPTS = 6
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0  # seconds; the wait doubles, a Retry-After is obeyed up to the longest
INTERVAL = 0.2  # seconds between two requests to one publisher
MAX_PAGE = 256 << 20  # bytes of one page
MAX_FILE = 20 << 30  # bytes of one file
#: The rules of the Opendatasoft explore API, version 2.1.
ODS_LIMIT, ODS_REACH = 100, 10_000
#: Recherche d'entreprises: results a page, and how far the pages reach.
REGISTER_LIMIT, REGISTER_REACH = 25, 10_000
SECTIONS = "ABCDEFGHIJKLMNOPQRSTU"
WINDOW = 7  # days asked for at once
FIRST_DAYS = 30  # how far back a first run goes


class Unreachable(MatcherError):
    """The publisher did not answer, or not as expected; what was fetched is kept and the next run goes on."""


@dataclass
class Report:
    """What one run did: requests made, pages written, records in them, and what needed no fetching."""

    what: str
    folder: Path
    requests: int = 0
    pages: int = 0
    records: int = 0
    unchanged: int = 0
    notes: list[str] = field(default_factory=list)


# ------------------------------------------------------------------------------------------ the client


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer read to its end: status 200 or 304, headers in lower case, body."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def validators(self) -> dict[str, str]:
        """What to ask with next time: the entity tag and the day of change, as published."""
        return _validators(self.headers)


class Client:
    """GET with patience: retries with exponential backoff, Retry-After, one request at a time, a polite pace."""

    def __init__(
        self,
        token: str = "",
        *,
        interval: float = INTERVAL,
        first_wait: float = FIRST_WAIT,
        attempts: int = ATTEMPTS,
        timeout: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        import httpx

        from matcher import __version__

        headers = {"User-Agent": f"maillage/{__version__} (matching public tenders; one request at a time)"}
        self._token = token
        self._http = httpx.Client(headers=headers, timeout=timeout, follow_redirects=True)
        self._interval, self._first_wait, self._attempts, self._sleep = interval, first_wait, attempts, sleep
        self._last = -1e9
        self.requests = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(
        self, url: str, params: Mapping[str, Any] | None = None, known: Mapping[str, str] | None = None
    ) -> Reply:
        """The answer with its body read (status 200 or 304).

        `known` holds the `etag` or `last-modified` of a copy at hand.  Raises Unreachable or BadInput.
        """
        import httpx

        wait, said = self._first_wait, ""
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(wait)
            wait = min(max(wait, self._first_wait) * 2, LONGEST_WAIT)
            try:
                with self._open(url, params, _conditions(known)) as answer:
                    if answer.status_code not in PASSING:
                        self._check(answer)
                        body = b"" if answer.status_code == 304 else _bounded(answer, url)
                        return Reply(answer.status_code, _lower(answer.headers), body)
                    said = f"answered {answer.status_code}"
                    wait = self._asked(answer, wait)
            except httpx.TransportError as error:
                said = f"broke off ({type(error).__name__})"
            except httpx.InvalidURL:
                raise BadInput(
                    f"{_shown(url)} is no address: correct the variable of the environment"
                ) from None
        raise Unreachable(
            f"{_shown(url)} {said}, {self._attempts} times: try again later; what was fetched is kept"
        )

    def json(
        self, url: str, params: Mapping[str, Any] | None = None, known: Mapping[str, str] | None = None
    ) -> tuple[Any, Reply]:
        """(the decoded object or list, the answer); (None, the answer) when it has not changed.

        A body cut short without a sign is asked for again, like a broken connection.
        """
        for attempt in range(self._attempts):
            answer = self.get(url, params, known)
            if answer.status == 304:
                return None, answer
            try:
                return json.loads(answer.content), answer
            except (ValueError, RecursionError):
                if "html" in answer.headers.get("content-type", ""):
                    break
                self._sleep(self._first_wait * 2**attempt)
        raise Unreachable(
            f"{_shown(url)} answered something other than JSON: the address may have changed; "
            f"set it anew ({_variable(url)})"
        )

    def download(
        self, url: str, target: Path, known: Mapping[str, str] | None = None
    ) -> dict[str, str] | None:
        """Fetch a large file to `target` in one step at the end; a broken download goes on where it stopped.

        Returns the validators of the new copy, or None when it has not changed.
        """
        import httpx

        part, mark = (
            target.with_suffix(target.suffix + ".part"),
            target.with_suffix(target.suffix + ".part.json"),
        )
        wait, said, failures = self._first_wait, "", 0
        while failures < self._attempts:
            if failures:
                self._sleep(wait)
            wait = min(max(wait, self._first_wait) * 2, LONGEST_WAIT)
            failures += 1
            have, validators = _partial(part, mark)
            headers = _conditions(known)
            if have:
                headers = {
                    "Range": f"bytes={have}-",
                    "If-Range": validators["etag"] or validators["last-modified"],
                }
            try:
                with self._open(url, None, headers) as answer:
                    if answer.status_code == 304:
                        return None
                    if answer.status_code == 416:
                        part.unlink(missing_ok=True)  # what we hold is longer than the file: begin again
                        continue
                    if answer.status_code in PASSING:
                        said, wait = f"answered {answer.status_code}", self._asked(answer, wait)
                        continue
                    self._check(answer, also=(206,))
                    validators = _validators(answer.headers)
                    _write_json(mark, validators)
                    self._pour(answer, part, url)
                    part.replace(target)
                    mark.unlink(missing_ok=True)
                    return validators
            except httpx.TransportError as error:
                said = f"broke off ({type(error).__name__})"
                if part.exists() and part.stat().st_size > have:
                    failures = 1  # it went forward: patience begins anew
        raise Unreachable(
            f"{_shown(url)} {said}, {self._attempts} times: run again, the download goes on where it stopped"
        )

    def _pour(self, answer: httpx.Response, part: Path, url: str) -> None:
        with part.open("ab" if answer.status_code == 206 else "wb") as out:
            size = out.tell()
            for block in answer.iter_bytes(1 << 16):
                size += len(block)
                if size > MAX_FILE:
                    raise BadInput(f"{_shown(url)} is over {MAX_FILE >> 30} GiB: is it the right address?")
                out.write(block)

    @contextmanager
    def _open(
        self, url: str, params: Mapping[str, Any] | None, headers: dict[str, str]
    ) -> Iterator[httpx.Response]:
        pause = self._last + self._interval - time.monotonic()
        if pause > 0:
            self._sleep(pause)
        self._last = time.monotonic()
        self.requests += 1
        if self._token:
            headers = {**headers, "Authorization": f"Bearer {self._token}"}
        with self._http.stream("GET", url, params=params, headers=headers) as answer:
            yield answer

    def _asked(self, answer: httpx.Response, wait: float) -> float:
        """How long to wait: what Retry-After asks, in seconds or as a date, else our own."""
        asked = answer.headers.get("retry-after", "").strip()
        if not asked:
            return wait
        try:
            seconds = float(asked)
        except ValueError:
            try:
                seconds = (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds()
            except (ValueError, TypeError):
                return wait
        if seconds > LONGEST_WAIT:
            raise Unreachable(f"{_shown(str(answer.url))} asks to wait {seconds:.0f} s: run again after that")
        return max(seconds, 0.0)

    def _check(self, answer: httpx.Response, also: tuple[int, ...] = ()) -> None:
        status, where = answer.status_code, _shown(str(answer.url))
        if status in (200, 304, *also):
            return
        if status in (401, 403):
            raise BadInput(
                f"{where} refused us ({status}): set the token in the environment ({', '.join(TOKENS.values())})"
            )
        if status in (404, 410):
            raise Unreachable(
                f"{where} is not there ({status}): the address may have changed; set {_variable(where)}"
            )
        raise Unreachable(f"{where} answered {status}: its rules may have changed; nothing fetched is lost")


def _conditions(known: Mapping[str, str] | None) -> dict[str, str]:
    pairs = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
    return {header: known[name] for name, header in pairs.items() if known and known.get(name)}


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _validators(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers.get(name, "") for name in ("etag", "last-modified")}


def _partial(part: Path, mark: Path) -> tuple[int, dict[str, str]]:
    """Bytes already here and the validators they came with; without validators the part is of no use."""
    validators = _read_json(mark)
    if (
        part.exists()
        and isinstance(validators, dict)
        and any(validators.get(k) for k in ("etag", "last-modified"))
    ):
        etag = str(validators.get("etag") or "")
        strong = "" if etag.startswith("W/") else etag
        if strong or validators.get("last-modified"):
            return part.stat().st_size, {
                "etag": strong,
                "last-modified": str(validators.get("last-modified") or ""),
            }
    return 0, {"etag": "", "last-modified": ""}


def _bounded(answer: httpx.Response, url: str) -> bytes:
    blocks, size = [], 0
    for block in answer.iter_bytes():
        size += len(block)
        if size > MAX_PAGE:
            raise Unreachable(
                f"{_shown(url)} sent over {MAX_PAGE >> 20} MB for one page: its rules may have changed"
            )
        blocks.append(block)
    return b"".join(blocks)


def _shown(url: str) -> str:
    """The address without its query, which may hold a secret."""
    return url.split("?", 1)[0]


def _variable(url: str) -> str:
    """The variable that names this address, for the sentence that says how to mend it."""
    names = [name for name, _ in ADDRESSES.values() if _shown(address_of(name)) in url]
    return names[0] if names else "its MATCHER_..._URL"


def address_of(variable: str) -> str:
    default = next(default for name, default in ADDRESSES.values() if name == variable)
    return os.environ.get(variable, "").strip() or default


def address(what: str) -> str:
    """The address in force.  Raises BadInput when there is none or it is not http."""
    variable, _ = ADDRESSES[what]
    url = address_of(variable)
    if not url:
        raise BadInput(f"no address is known for {what}: set {variable} to the list's address")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise BadInput(f"{variable} is no http address: write it whole, with https://")
    return url


def client_of(what: str) -> Client:
    """A client with the token of the environment, which goes to https or to this machine only."""
    token = os.environ.get(TOKENS.get(what, ""), "").strip()
    parts = urlsplit(address(what))
    if token and parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise BadInput(f"{ADDRESSES[what][0]} is not https: a token is not sent in clear")
    return Client(token)


# --------------------------------------------------------------------------------------------- the state


def _write(path: Path, data: bytes) -> None:
    """Write a file in one step: whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write_json(path: Path, value: Any) -> None:
    _write(path, json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode())


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


@contextmanager
def _state(folder: Path) -> Iterator[dict[str, Any]]:
    """The state of a folder, alone: a second run at the same time is refused.  Saving is the caller's."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / ".lock").open("w")
    try:
        try:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass  # no such lock on this system: one run at a time is then the user's care
        except OSError:
            raise BadInput(f"another run is writing to {folder}: wait for it to end") from None
        state = _read_json(folder / "state.json")
        yield state if isinstance(state, dict) else {}
    finally:
        lock.close()


def _save(folder: Path, state: Mapping[str, Any]) -> None:
    _write_json(folder / "state.json", state)


# ------------------------------------------------------------------------------------------------ BOAMP


def boamp(
    folder: Path,
    since: date | None = None,
    until: date | None = None,
    client: Client | None = None,
    today: date | None = None,
) -> Report:
    """The BOAMP records published in the weeks from `since` to `until`, page by page, whole weeks at a time.

    A week beyond the API's reach of 10,000 is halved; a day beyond it is exported whole.  Weeks that are over are
    fetched once; a week that reaches yesterday or today is asked again, on condition.
    """
    now = today or datetime.now(UTC).date()
    last = until or now
    report = Report("boamp", folder)
    with _state(folder) as state, client or client_of("boamp") as http:
        begin = since or _resumed(state, now)
        if begin > last:
            raise BadInput(f"--since {begin} is after --until {last}: swap them")
        windows = list(reversed(list(_weeks(begin, last))))
        state.setdefault("windows", {})
        while windows:
            first, end = windows.pop()
            key = f"{first}_{end}"
            known = state["windows"].get(key, {})
            if known.get("final"):
                report.unchanged += 1
                continue
            found = _boamp_window(http, folder, state, first, end, known, report)
            if found == "beyond":
                _forget(folder, key)
                state["windows"].pop(key, None)
                middle = first + (end - first) // 2
                windows += [(middle + timedelta(days=1), end), (first, middle)]
                continue
            if found == "same":
                report.unchanged += 1
            # A week that is over is read for good, unless it moved while it was read.
            state["windows"].setdefault(key, {})["final"] = found != "moved" and end < now - timedelta(days=1)
            state.pop("partial", None)
            state["through"] = max(str(state.get("through", "")), str(min(end, now)))
            _save(folder, state)
        report.requests = http.requests
    return report


def _resumed(state: Mapping[str, Any], now: date) -> date:
    """From the day before the last one fetched, or a month back on a first run."""
    try:
        return date.fromisoformat(str(state.get("through", ""))) - timedelta(days=1)
    except ValueError:
        return now - timedelta(days=FIRST_DAYS)


def _weeks(first: date, last: date) -> Iterator[tuple[date, date]]:
    """Whole weeks, Monday to Sunday, so that every run names the same windows."""
    day = first - timedelta(days=first.weekday())
    while day <= last:
        yield day, day + timedelta(days=WINDOW - 1)
        day += timedelta(days=WINDOW)


def _boamp_window(
    http: Client,
    folder: Path,
    state: dict[str, Any],
    first: date,
    end: date,
    known: Mapping[str, Any],
    report: Report,
) -> Literal["same", "read", "moved", "beyond"]:
    """Fetch one window: not changed, read, changed while it was read, or beyond the reach of pages."""
    url = address("boamp").rstrip("/")
    where = f"dateparution>=date'{first}' and dateparution<=date'{end}'"
    params = {"where": where, "order_by": "dateparution,idweb", "limit": ODS_LIMIT}
    key, ids, total = f"{first}_{end}", set[str](), 0
    for _ in range(3):  # notices that appear while we page shift the pages: the window is then read again
        partial = state.get("partial") or {}
        resumed = partial.get("window") == key
        offset, total = (int(partial["next"]), int(partial["total"])) if resumed else (0, -1)
        ids = set(partial["ids"]) if resumed else set()
        moved = False
        while total < 0 or offset < total:
            page, reply = http.json(
                f"{url}/records", {**params, "offset": offset}, known if total < 0 else None
            )
            if page is None:
                return "same"
            results = _results(page, url, "total_count")
            if total < 0:
                total = page["total_count"]
                if total > ODS_REACH:
                    return "beyond" if first < end else _boamp_day(http, folder, first, where, total, report)
                _forget(folder, key)
                state["windows"][key] = {**reply.validators, "total": total}
            moved = page["total_count"] != total
            if moved or not results:
                break
            ids |= {
                str(record.get("idweb") or record.get("id")) for record in results if isinstance(record, dict)
            }
            _write_json(folder / f"{key}_{offset:05d}.json", page)
            report.pages += 1
            offset += ODS_LIMIT
            state["partial"] = {"window": key, "next": offset, "total": total, "ids": sorted(ids)}
            _save(folder, state)
        state.pop("partial", None)
        known = {}
        if not moved and len(ids) >= total:
            report.records += total
            return "read"
    report.notes.append(
        f"{key}: {len(ids)} of {total} records, the list changed while it was read; run again later"
    )
    report.records += len(ids)
    state["windows"][key] = {"total": total}
    return "moved"


def _boamp_day(
    http: Client, folder: Path, day: date, where: str, total: int, report: Report
) -> Literal["read", "moved"]:
    """A day beyond the reach of pages, by the export, which has no limit."""
    page, _ = http.json(f"{address('boamp').rstrip('/')}/exports/json", {"where": where})
    if not isinstance(page, list):
        raise Unreachable("the BOAMP export answered with another shape: the address may have changed")
    _forget(folder, f"{day}_{day}")
    _write_json(folder / f"{day}_{day}_export.json", {"total_count": len(page), "results": page})
    report.pages += 1
    report.records += len(page)
    if len(page) < total:
        report.notes.append(f"{day}: {len(page)} of {total} records exported; run again later")
        return "moved"
    return "read"


def _forget(folder: Path, key: str) -> None:
    """Drop the pages of a window that is read anew."""
    for path in folder.glob(f"{key}_*.json"):
        path.unlink()


def _results(page: Any, url: str, count: str) -> list[Any]:
    """The list of a page.  Raises Unreachable when the page has another shape than the one we know."""
    results = page.get("results") if isinstance(page, dict) else None
    if not isinstance(results, list) or not isinstance(page.get(count), int):
        raise Unreachable(
            f"{_shown(url)} answered with another shape (no 'results' with '{count}'): its API may have changed; "
            "what was fetched is kept"
        )
    return results


# ------------------------------------------------------------------------------------------------- DECP


def decp(folder: Path, client: Client | None = None) -> Report:
    """The consolidated awards as one file, fetched only when it has changed; its kind is told by its first bytes."""
    report = Report("decp", folder)
    url = address("decp")
    with _state(folder) as state, client or client_of("decp") as http:
        known = state if (folder / str(state.get("file", "-"))).exists() and state.get("url") == url else {}
        validators = http.download(
            url, folder / "decp.download", {k: str(known.get(k, "")) for k in ("etag", "last-modified")}
        )
        report.requests = http.requests
        if validators is None:
            report.unchanged += 1
            return report
        fetched = folder / "decp.download"
        with fetched.open("rb") as stream:
            suffix = _suffix(stream.read(64))
        target = folder / f"decp{suffix}"
        fetched.replace(target)
        for other in folder.glob("decp.*"):
            if other != target:
                other.unlink()
        _save(
            folder,
            {**validators, "url": url, "file": target.name, "fetched": datetime.now(UTC).date().isoformat()},
        )
        report.pages = 1
    return report


def _suffix(head: bytes) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if start[:1] == b"<":
        raise Unreachable(
            "the DECP address answered with a web page: it may have changed; set MATCHER_DECP_URL"
        )
    if head.startswith(b"PAR1"):
        return ".parquet"
    if head.startswith(b"\x1f\x8b"):
        return ".json.gz"
    return ".json" if start[:1] in (b"{", b"[") else ".csv"


# ------------------------------------------------------------------------------- pages of structures


def siae(folder: Path, client: Client | None = None) -> Report:
    """Every page of Le Marché's structures; the new set takes the place of the old one when it is whole."""
    report = Report("siae", folder)
    url = address("siae")
    with _state(folder) as state, client or client_of("siae") as http:
        known = (
            {k: str(state.get(k, "")) for k in ("etag", "last-modified")}
            if (folder / "pages").is_dir()
            else {}
        )
        coming = folder / "coming"
        number = int(state.get("next", 1)) if coming.is_dir() else 1
        total = int(state.get("total", -1)) if number > 1 else -1
        if number == 1:
            shutil.rmtree(coming, ignore_errors=True)
            coming.mkdir(parents=True)
        seen: set[str] = set(state.get("seen", ())) if number > 1 else set()
        validators = {k: str(state.get(f"new-{k}", "")) for k in ("etag", "last-modified")}
        more = True
        while more:
            # The address of the next page is not followed: a page could send our token elsewhere.
            page, reply = http.json(url, {"page": number, "page_size": 100}, known if number == 1 else None)
            if page is None:
                shutil.rmtree(coming, ignore_errors=True)
                report.unchanged += 1
                report.requests = http.requests
                return report
            results = _results(page, url, "count")
            if number == 1:
                validators = reply.validators
            if 0 <= total != page["count"]:
                report.notes.append(f"the list went from {total} to {page['count']} while it was read")
            total = page["count"]
            before = len(seen)
            seen |= {str(row.get("id") or row.get("siret")) for row in results if isinstance(row, dict)}
            if results:
                _write_json(coming / f"siae_{number:05d}.json", page)
                report.pages += 1
            more = bool(page.get("next")) and len(seen) > before
            number += 1
            state |= {"next": number, "total": total, "seen": sorted(seen)}
            state |= {f"new-{name}": value for name, value in validators.items()}
            _save(folder, state)
        if len(seen) < total:
            report.notes.append(
                f"{len(seen)} of {total} structures: the list changed while it was read; run again later"
            )
            validators = {}
        pages, old = folder / "pages", folder / "old"
        shutil.rmtree(old, ignore_errors=True)
        if pages.exists():
            pages.rename(old)
        coming.rename(pages)
        shutil.rmtree(old, ignore_errors=True)
        _save(folder, {**validators, "total": total, "fetched": datetime.now(UTC).date().isoformat()})
        report.records = len(seen)
        report.requests = http.requests
    return report


def entreprises(
    folder: Path,
    sirens: Iterable[str] = (),
    departments: Iterable[str] = (),
    ess: bool = False,
    client: Client | None = None,
    today: date | None = None,
) -> Report:
    """Is each still open?  The register's word on given SIRENs, else on all SIAE (or ESS) of the departments.

    A question with more answers than the pages reach (10,000) is put again by section of activity.
    """
    report = Report("entreprises", folder)
    day = (today or datetime.now(UTC).date()).isoformat()
    flag = {"est_ess": "true"} if ess else {"est_siae": "true"}
    wanted = [re.sub(r"\D", "", siren)[:9] for siren in sirens]
    wrong = [siren for siren in wanted if len(siren) != 9]
    if wrong:
        raise BadInput(f"{len(wrong)} of the SIRENs given have not 9 digits ({wrong[0]!r}): correct the list")
    questions: list[dict[str, str]] = [{"q": siren} for siren in dict.fromkeys(wanted)]
    if not questions:
        from matcher.reference import departments as all_departments

        codes = list(departments) or [department.code for department in all_departments()]
        questions = [{**flag, "departement": code} for code in codes]
    with _state(folder) as state, client or client_of("entreprises") as http:
        done = state.get("done", {}) if state.get("day") == day else {}
        questions.reverse()
        while questions:
            question = questions.pop()
            key = "_".join(
                value for name, value in sorted(question.items()) if not name.startswith("est_")
            ) + ("_ess" if ess else "")
            if key in done:
                report.unchanged += 1
                continue
            total = _register_pages(http, folder, key, question, report)
            if total > REGISTER_REACH and "section_activite_principale" not in question:
                questions += [
                    {**question, "section_activite_principale": section} for section in reversed(SECTIONS)
                ]
                continue
            if total > REGISTER_REACH:
                report.notes.append(f"{key}: only the first {REGISTER_REACH} of {total} can be reached")
            done[key] = total
            _save(folder, {"day": day, "done": done})
        report.requests = http.requests
    return report


def _register_pages(http: Client, folder: Path, key: str, question: Mapping[str, str], report: Report) -> int:
    url, number, pages = address("entreprises"), 1, 1
    while number <= pages:
        params = {**question, "page": number, "per_page": REGISTER_LIMIT}
        page, _ = http.json(url, params)
        results = _results(page, url, "total_results")
        total = int(page["total_results"])
        if number == 1:
            if (
                total > REGISTER_REACH
                and "section_activite_principale" not in question
                and "q" not in question
            ):
                return total
            _forget(folder, key)
            pages = min(-(-total // REGISTER_LIMIT), REGISTER_REACH // REGISTER_LIMIT)
        if results:
            _write_json(folder / f"{key}_{number:04d}.json", page)
            report.pages += 1
            report.records += len(results)
        number += 1
    return total


# --------------------------------------------------------------------------------------------- reference


def nomenclatures(folder: Path, client: Client | None = None) -> Report:
    """The full CPV, NAF and communes, from their addresses or files, into the user's own tables, which go before those shipped.

    What the shipped tables lack is told.  Raises BadInput for a list of another shape; the old tables then stay.
    """
    from matcher import reference

    report = Report("reference", folder)
    with _state(folder) as state, client or Client() as http:
        for what in ("cpv", "naf", "cog"):
            target = folder / (f"{what}.json" if what == "cog" else f"{what}.csv")
            given = _file_of(what)
            if given is not None:
                if not given.is_file():
                    raise BadInput(f"{ADDRESSES[what][0]} names {given}, which is no file: correct it")
                url, validators = str(given), {"etag": f"{given.stat().st_mtime_ns}-{given.stat().st_size}"}
                if state.get(what) == {**validators, "url": url}:
                    report.unchanged += 1
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(given, target)
            else:
                try:
                    url = address(what)
                except BadInput as error:
                    report.notes.append(str(error))
                    continue
                known = (
                    state.get(what, {}) if target.exists() and state.get(what, {}).get("url") == url else {}
                )
                fetched = http.download(url, target, known)
                if fetched is None:
                    report.unchanged += 1
                    continue
                validators = fetched
            report.pages += 1
            importing = {
                "cpv": reference.import_cpv,
                "naf": reference.import_naf,
                "cog": reference.import_communes,
            }
            try:
                count = importing[what](target)
            except BadInput as error:
                raise Unreachable(
                    f"{what}: {error} Set {ADDRESSES[what][0]}; the tables in use stay."
                ) from None
            lacked = reference.beyond_shipped(what)
            report.notes.append(f"{what}: {count} codes kept, {lacked} that the shipped table lacks")
            report.records += count
            state[what] = {**validators, "url": url}
            _save(folder, state)
        report.requests = http.requests
    return report


def _file_of(what: str) -> Path | None:
    """The local file that the variable of a list names, None where it names an address or nothing."""
    told = address_of(ADDRESSES[what][0])
    if not told or urlsplit(told).scheme in ("http", "https", "ftp"):
        return None
    return Path(urlsplit(told).path if told.startswith("file:") else told)
