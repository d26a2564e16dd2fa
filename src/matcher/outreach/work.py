"""One chunk of a batch: notices in, rows of matches out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matcher.domain import Reason, Tender

if TYPE_CHECKING:
    from matcher.matching.engine import Matcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One notice to match: as corrected, under all its ids, without those who refused it."""

    id: str
    ids: tuple[str, ...]
    tender: Tender
    key: str
    excluded: Mapping[str, tuple[str, ...]]  # lot id -> SIRETs


def matches_of(matcher: Matcher, task: Task, top: int, floor: float) -> list[dict[str, Any]]:
    """The rows of one notice: for each lot the structures above the floor that may answer, at most `top`."""
    from matcher.domain import Filters
    from matcher.matching.ranking import LIKELY

    rows: list[dict[str, Any]] = []
    if not task.tender.lots:
        return rows
    for query in matcher.queries(task.tender):
        gone = task.excluded.get(query.lot.id)
        if gone:
            query = replace(query, filters=Filters(excluded=_current_sirets(matcher, gone)))
        ranking = matcher.rank(query)
        if matcher.nobody(ranking):
            continue
        # only whom the judgement says to call is notified, above the floor of the operator
        order = ranking.order[ranking.levels[ranking.order] == LIKELY]
        kept = min(top, int((ranking.chances[order] >= floor).sum()))
        as_json = cache(_as_json)  # most reasons of a lot are shared by its candidates
        for rank, position in enumerate(order[:kept], 1):
            match = matcher.explain(ranking, int(position), rank)
            if match.eligible is False or match.structure.active is False:
                continue
            rows.append({
                "lot_id": query.lot.id, "siret": match.structure.siret, "rank": match.rank,
                "score": _finite(match.score), "probability": _finite(match.probability),
                "detail": {
                    "reasons": [as_json(reason) for reason in match.reasons],
                    "offer": match.offer.id if match.offer else "", "distance_km": match.distance_km,
                    "eligible": match.eligible, "missing": list(match.missing),
                    "warnings": list(match.warnings), "shown": kept,
                },
            })  # fmt: skip
    return rows


def _as_json(reason: Reason) -> dict[str, Any]:
    """A reason as JSON; by hand, for there are dozens a match."""
    return {
        "code": reason.code, "text": reason.text, "contribution": _finite(reason.contribution),
        "notice_passage": reason.notice_passage, "offer_passage": reason.offer_passage, "tells": reason.tells,
    }  # fmt: skip


def _current_sirets(matcher: Matcher, sirets: Iterable[str]) -> tuple[str, ...]:
    """These SIRETs and their successors: a refusal follows an establishment that moved."""
    from matcher.domain import NotFound

    found = []
    for siret in sirets:
        found.append(siret)
        try:
            row = matcher.catalogue.row(siret)
            found.append(str(matcher.catalogue.structures.column("siret")[row].as_py()))
        except NotFound:
            continue
    return tuple(dict.fromkeys(found))


def _finite(value: float) -> float:
    return float(value) if math.isfinite(value) else 0.0


@lru_cache(maxsize=2)
def _loaded(folder: str, stamp: int) -> Matcher:
    from matcher.matching.engine import Matcher

    return Matcher.load(folder)


def _opened(folder: str) -> Matcher:
    """The matcher of a folder, opened once a process for each version of its manifest."""
    manifest = Path(folder) / "manifest.json"
    return _loaded(folder, manifest.stat().st_mtime_ns if manifest.exists() else 0)


def worked(
    folder: str, tasks: Sequence[Task], top: int, floor: float
) -> list[tuple[str, list[dict[str, Any]]]]:
    """What one worker does with its share of the notices, in this process or on another machine."""
    matcher = _opened(folder)
    return [(task.id, matches_of(matcher, task, top, floor)) for task in tasks]
