"""Judged needs as a benchmark: structures graded by people or by a language model, for any directory and any method.

The measures are those of graded retrieval over judged candidates alone: ungraded structures are removed first.  A lead is a grade of 2 or 3.  People grade pairs
blind to any ranking (docs/judging.md): the pool of a need holds the first of the ranking, the nearest in meaning and on the road, shuffled.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import DECLARED
from matcher.console import counted, say
from matcher.domain import BadInput, NotFound, Rejected, Structure, Tender
from matcher.lab import evaluation
from matcher.lab.evaluation import Question
from matcher.lab.training.texts import opened
from matcher.matching import reach
from matcher.matching.engine import Matcher
from matcher.matching.ranking import interleave
from matcher.matching.shortlist import Query
from matcher.reading import gather
from matcher.reading.sources import _tabular
from matcher.reading.sources._structure import siret_of
from matcher.reference import places, toponyms
from matcher.reference.arrays import F64, I64, Array
from matcher.reference.codes import naf_label
from matcher.reference.identifiers import siren_valid
from matcher.reference.text import clean, fold

QUERIES, JUDGED = ".queries.jsonl", ".judged.jsonl"
COLUMNS = {"besoin", "lieu", "siret", "note"}  # of a table of grades
MEASURES = ("nDCG@5", "top1", "leads@5", "wrong@5", "nobody right", "nobody wrong")
TOP = 60
#: A line of a run file for a question: query_id, ranking ([siren, score, probability]), nobody.
Line = Mapping[str, Any]
Judged = Mapping[str, Mapping[str, Any]]  # a line of a judged file by query_id
Answering = Callable[[Question], Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgements:
    """The needs of NAME.queries.jsonl with the grades of NAME.judged.jsonl, by query_id."""

    name: str
    questions: Sequence[Question]
    rows: Judged


def judged(path: Path) -> dict[str, Any]:
    """The lines of a judged file by query_id.  Raises BadInput naming the line that is none."""
    rows = {}
    with opened(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = {"s": "yes", **json.loads(line)}
                given = ((who, told if isinstance(told, list) else [told]) for who, told in row["j"].items())
                # a SIRET is of the same bidder as its SIREN; who has no grade was not judged
                row["j"] = {
                    who[:9] if len(who) == 14 and who.isdigit() else who: [int(grade), *source]
                    for who, (grade, *source) in given
                    if grade is not None
                }
                graded = all(grade in range(4) for grade, *_ in row["j"].values())
                if not graded or row["s"] not in ("yes", "clause", "no") or not row["query_id"]:
                    raise ValueError
            except (ValueError, LookupError, TypeError, AttributeError):
                form = '{"query_id", "s": "yes", "clause" or "no", "j": {SIREN: [0 to 3, ""]}}'
                raise BadInput(f"{path.name} line {number}: {form} is wanted") from None
            rows[row["query_id"]] = row
    return rows


def of_table(table: Path, out: Path) -> Path:
    """The needs of a table (besoin, lieu; siret and note of what is graded) as NAME.queries.jsonl beside `out`, and new grades in `out`.

    Raises BadInput where no column is called "besoin", a note is none of 0 to 3, a number has too few digits or a place is several.
    """
    graded: dict[str, dict[str, int]] = {}
    with table.open("rb") as stream:
        read = list(_tabular.rows(stream, table.name, lambda names: len(COLUMNS & set(map(fold, names)))))
    for place, cells in read:
        told = cells.items() if isinstance(cells, dict) else ()
        row = dict.fromkeys(COLUMNS, "") | {fold(c): clean(str(v)) for c, v in told if v is not None}
        if row["note"] not in ("", *GRADES):
            raise BadInput(f"{table.name} {place}: note {row['note']!r}: 0, 1, 2 or 3 is wanted")
        siret = row["siret"].replace(" ", "")
        if siret.isdecimal() and not siren_valid(siret):  # as `index` takes it
            siret, flags, refused = siret_of(siret)
            if refused:
                raise BadInput(f"{table.name} {place}: {refused}")
            if "siret-checksum" in flags:
                say(f"{table.name} {place}: {siret}: a digit is wrong, kept as it is")
        try:
            if row["lieu"]:
                toponyms.asked(row["lieu"], row["besoin"])
        except BadInput as error:
            raise BadInput(f"{table.name} {place}: {error}") from None
        if row["besoin"]:
            given = graded.setdefault(", ".join(filter(None, (row["besoin"], row["lieu"]))), {})
            if siret and row["note"]:
                given[siret] = int(row["note"])
    if not graded:
        raise BadInput(f"{table.name} has no need under a heading 'besoin' (beside it: lieu, siret, note)")
    before = judged(out) if out.is_file() else {}
    queries = out.with_name(out.name.removesuffix(JUDGED) + QUERIES)
    with queries.open("w", encoding="utf-8") as needs, out.open("a", encoding="utf-8") as grades:
        for need, given in graded.items():
            needs.write(json.dumps({"query_id": need, "notice": {"objet": need}}) + "\n")
            if given and need not in before:
                whole = "yes" if any(given.values()) else "no"
                grades.write(json.dumps({"query_id": need, "s": whole, "j": given}) + "\n")
    return queries


def load(queries: Path, most: int | None = None) -> Judgements:
    """The judged needs of a file.  Raises BadInput on another name, NotFound without its grades."""
    if not queries.name.endswith(QUERIES):
        raise BadInput(f"{queries.name} is no NAME{QUERIES}: `matcher judge` makes one of a table")
    name = queries.name.removesuffix(QUERIES)
    graded = queries.with_name(name + JUDGED)
    if not graded.is_file():
        raise NotFound(f"no {graded.name} next to {queries.name}: `matcher judge` makes one")
    rows, rejected = judged(graded), list[Rejected]()
    needs = [q for q in evaluation.questions(queries, rejected) if q.id in rows][:most]
    for one in rejected:
        say(f"{queries.name} {one.record}: {one.reason}")
    if not needs:
        why = rejected[0].reason if rejected else f"none of its query_id stands in {graded.name}"
        raise BadInput(f"{queries.name} holds no need that can be read: {why}")
    return Judgements(name=name, questions=needs, rows=rows)


def known(given: Judgements, held: Catalogue) -> Judgements:
    """The judgements of structures of this catalogue; what is left out is told.  Raises BadInput where none is left."""
    here, there = set(held.of_structure("siren").tolist()), list[str]()
    rows = {}
    for name, row in given.rows.items():
        grades = {siren: grade for siren, grade in row["j"].items() if siren in here}
        there += row["j"].keys() - grades.keys()
        if grades or row["s"] == "no":
            rows[name] = {**row, "j": grades}
    if there:
        say(
            f"{counted(len(there), 'grade')} of {given.name} of no structure of this directory: left out "
            f"({', '.join(sorted(set(there))[:5])})"
        )
    questions = [question for question in given.questions if question.id in rows]
    if not questions:
        some = "a grade of a structure of this directory: `matcher judge` makes some"
        raise BadInput(f"no need of {given.name} has {some}")
    return replace(given, questions=questions, rows=rows)


def by_matcher(matcher: Matcher) -> Answering:
    """A recipe as a method of judged needs."""
    return lambda question: evaluation.ranked(matcher, question, TOP)


def by_order(method: Callable[[Question], Sequence[str]]) -> Answering:
    """A method that only ranks: without probabilities, and never "nobody"."""
    return lambda question: {
        "query_id": question.id,
        "ranking": [[siren, 0.0, None] for siren in method(question)[:TOP]],
        "nobody": False,
    }


def gain(grades: Sequence[int]) -> float:
    """Discounted cumulative gain."""
    return math.fsum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades))


def figures(lines: Iterable[Line], rows: Judged) -> dict[str, list[float]]:
    """Each measure for each need to which it applies; lower is better for wrong@5 and "nobody wrong"."""
    values: dict[str, list[float]] = {name: [] for name in MEASURES}
    for line in lines:
        row = rows[line["query_id"]]
        order = _order(line, {siren: int(value[0]) for siren, value in row["j"].items()})
        leads = sum(grade >= 2 for grade in order)
        if leads:
            values["nDCG@5"].append(gain(order[:5]) / gain(sorted(order, reverse=True)[:5]))
            values["top1"].append(float(order[0] >= 2))
            values["leads@5"].append(sum(grade >= 2 for grade in order[:5]) / min(5, leads))
            values["wrong@5"].append(sum(grade == 0 for grade in order[:5]) / len(order[:5]))
            values["nobody wrong"].append(float(line["nobody"]))
        elif row["s"] == "no":
            values["nobody right"].append(float(line["nobody"]))
    return values


def _order(line: Line, grades: Mapping[str, int]) -> list[int]:
    """Grades in the order of a ranking; who was graded and not ranked follows, the worst first."""
    ranked = [siren for siren, *_ in line["ranking"] if siren in grades]
    left = sorted(grade for siren, grade in grades.items() if siren not in set(ranked))
    return [grades[siren] for siren in ranked] + left


def calibration(lines: Iterable[Line], rows: Judged) -> dict[str, float]:
    """AUC and expected calibration error (ten bins) of the probabilities; empty where a method gives none."""
    pairs = [
        (chance, rows[line["query_id"]]["j"][siren][0] >= 2)
        for line in lines
        for siren, _, chance in line["ranking"]
        if chance is not None and siren in rows[line["query_id"]]["j"]
    ]
    if not pairs or len({lead for _, lead in pairs}) < 2:
        return {}
    chance, lead = (np.array(column, dtype=np.float64) for column in zip(*pairs, strict=True))
    return {"AUC": auc(chance, lead), "ECE": ece(chance, lead)}


def auc(chance: F64, lead: Array) -> float:
    """The area under the ROC curve; NaN where all pairs are leads, or none."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(lead, chance)) if 0 < lead.sum() < len(lead) else float("nan")


