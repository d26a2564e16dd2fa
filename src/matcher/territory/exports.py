"""Answers of the desk as files: printable HTML pages and workbooks that no spreadsheet runs as formulas."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from matcher.reference.french import euros, grouped
from matcher.spreadsheet import Sheet, to_xlsx


@cache
def _environment() -> Any:
    pages = Path(__file__).parent / "pages"
    loader = FileSystemLoader(pages)
    made = Environment(
        loader=loader,
        autoescape=select_autoescape(("html", "svg")),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    made.filters["euros"] = partial(euros, unknown="inconnu")
    made.filters["number"] = number
    made.filters["percent"] = percent
    return made


def page(name: str, **values: Any) -> str:
    """A whole HTML page, printable, without any outside host; every text is escaped."""
    return filled(f"{name}.html", **values)


def filled(template: str, **values: Any) -> str:
    """A template of `pages` with these values."""
    return str(_environment().get_template(template).render(**values))


def number(value: float | None) -> str:
    """A rounded number with French thousands."""
    return "inconnu" if value is None or value != value else grouped(value)


def percent(value: float | None) -> str:
    """A share from 0 to 1 as a percentage."""
    return "inconnu" if value is None or value != value else f"{grouped(100 * value, 1)} %"


def workbook(sheets: Mapping[str, Iterable[Mapping[str, Any]]], notes: Sequence[str] = ()) -> bytes:
    """An XLSX of one sheet for each list of rows, and one for the sources; texts are never formulas."""
    listed = {**sheets, "Sources": [{"source": note} for note in notes]}
    return to_xlsx(*(_sheet(name, list(rows)) for name, rows in listed.items()))


def _sheet(name: str, rows: Sequence[Mapping[str, Any]]) -> Sheet:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = ([_cell(row.get(column)) for column in columns] for row in rows)
    longest = [max((len(str(row.get(column) or "")) for row in rows[:200]), default=0) for column in columns]
    widths = [min(60, max(10, n + 2, len(column) // 2)) for n, column in zip(longest, columns, strict=True)]
    heading = columns or ["(aucune ligne)"]
    return Sheet(title=name[:31], rows=[heading, *cells], widths=widths or [20], frozen="A2")


def _cell(value: Any) -> Any:
    if value is None or value != value:
        return None
    if isinstance(value, bool):
        return "oui" if value else "non"
    return value if isinstance(value, int | float) else str(value)
