"""The amount and the duration of a lot that a text states; what is read in a text is marked inferred.

Only what is called the value, the maximum or the estimate of the contract counts.  The estimate of works in a design
contest, prizes, fees, thresholds, turnovers asked for and references are other things' amounts.
"""

from __future__ import annotations

import re
from dataclasses import replace

from matcher.domain import Lot
from matcher.reading.clauses.grammar import any_of
from matcher.reference.prose import folded

#: "Accord-cadre avec un maximum annuel de 92 000 euros HT", "Montant estimé : 50 000 € HT"
_NAMED = r"\b(?:montants?|maximum|maximal|estim\w*|valeur|plafond)\b"
_EUROS = r"(\d{1,3}(?:[ .\u202f]\d{3})+|\d{4,9})(?:[.,]\d{1,2})?\s?(?:€|euros?\b|eur\b)"
_AMOUNT = re.compile(rf"{_NAMED}[^.;\d]{{0,60}}?{_EUROS}([^.;\d]{{0,30}})")
#: "Estimation des travaux : 4 275 000 EUR HT", "prime de 25 000 €", "chiffre d'affaires minimum ...", "seuil"
_OF_OTHERS = any_of(
    r"\btravaux\b|\bouvrages?\b|\benveloppe\b|\bprim(?:e|es)\b|\bindemnite|\bprix de\b|\bseuils?\b",
    r"\bchiffres? d'affaires?\b|\breferences?\b|\bminim\w+|\bavances?\b|\bgaranti\w*|\bpenalit\w*|\bcaution\w*",
    r"\bfranchise|\bassur\w*|\bcapital\b|\bbudget\b|\bredevance|\bpar tranche|\bunitaire|\bcommande\b",
    r"\bsimilaires?\b|\bcapacites?\b|\bsubvention",
)
_YEARLY = re.compile(r"\bannuel|\bpar an\b|/ ?an\b|\ban(?:nee)?\b")
#: "durée du marché : 24 mois", "La durée est fixée à 4 ans"
_DURATION = re.compile(
    r"\bdur.{1,2}e(?: \w+){0,6}? ?(?:est (?:fix\w* a|de)|de|:|fix\w* a) ?(\d{1,3})(?: \([\w-]+\))? (mois|ans?|annees?|jours?)\b"
)


def amount(text: str) -> tuple[float, str] | None:
    """(euros, "year" or "total") where a text states one maximum, estimate or value, and one only; else None."""
    plain = folded(text)
    if "€" not in plain and "eur" not in plain:
        return None
    stated: dict[float, str] = {}
    for found in _AMOUNT.finditer(plain):
        around = plain[max(0, found.start() - 60) : found.end()]
        if not _OF_OTHERS.search(around):
            value = float(re.sub(r"\D", "", found.group(1)))
            stated[value] = "year" if _YEARLY.search(around[-130:]) else "total"
    return next(iter(stated.items())) if len(stated) == 1 else None


def duration(text: str) -> float | None:
    """The months of the contract where a text states one duration, and one only; else None."""
    plain = folded(text)
    if "dur" not in plain:
        return None
    factors = {"m": 1.0, "a": 12.0, "j": 12 / 365.2425}
    found = {round(int(number) * factors[unit[0]], 2) for number, unit in _DURATION.findall(plain)}
    return found.pop() if len(found) == 1 else None


def completed(lot: Lot, text: str) -> Lot:
    """The lot with the amount and duration that its text states where no field does, named in `inferred`.

    A field's amount keeps its value; the text may say that it is a year's.
    """
    said = amount(text)
    months = duration(text) if lot.duration_months is None else None
    if said is None and months is None:
        return lot
    inferred = list(lot.inferred)
    value, period = lot.amount, lot.amount_period
    if said and value is None:
        value, period = said[0], said[1]  # type: ignore[assignment]
        inferred += ["amount"]
    elif said and said == (value, "year"):
        period = "year"
    if months is not None:
        inferred += ["duration_months"]
    return replace(
        lot,
        amount=value,
        amount_period=period,
        duration_months=lot.duration_months if months is None else months,
        inferred=tuple(dict.fromkeys(inferred)),
    )
