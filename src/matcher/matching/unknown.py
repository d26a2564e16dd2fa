"""Structures in reach of a lot of which nothing tells the trade, of kinds that often have it: to be asked, not absent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matcher.domain import Structure
from matcher.matching import evidence, reach, search, suitability
from matcher.matching.ranking import PLAUSIBLE, Ranking
from matcher.matching.shortlist import Shortlist
from matcher.matching.signals import reservation

#: Share of a kind, or prior chance by kind, code and name, from which a silent structure is worth a question.
OFTEN = 0.05
NAMED = 20  # structures that are named, of those counted


def to_ask(ranking: Ranking, most: int = NAMED) -> tuple[int, tuple[Structure, ...]]:
    """How many bidders are to be asked, and the first of them: those of the likeliest kinds, the nearest first.

    None where structures do not answer such lots, or where the lot has no place.
    """
    query = ranking.shortlist.query
    if not ranking.judged or not query.located or suitability.calls_for(ranking):
        return 0, ()
    near = _near(ranking)
    if not len(near):
        return 0, ()
    often = np.fmax(evidence.of(near, "kind_rate"), evidence.of(near, "prior_trade"))
    asked = (evidence.of(near, "silent") > 0) & (often >= OFTEN) & ~(reservation.measure(near) == 0)
    order = np.flatnonzero(asked)
    order = order[np.lexsort((reach.of(near).kilometres[order], -np.round(often[order], 2)))]
    bidders = near.catalogue.of_structure("bidder")[near.candidates[order]]
    _, first = np.unique(bidders, return_index=True)
    chosen = near.candidates[order[np.sort(first)]]
    return len(chosen), tuple(near.catalogue.structure(int(row)) for row in chosen[:most])


def _near(ranking: Ranking) -> Shortlist:
    """Candidates who may be proposed and come to the lot, whose bidders are not shown already."""
    everyone = ranking.everyone
    shown = suitability.bidders_of(ranking.shortlist, ranking.levels >= PLAUSIBLE)
    bidders = everyone.catalogue.of_structure("bidder")[everyone.candidates]
    kept: NDArray[np.bool_] = (
        reach.of(everyone).comes(everyone.query.demand.usual_km)
        & suitability.proposable(everyone)
        & ~np.isin(bidders, shown)
    )
    return search.narrowed(everyone, kept)
