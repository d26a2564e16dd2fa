"""A digest as CSV for a French spreadsheet: one row a lot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matcher.outreach import spreadsheet
from matcher.outreach.digest_formats._words import table

MEDIA = spreadsheet.CSV
SUFFIX = ".csv"


def render(content: Mapping[str, Any]) -> bytes:
    return spreadsheet.to_csv(table(content))
