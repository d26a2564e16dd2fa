"""What a lot is worth in a year, and how a sum is written."""

from __future__ import annotations

from matcher.domain import Lot


def yearly(lot: Lot) -> float:
    """The yearly part of a lot's amount in euros, NaN where the amount is unknown or in another currency."""
    if lot.amount is None or lot.currency != "EUR":
        return float("nan")
    years = (lot.duration_months or 12.0) / 12.0
    return lot.amount if lot.amount_period == "year" else lot.amount / max(1.0, years)
