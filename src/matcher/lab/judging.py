"""Grading of pairs of a need and a structure by practitioners, blind to any ranking (see docs/judging.md).

The pool of a need holds the first of the ranking, the nearest in meaning and the nearest on the road, shuffled.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from matcher.catalogue.columns import DECLARED
from matcher.domain import Structure
from matcher.lab.evaluation import Question
from matcher.matching import reach
from matcher.matching.engine import Matcher
from matcher.matching.shortlist import Query
from matcher.reference import places
from matcher.reference.arrays import I64, Array
from matcher.reference.codes import naf_label

FIRST, MEANT, NEAREST = 8, 4, 4  # of a pool of 16
ANSWERS = {"o": "yes", "c": "clause", "n": "no"}
KNOWN = {"d": "said", "n": "name", "a": "naf", "c": "known", "t": "kind", "l": "place"}
GRADES = "0123"
LEAST = 1  # from this grade on, the evidence is asked for
SHOWN = 600  # characters of what a structure says of itself
WHOLE = "Une structure répond-elle d'ordinaire elle-même à ce besoin ? (o)ui, par la (c)lause, (n)on : "
GRADE = "Note 3 à appeler d'abord, 2 bonne piste, 1 à interroger, 0 à écarter (Entrée : je ne sais pas) : "
FROM = "Connu par (d)it, (n)om, code (a)pe, (c)onnaissance, (t)ype de structure, (l)ieu : "
STOP, BACK = "q", "r"

Ask = Callable[[str], str]
Show = Callable[[str], None]


class Stopped(Exception):
    """The grader stopped, to continue later."""


class Back(Exception):
    """The grader wants to grade the structure before again."""


def pool(matcher: Matcher, query: Query, name: str) -> list[int]:
    """Rows of the catalogue to be graded, one for each bidder, shuffled, so that the order does not reveal the ranking."""
    ranking = matcher.rank(query)
    candidates = ranking.shortlist.candidates
    shortlist, index = ranking.shortlist, matcher.catalogue.index("meaning")
    near = reach.of(shortlist).kilometres
    cosines = index.compare("", query.vector, shortlist.rows) if index else np.zeros(len(shortlist.rows))
    likeness = np.nan_to_num(shortlist.best(cosines, shortlist.known(*DECLARED, "name")))
    chosen: dict[str, int] = {}
    sirens = matcher.catalogue.of_structure("siren")
    for order, most in ((ranking.order, FIRST), (np.argsort(-likeness), MEANT), (np.argsort(near), NEAREST)):
        _add(chosen, candidates[order], sirens, most)
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    return [int(row) for row in np.random.default_rng(seed).permutation(list(chosen.values()))]


def _add(chosen: dict[str, int], rows: I64, sirens: Array, most: int) -> None:
    for row in rows.tolist():
        if most and sirens[row] not in chosen:
            chosen[str(sirens[row])] = row
            most -= 1


def sheet(structure: Structure, query: Query) -> str:
    """What is known of a structure, in French, without its rank or score."""
    here, located = structure.place, [p for p in query.places if p.latitude is not None]
    away = ""
    if located and here.latitude is not None:
        point = here.latitude, here.longitude
        away = f", à {min(places.distance_km(p.latitude, p.longitude, *point) for p in located):.0f} km"
    lines = [
        f"{structure.kind} · {structure.name}{f' ({structure.brand})' if structure.brand else ''}",
        f"{structure.naf} {naf_label(structure.naf)}" if structure.naf else "code APE inconnu",
        f"{structure.place.label} ({structure.place.department}){away}",
        structure.website,
        structure.description[:SHOWN],
        " · ".join(dict.fromkeys(offer.title for offer in structure.offers))[:SHOWN],
    ]
    return "\n".join(line for line in lines if line.strip())


def _choice(ask: Ask, prompt: str, allowed: Iterable[str]) -> str:
    """The first allowed answer, a letter or the word that it begins.  Raises Stopped, and Back."""
    asked = prompt
    while True:
        answer = ask(asked).strip().lower()
        answer = answer[:1] if answer.isalpha() else answer
        if answer == STOP:
            raise Stopped
        if answer == BACK:
            raise Back
        if answer in allowed:
            return answer
        choices = ", ".join(filter(None, allowed))
        asked = f"« {answer} » n'est pas une réponse : {choices}, {BACK} pour revenir ou {STOP} pour arrêter.\n{prompt}"


def graded(
    matcher: Matcher, questions: Iterable[Question], ask: Ask, show: Show, known: Mapping[str, Any] = {}
) -> Iterator[dict[str, Any]]:
    """A line of a judged file for each question, until the person stops; what was graded of the last one is kept.

    The `known` line of a question that was stopped goes on at its `next` structure.
    """
    for question in questions:
        line = {"query_id": question.id, "s": "", "j": {}} | known.get(question.id, {})
        try:
            _grade(matcher, question, line, ask, show)
        except Stopped:
            if line["j"]:
                yield line
            return
        yield line


def _grade(matcher: Matcher, question: Question, line: dict[str, Any], ask: Ask, show: Show) -> None:
    """Fill the line with what the person answers.  Raises Stopped."""
    query = matcher.queries(question.tender, as_of=question.day)[0]
    where = ", ".join(filter(None, (place.label or place.department for place in query.places)))
    show(f"\n=== {query.text}\n    {where or 'lieu inconnu'}")
    while not line["s"]:
        with suppress(Back):
            line["s"] = ANSWERS[_choice(ask, WHOLE, ANSWERS)]
    structures = [matcher.catalogue.structure(row) for row in pool(matcher, query, question.id)]
    if line["s"] == "no":  # every proposal is wrong
        line["j"] = {structure.siren: [0, ""] for structure in structures}
        return
    number = line.get("next", 0)
    while number < len(structures):
        line["next"] = number
        structure = structures[number]
        show(f"\n--- {number + 1} sur {len(structures)}\n{sheet(structure, query)}")
        try:
            grade = _choice(ask, GRADE, ("", *GRADES))
            source = KNOWN[_choice(ask, FROM, KNOWN)] if grade and int(grade) >= LEAST else ""
        except Back:
            number = max(0, number - 1)
            continue
        line["j"].pop(structure.siren, None)
        if grade:
            line["j"][structure.siren] = [int(grade), source]
        number += 1
    line.pop("next", None)
