"""Award criteria that a text lists: names, and weights where they are stated.

A list is paragraphs, numbered or dashed items, or parts of one sentence; where the items are of two levels, the first
level counts.  In running text only weights that make a whole are criteria of the award.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from matcher.domain import Criterion
from matcher.reading.clauses.grammar import weights
from matcher.reference.prose import folded
from matcher.reference.text import clean

#: "Critère n° 2 :", "2)", "2.", "—", "a)" before an item.
_MARK = re.compile(
    r"\s*(?:(?P<named>crit[eè]res?(?: n ?[°º])? ?\d{1,2} ?[:.,)–—-]?)|(?P<number>\d{1,2} ?[.)/°-]+(?!\d))|(?P<dash>[-–—•▪●*])"
    r"|(?P<letter>(?:\d\.)?[a-z]\)))\s*",
    re.I,
)
#: Where one line holds several items: before "Critère 2 :" and "2)", after a semicolon or the weight of the item before.
_WITHIN = re.compile(
    r" (?=crit[eè]res?(?: n ?[°º])? ?\d{1,2}\b)|(?<=[;,.:%]) ?(?=\d{1,2}[.)/] ?[^\W\d]|\d\.[a-z]\))| ?; ?"
    r"|(?<=[\d ]%)(?: ?\)?,? et|\)?[,/]|[.]? [–—-]) ?|(?<=[;,:]) [—–] |(?<=%)\.? (?-i:(?=[A-ZÀ-Ý]))",
    re.I,
)
#: Of a paragraph that lists nothing: it refers to a document, or introduces.
_NO_ITEM = re.compile(
    r"^\W*capacites? (?:prof|tech|econ|fin)|\b(?:voir|cf\b|se referer|jury|se reserve|il ne s'agit|precise|enonce|detaille|mentionne|indique|en cas de|ponder\w+ (?:des|sera))"
)
#: "La concession est attribuée sur la base des critères énoncés dans les documents du marché", the sentence of the form.
_ELSEWHERE = re.compile(
    r"\W*(?:\d\) )?(?:la concession est attribuee|le prix n'est pas le seul critere|criteres? enonces? dans)\b"
)
_HEADING = re.compile(r"\b(?:crit[eè]res?|suivants?|priorit\w+|importance)\b[^:]{0,120}:\s*", re.I)
#: "Critères de jugement des offres :", "les critères d'attribution suivants, pondérés :"; those of candidates are others.
_OF_AWARD = re.compile(r"\bcriteres?\b[^.:;\n]{0,100}: ?")
_OF_CANDIDATES = re.compile(r"candida|selection|participa|capacit")
_REACH, _BEFORE = 1_500, 200  # characters in which a list ends, and in which its sentence begins
_NAME = 300  # characters of a criterion's name
_WHOLE = (99.0, 101.0)  # the sum of weights


def listed(text: str) -> tuple[Criterion, ...]:
    """The criteria of a field that holds nothing else; empty where it refers to a document."""
    parts: list[str] = []
    for line in filter(None, (" ".join(line.split()) for line in text.splitlines())):
        if line.endswith(":") and parts and _MARK.match(line) is None:
            if "critere" not in folded(line):
                break  # the list is over
            parts = []
        parts += [part for part in _WITHIN.split(_without_heading(line)) if part and part.strip()]
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
    """The criteria of the award that running text lists with weights that make a whole; `plain` is the text folded."""
    if "critere" not in plain:
        return ()
    for heading in _OF_AWARD.finditer(plain):
        start, end = heading.span()
        sentence = re.split(r"[.;\n]", plain[max(0, start - _BEFORE) : start])[-1] + heading.group()
        if "%" not in plain[end : end + _REACH] or _OF_CANDIDATES.search(sentence):
            continue
        items = [one for one in listed(text[end : end + _REACH]) if one.weight]
        for most in range(2, len(items) + 1):
            if _WHOLE[0] <= sum(one.weight or 0.0 for one in items[:most]) <= _WHOLE[1]:
                return tuple(items[:most])
    return ()


def weighed(criteria: Iterable[Criterion]) -> tuple[Criterion, ...]:
    """The criteria of a form, each with the only weight that its name states where its field states none.

    Those whose name refers to the documents are none.
    """
    named = (one for one in criteria if one.kind == "price" or not _ELSEWHERE.match(folded(one.name)))
    return tuple(_weighed(one) if one.weight is None else one for one in named)


def _weighed(one: Criterion) -> Criterion:
    named = weights(folded(one.name))
    return replace(one, weight=named[0][0], weight_unit=named[0][1]) if len(named) == 1 else one


def _without_heading(line: str) -> str:
    """A paragraph without the words that introduce a list in it."""
    heading = _HEADING.match(line) if _MARK.match(line) is None else None
    return line[heading.end() :] if heading else line


def _first_level(parts: list[str]) -> tuple[Criterion, ...]:
    marked = [(mark.lastgroup if (mark := _MARK.match(part)) else "", part) for part in parts]
    items = [(kind, _item(part)) for kind, part in marked]
    kept = [(kind, one) for kind, one in items if one is not None]
    if any(one.weight for _, one in kept):
        kept = [(kind, one) for kind, one in kept if one.weight]
    # a title without mark stands above items with one: "Valeur technique 60 points : - méthode : 40 points"
    first = [one for kind, one in kept if kind == kept[0][0]]
    every = first if len(first) > 1 else [one for _, one in kept]
    return tuple(every) if len(every) > 1 else ()


def _item(part: str) -> Criterion | None:
    plain, mark = folded(part), _MARK.match(part)
    found = [] if "respectiv" in plain else weights(plain)
    heading = part.rstrip().endswith(":") and mark is None
    if (not found and (heading or _NO_ITEM.search(plain))) or not re.search(r"[^\W\d]{4}", part):
        return None
    name = clean(part[mark.end() if mark else 0 :], _NAME)
    if found:  # what follows the weight is said of the whole
        name = re.split(r"(?<=%|s|\d)\)?\. ", name)[0]
    name = name.strip(" .,;:/") + ")" * (name.count("(") > name.count(")"))
    if not found:
        return Criterion(name=name)
    return Criterion(name=name, weight=found[0][0], weight_unit=found[0][1])
