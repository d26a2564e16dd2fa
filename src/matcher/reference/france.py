"""French conventions: the clock that notices follow, and how amounts are written."""

from __future__ import annotations

from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


def grouped(value: float, decimals: int = 0) -> str:
    """A number with a narrow space between thousands and a decimal comma."""
    return f"{value:,.{decimals}f}".replace(",", "\u202f").replace(".", ",")


def euros(amount: float) -> str:
    """An amount in whole euros, as written in French."""
    return f"{grouped(amount)} €"
