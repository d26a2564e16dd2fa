"""Invented records as publishers write them (data/published.json), and tables of cases (data/cases.json)."""

import json
from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import cache
from io import BytesIO
from operator import attrgetter
from pathlib import Path
from typing import Any

from matcher import plugins
from matcher.domain import Rejected, Tender

DATA = Path(__file__).parent / "data"


@cache
def _file(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / name).read_text(encoding="utf-8"))
    return found


def published(name: str, /, **changes: Any) -> dict[str, Any]:
    """A record of a publisher with these changes; a field changed to ... is left out."""
    record = deepcopy(_file("published.json")[name]) | changes
    return {field: value for field, value in record.items() if value is not ...}


def filled(name: str, **parts: str) -> bytes:
    """A notice whose text in the folder of data has places for these parts."""
    return (DATA / name).read_text(encoding="utf-8").format(**parts).encode()


def parted(found: Iterable[Any]) -> tuple[list[Any], list[Rejected]]:
    """What a reader read, and what it set aside."""
    read, aside = [], []
    for each in found:
        (aside if isinstance(each, Rejected) else read).append(each)
    return read, aside


def notice_of(source: str, data: bytes) -> Tender:
    """The only notice that a source reads."""
    (tender,) = plugins.find("reading.sources", source).read(BytesIO(data), "notice")
    assert isinstance(tender, Tender), tender
    return tender


def facts(record: Any, fields: str) -> Any:
    """The values of these fields of a record."""
    return attrgetter(*fields.split())(record)


def under(records: Iterable[Any], fields: str) -> tuple[Any, ...]:
    """The values of these fields of each record; of what is a tuple, those of each in it."""
    return tuple(tuple(_at(record, field) for field in fields.split()) for record in records)


def _at(record: Any, path: str) -> Any:
    if isinstance(record, tuple):
        return tuple(_at(each, path) for each in record)
    name, _, rest = path.partition(".")
    return _at(getattr(record, name), rest) if rest else getattr(record, name)


def cases(name: str) -> list[list[Any]]:
    """The rows of a table of cases, without their notes."""
    return [
        [cell for cell in row if not isinstance(cell, dict) or "note" not in cell]
        for row in _file("cases.json")[name]
    ]


def tupled(name: str) -> list[list[Any]]:
    """The rows of a table of cases whose cells may be tuples."""
    return [[tuples(cell) for cell in row] for row in cases(name)]


def tuples(cell: Any) -> Any:
    """A cell whose lists are tuples."""
    return tuple(map(tuples, cell)) if isinstance(cell, list) else cell


def misread(name: str, read: Callable[..., Any]) -> dict[str, Any]:
    """Of the rows of a table, whose last cell is what is told of the others, those that are read otherwise."""
    found = {str(given): (tuples(read(*given)), told) for *given, told in tupled(name)}
    return {given: read for given, (read, told) in found.items() if read != told}
