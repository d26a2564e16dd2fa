"""The hours of insertion that a French notice states, with the lots they are for: "lot 1, 120 h ; lot 2, 240 h".

A number of hours counts when it is of insertion: those of a course, of opening, of a delay, of a clock do not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from matcher.prose import LOST, lots_named

Told = list[tuple[float | None, frozenset[str]]]

_NUMBER = r"(?P<number>\d{1,3}(?:[ .\u202f]\d{3})+|\d{1,6})(?:,(?P<decimals>\d{1,2}))?"
_HOURS = re.compile(rf"(?<![\d.,/]){_NUMBER}\)?\s*(?:h|heures?)\b(?!\s*\d)")
_LABELLED = re.compile(
    rf"\bheures?\b[^.;\d]{{0,90}}?(?::|=|\||est de|fixe a|fix[e{LOST}]{{1,2}} a|de|a|soit|minimum|minimal)\s*{_NUMBER}"
    r"(?!\d|\s*(?:%|euros?|eur\b|€|mois|ans?\b|jours?|/|[.-]\d|personnes?|lots?|e?re?\b|eme|e\b|°))"
)
_EACH = re.compile(rf"(?<![\d.,/]){_NUMBER}(?=\s*(?:,|et\b|puis\b|heures?))")
_WORDS = {
    "un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8, "neuf": 9, "dix": 10,
    "onze": 11, "douze": 12, "treize": 13, "quatorze": 14, "quinze": 15, "seize": 16, "vingt": 20, "vingts": 20,
    "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60, "cent": 100, "cents": 100, "mille": 1000,
}  # fmt: skip
_SPELT = re.compile(r"\b(?P<words>(?:(?:" + "|".join(_WORDS) + r")[\s-]+(?:et[\s-]+)?)+)heures?\b")
#: Times of the day, delays and rounds of the clock: blanked before any number is read.
_CLOCK = re.compile(
    r"\b\d{1,2}\s*(?:h|heures)\s*\d{2}\b|\b\d{1,2}\s*(?:h|heures)?\s*(?:-|/|a|et)\s*\d{1,2}\s*(?:h|heures)\b|\b24 ?h ?/ ?24"
    rf"|\b(?:avant|entre|vers|sous|jusqu'a|d[e{LOST}]{{1,2}}lais? de|dans les|heures? limite[^.;\d]{{0,20}}|a partir de|des) \d{{1,2}}\s*(?:h|heures)\b"
    r"|\b(?:a|de) \d{1,2} ?h\b(?! (?:d'|d[eu]|par|minimum|maximum))"
)
#: What a number of hours is of, when it is not of insertion; and what hours are for a length of time.
_OTHER = (
    r"\b(?:"
    r"formation|ouvert|amplitude|astreinte|intervention|semaine|hebdo|pr.avis|(?<!volume )horaire|nuit\b|m.nage|nettoyage|pr.sence"
    r"|assistance|conduite|gardiennage|t.l.phon|retard|par jour|ouvr[ae]|accueil|permanence|animation|cours\b|enseignement"
    r"|accompagnement|d.placement|maintenance|surveillance|d.veloppement|int.rim\b|utilisation|fonctionnement|tutorat|occupation|conseil\b)"
)
_OTHER_AFTER = re.compile(
    rf"^\s*(?:(?:de|d'|en|par|du|a|au|/)\s*)?(?:(?:la|l'|travail de|prestations? de|service d[e'])\s*)?(?:{_OTHER})"
)
_OTHER_BEFORE = re.compile(rf"(?:{_OTHER}|d.lai)[^,;:()]*$")
_OF_INSERTION = re.compile(
    rf"\binsertion|\bparcours|loign|demandeurs?|\bpublics?\b|personnes\b|\brsa\b|\bjeunes\b|ch.meur|habitants|"
    rf"difficult|b.n.ficiaires|allocataires|travailleurs|{LOST}loign"
)
_SLICE = re.compile(
    r"\btranches? (?:ferme|optionnelle|conditionnelle|\d)|\bpremi.{1,2}re?\b|\bsecond|\bdeuxi|\btroisi|\bquatri|\bphase \d|\bann.{1,2}e \d|\bp.riode (?:initiale|ferme|\d)|\breconduction|\bsite d[eu']|\bsecteur\b"
)
_TOTAL = re.compile(r"\btotal|\bglobal|\bensemble\b|\ben tout\b|\bau cumul|\bcumul")
_PART = re.compile(r"\b(?:dont|y compris|parmi lesquelles|soit|incluant|sur lesquelles)\b[^.;:]{0,12}$")
_EACH_LOT = re.compile(r"^[^.;,]{0,30}\b(?:chacune?|par lot|pour chaque|pour chacun|sur chaque)\b")
_LEFT_OUT = re.compile(
    r"\b(?:hors|sauf|hormis|except.{1,2}|(?:a l'exception|exclusion) (?:de|du|des))\s*(?:le |la |les |des |du )?lots?\s*(?:n°\s*)?\d+(?:\s*(?:,|et)\s*\d+\b(?! ?\d{3}))*"
)
_UNSAID = re.compile(
    r"\b(?:a|reste\w* a) (?:d.{1,2}terminer|d.{1,2}finir|pr.{1,2}ciser|fixer|convenir)|\bsera (?:pr.{1,2}cis|d.{1,2}fini|fix)"
)
#: What opens a sentence that goes on telling hours.
_GOES_ON = re.compile(
    r"^\W*(?:(?:et|puis|pour|sur|au titre|soit|en) )*(?:du |de la |le |la |les |l'|un |une )?(?:lots?\b|tranches?\b|phase|ann.{1,2}e|second|deuxi|premi|total|volume|nombre|minimum|objectif|quota|plancher|engagement|heures?\b|\d)"
)
_SOME_HOURS = re.compile(r"\d\s*\)?\s*(?:h|heures?)\b|\bheures?\b[^.;]{0,40}\d")
_A_NUMBER = re.compile(r"^\W*\d[\d \u202f.]*\W*$")
_HEADED = re.compile(
    r"\bfix|r.{1,2}serv|consacr|confi|volume|minimum|minimal|nombre|r.alis|effectu|objectif|soit|quota|engag|plancher"
)
_NOT_THERE = re.compile(
    r"\b(?:ne|n')\s?\w+[^.;]{0,30}\b(?:pas|aucune?|ni)\b|\bouverte? a\b|\br.{1,2}serv.{1,2}(?:e|s|es)?\b"
)


def spelt(words: str) -> int:
    """The number that folded French words spell: "mille deux cents" is 1,200; 0 where there is none."""
    total = current = 0
    for word in re.split(r"[\s-]+", words.strip()):
        value = _WORDS.get(word, 0)
        if value == 1000:
            total, current = (total + max(current, 1) * 1000), 0
        elif value == 100:
            current = max(current, 1) * 100 if current < 100 else current + 100
        elif value == 20 and current % 100 == 4:
            current += 76  # quatre-vingts
        else:
            current += value
    return total + current


@dataclass(frozen=True, slots=True)
class _Mention:
    start: int
    end: int
    hours: float


def _value(found: re.Match[str], skipped: int = 0) -> float:
    whole = float(re.sub(r"\D", "", found.group("number")[skipped:]))
    decimals = found.group("decimals")
    return whole + (int(decimals) / 10 ** len(decimals) if decimals else 0.0)


def _blanked(run: str) -> str:
    for pattern in (_CLOCK, _LEFT_OUT):
        run = pattern.sub(lambda found: " " * len(found.group()), run)
    return run


def _mentions(run: str) -> list[_Mention]:
    """Every number of hours in a run that may be of insertion, in order."""
    for pattern in (_HOURS, _LABELLED, _SPELT):
        found = []
        for match in pattern.finditer(run):
            before = re.split(r"[.;,:()]|\bet\b", run[max(0, match.start() - 48) : match.start()])[-1]
            after = re.split(r"[.;,:()]|\bet\b", run[match.end() : match.end() + 32])[0]
            skipped = 0
            if pattern is _SPELT:
                if spelt(match.group("words")) < 2 and re.match(r"\s*(?:pour|par)\b", run[match.end() :]):
                    continue  # "une heure pour 2 000 euros" is a rate
                hours = float(spelt(match.group("words")))
            else:
                number = match.group("number")
                if re.search(r"\blots?\s*(?:n\s*°?\s*)?$", run[: match.start()][-12:]) and " " in number:
                    skipped = number.index(" ") + 1  # "le lot 2 120 heures" is no 2,120
                hours = _value(match, skipped)
            if re.search(
                r"(?:%|pour ?cent) (?:des|de|du) $", run[max(0, match.start() - 14) : match.start()]
            ):
                continue  # "5 % des 7 000 heures": the base of a share
            if hours < 1 or _OTHER_AFTER.match(after) or _OTHER_BEFORE.search(before):
                continue
            found.append(_Mention(match.start() + skipped, match.end(), hours))
        if found:
            return found
    return []


def _lots_of(piece: str) -> frozenset[str]:
    """The lots that a piece of text names last."""
    at = piece.rfind("lot")
    return lots_named(piece[at:]) if at >= 0 else frozenset()


def _by_lot(run: str, found: list[_Mention], beside: dict[_Mention, str]) -> Told:
    """The hours of each lot where every number has lots of its own beside it, else nothing."""
    pieces = [_lots_of(beside[m]) for m in found]
    if len(found) < 2 or not all(pieces) or len(set(pieces)) < 2:
        return []
    given: dict[frozenset[str], float] = {}
    for m, piece in zip(found, pieces, strict=True):
        given.setdefault(piece, m.hours)
    rest = lots_named(run).difference(*pieces)
    unsaid: Told = [(None, rest)] if rest and _UNSAID.search(run) else []
    return [*((hours, piece) for piece, hours in given.items()), *unsaid]


def told(run: str) -> Told:
    """The hours of insertion that a folded run of sentences states, with the lots that each number is for.

    A stated total stands alone; hours that follow lots, one after the other, go to these lots; slices ("tranche
    ferme", "la seconde année") are summed; else the first number holds for the lots that are named.
    """
    run = _blanked(run)
    named = lots_named(run)
    respective = run.find("respectivement")
    if respective >= 0:
        numbers = [_value(m) for m in _EACH.finditer(run, respective)]
        asked = lots_named(run[:respective]) or lots_named(run[respective:])
        in_order = sorted(asked, key=lambda lot: (int(re.sub(r"\D", "", lot)), lot))
        if len(numbers) > 1 and len(in_order) in (0, len(numbers)):
            if in_order:
                return [(n, frozenset({lot})) for n, lot in zip(numbers, in_order, strict=True)]
            return [(sum(numbers), frozenset())]
    found = _mentions(run)
    if not found:
        return [(None, named)]
    ends = [0, *(m.end for m in found)]
    starts = [*(m.start for m in found), len(run)]
    before = {m: run[ends[i] : m.start] for i, m in enumerate(found)}
    after = {m: run[m.end : starts[i + 1]] for i, m in enumerate(found)}
    explicit = [m for m in found if _OF_INSERTION.search(re.split(r"[.;:]", after[m][:70])[0])]
    label = {
        m: bool(_lots_of(before[m]) or _SLICE.search(before[m]) or _SLICE.search(after[m])) for m in found
    }
    if explicit:
        found = [m for m in found if m in explicit or label[m]]
    first = found[0]
    for m in found[1:]:
        if m.hours > first.hours and re.search(
            r"\bsoit\s*(?:\w+ ){0,2}$", run[max(0, m.start - 24) : m.start]
        ):
            return [(m.hours, named)]  # "200 h par an, soit 600 h"
    by_lot = _by_lot(run, found, before)
    if by_lot:
        return by_lot
    inside = run.find("(", first.end)
    closing = run.find(")", inside) if inside >= 0 else -1
    found = [
        m
        for m in found
        if m is first or not (_PART.search(run[max(0, m.start - 30) : m.start]) or inside < m.start < closing)
    ]
    for m in found:
        if len(found) > 1 and _TOTAL.search(run[max(0, m.start - 30) : m.end + 25]):
            return [(m.hours, frozenset())]
    if (
        re.search(r"\b(?:chacune? des|chaque|chacun) [^.;:]{0,24}$|\bchacun des lots", before[first])
        and len(found) == 1
    ):
        lots = _lots_of(before[first])
        if len(lots) > 1:
            return [(first.hours, frozenset({lot})) for lot in sorted(lots)]
    if _EACH_LOT.match(after[found[-1]]) and len(found) == 1 and len(lots := _lots_of(before[first])) > 1:
        return [(first.hours, frozenset({lot})) for lot in sorted(lots)]
    if len(found) > 1:
        by_lot = _by_lot(run, found, before) or _by_lot(run, found, after)
        if by_lot:
            return by_lot
        for beside in (before, after):
            if all(_SLICE.search(beside[m]) for m in found):
                return [(sum(m.hours for m in found), named)]
    own = _lots_of(before[first]) or lots_named(after[first])
    rest = named - own
    if own and rest and _UNSAID.search(run[first.end :]):
        return [(first.hours, own), (None, rest)]
    return [(first.hours, own or named)]


def run_end(plain: str, spans: list[tuple[int, int]], at: int) -> int:
    """The position where the sentences that go on telling the hours of sentence `at` end."""
    end = spans[at][1]
    has_hours = bool(_mentions(_blanked(plain[spans[at][0] : end])))
    for start, stop in spans[at + 1 : at + 13]:
        sentence = plain[start:stop]
        if len(plain[end:start].strip()) > 3 or "\n\n" in plain[end:start]:
            break
        heads = not has_hours and _HEADED.search(sentence) is not None
        if not has_hours and _A_NUMBER.match(sentence) and "heure" in plain[spans[at][0] : end]:
            return stop  # a form: "Nombre d'heures d'insertion | 1 250"
        if not (_GOES_ON.match(sentence) or heads) or _NOT_THERE.search(sentence):
            break
        if not _SOME_HOURS.search(sentence) and not _UNSAID.search(sentence) and not _SPELT.search(sentence):
            if re.search(r"sans objet|n.ant|aucune", sentence):
                continue
            break
        has_hours, end = True, stop
    return end
