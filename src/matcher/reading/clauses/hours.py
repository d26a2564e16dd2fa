"""Insertion hours stated in a notice: one number per lot ("lot 1, 120 h ; lot 2, 240 h"), a total, a list to sum, or one number.

A number counts where its unit follows or, once hours are mentioned, where it fills a label, a bracket or a cell.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from matcher.reading.clauses.sentences import APART, Sentence
from matcher.reference.prose import lots_named

LotFigures = list[tuple[float, frozenset[str]]]


class Quantity(NamedTuple):
    value: float
    before: str
    after: str


#: "1 500", "1.500", "350", "néant"; in "le lot 2 120 heures" the number is 120.
_NUMBER = re.compile(
    r"\b(?<!lot )(\d{1,3}(?:[ .\u202f]\d{3})+|\d{1,6}|neant|sans objet|aucune?(?= ?(?:[.;,|\n]|$|heure))|(?:pas d'|sans )(?=heure))(?![\d/])"
)
_UNIT = re.compile(r"\)?[ ._]*(?:h|heures?)\b")
#: "Heures d'insertion : lot 1 : 610 ; lot 2 (240)", "Voirie | 310", "un volume fixé à 350", "respectivement 70 et 55"
_OPENS = re.compile(r"(?:[:=|(?+]|\b(?:soit|total|exige|respectivement|dont|de|a)|\d(?:,| et))[\s._…]*$")
_CLOSES = re.compile(r"\s*(?:$|[\n.,;:|)(+—-]|(?:sur|aux?|et|l[ae]|pour les? lots?)\b)")
#: "5 %", "20 points"
_FIGURE = re.compile(r"\b(\d{1,3}(?:,\d{1,2})?) ?(?:%|points?\b|pts\b)")
#: Smaller numbers are times of day, visits or rates: "de 9 h à 12 h", "2 heures pour 25 heures travaillées".
_FEW = 20
_REACH = 180  # characters that a label reaches

#: "14 heures de formation", "35 heures par semaine": hours of something else than insertion and work.
#: "12 500 heures, dont 8 %", "60 heures par tranche de 100 000 €"
_OF_OTHER = re.compile(
    r" ?(?:de (?!travail)|d'(?!insertion|emploi|activite)|par semaine|hebdo)|[^.;]{0,40}\b(?:dont \d+ ?%|tranches? de [\d .]{3})"
)
#: "une formation de 14 heures", "la visite dure 3 heures"; "8 % des 7 000 heures", "initialement fixé à 400"
_OTHER_LASTS = re.compile(
    r"\bformation(?: (?!et\b)[\w']+)?\W*$|\bdur\w+ (?:de )?$|\b(?:estim|montant|prix|cout|surface)[^|.;:\d]{0,30}: $|% des? $|\bx $|\b(?:initial\w*|au lieu d[e']|[a-z]{2,}(?<![fhr])ait)\b[^.;,]{0,40}$|(?:^|[.;:])\W*sur (?:les )?$"
)
#: "soit 600 h sur trois ans", "total : 280", "600 heures au total"
_TOTAL = re.compile(r"\b(?:soit\b|total|global)")
#: "lot 1 : 90 h, lot 2 : 60 h", "plomberie 90 h – chauffage 160 h"; not "1 200 h, dont 300 h", "350 h pour 300 exigées"
_LISTED = re.compile(
    r"(?!.*\b(?:dont|soit|est)\b)[^.;|]{0,40}?(?:[,;|/+\n—-]|\. |\b(?:et|puis)\b)", re.DOTALL
)
#: "400 h pour le lot 1, 220 h pour le lot 2"
_FOR_LOT = re.compile(r"\W*pour les? lots?\b")
#: "300 heures chacun", "90 heures par lot"
_EACH = re.compile(r"\bchacune?\b|\bpar lot\b")
#: "2 (210 h)", "02 | Charpente | 130": the number of a lot opens a bracket or a row.
_ROW = re.compile(r"[\s,:]0*(\d{1,2}) ?\([^()\d]*$|\n0*(\d{1,2}) ?[|/;][^\n\d]*$")
#: "Lot 2 : 75 h", "Tranche optionnelle : 120 heures", "2 | Bordures | 130": goes on with the hours of the sentence before.
_GOES_ON = re.compile(r"\W*(?:pour )?(?:l[ea]s? )?(?:lot|tranche|annee|total|neant|sans objet|aucun|\d)")
_AHEAD = 3_000  # characters of a list or a table that are read on


def _numbers(run: str) -> Iterator[tuple[int, int, float]]:
    """Candidate numbers, (start, end, hours): those with the unit, and those that fill a label near the word "heures"."""
    for found in _NUMBER.finditer(run):
        start, end = found.span()
        hours = float(re.sub(r"\D", "", found.group(1)) or 0)
        unit = _UNIT.match(run, end)
        spoken = "heure" in run[max(0, start - _REACH) : end + 80]
        filled = spoken and _OPENS.search(run[max(0, start - 60) : start]) and _CLOSES.match(run, end)
        owed = (unit or filled) if hours >= _FEW else unit and not hours
        end = unit.end() if unit else end
        if owed and not (_OF_OTHER.match(run, end) or _OTHER_LASTS.search(run[max(0, start - 80) : start])):
            yield start, end, hours


def _around(run: str, found: list[tuple[int, int, float]]) -> list[Quantity]:
    """Each number of a run, (start, end, value), with the words up to those before and after it."""
    ends = [0, *(end for _, end, _ in found)]
    starts = [*(start for start, _, _ in found[1:]), len(run)]
    return [
        Quantity(value, run[max(0, before - 1) : start], run[end:after])
        for (start, end, value), before, after in zip(found, ends, starts, strict=False)
    ]


def by_lot(run: str, in_order: bool = True) -> LotFigures:
    """The percentages or points that a run gives each of its lots, also `in_order`; empty unless it is about two."""
    figures = [(*one.span(), float(one[1].replace(",", "."))) for one in _FIGURE.finditer(run)]
    return _by_lot(_around(run, figures), in_order)


def _lots_of(piece: str) -> frozenset[str]:
    """The lots that a piece of text names last, by "lot 2" or by position in a list or row."""
    if lots := lots_named(piece, last=True):
        return lots
    row = _ROW.search(piece)
    return frozenset({row.group(1) or row.group(2)} if row else ())


def _by_lot(found: list[Quantity], in_order: bool = True) -> LotFigures:
    """The hours of each lot: each number has lots on the same side, or "lots 1 et 2 : 90 h et 60 h"."""
    if len(found) < 2:
        return []
    before, after = [one.before for one in found], [one.after for one in found]
    for sides in (after, before) if all(map(_FOR_LOT.match, after)) else (before, after):
        lots = [_lots_of(side) for side in sides]
        if all(lots) and len(set(lots)) > 1:
            first = {named: one.value for named, one in reversed(list(zip(lots, found, strict=True)))}
            return [(hours, named) for named, hours in reversed(first.items())]
    listed = sorted(_lots_of(found[0].before), key=lambda lot: (len(lot), lot))
    if in_order and len(listed) == len(found):
        return [(one.value, frozenset({lot})) for one, lot in zip(found, listed, strict=True)]
    return []


def stated_hours(run: str) -> LotFigures:
    """The hours of insertion that a folded run of sentences states, with the lots that each number is for; [] for none."""
    found = _around(run, list(_numbers(run)))
    if not found:
        return []
    most = max(found, key=lambda one: one.value)
    total = len(found) > 1 and (_TOTAL.search(most.before[-40:]) or "total" in most.after[:25])
    listed = _by_lot(found) or _by_lot([one for one in found if one is not most or not total])
    if listed or total:
        return listed or [(most.value, frozenset())]
    different = len({one.value for one in found}) > 1  # else the same number said again
    if different and all(_LISTED.match(one.before) for one in found[1:]):
        return [(sum(one.value for one in found), lots_named(run))]
    lots = _lots_of(found[0].before) or lots_named(found[0].after)
    if _EACH.search(run):
        return [(found[0].value, frozenset({lot})) for lot in sorted(lots)] or [(found[0].value, lots)]
    return [(found[0].value, lots)]


def owed_at(
    plain: str, found: Sequence[Sentence], at: int
) -> list[tuple[float | None, float | None, frozenset[str]]]:
    """(hours, share, lots) stated from sentence `at` on, in it and those that go on with it; else in its neighbours; else None."""
    start, last = found[at].span[0], at
    alone = found[at].lots if stated_hours(found[at].plain) else frozenset()
    while last + 1 < len(found) and found[last + 1].span[1] < start + _AHEAD:
        end, then = found[last].span[1], found[last + 1]
        in_row = "|" in plain[end : then.span[0]]
        more = plain[end - 1] not in ".!?" and stated_hours(then.plain)
        other = alone and then.lots and alone.isdisjoint(then.lots)
        if other or not (in_row or more or _GOES_ON.match(then.plain)):
            break
        last += 1
    around = found[max(0, at - 8) : at + 7]
    wider = APART.sub("", plain[around[0].span[0] : around[-1].span[1]])
    run = APART.sub("", plain[start : found[last].span[1]])
    here = stated_hours(run)
    if not any(number for number, _ in here) and (shares := by_lot(run)):
        return [(None, per_cent / 100, lots) for per_cent, lots in shares if per_cent]
    own = found[at].lots
    stated = here or [one for one in stated_hours(wider) if not (own and one[1]) or own & one[1]]
    none = not any(lots and lots >= own for _, lots in stated)
    return [(number, None, lots) for number, lots in stated if number] or [(None, None, frozenset())] * none
