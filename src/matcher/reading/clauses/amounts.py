"""The amount and the duration of a lot that a text states; what is read in a text is marked inferred.

Only an amount called value, maximum or estimate of the contract counts; the estimate of works in a design contest,
prizes, fees, thresholds, required turnovers and references do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from matcher.domain import Lot

#: "Accord-cadre avec un maximum annuel de 92 000 euros HT", "Montant estimé : 50 000 € HT"
_AMOUNT = re.compile(
    r"(?:montants?|maximum|maximal|estim\w*|valeur)\b[^.;\d]{0,60}?"
    r"(\d{1,3}(?:[ .\u202f]\d{3})+|\d{4,9})(?:[.,]\d{1,2})?\s?(?:€|euros?\b|eur\b)"
)
#: "Estimation des travaux : 4 275 000 €", "prime de 25 000 €", "achats d'un montant supérieur à 428 000 €", "entre 7 et 9 M€"
_OF_OTHERS = re.compile(
    r"\b(?:travaux|ouvrage|enveloppe|partie|prime|indemnite|seuil|chiffres? d'affaire|reference|avance|garanti|provision"
    r"|penalit|caution|franchise|assur|capital|budget|redevance|droits? d'|loyer|tranche|unitaire|similaire|subvention"
    r"|superieur|inferieur|excede|plus de |entre |prix de |(?:par|chaque|premiere) (?:bon de )?(?:commande|candidat|operation|periode))"
)
#: "Montant minimum de 20 000 €"; in "sans montant minimum et avec un maximum de 90 000 €" the amount is the maximum.
_MINIMUM, _MAXIMUM = re.compile(r"\bmini"), re.compile(r"\bmaxi")
#: Separators between an amount and its neighbours.
_APART = re.compile(r"[.;\d]")
_YEARLY = re.compile(r"\bannuel|\bpar an\b|/ ?an\b")
#: "durée du marché : 24 mois", "La durée est fixée à 4 ans"
_DURATION = re.compile(
    r"dur.{1,2}e(?: \w+){0,6}? ?(?:est (?:fix\w* a|de)|de|:|fix\w* a) ?(\d{1,3})(?: \([\w-]+\))? (mois|ans?|annees?)\b"
)
#: "une durée de vie de 8 ans", "durée de garantie de 9 ans", "deux prolongations d'une durée de 1 an"
_LASTS_OTHERWISE = re.compile(r"\b(?:vie|garantie|prolong\w+|reconduc\w+|option\w*|validite)\b")


#: What a text holds that states an amount.
_STEMS = ("montant", "maxim", "estim", "valeur")


def _least(words: str) -> bool:
    """Do words speak of a minimum, and of no maximum after it?"""
    *_, last = [None, *_MINIMUM.finditer(words)]
    return last is not None and not _MAXIMUM.search(words, last.end())


def amount(*texts: str) -> tuple[float, str] | None:
    """(euros, "year" or "total") where folded texts state one maximum, estimate or value, and one only; else None."""
    stated = dict(one for text in texts for one in _amounts(text))
    return next(iter(stated.items())) if len(stated) == 1 else None


def _amounts(plain: str) -> Iterator[tuple[float, str]]:
    if not (("€" in plain or "eur" in plain) and any(stem in plain for stem in _STEMS)):
        return
    for found in _AMOUNT.finditer(plain):
        before, after = (
            _APART.split(plain[: found.start()][-80:])[-1],
            _APART.split(plain[found.end() :][:40])[0],
        )
        phrase = f"{before}{found.group()}{after}"
        if not (_OF_OTHERS.search(phrase) or _least(before + found.group())):
            value = float(re.sub(r"\D", "", found.group(1)))
            sentence = re.split("[.;]", plain[: found.start()][-120:])[-1] + phrase
            yield value, "year" if _YEARLY.search(sentence) else "total"


def duration(*texts: str) -> float | None:
    """The months of the contract where folded texts state one duration, and one only; else None."""
    found = {
        float(match.group(1)) * (1 if match.group(2) == "mois" else 12)
        for plain in texts
        for match in (_DURATION.finditer(plain) if "dur" in plain else ())
        if not _LASTS_OTHERWISE.search(plain[max(0, match.start() - 30) : match.end()])
    }
    return found.pop() if len(found) == 1 else None


#: Placeholder typed into forms that require a value.
SYMBOLIC = 1.0  # euros


def completed(lot: Lot, *texts: str) -> Lot:
    """The lot with the amount and duration that its folded texts state where no field does, named in `inferred`.

    An amount stated by a field is kept, unless symbolic; the texts may state that it is yearly.
    """
    stated = lot.amount if lot.amount and lot.amount > SYMBOLIC else None
    made = lot if stated == lot.amount else replace(lot, amount=None)
    stated_amount = amount(*texts)
    if stated_amount and stated is None:
        made = _inferred(made, "amount", amount=stated_amount[0], amount_period=stated_amount[1])
    elif stated_amount == (stated, "year"):
        made = replace(made, amount_period="year")
    months = duration(*texts) if lot.duration_months is None else None
    return made if months is None else _inferred(made, "duration_months", duration_months=months)


def _inferred(lot: Lot, name: str, **values: Any) -> Lot:
    return replace(lot, inferred=tuple(dict.fromkeys([*lot.inferred, name])), **values)
