"""The amount and the duration of a lot that a text states; what is read in a text is marked inferred.

Only an amount called value, maximum or estimate of the contract counts; the estimate of works in a design contest,
prizes, fees, thresholds, required turnovers and references do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from matcher.domain import Lot
from matcher.reference.prose import folded

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
_TURNOVER = re.compile(
    r"(?:chiffres? d'affaires?\b[^;\d]{0,120}?|^\W*)(\d{1,3}(?:[ .\u202f]\d{3})+|\d{5,9})(?:,\d{1,2})? ?(?:€|eur)"
)
_WORDS = "une? deux trois quatre cinq six sept huit neuf dix".split()
_TENS = dict(
    zip(
        "douze dix-huit vingt-quatre trente-six quarante-huit soixante".split(),
        (12, 18, 24, 36, 48, 60),
        strict=True,
    )
)
_COUNT = rf"(\d{{1,3}}|{'|'.join((*_WORDS, *_TENS))})(?: ?\([\w-]+\))?"
_LENGTH = rf"{_COUNT} (?:nouvelles? )?(mois|ans?|annees?)\b"
#: "durée du marché : 24 mois", "La durée est fixée à 4 ans", "une période ferme de douze (12) mois"
_DURATION = re.compile(
    rf"(?:dur.{{1,2}}e(?: [\w'-]+){{0,6}}? ?(?:est (?:fix\w* a|de)|de|:|fix\w* a)|periode (?:ferme|initiale) d[e']|elle est fixee a) ?{_LENGTH}"
)
#: "une durée de vie de 8 ans", "deux prolongations d'une durée de 1 an", "conception et exploitation pour une durée de 15 ans"
_LASTS_OTHERWISE = re.compile(
    r"\b(?:vie|garantie|prolong\w+|recon\w+|renouvel\w+|maxim\w+|total\w*|option\w*|validite|consultable)\b|(?<!d')\bexploitation\b"
)
#: "reconductible 3 fois", "trois reconductions", "pour 3 périodes de 1 an", "dans la limite de quatre (4) fois"
_RENEWED = re.compile(r"\b(?:recond\w+|renouvel\w+|prolong\w+|prorog\w+)")
_TIMES = re.compile(
    rf"\b{_COUNT} (?:fois\b|(?:\w+ )?(?:reconduction|renouvellement)s?\b)|\breconductions?(?: \w+){{0,3}} (?:de|a) {_COUNT}(?! ?\(| mois| an)"
)
_PERIODS = re.compile(rf"\b{_COUNT} (?:\w+ )?periodes?\b")
#: "par périodes successives de 12 mois", "3 fois 1 an", "deux reconductions d'un an chacune"
_EACH = re.compile(
    r"\b(?:fois|periodes?|reconductions?|chacune)(?: \w{6,14})?,?"
    rf"(?: (?:de|par (?:periode|duree)s? d[e']|est de|pour|(?:pour |d')une (?:nouvelle )?(?:duree|periode) d[e']))? ?(?:d')?{_LENGTH}"
)
#: "soit une durée maximale de huit ans", "sans que sa durée totale ne puisse excéder 48 mois"
_WHOLE = re.compile(rf"\b(?:total\w*|maxim\w+|exced\w+|soit)\b(?: \w+){{0,4}}? {_LENGTH}")
#: Placeholder typed into forms that require a value.
SYMBOLIC = 1.0  # euros


def amount(*texts: str) -> tuple[float, str] | None:
    """(euros, "year" or "total") where folded texts state one maximum, estimate or value, and one only; else None."""
    stated = {one[:2] for text in texts for one in _amounts(text)}
    return stated.pop() if len(stated) == 1 else None


def maximum(*texts: str) -> float | None:
    """The total that folded texts call a maximum, and one only; else None."""
    stated = {euros for text in texts for euros, period, most in _amounts(text) if most and period == "total"}
    return stated.pop() if len(stated) == 1 else None


def _amounts(plain: str) -> Iterator[tuple[float, str, bool]]:
    """(euros, "year" or "total", whether it is called a maximum)"""
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
            yield _euros(found), "year" if yearly else "total", "maxim" in phrase


def duration(*texts: str) -> float | None:
    """The months of the contract where folded texts state one duration, and one only; else None."""
    durations = {
        _months(*match.groups())
        for plain in texts
        for match in (_DURATION.finditer(plain) if "dur" in plain or "periode" in plain else ())
        if not _LASTS_OTHERWISE.search(plain[max(0, match.start() - 30) : match.end()])
    }
    return durations.pop() if len(durations) == 1 else None


def _number(word: str) -> int:
    words = {**{one.rstrip("?"): n for n, one in enumerate(_WORDS, 1)}, "un": 1, "une": 1}
    return int(word) if word.isdigit() else (words | _TENS)[word]


def _months(number: str, unit: str) -> float:
    return float(_number(number) * (1 if unit == "mois" else 12))


def renewals(stated: float | None, *texts: str) -> dict[str, Any]:
    """`duration_months`, `renewals`, `renewal_months` as folded texts state them; {} where they name no renewal.

    `stated` are the months of the field, which holds the initial period or the whole: the whole is cut down to the
    initial period where the texts state that sum.
    """
    for plain in texts:
        for found in _RENEWED.finditer(plain):
            before = plain[max(0, found.start() - 300) : found.end()]
            part = plain[max(0, found.start() - 20) : found.end() + 260]
            times, each = _TIMES.search(part) or _PERIODS.search(part), _EACH.search(part)
            whole = _WHOLE.search(part)
            count = _number(next(filter(None, times.groups()))) if times else None
            length, most = (_months(*one.groups()) if one else None for one in (each, whole))
            if count or (length and most):
                return _renewed(stated, duration(before) or duration(plain), count, length, most)
    return {}


def _renewed(
    stated: float | None, initial: float | None, count: int | None, each: float | None, whole: float | None
) -> dict[str, Any]:
    """The initial period, the number and the length of renewals from what is stated of them and of their sum."""
    first = initial or stated
    if count is None and first and each and whole and whole > first:
        count = round((whole - first) / each)
    if not count:
        return {}
    if stated and each and stated == whole and not initial:
        first = stated - count * each
    elif stated and stated == whole and not each:
        first = each = stated / (count + 1)
    elif stated and not (initial and each and stated in (initial + count * each, whole)):
        first = stated
    return {
        "duration_months": first if first and first > 0 else stated,
        "renewals": count,
        "renewal_months": each,
    }


def turnover(text: str) -> float | None:
    """The yearly turnover that a text requires of every candidate; None where none, or one for each lot, is stated."""
    plain = folded(text)
    amounts = {_euros(one) for one in _TURNOVER.finditer(plain)}
    return amounts.pop() if len(amounts) == 1 and "lot" not in plain and "cumul" not in plain else None


def _euros(found: re.Match[str]) -> float:
    return float(re.sub(r"\D", "", found.group(1)))


def completed(lot: Lot, own: str, general: str = "", alone: bool = True) -> dict[str, Any]:
    """The fields of a lot that its folded texts state where no field does, named in `inferred`.

    `general` is the text of the whole notice: of several lots it states the renewals alone.  An amount stated by a
    field is kept, unless symbolic; the texts may state that it is yearly.
    """
    texts = (own, general) if alone else (own,)
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
    if lot.amount_max is None and (most := maximum(*texts)) is not None and most >= (stated or 0.0):
        read["amount_max"] = most
    if lot.duration_months is None and (months := duration(*texts)) is not None:
        read["duration_months"] = months
        inferred.append("duration_months")
    if lot.renewals is None:
        read |= renewals(lot.duration_months or read.get("duration_months"), own, general)
    return read | {"inferred": tuple(dict.fromkeys(inferred))}
