"""One chunk of a batch: notices in, rows of matches out."""

import gc
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from matcher.catalogue.filters import holding_any
from matcher.domain import LENDING_KINDS, Filters, NotFound, Reason, Tender
from matcher.matching import by_clause, parts, standing
from matcher.matching.engine import Matcher
from matcher.matching.ranking import LIKELY, PLAUSIBLE, Ranking


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One notice to match: as corrected, without those who refused it."""

    id: str
    tender: Tender
    key: str
    excluded: Mapping[str, tuple[str, ...]]  # lot id -> SIRETs
    wants_plausible: frozenset[str] = frozenset()  # SIRETs that also want what is only plausible for them


#: Kinds that may carry hours by a task of the lot, in addition to those that lend staff.
TASK_KINDS = frozenset({"EI", "ACI"})
CARRIERS = 10  # structures to which a lot is announced for its clause


def matches_of(matcher: Matcher, task: Task, top: int, floor: float) -> list[dict[str, Any]]:
    """The rows of one notice: for each lot whom to call, at most `top`, and who could carry hours of its clause.

    `detail["level"]` is "likely", "clause", or "plausible" for a structure that asked for it.
    """
    rows: list[dict[str, Any]] = []
    if not task.tender.lots:
        return rows
    queries = matcher.queries(task.tender)
    for place, query in enumerate(queries):
        if gone := task.excluded.get(query.lot.id):
            excluded = list(gone)
            for siret in gone:  # and its successor: a refusal follows an establishment that moved
                with suppress(NotFound):
                    excluded.append(str(matcher.catalogue.sirets[matcher.catalogue.row(siret)]))
            queries[place] = replace(query, filters=Filters(excluded=tuple(dict.fromkeys(excluded))))
    wanted = task.wants_plausible
    also = holding_any(matcher.catalogue, wanted, prefixes=False) if wanted else None
    for ranking in matcher.rank_each(queries, LIKELY, also):
        rows += _rows(matcher, ranking, _levels(ranking, wanted, top, floor))
    return rows


def _levels(
    ranking: Ranking, wants_plausible: frozenset[str], top: int, floor: float
) -> dict[int, tuple[str, Reason | None]]:
    """Position in the shortlist -> (level, how by the clause), of the structures to be notified, best first."""
    query, catalogue = ranking.shortlist.query, ranking.shortlist.catalogue
    kinds = catalogue.of_structure("kind")[ranking.shortlist.candidates]
    chosen: dict[int, tuple[str, Reason | None]] = {}
    # only whom the judgement says to call is notified, above the floor of the operator, and where the place is known
    likely = ranking.order[ranking.levels[ranking.order] == LIKELY] if query.located else ranking.order[:0]
    for i in likely[ranking.chances[likely] >= floor][:top].tolist():
        if standing.way_in(str(kinds[i]), ranking) == "self":
            chosen[i] = ("likely", None)
    if ranking.judged and query.located and query.lot.owed_condition:
        for i, code, text in by_clause.by_clause(ranking, CARRIERS):
            if kinds[i] in LENDING_KINDS | TASK_KINDS:
                chosen.setdefault(i, ("clause", Reason(code=code, text=text)))
    if wants_plausible:
        sirets = catalogue.of_structure("siret")[ranking.shortlist.candidates]
        for i in ranking.order[ranking.levels[ranking.order] >= PLAUSIBLE].tolist():
            if str(sirets[i]) in wants_plausible:
                chosen.setdefault(i, ("plausible", None))
    return chosen


def _rows(
    matcher: Matcher, ranking: Ranking, chosen: Mapping[int, tuple[str, Reason | None]]
) -> Iterator[dict[str, Any]]:
    @cache  # most reasons of a lot are shared by its candidates
    def as_json(reason: Reason) -> dict[str, Any]:
        """By hand, for there are dozens a match."""
        names = ("code", "text", "contribution", "notice_passage", "offer_passage", "tells")
        return {name: getattr(reason, name) for name in names} | {
            "contribution": _finite(reason.contribution)
        }

    explained = matcher.explained(ranking, list(chosen))
    told = [(match, i, *by) for match, (i, by) in zip(explained, chosen.items(), strict=True)]
    told = [one for one in told if one[0].eligible is not False and one[0].structure.active is not False]
    may_take = [match.structure for match, _, level, _ in told if level == "likely" and ranking.judged]
    query = ranking.shortlist.query
    lacking = standing.lacking(matcher, may_take, query)
    first = parts.named_first(query.asked)  # who lacks it does what is named besides
    told = [one for one in told if not first or first.label not in lacking.get(one[0].structure.siret, ())]
    shown = sum(level == "likely" for _, _, level, _ in told)
    for match, i, level, by in told:
        reasons = (*((by,) if by else ()), *match.reasons)
        structure = match.structure
        own = level == "likely" and ranking.judged
        detail = {
            "level": level,
            "shown": shown,
            "reasons": [as_json(reason) for reason in reasons],
            "offer": match.offer.id if match.offer else "",
            "distance_km": match.distance_km,
            "eligible": match.eligible,
            "missing": list(match.missing),
            "warnings": list(match.warnings),
            "lends": standing.way_in(structure.kind, ranking) == "clause",
            "size": standing.size(structure, query) if own else "",
            "small": own and standing.too_small(structure, query),
            "unsure": standing.unsure(ranking, structure, i) if own else "",
            "lacking": lacking.get(structure.siret, []) if own else [],
        }
        row = {"lot_id": match.lot.id, "siret": structure.siret, "rank": match.rank, "detail": detail}
        yield row | {"score": _finite(match.score), "probability": _finite(match.probability)}


def _finite(value: float) -> float:
    return float(value) if math.isfinite(value) else 0.0


@lru_cache(maxsize=2)
def _loaded(folder: str, stamp: int) -> Matcher:
    loaded = Matcher.load(folder)
    gc.freeze()  # searches for cycles would go through all of it, again and again
    return loaded


def _opened(folder: str) -> Matcher:
    """The matcher of a folder, opened once a process for each version of its manifest."""
    manifest = Path(folder) / "manifest.json"
    return _loaded(folder, manifest.stat().st_mtime_ns if manifest.exists() else 0)


def match_tasks(
    folder: str, tasks: Sequence[Task], top: int, floor: float
) -> list[tuple[str, list[dict[str, Any]]]]:
    """What one worker does with its share of the notices, in this process or on another machine."""
    matcher = _opened(folder)
    return [(task.id, matches_of(matcher, task, top, floor)) for task in tasks]
