"""What a lot is worth in a year, and how a sum is written."""

from __future__ import annotations

from matcher.domain import Lot


def yearly(lot: Lot) -> float:
    """The yearly part of a lot's amount in euros.

    NaN where the amount is unknown, read in a text only, or in another currency, and where a total has no duration.
    """
    if lot.amount is None or lot.currency != "EUR" or "amount" in lot.inferred:
        return float("nan")
    if lot.amount_period == "year":
        return lot.amount
    return lot.amount / max(1.0, lot.duration_months / 12.0) if lot.duration_months else float("nan")
