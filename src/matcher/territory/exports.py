"""Answers of the desk as files: printable HTML pages and workbooks that no spreadsheet runs as formulas."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from matcher.reference.french import euros, grouped
from matcher.reference.text import shorten

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Path(__file__).parent / "pages"
    made = Environment(
        loader=FileSystemLoader(pages), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    made.filters["euros"] = partial(euros, unknown="inconnu")
    made.filters["number"] = number
    made.filters["percent"] = percent
    return made


def page(name: str, **values: Any) -> str:
    """A whole HTML page, printable, without any outside host; every text is escaped."""
    return str(_environment().get_template(f"{name}.html").render(**values))


def number(value: float | None) -> str:
    """A rounded number with French thousands."""
    return "inconnu" if value is None or value != value else grouped(value)


def percent(value: float | None) -> str:
    """A share from 0 to 1 as a percentage."""
    return "inconnu" if value is None or value != value else f"{grouped(100 * value, 1)} %"


def workbook(sheets: Mapping[str, Iterable[Mapping[str, Any]]], notes: Sequence[str] = ()) -> bytes:
    """An XLSX of one sheet for each list of rows, and one for the sources; texts are never formulas."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    book.remove(book.active)
    listed: dict[str, list[Mapping[str, Any]]] = {
        **{name: list(rows) for name, rows in sheets.items()},
        "Sources": [{"source": note} for note in notes],
    }
    for name, rows in listed.items():  # rows are mappings of plain cells
        sheet = book.create_sheet(name[:31])
        columns = list(dict.fromkeys(key for row in rows for key in row))
        sheet.append(columns or ["(aucune ligne)"])
        for cell in sheet[1]:
            cell.font = Font(bold=True)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
        for row in rows:
            sheet.append([_cell(row.get(column)) for column in columns])
        sheet.freeze_panes = "A2"
        for i, column in enumerate(columns, 1):
            longest = max((len(str(row.get(column) or "")) for row in rows[:200]), default=0)
            sheet.column_dimensions[get_column_letter(i)].width = min(
                60, max(10, longest + 2, len(column) // 2)
            )
        for line in sheet.iter_rows(min_row=2):
            for cell in line:
                if cell.data_type == "f":
                    cell.data_type = "s"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _cell(value: Any) -> Any:
    if value is None or value != value:
        return None
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, int | float):
        return value
    text = shorten("".join(c for c in str(value) if c.isprintable() or c in "\n\t"), 32_000)
    return "'" + text if text.startswith(_FORMULA) else text


def write(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, its folder made if needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    part.replace(path)
