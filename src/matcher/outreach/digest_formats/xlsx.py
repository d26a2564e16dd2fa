"""A digest as a spreadsheet (XLSX): one row a lot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matcher.outreach import spreadsheet
from matcher.outreach.digest_formats._words import COLUMNS, table

MEDIA = spreadsheet.XLSX
SUFFIX = ".xlsx"
WIDTHS = {"Intitulé du lot": 45, "Objet du marché": 45, "Pourquoi vous": 60, "À savoir": 40}


def render(content: Mapping[str, Any]) -> bytes:
    widths = [WIDTHS.get(label, 22) for _, label in COLUMNS]
    return spreadsheet.to_xlsx(
        spreadsheet.Sheet(title="Avis", rows=table(content, typed=True), widths=widths, frozen="A2")
    )
