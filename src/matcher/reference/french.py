"""French formatting of numbers and dates, and the time zone of French notices."""

from __future__ import annotations

import math
from datetime import date, datetime
from zoneinfo import ZoneInfo

#: The zone of every day and hour that a French notice or a page states.
PARIS = ZoneInfo("Europe/Paris")
MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)  # fmt: skip


def grouped(value: float, decimals: int = 0) -> str:
    """A number with thin spaces between thousands and a decimal comma: 45 000."""
    return f"{value:,.{decimals}f}".replace(",", "\u202f").replace(".", ",")


def euros(value: float | None, unknown: str = "—") -> str:
    """An amount in whole euros; `unknown` for None and NaN."""
    return unknown if value is None or not math.isfinite(value) else f"{grouped(value)} €"


def day(value: date | datetime | str | None, unknown: str = "—") -> str:
    """15/09/2026; a day in ISO form is read."""
    if isinstance(value, str):
        value = date.fromisoformat(value) if value else None
    return f"{value:%d/%m/%Y}" if value else unknown


def long_day(value: date) -> str:
    """1er mars 2026."""
    return f"{'1er' if value.day == 1 else value.day} {MONTHS[value.month - 1]} {value.year}"
