"""What a lot is worth in a year, and how a sum is written."""

from __future__ import annotations

from matcher.domain import Lot
from matcher.reference.french import grouped


def yearly(lot: Lot) -> float:
    """The yearly part of a lot's amount in euros.

    NaN where the amount is unknown, read in a text only, or in another currency, and where a total has no duration.
    """
    if lot.amount is None or lot.currency != "EUR" or "amount" in lot.inferred:
        return float("nan")
    if lot.amount_period == "year":
        return lot.amount
    return lot.amount / max(1.0, lot.duration_months / 12.0) if lot.duration_months else float("nan")


def in_words(lot: Lot) -> str:
    """What the notice says of the money, in French, "" where it says nothing: a total without duration stays a total."""
    if lot.amount is None or "amount" in lot.inferred:
        return ""
    money = f"{grouped(lot.amount)} {'€' if lot.currency == 'EUR' else lot.currency}"
    if lot.amount_period == "year":
        return f"{money} par an"
    return f"{money} au total" + (
        f", sur {lot.duration_months:.3g} mois".replace(".", ",") if lot.duration_months else ""
    )
