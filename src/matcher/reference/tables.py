"""Location and parsing of reference tables, and of keys, under the user's own folder."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

from matcher.domain import BadInput
from matcher.reference.paths import reference_dir, write_whole
from matcher.reference.text import clean, fold


def user_dir() -> Path:
    """The user's own tables: `MATCHER_HOME`, by default `~/.local/share/maillage`."""
    stated = os.environ.get("MATCHER_HOME")
    return Path(stated) if stated else Path.home() / ".local" / "share" / "maillage"


def assumptions_file(name: str) -> Path:
    """A table of `data/assumptions`: the user's own where there is one, else the one shipped."""
    own, shipped = _places(name, user_dir())
    return own if own.is_file() else shipped


def assumptions(name: str) -> list[dict[str, str]]:
    """The rows of a table of `data/assumptions`."""
    return list(csv_rows(assumptions_file(name)))


@lru_cache(maxsize=256)  # asked for every lot, and joining paths takes longer than looking
def _places(name: str, home: Path) -> tuple[Path, Path]:
    return home / "assumptions" / name, reference_dir().parent / "assumptions" / name


#: Official lists that the user imported; kept in `user_dir`, they take precedence over the shipped ones.
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
    """Write a user table with its header, and clear the cached old one."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_whole(user_dir() / name, text.getvalue())
    forget()


#: Cached readers of tables, cleared by `forget`.
_READERS: list[Any] = []

F = TypeVar("F", bound=Callable[..., Any])


def remembered(maxsize: int | None = None) -> Callable[[F], F]:
    """Decorate a reader of tables: its last `maxsize` answers (None: all) are kept until `forget` is called."""

    def decorate(reader: F) -> F:
        kept = lru_cache(maxsize)(reader)
        _READERS.append(kept)
        return cast("F", kept)

    return decorate


def forget() -> None:
    """Clear all cached tables: after an import, or under another `MATCHER_HOME`."""
    for reader in _READERS:
        reader.cache_clear()


def _rows(name: str) -> Iterator[list[str]]:
    path = reference_dir() / name
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode("utf-8")
    rows = csv.reader(io.StringIO(text, newline=""))
    next(rows)
    return rows


@remembered()
def _column(name: str, place: int) -> Mapping[str, str]:
    """The first cell of each row -> the one at a place, of a shipped table."""
    return {row[0]: row[place] for row in _rows(name)}


@cache
def lists(name: str) -> dict[str, Any]:
    """What a JSON file of `data/reference` holds: lists and codes by their names."""
    content: dict[str, Any] = json.loads((reference_dir() / name).read_text(encoding="utf-8"))
    return content


def code_list(of: str) -> dict[str, Any]:
    """What published codes mean: a list of `codes.json`."""
    meanings: dict[str, Any] = lists("codes.json")[of]
    return meanings


def _listed(path: str | Path, columns: str) -> Iterator[dict[str, str]]:
    """The rows of a CSV file, headings in lower case.  Raises BadInput when it cannot be read."""
    try:
        for row in csv_rows(Path(path)):
            cells = ((name or "", value) for name, value in row.items() if isinstance(value, str))
            yield {name.strip().lower(): value for name, value in cells}
    except csv.Error as error:
        raise BadInput(f"{path} ne peut être lu ({error}) : il faut les colonnes {columns}.") from None


def csv_rows(path: Path) -> csv.DictReader[str]:
    """The rows of a CSV file in UTF-8, compressed where its name ends in .gz, whichever of comma, semicolon and tab separates.  Raises BadInput."""
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} ne peut être lu ({error}) : donnez un fichier CSV en UTF-8.") from None
    first = text.split("\n", 1)[0]
    return csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))


def named_rows(path: Path, headings: Mapping[str, str]) -> tuple[set[str], Iterator[dict[str, str]]]:
    """The fields that a CSV file has, and its rows by field; `headings` maps folded headings to fields."""
    rows = csv_rows(path)
    folded = {name: fold(name.strip()) for name in rows.fieldnames or ()}
    fields = {name: headings[heading] for name, heading in folded.items() if heading in headings}
    read = ({field: clean(row.get(name)) for name, field in fields.items()} for row in rows)
    return set(fields.values()), read


def stated_or_made(variable: str, least: int, name: str) -> bytes:
    """The key of a variable of the environment, else the one of the file of this name.  Raises BadInput for one that is too short."""
    key = os.environ.get(variable, "")
    if key and len(key) < least:
        raise BadInput(f"{variable} is too short: give {least} random characters or more")
    return key.encode() or made_once(name)


def made_once(name: str) -> bytes:
    """The key in the file of this name under `MATCHER_HOME`: 64 hexadecimal digits, of which none ever reads a part."""
    path = user_dir() / name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        # a name of its own: two threads that make it at once must not write one file
        part = path.with_name(f"{name}.{secrets.token_hex(6)}")
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as sink:
            sink.write(secrets.token_hex(32))
            sink.flush()
            os.fsync(sink.fileno())
        with suppress(FileExistsError):  # another made it first: theirs is used
            os.link(part, path)
        part.unlink()
    return path.read_bytes().strip()
