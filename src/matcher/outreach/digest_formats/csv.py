"""A digest as CSV for a French spreadsheet: semicolons, a byte-order mark, cells that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from matcher.console import inert
from matcher.outreach.digest_formats._words import COLUMNS, cells

MEDIA = "text/csv; charset=utf-8"
SUFFIX = ".csv"


def render(content: Mapping[str, Any]) -> bytes:
    sink = io.StringIO()
    writer = csv.writer(sink, delimiter=";", lineterminator="\r\n")
    writer.writerow([label for _, label in COLUMNS])
    writer.writerows([inert(cell) for cell in cells(item)] for item in content["items"])
    return sink.getvalue().encode("utf-8-sig")
