"""The amount and the duration of a lot that a text states; what is read in a text is marked inferred.

Only an amount called value, maximum or estimate of the contract counts; the estimate of works in a design contest,
prizes, fees, thresholds, required turnovers and references do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from matcher.domain import Lot

#: What a text holds that states an amount.
_STEMS = ("montant", "maxim", "estim", "valeur")
#: "Accord-cadre avec un maximum annuel de 92 000 euros HT", "Montant estimé : 50 000 € HT"
_AMOUNT = re.compile(
    r"(?:montants?|maximum|maximal|estim\w*|valeur)\b[^.;\d]{0,60}?"
    r"(\d{1,3}(?:[ .\u202f]\d{3})+|\d{4,9})(?:[.,]\d{1,2})?\s?(?:€|euros?\b|eur\b)"
)
#: "Estimation des travaux : 4 275 000 €", "prime de 25 000 €", "achats d'un montant supérieur à 428 000 €", "entre 7 et 9 M€"
_OF_OTHERS = re.compile(
    r"\b(?:travaux|partie|prime|indemnite|seuil|chiffres? d'affaire|reference|garanti|provision|penalit|caution|assur|budget"
    r"|droits? d'|loyer|tranche|superieur|plus de |entre |par (?:bon de )?(?:commande|candidat|operation|periode))"
)
#: "Montant minimum de 20 000 €"; in "sans montant minimum et avec un maximum de 90 000 €" the amount is the maximum.
_LEAST = re.compile(r"\bmini(?!.*\bmaxi)", re.DOTALL)
_YEARLY = re.compile(r"\bannuel|\bpar an\b|/ ?an\b")
#: "durée du marché : 24 mois", "La durée est fixée à 4 ans"
_DURATION = re.compile(
    r"dur.{1,2}e(?: \w+){0,6}? ?(?:est (?:fix\w* a|de)|de|:|fix\w* a) ?(\d{1,3})(?: \([\w-]+\))? (mois|ans?|annees?)\b"
)
#: "une durée de vie de 8 ans", "deux prolongations d'une durée de 1 an", "conception et exploitation pour une durée de 15 ans"
_LASTS_OTHERWISE = re.compile(
    r"\b(?:vie|garantie|prolong\w+|reconduc\w+|option\w*|validite|consultable)\b|(?<!d')\bexploitation\b"
)
#: Placeholder typed into forms that require a value.
SYMBOLIC = 1.0  # euros


def amount(*texts: str) -> tuple[float, str] | None:
    """(euros, "year" or "total") where folded texts state one maximum, estimate or value, and one only; else None."""
    stated = dict(one for text in texts for one in _amounts(text))
    return next(iter(stated.items())) if len(stated) == 1 else None


def _amounts(plain: str) -> Iterator[tuple[float, str]]:
    if not (("€" in plain or "eur" in plain) and any(stem in plain for stem in _STEMS)):
        return
    for found in _AMOUNT.finditer(plain):
        start, end = found.span()
        before = re.split(r"[.;]", plain[max(0, start - 120) : start])[-1]
        near, after = (
            re.split(r"[.;\d]", side) for side in (plain[max(0, start - 80) : start], plain[end : end + 40])
        )
        phrase = f"{near[-1]}{found.group()}"
        if not (_OF_OTHERS.search(phrase + after[0]) or _LEAST.search(phrase)):
            yearly = _YEARLY.search(f"{before}{phrase}{after[0]}")
            yield float(re.sub(r"\D", "", found.group(1))), "year" if yearly else "total"


def duration(*texts: str) -> float | None:
    """The months of the contract where folded texts state one duration, and one only; else None."""
    found = {
        float(match.group(1)) * (1 if match.group(2) == "mois" else 12)
        for plain in texts
        for match in (_DURATION.finditer(plain) if "dur" in plain else ())
        if not _LASTS_OTHERWISE.search(plain[max(0, match.start() - 30) : match.end()])
    }
    return found.pop() if len(found) == 1 else None


def completed(lot: Lot, *texts: str) -> dict[str, Any]:
    """The fields of a lot that its folded texts state where no field does, named in `inferred`.

    An amount stated by a field is kept, unless symbolic; the texts may state that it is yearly.
    """
    read: dict[str, Any] = {}
    inferred = list(lot.inferred)
    stated, said = lot.amount if lot.amount and lot.amount > SYMBOLIC else None, amount(*texts)
    if said and stated is None:
        read["amount"], read["amount_period"] = said
        inferred.append("amount")
    elif stated != lot.amount:
        read["amount"] = None
    elif said == (stated, "year"):
        read["amount_period"] = "year"
    if lot.duration_months is None and (months := duration(*texts)) is not None:
        read["duration_months"] = months
        inferred.append("duration_months")
    return read | {"inferred": tuple(dict.fromkeys(inferred))}
