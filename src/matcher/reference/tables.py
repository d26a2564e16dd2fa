"""Where reference tables lie, and how their rows are read."""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TypeVar

from matcher.domain import BadInput
from matcher.reference.paths import reference_dir


def user_dir() -> Path:
    """The user's own tables: `MATCHER_HOME`, by default `~/.local/share/maillage`."""
    return Path(os.environ.get("MATCHER_HOME") or Path.home() / ".local" / "share" / "maillage")


def assumptions_file(name: str) -> Path:
    """A table of `data/assumptions`: the user's own where there is one, else the one shipped."""
    own = user_dir() / "assumptions" / name
    return own if own.is_file() else reference_dir().parent / "assumptions" / name


#: Official lists that the user imported; they lie in `user_dir` and go before those shipped.
OFFICIAL_CPV, OFFICIAL_NAF, OFFICIAL_COMMUNES = "cpv.csv", "naf.csv", "communes.csv"


def _own_rows(name: str) -> Iterator[list[str]]:
    """The rows of a table that the user imported, none where there is none."""
    path = user_dir() / name
    if not path.is_file():
        return
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        next(rows, None)
        yield from rows


def _keep(name: str, rows: list[tuple[str, ...]]) -> None:
    """Write a table of the user's, its headings first, and forget what was read of the old one."""
    target = user_dir() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    coming = target.with_suffix(".coming")
    with coming.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
    coming.replace(target)
    forget()


class Cached(Protocol):
    """What `functools.cache` makes of a function."""

    def cache_clear(self) -> None: ...


C = TypeVar("C", bound=Cached)
_read: list[Cached] = []


def forgotten_on_import(function: C) -> C:
    """Mark a cached function as one that reads the user's tables, so that `forget` clears it."""
    _read.append(function)
    return function


def forget() -> None:
    """Read every table again when next asked: after an import, or under another `MATCHER_HOME`."""
    for function in _read:
        function.cache_clear()


def _rows(name: str) -> Iterator[list[str]]:
    path = reference_dir() / name
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode("utf-8")
    rows = csv.reader(io.StringIO(text, newline=""))
    next(rows)
    return rows


def _listed(path: str | Path, columns: str) -> Iterator[dict[str, str]]:
    """The rows of a CSV file, headings in lower case.  Raises BadInput when it cannot be read."""
    source = Path(path)
    try:
        text = source.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{source} ne peut être lu ({error}) : donnez un fichier CSV en UTF-8.") from None
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter):
            yield {
                (name or "").strip().lower(): value for name, value in row.items() if isinstance(value, str)
            }
    except csv.Error as error:
        raise BadInput(f"{source} ne peut être lu ({error}) : il faut les colonnes {columns}.") from None
