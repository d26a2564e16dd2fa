"""Tables for a French spreadsheet, as CSV and XLSX, no cell of which is ever run as a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from matcher.console import inert
from matcher.reference import deadline

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONGEST = 32_000  # characters of a cell; Excel refuses more than 32,767
FORMATS = {"moment": "dd/mm/yyyy hh:mm", "day": "dd/mm/yyyy"}  # a French reader's
FORMULA = ("=", "+", "-", "@")
_LINK = re.compile(r"https?://[^\s<>\"]{1,2000}")
WRAPPED = 2_000  # rows whose cells wrap and whose links open: openpyxl looks up each link among all before it


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
    """Sheets as a workbook, written row by row: no more than a row is held.  Raises TooLong past the deadline."""
    book = Workbook(write_only=True)
    for each in sheets:
        _fill(book.create_sheet(each.title), each)
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def _fill(sheet: WriteOnlyWorksheet, given: Sheet) -> None:
    letters = [get_column_letter(number) for number in range(1, len(given.widths) + 1)]
    for letter, width in zip(letters, given.widths, strict=True):
        sheet.column_dimensions[letter].width = width
    if given.frozen:  # before the rows: a sheet that is written row by row begins with it
        sheet.freeze_panes = given.frozen
    number, cell = 0, _cells(sheet)
    for number, row in enumerate(given.rows, 1):
        deadline.check()
        look = (
            ""
            if number > WRAPPED
            else "plain"
            if not given.heading
            else "heading"
            if number == 1
            else "wrapped"
        )
        sheet.append([cell(value, look) for value in row])
    if given.filtered and number:
        sheet.auto_filter.ref = f"A1:{letters[-1]}{number}"


def _cells(sheet: WriteOnlyWorksheet) -> Callable[[Any, str], WriteOnlyCell | None]:
    """Makes cells of a sheet; cells of one look share one style, which is most of the work."""
    styles: dict[tuple[str, str], Any] = {}

    def made(value: Any, look: str) -> WriteOnlyCell | None:
        if value is None or value == "":
            return None
        cell = WriteOnlyCell(sheet, _text(value) if isinstance(value, str) else value)
        kind = _kind(cell.value, bool(look))
        if kind in ("text", "quoted", "link"):
            cell.data_type = "s"  # never a formula: openpyxl would take a leading "=" for one
        if kind == "link":
            cell.hyperlink = cell.value
        if (kind, look) not in styles:
            if kind == "link":
                cell.style = "Hyperlink"
            cell.quotePrefix, cell.number_format = kind == "quoted", FORMATS.get(kind, "General")
            if look == "heading":
                cell.font = Font(bold=True)
            elif look == "wrapped":
                cell.alignment = Alignment(wrap_text=True, vertical="top")
            styles[kind, look] = cell._style
        cell._style = styles[kind, look]
        return cell

    return made


def _kind(value: Any, linked: bool) -> str:
    if isinstance(value, str):
        link = linked and _LINK.fullmatch(value)
        return "link" if link else "quoted" if value.startswith(FORMULA) else "text"
    return "moment" if isinstance(value, datetime) else "day" if isinstance(value, date) else ""


def _text(value: str) -> str:
    return str(ILLEGAL_CHARACTERS_RE.sub(" ", value))[:LONGEST]
