"""Duration and value of a lot as the code counts them: renewals included (R2121-1), a framework by its maximum (R2121-8).

The only reader of `amount`, `amount_period`, `amount_max` and of durations; amounts in words.
"""

import math
from dataclasses import replace

from matcher.domain import Lot
from matcher.reference.french import grouped

UNKNOWN = float("nan")


def months(lot: Lot) -> float:
    """Months of a lot with all its renewals, NaN where the initial duration is unknown.

    Renewals of unstated length last as long as the initial period.
    """
    if lot.duration_months is None:
        return UNKNOWN
    each = lot.duration_months if lot.renewal_months is None else lot.renewal_months
    return lot.duration_months + (lot.renewals or 0) * each


def total(lot: Lot, *, read: bool = True) -> float:
    """The value of a lot in euros over its whole duration, NaN where unknown or in another currency.

    A published total holds the renewals already; a yearly amount is multiplied by the years, at least one.  Without an
    estimate it is the maximum.  With `read=False` an amount that was only read in a text is unknown.
    """
    if lot.currency != "EUR":
        return UNKNOWN
    if lot.amount is None or (not read and "amount" in lot.inferred):
        return UNKNOWN if lot.amount_max is None else lot.amount_max
    return lot.amount * (_years(lot) or 1.0) if lot.amount_period == "year" else lot.amount


def yearly(lot: Lot) -> float:
    """The yearly part of a lot's value in euros.

    NaN where the value is unknown, only read in a text or in another currency, and for a total without duration.
    """
    value = total(lot, read=False)
    if lot.amount_period == "year" and lot.amount is not None:
        return value / (_years(lot) or 1.0)
    return value / (_years(lot) or UNKNOWN)


def covers(turnover: float | None, amount: float) -> bool:
    """Does a yearly turnover that is known cover a yearly amount that is known?"""
    return (turnover or 0.0) >= amount


def _years(lot: Lot) -> float | None:
    """The years of a lot with its renewals, at least one; None where its duration is unknown."""
    lasts = months(lot)
    return None if math.isnan(lasts) else max(1.0, lasts / 12.0)


def in_words(lot: Lot) -> str:
    """The published amount in French, "" where there is none; a total without duration is given as a total."""
    if lot.amount is None or "amount" in lot.inferred:
        return ""
    money = f"{grouped(lot.amount)} {'€' if lot.currency == 'EUR' else lot.currency}"
    if lot.amount_period == "year":
        return f"{money} par an"
    lasts = months(lot)
    return f"{money} au total" + ("" if math.isnan(lasts) else f", sur {lasts:.3g} mois".replace(".", ","))


def stated_in_words(lot: Lot) -> str:
    """The amount in French, whether published, read in the text (which is said), or a maximum alone."""
    if published := in_words(lot):
        return published
    if lot.amount is not None:
        return f"{in_words(replace(lot, inferred=()))} (lu dans le texte de l'avis)"
    if lot.amount_max is not None:
        return f"au plus {in_words(replace(lot, amount=lot.amount_max, amount_period='total'))}"
    return "montant non publié"


def lasting_in_words(lot: Lot) -> str:
    """The initial duration in French with its renewals, "" where it is unknown: "12 mois, renouvelable 3 fois, 48 mois en tout"."""
    if lot.duration_months is None:
        return ""
    times = f", renouvelable {lot.renewals} fois, {months(lot):.3g} mois en tout" if lot.renewals else ""
    return f"{lot.duration_months:.3g} mois{times}".replace(".", ",")
