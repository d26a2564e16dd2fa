"""Insertion hours stated in a notice, by lot: "lot 1, 120 h ; lot 2, 240 h".

A number counts where its unit follows or, once hours are mentioned, where it fills a label, a bracket or a cell.
Hours of other things are excluded; the rest is one number per lot, a total, a list to sum, or one number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from matcher.reading.clauses.grammar import any_of
from matcher.reading.clauses.sentences import Sentence
from matcher.reference.prose import lots_named

LotHours = list[tuple[float | None, frozenset[str]]]

#: "1 500", "1.500", "350"; in "le lot 2 120 heures" the number is 120.
_NUMBER = re.compile(r"(?<![\d.,/])(?<!lot )(\d{1,3}(?:[ .\u202f]\d{3})+(?!\d)|\d{1,6})(?:,\d\d?)?(?![\d/])")
#: "350h", "1 500 (mille cinq cents) heures"; "9 h 30" is a time of the day.
_UNIT = re.compile(r"\)?[ ._]*(?:\([^()\d]{3,40}\) ?)?(?:h|heures?)\b(?! ?\d\d\b)")
#: "Heures d'insertion : lot 1 : 610 ; lot 2 (240)", "Voirie | 310", "un volume fixé à 350", "respectivement 70 et 55"
_OPENS = re.compile(
    r"(?:[:=|(?+]|\b(?:soit|total|minim\w+|moins|exige|respectivement|de|a|sur les)|\d(?:,| et|, et))[\s._…]*(?:environ )?$"
)
_CLOSES = re.compile(r"\s*(?:$|[\n.,;:|)(+—-]|(?:pour|sur|par|aux?|et|dans|en|l[ae])\b)")
#: Smaller numbers are times of day, visits or rates: "de 9 h à 12 h", "2 heures pour 25 heures travaillées".
_FEW = 20
#: Characters that a label reaches.
_REACH = 180

#: "14 heures de formation", "35 heures par semaine": hours of something else than insertion and work.
_OF_OTHER = re.compile(
    r" ?(?:de (?!travail|main|realis)|d'(?!insertion|emploi|activite)|en formation|par (?:semaine|jour|nuit)|hebdo)"
)
#: "une formation de 14 heures", "un délai de 48 heures", "la visite dure 3 heures"
_OTHER_LASTS = re.compile(
    r"\b(?:formation|delai|visite|reunion|cours)(?: (?!et\b)[\w']+)?\W*$|\bdur\w+ (?:de )?$"
)
#: "60 heures par tranche de 100 000 €", "une heure pour 2 000 euros"
_RATE = re.compile(
    r"\btranches? de [\d .]{3,}|^[^.;]{0,30}\b(?:pour|par) (?:chaque )?\d[\d .]*(?:euros|€|heures)"
)
#: "8 % des 7 000 heures", "Sur les 7 000 heures", "2 heures pour 25 heures travaillées"; "12 500 heures, dont 8 %"
_BASE_BEFORE = re.compile(
    r"% (?:des|de|du|sur) (?:les )?$|(?:^|[.;:])\W*sur (?:les )?$|heures?\b[^.;\d]{0,20}\bpour $"
)
_BASE_AFTER = re.compile(r"[^.;]{0,40}\bdont \d+ ?%")
#: "initialement fixé à 400", "au lieu de 400", "le précédent marché prévoyait 400", "n'est pas tenu aux 300"
_NOT_OWED = any_of(
    r"\b(?:initial\w*|au lieu d[e']|(?!fait)\w+ai(?:t|ent))\b[^.;,]{0,40}$",
    r"\bn(?:e |')\w+ (?:pas|plus)\b[^.;:,]{0,30}$",
)
#: "soit 600 h sur trois ans", "total : 280", "600 heures au total"
_TOTAL = re.compile(r"\b(?:soit\b|total|global)")
#: "lot 1 : 90 h, lot 2 : 60 h", "plomberie 90 h – chauffage 160 h"; not "1 200 h, dont 300 h", "350 h pour 300 exigées"
_LISTED = re.compile(
    r"(?!.*\b(?:dont|soit|minim|est)\b)(?=.*[a-z]{3})[^.;|]{0,40}?(?:[,;|/+\n—-]|\. |\b(?:et|puis)\b)",
    re.DOTALL,
)
#: "300 heures chacun", "90 heures par lot"
_EACH = re.compile(r"\bchacune?\b|\bpar lot\b")
#: "2 (210 h)", "02 | Charpente | 130": the number of a lot opens a bracket or a row.
_ROW = re.compile(r"(?:^|[\s,:])0*(\d{1,2}) ?\([^()\d]*$|(?:\n|[—:;-] )0*(\d{1,2}) ?[|/;][^\n\d]*$")
#: "Lot 2 : 75 h", "Première tranche : 120 heures", "2 | Bordures | 130": goes on with the hours of the sentence before.
_GOES_ON = re.compile(
    r"\W*(?:(?:et|puis|pour|soit) )?(?:l[ea]s? )?(?:lot|tranche|phase|annee|premiere|total|volume|heure|\d)"
)
#: Characters of a list or a table that are read on.
_AHEAD = 3_000


@dataclass(frozen=True, slots=True)
class Quantity:
    """A candidate number of hours, with the words up to the numbers before and after it."""

    start: int
    end: int
    hours: float
    before: str = ""
    after: str = ""


def _numbers(run: str) -> Iterator[Quantity]:
    """Candidate numbers: those with the unit, and those that fill a label near the word "heures"."""
    reach = -_REACH
    for found in _NUMBER.finditer(run):
        start, end = found.span()
        hours = float(re.sub(r"\D", "", found.group(1)))
        unit = _UNIT.match(run, end)
        spoken = start - reach < _REACH or "heure" in run[max(0, start - _REACH) : end + 30]
        filled = spoken and _OPENS.search(run[max(0, start - 60) : start]) and _CLOSES.match(run, end)
        if hours >= _FEW and (unit or filled):
            reach = unit.end() if unit else end
            yield Quantity(start, reach, hours)


def _quantities(run: str) -> list[Quantity]:
    """The hours that a run states as required, in order."""
    found = list(_numbers(run))
    ends = [0, *(one.end for one in found)]
    starts = [*(one.start for one in found[1:]), len(run)]
    around = (
        replace(one, before=run[max(0, end - 1) : one.start], after=run[one.end : start])
        for one, end, start in zip(found, ends, starts, strict=False)
    )
    return [one for one in around if _is_owed(one)]


def _is_owed(one: Quantity) -> bool:
    """Whether nothing near a number indicates that it measures something else or no longer applies."""
    return not (
        _OF_OTHER.match(one.after)
        or _OTHER_LASTS.search(one.before[-48:])
        or _RATE.search(one.before[-60:])
        or _RATE.search(one.after[:60])
        or _BASE_BEFORE.search(one.before[-30:])
        or _BASE_AFTER.match(one.after)
        or _NOT_OWED.search(one.before[-80:])
    )


def _lots_of(piece: str) -> frozenset[str]:
    """The lots that a piece of text names last, by "lot 2" or by position in a list or row."""
    at = piece.rfind("lot")
    if at >= 0 and (lots := lots_named(piece[at:])):
        return lots
    row = _ROW.search(piece)
    return frozenset({row.group(1) or row.group(2)} if row else ())


def _by_lot(found: list[Quantity]) -> LotHours:
    """The hours of each lot: each number has lots on the same side, or "lots 1 et 2 : 90 h et 60 h"."""
    if len(found) < 2:
        return []
    for sides in ([one.before for one in found], [one.after for one in found]):
        lots = [_lots_of(side) for side in sides]
        if all(lots) and len(set(lots)) > 1:
            first = {named: one.hours for named, one in reversed(list(zip(lots, found, strict=True)))}
            return [(hours, named) for named, hours in reversed(first.items())]
    listed = sorted(_lots_of(found[0].before), key=lambda lot: (len(lot), lot))
    if len(listed) == len(found):
        return [(one.hours, frozenset({lot})) for one, lot in zip(found, listed, strict=True)]
    return []


def _total(found: list[Quantity]) -> Quantity | None:
    """The number stated as the total of others."""
    most = max(found, key=lambda one: one.hours)
    return most if len(found) > 1 and _TOTAL.search(f"{most.before[-40:]} # {most.after[:25]}") else None


def stated_hours(run: str) -> LotHours:
    """The hours of insertion that a folded run of sentences states, with the lots that each number is for."""
    found = _quantities(run)
    if not found:
        return [(None, lots_named(run))]
    total = _total(found)
    by_lot = _by_lot([one for one in found if one is not total])
    if by_lot or total:
        return by_lot or [(total.hours, frozenset())]  # type: ignore[union-attr]
    different = len({one.hours for one in found}) > 1  # else the same number said again
    if different and all(_LISTED.match(one.before) for one in found[1:]):
        return [(sum(one.hours for one in found), lots_named(run))]
    lots = _lots_of(found[0].before) or lots_named(found[0].after) or lots_named(run)
    if _EACH.search(run):
        return [(found[0].hours, frozenset({lot})) for lot in sorted(lots)] or [(found[0].hours, lots)]
    return [(found[0].hours, lots)]


def hours_at(plain: str, found: Sequence[Sentence], at: int) -> LotHours:
    """The hours stated from sentence `at` on, in it and those that go on with it; else in its neighbours."""
    start, last = found[at].span[0], at
    while last + 1 < len(found) and found[last + 1].span[1] < start + _AHEAD:
        end, then = found[last].span[1], found[last + 1]
        in_list, in_row = plain[end - 1] not in ".!?", "|" in plain[end : then.span[0]]
        more = re.search(r"\d ?h(?:eures?)?\b", then.plain) and (
            in_list or stated_hours(plain[start:end])[0][0] is None
        )
        if not (in_row or more or _GOES_ON.match(then.plain)):
            break
        last += 1
    stated = stated_hours(plain[start : found[last].span[1]])
    if stated[0][0] is not None:
        return stated
    around = found[max(0, at - 4) : at + 7]
    wider = stated_hours(plain[around[0].span[0] : around[-1].span[1]])
    return wider if sum(hours or 0 for hours, _ in wider) >= _FEW else stated
