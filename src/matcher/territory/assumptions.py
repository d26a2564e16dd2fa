"""What the desk takes for granted, as editable tables: each row has its reasoning, its source and its date.

A table is read from `MATCHER_HOME/assumptions` where the user keeps one of that name, else from
`data/assumptions`.  Raises BadInput with the line of a row that cannot be read.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from matcher.domain import BadInput
from matcher.reference import tables
from matcher.reference.identifiers import clean_date


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stated:
    """What every assumption has: a label, why, and where it was found."""

    key: str
    label: str
    reasoning: str = ""
    source: str = ""
    since: date | None = None

    def _with_reason(self, figure: str) -> str:
        day = f", {self.since:%d/%m/%Y}" if self.since else ""
        return f"{self.label} : {figure} ({self.reasoning} ; {self.source}{day})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption(_Stated):
    """One assumed figure."""

    value: float
    unit: str = ""

    def shown(self) -> str:
        """The assumption as a user reads it: figure, reasoning, source, date."""
        figure = f"{self.value:,g}".replace(",", "\u202f").replace(".", ",")
        unit = self.unit.removesuffix("s") if self.value < 2 else self.unit
        return self._with_reason(f"{figure} {unit}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Labour(_Stated):
    """The share of labour in a trade's price, 0 to 1, and the cost of an hour, euros before tax."""

    share: float
    hourly_cost: float

    def shown(self) -> str:
        """The assumption as a user reads it."""
        figure = f"{self.share:.0%} de main-d'œuvre, {self.hourly_cost:g} € HT de l'heure"
        return self._with_reason(figure).replace("%", " %")


S = TypeVar("S", bound=_Stated)
MOST = {"value": 1e9, "share": 1, "hourly_cost": 1000}  # of each figure


def _rows(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    try:
        reader = tables.csv_rows(path)
        rows = [(reader.line_num, {k: (v or "").strip() for k, v in row.items() if k}) for row in reader]
    except csv.Error as error:
        raise BadInput(f"{path} ne peut être lu ({error}) : donnez un fichier CSV en UTF-8") from None
    missing = [c for c in columns if not rows or c not in rows[0][1]]
    if missing:
        raise BadInput(f"{path} : il manque la colonne {', '.join(missing)} ; gardez les titres livrés")
    return rows


def _figure(text: str, path: Path, line: int, column: str) -> float:
    try:
        value = float(text.replace(",", ".").replace(" ", "").replace("\u202f", ""))
    except ValueError:
        value = float("nan")
    if not 0 <= value <= (most := MOST[column]):
        raise BadInput(f"{path}, ligne {line} : {column} vaut {text!r} ; il faut un nombre de 0 à {most:g}")
    return value


@lru_cache(maxsize=8)
def _table(path: Path, kind: type[S], *figures: str) -> Mapping[str, S]:
    """The assumptions of a file, by key; each has these figures."""
    table = {}
    for line, row in _rows(path, ("key", *figures)):
        facts: dict[str, Any] = {field.name: row[field.name] for field in fields(kind) if field.name in row}
        facts |= {name: _figure(row[name], path, line, name) for name in figures}
        if facts.get("hourly_cost") == 0:
            raise BadInput(f"{path}, ligne {line} : hourly_cost est nul ; donnez le coût d'une heure")
        facts |= {"label": row.get("label") or row["key"], "since": clean_date(row.get("since"))}
        table[row["key"]] = kind(**facts)
    return table


def desk() -> Mapping[str, Assumption]:
    """What advice and plans take for granted, by key."""
    return _table(tables.assumptions_file("desk.csv"), Assumption, "value")


def labour(path: Path | None = None) -> Mapping[str, Labour]:
    """Labour by trade; the keys "works", "services", "supplies" and "rest" stand for what names no trade."""
    path = path or tables.assumptions_file("labour.csv")
    table = _table(path, Labour, "share", "hourly_cost")
    if "rest" not in table:
        raise BadInput(f"{path} : il manque la ligne de clé rest, pour ce qui n'est pas reconnu")
    return table


def neighbours() -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Trade -> trades whose structures could learn it, each with the reason; both ways."""
    table: dict[str, list[tuple[str, str]]] = {}
    for _, row in _rows(tables.assumptions_file("neighbour_trades.csv"), ("trade", "neighbour")):
        one, other, why = row["trade"], row["neighbour"], row.get("reasoning", "")
        table.setdefault(one, []).append((other, why))
        table.setdefault(other, []).append((one, why))
    return {trade: tuple(near) for trade, near in table.items()}
