"""Known answers: notices replayed as of their date, and the rank of their winner.

The contract of `rank` and its time rule: a query dated D uses only awards dated before D; an undated award
counts as dated UNDATED; a query without a date may use the whole history.
"""

import gzip
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from matcher import plugins
from matcher.catalogue.build import build_catalogue
from matcher.catalogue.catalogue import Catalogue
from matcher.domain import Award, BadInput, NoValidRecords, Recipe, Rejected, Structure, Tender
from matcher.matching.engine import Matcher
from matcher.matching.rankers import logistic
from matcher.matching.ranking import Ranking, interleave
from matcher.partners import partners
from matcher.reading import files, need
from matcher.reading.sources._tabular import json_lines
from matcher.reference.identifiers import clean_date

UNDATED = date(2019, 6, 30)
HISTORY = Path("awards") / "history.json.gz"  # of a folder of data


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A line of a queries file: a notice, and the member for whom partners are asked, if any."""

    id: str
    tender: Tender
    day: date | None
    member: str | None = None


def questions(path: Path, rejected: list[Rejected]) -> Iterator[Question]:
    """The queries of a JSONL file; an invalid line is appended to `rejected` with its reason."""
    seen: set[str] = set()
    raw = Path(path).read_bytes()
    for where, record in json_lines(io.BytesIO(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)):
        try:
            if isinstance(record, str):
                raise BadInput(record)
            if not isinstance(record.get("notice"), dict) or not record.get("query_id"):
                raise BadInput('no query: {"query_id", "notice"} is wanted')
            where = str(record["query_id"])
            if where in seen:
                raise BadInput("this query_id stands twice: the first is kept")
            question = question_of(where, record["notice"], record.get("member"))
        except BadInput as error:
            rejected.append(Rejected(path=str(path), record=where, reason=str(error)))
            continue
        seen.add(where)
        yield question


def question_of(id: str, notice: Mapping[str, Any], member: object = None) -> Question:
    """A notice as a question, without what tells its winner.  Raises BadInput for what is no notice."""
    answers = ("titulaires", "montant", "offresRecues")
    stated = {key: value for key, value in notice.items() if key not in answers}
    tender = plugins.find("reading.sources", "decp").tender_of(stated)
    if set(stated) == {"objet"}:  # as typed in the search box, which reads the place in the words
        with suppress(BadInput):  # a name of several places
            places = need.spot(tender.title)
            tender = replace(tender, lots=tuple(replace(lot, places=places) for lot in tender.lots))
    day = clean_date(notice.get("dateNotification"))
    return Question(id=id, tender=tender, day=day, member=str(member)[:9] if member else None)


def catalogue_of(
    history: Sequence[Path], structures: Sequence[Path] | None, recipe: Recipe, rejected: list[Rejected]
) -> Catalogue:
    """The candidates of a run: the structures if given, the history being evidence; else the history's suppliers."""
    records = [*files.read(history, source="decp"), *files.read(structures or (), source="directory")]
    rejected += [record for record in records if isinstance(record, Rejected)]
    awards = [record for record in records if isinstance(record, Award)]
    listed = [record for record in records if isinstance(record, Structure)]
    if structures is not None and not listed:
        raise NoValidRecords("no structure could be read: check the file of --structures with `matcher read`")
    if structures is None and not awards:
        raise NoValidRecords(
            "no award could be read: check the file of --history with `matcher read`, or give --structures"
        )
    return build_catalogue(listed, awards, recipe, undated=UNDATED, suppliers=structures is None)


def ranked(matcher: Matcher, question: Question, top: int, incumbents: bool = False) -> dict[str, Any]:
    """The line of a run file for a question: best SIRENs first, each with score and probability.

    Of a question with a member its best partners, the member never.
    """
    if question.member is None:
        rankings = rankings_of(matcher, question, incumbents)
    else:
        rankings = [
            partners.rank_partners(matcher, matcher.rank(query), question.member, question.day)
            for query in matcher.queries(question.tender, as_of=question.day, incumbents=incumbents)
        ]
    merged = interleave([ranking.sirens(top) for ranking in rankings], top)
    scores = np.array([score for _, score in merged])
    of_partner = question.member is not None
    chances = (
        logistic(partners.SLOPE * scores + partners.INTERCEPT)
        if of_partner
        else matcher.ranker.probability(scores)
    )
    line = [[siren, round(s, 6), round(float(p), 6)] for (siren, s), p in zip(merged, chances, strict=True)]
    nobody = not line if question.member else all(matcher.nobody(ranking) for ranking in rankings)
    return {"query_id": question.id, "ranking": line, "nobody": nobody}


def rankings_of(matcher: Matcher, question: Question, incumbents: bool = False) -> list[Ranking]:
    """The ranking of each lot that the notice names, as of the question's day."""
    queries = matcher.queries(question.tender, as_of=question.day, incumbents=incumbents)
    return [matcher.rank(query) for query in queries]


def measures(ranking: Sequence[str], gold: Iterable[str]) -> dict[str, float]:
    """R@1, R@10, R@50, R@100, MRR and nDCG@10 of one ranking of SIRENs; binary gains, log2 discounts."""
    right = set(gold)
    hits = [rank for rank, siren in enumerate(list(dict.fromkeys(ranking))[:100]) if siren in right]
    ideal = sum(1 / math.log2(i + 2) for i in range(min(10, len(right))))
    recall = {f"R@{k}": sum(h < k for h in hits) / len(right) for k in (1, 10, 50, 100)}
    return recall | {
        "MRR": 1 / (hits[0] + 1) if hits else 0.0,
        "nDCG@10": sum(1 / math.log2(h + 2) for h in hits if h < 10) / ideal,
    }


def figures(run: Mapping[str, Sequence[str]], gold: Mapping[str, Sequence[str]]) -> dict[str, list[float]]:
    """Each measure for each query of `gold`, in its order; a query that `run` leaves out scores 0."""
    rows = [measures(run.get(query, ()), right) for query, right in sorted(gold.items())]
    return {name: [row[name] for row in rows] for name in rows[0]}


def bootstrap(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and its 95 % interval by resampling the queries."""
    array = np.asarray(values)
    drawn = np.random.default_rng(0).integers(0, len(array), (1000, len(array)))
    low, high = np.quantile(array[drawn].mean(axis=1), [0.025, 0.975])
    return float(array.mean()), float(low), float(high)


def paired(better: Sequence[float], worse: Sequence[float]) -> tuple[float, float, float]:
    """Mean difference of two runs over the same queries and its 95 % interval (paired bootstrap)."""
    return bootstrap((np.asarray(better) - np.asarray(worse)).tolist())


def load_gold(path: Path) -> dict[str, list[str]]:
    """The answers of a qrels file.  Raises BadInput where it holds none."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))["queries"]
        gold = {str(key): [str(x) for x in value] for key, value in data.items()}
    except (ValueError, KeyError, AttributeError, TypeError):
        raise BadInput(
            f'{path} holds no answers: {{"queries": {{query_id: [siren, ...]}}}} is wanted'
        ) from None
    if not gold or not all(gold.values()):
        raise BadInput(f"{path} holds no query, or a query without answer")
    return gold
