"""The position of one structure towards a lot: answers itself, by the clause, lacks a trade, or is too small.

Opportunities, digests and partners share it, so that they agree.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from matcher.domain import LENDING_KINDS, Filters, Lot, Structure
from matcher.matching import demand, reach, suitability
from matcher.matching.amounts import yearly
from matcher.matching.engine import Matcher
from matcher.matching.judgement import shipped
from matcher.matching.parts import parts_of
from matcher.matching.ranking import LIKELY, PLAUSIBLE, UNLIKELY, Ranking
from matcher.matching.shortlist import Query
from matcher.reference import needs as needs_
from matcher.reference.trades import INDIRECT_FIT

#: "self": takes the lot; "clause": carries hours of it for whoever takes it.
Way = Literal["self", "clause"]
LENT = "par mise à disposition de personnel : à proposer aux entreprises qui répondent à ce lot"


def way_in(kind: str, ranking: Ranking) -> Way:
    """Whether a structure of this kind answers itself, or through the contractor (kinds that lend staff, unless staff is asked)."""
    if kind not in LENDING_KINDS or not ranking.judged:
        return "self"
    return "self" if demand.of(ranking.shortlist)["staff"] > demand.SHARE else "clause"


def level_of(ranking: Ranking, structure: Structure) -> int:
    """The level of the only candidate, by its trade alone: reservations are handled separately.

    Without a known place nobody is in reach.
    """
    if not len(ranking.order):
        return UNLIKELY  # it has denied the trade of this lot, or of this part
    return _level_at(ranking, structure, int(ranking.order[0]))


def _level_at(ranking: Ranking, structure: Structure, i: int) -> int:
    """The same of candidate i, which is the structure."""
    query = ranking.shortlist.query
    if not ranking.judged:
        asked = [n for n in needs_.asked(query.lot) if n.trade not in needs_.GENERIC]
        return LIKELY if asked and known(asked, structure).any() else UNLIKELY
    if reach.of(ranking.shortlist).refused[i]:
        return UNLIKELY
    free = ranking.scores[i : i + 1] - ranking.contributions["reservation"][i : i + 1]
    level = int(shipped().levels_of(free)[0])
    sure = suitability.located(query) and not suitability.conceded(query)
    return level if sure else min(level, PLAUSIBLE)


def known(asked: Sequence[needs_.Need], structure: Structure) -> NDArray[np.bool_]:
    """The needs whose trade the structure declares, or its activity code indicates."""
    return np.array(needs_.cover(asked, [structure])).ravel() >= INDIRECT_FIT


def parts(lot: Lot) -> tuple[needs_.Need, ...]:
    """The trades named in the title of a lot, if several; descriptions mention things that are not bought."""
    return tuple(needs_.split(replace(lot, description="")))


def lacking(matcher: Matcher, structure: Structure, query: Query) -> list[str]:
    """Labels of the needs of a lot of several trades for which the structure is not likely."""
    return lacking_by(matcher, [structure], query)[structure.siret]


def lacking_by(matcher: Matcher, structures: Sequence[Structure], query: Query) -> Mapping[str, list[str]]:
    """The same for several structures, by SIRET; each part of the lot is judged once for all of them."""
    asked = parts(query.lot)
    if not asked or not structures:
        return {structure.siret: [] for structure in structures}
    if not matcher.judges:
        able = {structure.siret: known(asked, structure) for structure in structures}
    else:
        only = Filters(sirets=tuple(structure.siret for structure in structures))
        each = query.memo.once("parts", lambda: _queries_of_parts(matcher, query))
        found = [_likely(matcher.rank(replace(part, filters=only)), structures) for part in each]
        able = {
            structure.siret: np.array([structure.siret in likely for likely in found])
            for structure in structures
        }
    return {
        siret: [need.label for need, does in zip(asked, each_, strict=True) if not does]
        for siret, each_ in able.items()
    }


def _likely(ranking: Ranking, structures: Sequence[Structure]) -> set[str]:
    """The SIRETs of those that are likely in a ranking of them alone."""
    shortlist = ranking.shortlist
    sirets = shortlist.catalogue.of_structure("siret")[shortlist.candidates]
    best = {str(sirets[i]): int(i) for i in np.argsort(ranking.scores, kind="stable")}
    return {
        structure.siret
        for structure in structures
        if structure.siret in best and _level_at(ranking, structure, best[structure.siret]) == LIKELY
    }


def _queries_of_parts(matcher: Matcher, query: Query) -> list[Query]:
    lots = parts_of(replace(query.lot, description=""))
    return matcher.queries(replace(query.tender, lots=lots))


def size(structure: Structure, lot: Lot) -> str:
    """What to check about its size before it answers alone, in French; "" where its turnover covers the lot."""
    amount = yearly(lot)
    if math.isnan(amount):
        return "capacité à vérifier : montant annuel du lot inconnu"
    if structure.turnover is None:
        return "capacité à vérifier : votre chiffre d'affaires est inconnu"
    if structure.turnover < amount:
        return "le montant annuel du lot dépasse votre chiffre d'affaires connu"
    return ""


def too_small(structure: Structure, lot: Lot) -> bool:
    """Is the yearly amount of the lot known, and not known to be within the turnover of the structure?"""
    amount = yearly(lot)
    return not math.isnan(amount) and not (structure.turnover or 0.0) >= amount
