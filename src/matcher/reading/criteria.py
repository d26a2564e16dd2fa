"""Award criteria that a text lists (the first level, where there are two): names, and weights where they are stated.

A list is paragraphs, marked items, or parts of one sentence; in running text only weights that make a whole are criteria.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, takewhile
from typing import Any, Literal

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
    r"|(?<=[a-z)] )/ ?(\d\d)\b(?! ?/)"  # "méthode /30"
)
#: "Prix (40 %)" of "Prix (40 %) sur la base du devis", "Thème" of "Thèmes. Les autres comptent pour 20 %": what follows is said of the whole
_WEIGHED_NAME = re.compile(rf"(?=\D*[a-z]{{4}}).*?(?:(?:{_WEIGHT.pattern})(?:[^()]*\))?|(?<=s)(?=\. ))")
#: "Total : 200 points", "un total de 500 points", "Chaque offre est notée sur 60 :", "Critères (sur 20)"
_TOTAL = re.compile(
    r"\btotal\b[^.;:\d]{0,30}(?:: ?|\bde )(\d{2,3})\b(?! ?[%h€e])|\b(?:offre|critere|bareme|grille)s?\b[^.;:\d]{0,30}\bsur (\d{2,3}) ?(?:points ?)?[:)–—-]"
    r"|\b(?:une note|notation|note (?:globale|finale|totale)),? sur (\d{2,3})\b"
)
#: "Critère n° 2 :", "2)", "2.", "—", "a)" before an item.
_MARK = re.compile(
    r"\s*(?:(?P<named>crit[eè]res?(?: n ?[°º])? ?\d{1,2} ?[:.,)–—-]?)|(?P<number>\d{1,2} ?[.)/°-]+(?!\d))|(?P<dash>[-–—•▪●*])"
    r"|(?P<letter>(?:\d\.)?[a-z]\)))\s*",
    re.I,
)
#: Where one line holds several items: before "Critère 2 :" and "2)", after a semicolon (not in "délais ; noté sur 20") or the weight of the item before.
_WITHIN = re.compile(
    r"(?<!sous) (?=crit[eè]res?(?: n ?[°º])? ?\d{1,2}\b)|(?<=[;,.:%]) ?(?=\d{1,2}[.)/] ?[^\W\d]|\d\.[a-z]\))| ?;(?! ?not[eé]e?s? sur) ?"
    r"|(?<= /\d\d) (?=[^\W\d])|(?<=[\d ]%)(?: ?\)?,? et|\)?[,/]|[.]? [–—-]) ?|(?<=[;,:]) [—–] |(?<=%)\.? (?-i:(?=[A-ZÀ-Ý]))",
    re.I,
)
#: The same, where each weight stands before what it weighs: "60 % valeur technique, 40 % prix".
_WEIGHT_FIRST = re.compile(r"(?<=[a-zé])(?:,| [—–-]| et) (?=\d{1,2} ?% (?:pour |de )?[a-z])")
#: Of a paragraph that lists nothing: it refers to a document, or introduces.
_NO_ITEM = re.compile(
    r"^\W*capacites? (?:prof|tech|econ|fin)|\b(?:voir|cf\b|se referer|jury|se reserve|il ne s'agit|precise|enonce|detaille|mentionne|indique|en cas de|ponder\w+ (?:des|sera))"
)
#: "La concession est attribuée sur la base des critères énoncés dans les documents du marché", the sentence of the form.
_ELSEWHERE = re.compile(
    r"^\W*(?:pas de|sans|aucun) criteres?\W*$|\bla concession est attribuee|\ble prix n'est pas le seul critere|\bprice is not the only award|(?<![\w(-])criteres? (?:[\w']+ ){0,5}dans l"
)
_HEADING = re.compile(
    r"^(?:crit[eè]res?|suivants?|priorit\w+|importance)\b[^:]{0,120}:\s*(?!\s|\d+ ?%)", re.I
)
#: "Critères de jugement des offres :", "les critères d'attribution suivants, pondérés :"; those of candidates are others.
_OF_AWARD = re.compile(
    r"(?<![\w-])(?<!sous )(?:(?=criteres? ?(?:n ?[°º])? ?1\b)|(?:criteres?|jugement)\b[^.:;\n]{0,100}(?:: ?|(?<![)\d])\n))"
)
_OF_CANDIDATES = re.compile(r"candida|selection(?! des offres)|participa|capacit")
#: "par ordre décroissant d'importance", "critère de 1er rang": criteria that have an order for weights
_RANKED = re.compile(r"\bordre (?:decroissant|d'importance|de priorite)|\bhierarchis|\brang\b")
_REACH, _BEFORE = 1_500, 200  # characters in which a list ends, and in which its sentence begins
_NAME = 300  # characters of a criterion's name


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
        items = [*filter(str.strip, _WITHIN.split(line if _MARK.match(line) else _HEADING.sub("", line)))]
        parts += items if len(items) > 1 else _WEIGHT_FIRST.split("".join(items))
    if not parts or "candidatures" in folded(parts[0]):  # how those who may tender are chosen
        return ()
    if len(parts) == 1 and len(named := re.split(r", (?![^()]{0,200}\))", parts[0].rstrip(". "))) > 2:
        parts = named
    return _first_level(parts)


@lru_cache(64)  # the text of the whole is asked for each lot
def stated(text: str, plain: str) -> tuple[Criterion, ...]:
    """The criteria of the award that a text lists, with weights that make a whole or in points; `plain` is it folded."""
    for heading in _OF_AWARD.finditer(plain):
        start, end = heading.span()
        sentence = re.split(r"[.;\n]", plain[max(0, start - _BEFORE) : start])[-1] + heading.group()
        if _OF_CANDIDATES.search(sentence):
            continue
        every = listed(text[end : end + _REACH])
        items = [one for one in every if one.weight]
        for most in range(2, len(items) + 1):
            if abs(sum(one.weight or 0.0 for one in items[:most]) - 100) <= 1:
                return tuple(items[:most])
        if len(items) > 1 and all(one.weight_unit == "points" for one in items):
            return tuple(items)
        if not items and _RANKED.search(plain, max(0, start - _BEFORE), end + 60):
            line = text[end : end + _REACH].lstrip().partition("\n")[0]
            if ranked := every if _MARK.match(line) else listed(line.partition(". ")[0]):
                return ranked
    return ()


def weighed(criteria: Iterable[Criterion]) -> tuple[Criterion, ...]:
    """The criteria of a form, each with the only weight that its name states where its field states none.

    Those whose name refers to the documents are none, nor those that divide the one before them where the others make a whole.
    """
    named = (one for one in criteria if one.kind == "price" or not _ELSEWHERE.search(folded(one.name)))
    fields = tuple(one for one in dict.fromkeys(map(_weighed, named)) if one.weight != 0)
    figures = [Share(one.name, 0, one.weight or 0.0) for one in fields]
    whole, at = [], 0
    while at < len(fields):
        whole.append(fields[at])
        at += 1 + _parts("", figures[at:])
    return tuple(whole) if sum(one.weight or 0.0 for one in whole) == 100 else fields


#: What the name of a criterion says of its kind, against the box that it stands in.
_KIND = re.compile(
    r"(?:cri?t\w+ ?\d? ?:? )?(?:l[ea]s? )?(?:(?P<price>prix|tarif)|(?P<cost>couts?\b)|(?P<quality>qualite|valeur tech))"
)


def _weighed(one: Criterion) -> Criterion:
    plain = folded(one.name)
    named = weights(plain) if one.weight is None and len(one.name) <= _NAME else ()
    said: Any = _KIND.match(plain)
    one = replace(one, kind=said.lastgroup) if said else one
    return replace(one, weight=named[0][0], weight_unit=named[0][1]) if len(named) == 1 else one


def _first_level(parts: list[str]) -> tuple[Criterion, ...]:
    marked = [(mark.lastgroup if (mark := _MARK.match(part)) else "", part) for part in parts]
    kept = [(kind, one) for kind, part in marked if (one := _item(part))]
    weighed = [(kind, one) for kind, one in kept if one.weight]
    if len(weighed) == 1:  # "les offres hors thème ne comptent que pour 20 %"
        kept = [(kind, replace(one, weight=None, weight_unit="")) for kind, one in kept]
    if len(weighed) > 1:
        kept = [(kind, one) for kind, item in kept if (one := _with_last_number(item)).weight]
    # a title without mark stands above items with one: "Valeur technique 60 points : - méthode : 40 points"
    first = [one for kind, one in kept if kind == kept[0][0]]
    every = first if len(first) > 1 else [one for _, one in kept]
    return tuple(every) if len(every) > 1 else ()


def _with_last_number(one: Criterion) -> Criterion:
    """A criterion of a list, with the number that its name ends with where no other word weighs it: "délai 10"."""
    last = None if one.weight else re.search(r"[a-z)] ([1-9][05])$", folded(one.name))
    return replace(one, weight=float(last[1])) if last else one


def _item(part: str) -> Criterion | None:
    plain, mark = folded(part), _MARK.match(part)
    start = mark.end() if mark else 0
    found = weights(plain)
    heading = part.rstrip().endswith(":") and mark is None
    outside = re.sub(r"\([^()]*\)", "", plain)  # "(le respect du programme détaillé)" refers to nothing
    if (not found and (heading or _NO_ITEM.search(outside))) or not re.search(r"[^\W\d]{4}", part[start:]):
        return None
    ended = _WEIGHED_NAME.match(plain, start) if found else None
    name = clean(part[start : ended and ended.end()], _NAME).replace(" | ", " : ")
    name = name.strip(" .,;:/") + ")" * (name.count("(") > name.count(")"))
    stated: tuple[float | None, Unit] = found[0] if found else (None, "")
    return Criterion(name=name, weight=stated[0], weight_unit=stated[1])


def weights(plain: str, at: int = 0) -> list[tuple[float, Unit]]:
    """The weights that an item states from `at` on, each with its unit."""
    stated: list[tuple[float, Unit]] = []
    for found in _WEIGHT.finditer(plain):
        number, unit = (next(filter(None, found.group(*these)), "") for these in ((1, 3, 5), (2, 4)))
        kind: Unit = "%" if unit.startswith("%") or "100" in unit else "points" if unit else ""
        weight = float(number.replace(",", "."))
        if unit.endswith("20"):  # "(8/20)"
            weight, kind = 5 * weight, "%"
        stated += [(weight, kind)] if found.end() > at else []
    return stated


def per_cent(weight: float | None, unit: Unit, plain: str) -> tuple[float | None, Unit]:
    """A weight with its unit, in per cent of the total that a text says its weights make."""
    total = _TOTAL.search(plain) if weight and unit != "%" else None
    whole = 1.0 if (weight or 1.0) < 1 else float(next(filter(None, total.groups()))) if total else 0.0
    return (round(100 * weight / whole, 1), "%") if weight and whole > weight else (weight, unit)


@dataclass(frozen=True)
class Share:
    """A weight that stands in a text: what it weighs, where, how much of the whole, and the shares that it is made of."""

    name: str
    at: int
    weight: float
    unit: str = ""  # "coef", "part" of a part, "in" another
    parts: tuple["Share", ...] = ()


#: A number that may weigh a criterion: with its unit, after a coefficient, or filling the place behind a name.
_WEIGHING = re.compile(
    rf"(?<![\d.,/-]){NUMERAL}(?: ?(?P<per>%|(?:/|sur) ?(?:20|100)\b(?!/))| ?(?:points?|pts?)\b(?: (?:sur|/) ?100\b)?"
    rf"|(?P<bare>(?= pour l| dans la note)|(?!,\d)(?=\s*(?:[,;)|\n]|\.(?!\d)|$|(?:et|dont)\b|[-–—/+] ))))"
)
_NOT_WEIGHING = re.compile(
    r"(?:\blots? (?:n ?° ?)?\d\d? ?[:=]? ?|\b(?:lots?|article|art\.?|annexe|page|n ?°s?|criteres?|chapitre|phase|le|du|au|total(?: \w+){0,2}) ?:? ?|\d )$"
)
#: What stands before a number without a unit.
_BEHIND = re.compile(r"[a-z):=(|«»\"-],? ?\Z")
_BEFORE_WEIGHT = re.compile(r"(?P<coef>\bcoef\w*\.? ?:? ?(?:de )?)$|(?P<in>\bdont ?)$")
#: "25 % de la valeur technique" is a part of a part.
_OF_PART = re.compile(r" d(?:u|e (?:ce|cette|la)) (?:critere|valeur|note (?!globale|final|sur)|partie)")
_MOST = 30  # weights of a list
_INNER = ("part", "in")
_MADE_OF = re.compile(
    r"(?!.*\blot\b).*(?:sous-crit|\bdont\b|decompos|repart|compos|compren|detail|ventil|subdivis)", re.S
)
_NAMES_AFTER = re.compile(
    r",? ?(?:de la note )?(?:pour|aux?|a l|au titre d|revi\w+ a|sur l(?:es? |a |')(?!\d))"
)
_LABEL = re.compile(
    r"\W*(?:ponder\w+(?: \([^()]*\))?|coef\w*|not\w+|sur|poids|pourcentage|valeur|points?|soit|total)?[\W\d]*"
)


@lru_cache(64)
def shares(plain: str) -> tuple[Share, ...]:
    """The weights of a folded text that make a whole: of 100, of the total that it states, or of its coefficients."""
    figures = _figures(plain)
    said = {float(next(filter(None, one.groups()))) for one in _TOTAL.finditer(plain)}
    totals = {100.0, 1.0, *(said or [sum(one.weight for one in figures if one.unit == "coef")])}
    wholes = [(total, deep) for total in sorted(totals, reverse=True) for deep in (False, True)]
    made: list[Share] = []
    while figures:
        levels = ((total, _level(plain, figures[:_MOST], total, deep)) for total, deep in wholes)
        total, level = next((each for each in levels if len(each[1]) > 1), (0.0, []))
        for one, *parts in level:
            of = one.weight if sum(part.weight for part in parts) == 100 else 100
            own = tuple(replace(part, weight=round(of * part.weight / total, 1)) for part in parts)
            made.append(replace(one, weight=round(100 * one.weight / total, 1), parts=own))
        figures = figures[sum(map(len, level)) or 1 :]
    return tuple(made)


def _figures(plain: str) -> list[Share]:
    figures: list[Share] = []
    last = 0
    for found in _WEIGHING.finditer(plain):
        end, before = found.end(), plain[max(0, found.start() - 30) : found.start()]
        named = found["bare"] is None or plain.startswith(" pour l", end) or _BEHIND.search(before)
        if not named or _NOT_WEIGHING.search(before):
            continue
        behind = _BEFORE_WEIGHT.search(before)
        unit = "part" if _OF_PART.match(plain, end) else (behind and behind.lastgroup) or ""
        value = float(found[1].replace(",", ".")) * (5 if (found["per"] or "").endswith("20") else 1)
        figures.append(Share(_name(plain, last, *found.span()), found.start(), value, unit))
        last = end
    return figures


def _level(plain: str, figures: Sequence[Share], left: float, deep: bool) -> list[Sequence[Share]]:
    """The first figures that make what is left, each with its parts, if `deep` of any that has some."""
    level = []
    while figures and 0 < figures[0].weight < left + 0.01 and figures[0].unit not in _INNER:
        left -= figures[0].weight
        divided = deep or left < 0.01 or (len(figures) > 1 and figures[1].unit in _INNER)
        level.append(figures[: 1 + (_parts(plain, figures) if divided else 0)])
        figures = figures[len(level[-1]) :]
    return level if left < 0.01 else []


def _parts(plain: str, figures: Sequence[Share]) -> int:
    """How many figures after the first divide it: they are said to be its parts, or they make it."""
    first, *after = figures[:9]
    inner = len([*takewhile(lambda one: one.unit in _INNER, after)])
    own = [*takewhile(lambda one: one.unit != "coef", after)]
    said = inner or (own and _MADE_OF.match(plain, first.at, own[0].at))
    for count, total in enumerate(accumulate(one.weight for one in own), 1):
        if count > 1 and (abs(total - first.weight) < 0.01 or (said and total == 100)):
            return count
    return inner


def _name(plain: str, last: int, start: int, end: int) -> str:
    """What a figure weighs: the words behind it, or those before it in its sentence."""
    line = plain[plain.rfind("\n", 0, start) + 1 : start]
    if _NAMES_AFTER.match(plain, end) or (plain.startswith(" : ", end) and not re.search(r"\w", line)):
        return re.split(r"[.;\n\d]", plain[end : end + _NAME])[0]
    breaks = r"[.;!?](?=\s)|[;|\n]" + "|[,(]" * bool(last and _NAMES_AFTER.match(plain, last))
    words = re.split(breaks, plain[max(last, start - 2 * _NAME) : start])
    parts = [part for part in words if not _LABEL.fullmatch(part)]
    marked = next((at for at in reversed(range(len(parts))) if _MARK.match(parts[at])), len(parts) - 1)
    return " ; ".join(parts[marked:])
