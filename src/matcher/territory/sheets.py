"""Tables that people of a territory send (ledger, programme, buyers of a day): columns guessed by their headings."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from matcher.domain import BadInput, Rejected
from matcher.reading.sources import _tabular
from matcher.reference import deadline
from matcher.reference.text import clean, fold

T = TypeVar("T")
MOST = 200_000  # lines
LONGEST = 5_000  # characters of a cell


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows by field, each with its place in the file; the heading that each field was read from."""

    name: str
    columns: Mapping[str, str]
    rows: Sequence[tuple[str, Mapping[str, str]]]
    rejected: Sequence[Rejected]

    def parsed(self, parse: Callable[[str, Mapping[str, str]], T]) -> tuple[list[T], list[Rejected]]:
        """What `parse` makes of each place and row, and the rows rejected.  Raises BadInput where none is good."""
        good, bad = [], list(self.rejected)
        for where, row in self.rows:
            try:
                good.append(parse(where, row))
            except BadInput as error:
                bad.append(Rejected(path=self.name, record=where, reason=str(error)))
        if not good:
            raise BadInput(f"{self.name} : aucune ligne lisible ({bad[0].reason if bad else 'fichier vide'})")
        return good, bad


def read(
    data: bytes, name: str, fields: Mapping[str, str], needed: Mapping[str, str], most: int = MOST
) -> Sheet:
    """A table in CSV or XLSX; `fields` maps each field to words of its headings, `needed` names fields in French.

    Raises BadInput where it is no table, a needed column is missing, or it has over `most` lines.
    """
    named = {field: [word.replace("_", " ") for word in words.split()] for field, words in fields.items()}

    def score(headings: Sequence[str]) -> int:
        return len(_guessed(headings, named))

    columns: dict[str, str] = {}
    rows: list[tuple[str, Mapping[str, str]]] = []
    rejected: list[Rejected] = []
    for place, row in _tabular.rows(io.BytesIO(data), name, score):
        deadline.check()
        where = place.replace("row ", "ligne ").replace("line ", "ligne ")
        if isinstance(row, str):
            rejected.append(Rejected(path=name, record=where, reason=row))
            continue
        columns = columns or _guessed(list(row), named)
        if len(rows) >= most:
            raise BadInput(f"{name} : plus de {most} lignes ; envoyez-le en plusieurs fois")
        rows.append((where, {field: _text(row.get(heading)) for field, heading in columns.items()}))
    missing = [words for field, words in needed.items() if field not in columns]
    if missing:
        raise BadInput(f"{name} : il manque la colonne {', '.join(missing)} (première ligne)")
    return Sheet(name, columns, rows, rejected)


def _guessed(headings: Sequence[str], fields: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Field -> the heading that is one of its words, else that holds one, the first of them first; each is of one field."""
    given = (heading for heading in headings if heading)
    plain = {h: "".join(c if c.isalnum() else " " for c in fold(h)) for h in given}
    folded = {heading: " ".join(words.split()) for heading, words in plain.items()}
    found: dict[str, str] = {}
    for whole in (True, False):
        for field, words in fields.items():
            named = (
                heading
                for word in words
                for heading, key in folded.items()
                if (key == word if whole else f" {word}" in f" {key}") and heading not in found.values()
            )
            if field not in found and (heading := next(named, None)) is not None:
                found[field] = heading
    return found


def _text(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return clean(str(value))[:LONGEST] if value is not None else ""
