"""Award criteria that a text lists: names, and weights where they are stated.

A list is paragraphs, numbered or dashed items, or parts of one sentence; where the items are of two levels, the first
level counts.  In running text only weights that make a whole are criteria of the award.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Literal

from matcher.domain import Criterion
from matcher.reference.prose import folded, in_figures
from matcher.reference.text import clean

#: A number of points or per cent.
NUMERAL = r"(\d{1,3}(?:[.,]\d{1,2})?)"
Unit = Literal["%", "points", ""]
#: "(pondération 15)", "coefficient 2", "notée sur 20"; "Performance sociale (15 points)", "7 sur 100"
_WEIGHT = re.compile(
    rf"\b(?:ponder\w+|coef\w*\.?|notee?s? sur|sur(?= ?\d{{1,2}}(?:[,;.)]|$)))\s?(?::|de)?\s?{NUMERAL} ?(%|points?)?"
    rf"|{NUMERAL} ?(/ ?20\b|%(?! (?:de ses|de leurs|des (?!points|notes)))|points?\b|pts?\b|(?:/|sur) ?100\b)"
)
#: "prix, coefficient 5 ; technique, coefficient 4 ; insertion, coefficient 1"
_COEFFICIENT = re.compile(rf"\bcoef\w*\.? ?:? ?{NUMERAL}")
#: "Total : 200 points", "un total de 500 points", "Chaque offre est notée sur 60 :", "Critères (sur 20)"
_TOTAL = re.compile(
    r"\btotal\b[^.;:\d]{0,30}(?:: ?|\bde )(\d{2,3})\b(?! ?[%h€e])|\b(?:offre|critere|bareme|grille)s?\b[^.;:\d]{0,30}\bsur (\d{2,3}) ?(?:points ?)?[:)–—-]"
    r"|\b(?:une note|notation) sur (\d{2,3})\b"
)
#: "10 points", "Pondération (pourcentage, valeur exacte) : 15.", "Ce critère est noté sur 20"
ONLY_WEIGHT = re.compile(
    r"\W?(?:ponder\w+(?: \([^()]{0,40}\))?[ :]{0,3})?\d[\d,]{0,5} ?(?:%|p\w+)?\W?$|.*\bnot(?:e|ation)"
)
#: "Volet social : 10", in a list of criteria; elsewhere it may be a number of hours.
_BARE_WEIGHT = re.compile(
    r"(?:[:=)]|\bsocia\w+|insertion(?: [a-z]+)?|\brse) ?(\d\d?(?:,\d\d?)?)(?=[.)]?$|[,.] [a-z])"
)
#: "Critère n° 2 :", "2)", "2.", "—", "a)" before an item.
_MARK = re.compile(
    r"\s*(?:(?P<named>crit[eè]res?(?: n ?[°º])? ?\d{1,2} ?[:.,)–—-]?)|(?P<number>\d{1,2} ?[.)/°-]+(?!\d))|(?P<dash>[-–—•▪●*])"
    r"|(?P<letter>(?:\d\.)?[a-z]\)))\s*",
    re.I,
)
#: Where one line holds several items: before "Critère 2 :" and "2)", after a semicolon or the weight of the item before.
_WITHIN = re.compile(
    r"(?<!sous) (?=crit[eè]res?(?: n ?[°º])? ?\d{1,2}\b)|(?<=[;,.:%]) ?(?=\d{1,2}[.)/] ?[^\W\d]|\d\.[a-z]\))| ?; ?"
    r"|(?<=[\d ]%)(?: ?\)?,? et|\)?[,/]|[.]? [–—-]) ?|(?<=[;,:]) [—–] |(?<=%)\.? (?-i:(?=[A-ZÀ-Ý]))",
    re.I,
)
#: Of a paragraph that lists nothing: it refers to a document, or introduces.
_NO_ITEM = re.compile(
    r"^\W*capacites? (?:prof|tech|econ|fin)|\b(?:voir|cf\b|se referer|jury|se reserve|il ne s'agit|precise|enonce|detaille|mentionne|indique|en cas de|ponder\w+ (?:des|sera))"
)
#: "La concession est attribuée sur la base des critères énoncés dans les documents du marché", the sentence of the form.
_ELSEWHERE = re.compile(
    r"\bla concession est attribuee|\ble prix n'est pas le seul critere|(?<![\w(-])criteres? (?:[\w']+ ){0,5}dans l"
)
_HEADING = re.compile(
    r"\b(?:crit[eè]res?|suivants?|priorit\w+|importance)\b[^:]{0,120}:\s*(?!\s|\d+ ?%)", re.I
)
#: "Critères de jugement des offres :", "les critères d'attribution suivants, pondérés :"; those of candidates are others.
_OF_AWARD = re.compile(
    r"(?<![\w-])(?<!sous )(?:(?=criteres? ?(?:n ?[°º])? ?1\b)|criteres?\b[^.:;\n]{0,100}(?:: ?|(?<![)\d])\n))"
)
_OF_CANDIDATES = re.compile(r"candida|selection(?! des offres)|participa|capacit")
_REACH, _BEFORE = 1_500, 200  # characters in which a list ends, and in which its sentence begins
_NAME = 300  # characters of a criterion's name
_WHOLE = (99.0, 101.0)  # the sum of weights


def listed(text: str) -> tuple[Criterion, ...]:
    """The criteria of a field that holds nothing else; empty where it refers to a document."""
    parts: list[str] = []
    for line in filter(None, (" ".join(line.split()) for line in in_figures(text).splitlines())):
        if line.endswith(":") and parts and _MARK.match(line) is None:
            if "critere" not in folded(line):
                break  # the list is over
            parts = []
        goes_on = line[0].islower() and parts and parts[-1][-1] not in ".,;:)" and not _MARK.match(line)
        if parts and (goes_on or _WEIGHT.fullmatch(folded(line))) and not weights(folded(parts[-1])):
            parts[-1] += f" {line}"
            continue
        parts += [part for part in _WITHIN.split(_without_heading(line)) if part and part.strip()]
    if not parts or "candidatures" in folded(parts[0]):  # how those who may tender are chosen
        return ()
    return _first_level(_between_commas(parts[0]) or parts if len(parts) == 1 else parts)


def _between_commas(sentence: str) -> list[str]:
    """The parts of a sentence, at least three, between commas that stand in no brackets; none where there are fewer."""
    parts: list[str] = []
    for part in sentence.rstrip(". ").split(", "):
        if parts and parts[-1].count("(") > parts[-1].count(")"):
            parts[-1] += f", {part}"
        else:
            parts.append(part)
    return parts if len(parts) > 2 else []


@lru_cache(64)  # the text of the whole is asked for each lot
def stated(text: str, plain: str) -> tuple[Criterion, ...]:
    """The criteria of the award that a text lists, with weights that make a whole or in points; `plain` is it folded."""
    if "critere" not in plain:
        return ()
    for heading in _OF_AWARD.finditer(plain):
        start, end = heading.span()
        sentence = re.split(r"[.;\n]", plain[max(0, start - _BEFORE) : start])[-1] + heading.group()
        if _OF_CANDIDATES.search(sentence):
            continue
        items = [one for one in listed(text[end : end + _REACH]) if one.weight]
        for most in range(2, len(items) + 1):
            if _WHOLE[0] <= sum(one.weight or 0.0 for one in items[:most]) <= _WHOLE[1]:
                return tuple(items[:most])
        if len(items) > 1 and all(one.weight_unit == "points" for one in items):
            return tuple(items)
    return ()


def weighed(criteria: Iterable[Criterion]) -> tuple[Criterion, ...]:
    """The criteria of a form, each with the only weight that its name states where its field states none.

    Those whose name refers to the documents are none.
    """
    named = (one for one in criteria if one.kind == "price" or not _ELSEWHERE.search(folded(one.name)))
    return tuple(map(_weighed, dict.fromkeys(named)))


def _weighed(one: Criterion) -> Criterion:
    named = weights(folded(one.name)) if one.weight is None and len(one.name) <= _NAME else ()
    return replace(one, weight=named[0][0], weight_unit=named[0][1]) if len(named) == 1 else one


def _without_heading(line: str) -> str:
    """A paragraph without the words that introduce a list in it."""
    heading = _HEADING.match(line) if _MARK.match(line) is None else None
    return line[heading.end() :] if heading else line


def _first_level(parts: list[str]) -> tuple[Criterion, ...]:
    marked = [(mark.lastgroup if (mark := _MARK.match(part)) else "", part) for part in parts]
    items = [(kind, _item(part)) for kind, part in marked]
    kept = [(kind, one) for kind, one in items if one is not None]
    weighed = [(kind, one) for kind, one in kept if one.weight]
    if len(weighed) == 1:  # "les offres hors thème ne comptent que pour 20 %"
        kept = [(kind, replace(one, weight=None, weight_unit="")) for kind, one in kept]
    kept = weighed if len(weighed) > 1 else kept
    # a title without mark stands above items with one: "Valeur technique 60 points : - méthode : 40 points"
    first = [one for kind, one in kept if kind == kept[0][0]]
    every = first if len(first) > 1 else [one for _, one in kept]
    return tuple(every) if len(every) > 1 else ()


def _item(part: str) -> Criterion | None:
    plain, mark = folded(part), _MARK.match(part)
    start = mark.end() if mark else 0
    found = [] if "respectiv" in plain else weights(plain)
    heading = part.rstrip().endswith(":") and mark is None
    if (not found and (heading or _NO_ITEM.search(plain))) or not re.search(r"[^\W\d]{4}", part[start:]):
        return None
    name = clean(part[start:], _NAME).replace(" | ", " : ")
    if found:  # what follows the weight is said of the whole
        name = re.split(r"(?<=%|s|\d)\)?\. ", name)[0]
    name = name.strip(" .,;:/") + ")" * (name.count("(") > name.count(")"))
    if not found:
        return Criterion(name=name)
    return Criterion(name=name, weight=found[0][0], weight_unit=found[0][1])


def weights(plain: str, at: int = 0) -> list[tuple[float, Unit]]:
    """The weights that an item states from `at` on, each with its unit."""
    stated: list[tuple[float, Unit]] = []
    for found in _WEIGHT.finditer(plain):
        number, unit = (next(filter(None, found.group(*these)), "") for these in ((1, 3), (2, 4)))
        kind: Unit = "%" if unit.startswith("%") or "100" in unit else "points" if unit else ""
        weight = decimal(number)
        if unit.endswith("20"):  # "(8/20)"
            weight, kind = 5 * weight, "%"
        stated += [(weight, kind)] if found.end() > at else []
    return stated


def per_cent(weight: float | None, unit: Unit, plain: str) -> tuple[float | None, Unit]:
    """A weight with its unit, in per cent of the total that a text says its weights make."""
    if not weight or unit == "%":
        return weight, unit
    if weight < 1:
        whole = 1.0
    elif total := _TOTAL.search(plain):
        whole = float(next(filter(None, total.groups())))
    else:
        whole = sum(map(decimal, _COEFFICIENT.findall(plain))) if not unit else 0.0
    return (round(100 * weight / whole, 1), "%") if whole > weight else (weight, unit)


def listed_weight(plain: str, at: int = 0) -> tuple[float, Unit] | None:
    """The first weight of an item of a list of criteria, where a bare number is one: "Volet social : 10"."""
    bare = None if "heure" in plain else _BARE_WEIGHT.search(plain, at)
    return next(iter(weights(plain, at)), (decimal(bare.group(1)), "") if bare else None)


def decimal(text: str) -> float:
    """The value of a `NUMERAL`."""
    return float(text.replace(",", "."))
