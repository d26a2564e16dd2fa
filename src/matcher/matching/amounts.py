"""Yearly value of a lot, and amounts in words."""

from __future__ import annotations

from matcher.domain import Lot
from matcher.reference.french import grouped


def yearly(lot: Lot) -> float:
    """The yearly part of a lot's amount in euros.

    NaN where the amount is unknown, only inferred from text or in another currency, and for a total without duration.
    """
    if lot.amount is None or lot.currency != "EUR" or "amount" in lot.inferred:
        return float("nan")
    if lot.amount_period == "year":
        return lot.amount
    return lot.amount / max(1.0, lot.duration_months / 12.0) if lot.duration_months else float("nan")


def in_words(lot: Lot) -> str:
    """The published amount in French, "" where there is none; a total without duration is given as a total."""
    if lot.amount is None or "amount" in lot.inferred:
        return ""
    money = f"{grouped(lot.amount)} {'€' if lot.currency == 'EUR' else lot.currency}"
    if lot.amount_period == "year":
        return f"{money} par an"
    return f"{money} au total" + (
        f", sur {lot.duration_months:.3g} mois".replace(".", ",") if lot.duration_months else ""
    )
