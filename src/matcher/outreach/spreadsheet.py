"""Tables for a French spreadsheet, as CSV and XLSX, no cell of which is ever run as a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from matcher.console import inert

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONGEST = 32_000  # characters of a cell; Excel refuses more than 32,767
WHEN, DAY = "dd/mm/yyyy hh:mm", "dd/mm/yyyy"  # a French reader's
_LINK = re.compile(r"https?://[^\s<>\"]{1,2000}")
WRAPPED = 2_000  # rows whose cells wrap: styling every row of a long list takes longer than writing it


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet: rows, the first of which is its heading unless `heading` is False; widths in characters."""

    title: str
    rows: Iterable[Sequence[Any]]
    widths: Sequence[float]
    frozen: str = ""  # the first cell that scrolls
    heading: bool = True
    filtered: bool = False  # arrows that filter, on the heading


def to_csv(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as CSV: semicolons, CRLF, UTF-8 with a byte-order mark."""
    sink = io.StringIO()
    writer = csv.writer(sink, delimiter=";", lineterminator="\r\n")
    writer.writerows([inert(value) for value in row] for row in rows)
    return sink.getvalue().encode("utf-8-sig")


def to_xlsx(*sheets: Sheet) -> bytes:
    """Sheets as a workbook."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for each in sheets:
        _fill(book.create_sheet(each.title), each)
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def _fill(sheet: Worksheet, given: Sheet) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    bold, wrapped = Font(bold=True), Alignment(wrap_text=True, vertical="top")
    for number, row in enumerate(given.rows, 1):
        sheet.append([_text(value) if isinstance(value, str) else value for value in row])
        for cell in sheet[number]:
            if isinstance(cell.value, datetime):
                cell.number_format = WHEN
            elif isinstance(cell.value, date):
                cell.number_format = DAY
            elif isinstance(cell.value, str):
                # a text, never a formula: openpyxl would take a leading "=" for one
                cell.data_type, cell.quotePrefix = "s", cell.value.startswith(("=", "+", "-", "@"))
                if _LINK.fullmatch(cell.value):
                    cell.hyperlink, cell.style = cell.value, "Hyperlink"
            if given.heading and number == 1:
                cell.font = bold
            elif given.heading and number <= WRAPPED:
                cell.alignment = wrapped
    for number, width in enumerate(given.widths, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    if given.filtered:
        sheet.auto_filter.ref = sheet.dimensions
    if given.frozen:
        sheet.freeze_panes = given.frozen


def _text(value: str) -> str:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    return str(ILLEGAL_CHARACTERS_RE.sub(" ", value))[:LONGEST]
