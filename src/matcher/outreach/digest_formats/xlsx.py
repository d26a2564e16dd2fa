"""A digest as a spreadsheet (XLSX): one row a lot, every cell a text that no spreadsheet runs."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

from matcher.outreach.digest_formats._words import COLUMNS, cells

MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SUFFIX = ".xlsx"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
WIDTHS = {"Intitulé du lot": 45, "Objet du marché": 45, "Pourquoi vous": 60, "À savoir": 40}


def render(content: Mapping[str, Any]) -> bytes:
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.active
    sheet.title = "Avis"
    for column, (_, label) in enumerate(COLUMNS, 1):
        sheet.cell(1, column, label).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(column)].width = WIDTHS.get(label, 22)
    for row, item in enumerate(content["items"], 2):
        for column, text in enumerate(cells(item), 1):
            cell = sheet.cell(row, column, _CONTROL.sub(" ", text)[:32_000])
            cell.data_type = "s"  # a text, never a formula: openpyxl would take a leading "=" for one
            cell.quotePrefix = text.startswith(("=", "+", "-", "@"))
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "A2"
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()