def ece(chance: F64, lead: Array) -> float:
    """The expected calibration error over the tenths of the scale."""
    tenth = np.minimum((chance * 10).astype(int), 9)
    return sum(abs(float((chance - lead)[tenth == t].sum())) for t in range(10)) / len(chance)


def _of_queries(path: Path) -> bool:
    if path.suffix != ".jsonl" or not path.is_file():
        return False
    with path.open(encoding="utf-8") as file:
        return '"query_id"' in file.readline()


def tenders(paths: Iterable[Path], rejected: list[Rejected]) -> Iterator[tuple[str, Tender]]:
    """The tenders of files of queries, each with its query_id, then those of notices, with ""."""
    others = []
    for path in paths:
        if _of_queries(path):
            yield from ((question.id, question.tender) for question in evaluation.questions(path, rejected))
        else:
            others.append(path)
    read = gather.gather(others) if others else gather.Gathered()
    rejected += read.rejected
    yield from (("", tender) for tender in read.tenders)


def quality(matcher: Matcher, paths: Iterable[Path], days: int = 1) -> float | None:
    """Mean nDCG@5 over the judged needs among these files and over so many days; None where there are none."""
    queries = (path for path in paths if path.name.endswith(QUERIES))
    sets = [load(p) for p in queries if p.with_name(p.name.removesuffix(QUERIES) + JUDGED).is_file()]
    values: list[float] = []
    for one in sets:
        for question in one.questions:
            rankings = evaluation.rankings_of(matcher, question)
            for number in range(days):
                day = (question.day or date.today()) + timedelta(days=number)
                merged = interleave([matcher.rotated(ranking, day).sirens(TOP) for ranking in rankings], TOP)
                line = {"query_id": question.id, "ranking": [[siren] for siren, _ in merged], "nobody": False}
                values += figures([line], one.rows)["nDCG@5"]
    return float(np.mean(values)) if values else None


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
    shortlist = ranking.shortlist
    near = reach.of(shortlist).kilometres
    cosines = matcher.catalogue.vectors.compare(query.vector, shortlist.rows)
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
