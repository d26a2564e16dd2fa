"""Structures in reach of a lot of which nothing tells the trade, of kinds that often have it: to be asked, not absent."""

import numpy as np
from numpy.typing import NDArray

from matcher.domain import Structure
from matcher.matching import evidence, reach, search, suitability
from matcher.matching.ranking import PLAUSIBLE, Ranking
from matcher.matching.shortlist import Shortlist
from matcher.matching.signals import reservation

#: Share of a kind, or prior chance by kind, code and name, from which a silent structure is worth a question.
OFTEN = 0.05
HINTED = 0.5  # what a code or a name tells of the trade, from which its structure is worth a question where nobody is shown
NAMED = 20  # structures that are named at least, of those counted


def to_ask(ranking: Ranking, most: int = NAMED) -> tuple[int, tuple[Structure, ...]]:
    """How many bidders are to be asked, and the first of them: those of the likeliest kinds, the nearest first.

    None where structures do not answer such lots, or where the lot has no place.
    """
    rows, catalogue = asking(ranking), ranking.shortlist.catalogue
    return len(rows), tuple(catalogue.structure(int(row)) for row in rows[:most])


def asking(ranking: Ranking) -> NDArray[np.int64]:
    """The structure rows of those to be asked, see `to_ask`."""
    if not _served(ranking) or not len(near := _near(ranking)):
        return np.zeros(0, dtype=np.int64)
    often = np.fmax(evidence.of(near, "kind_rate"), evidence.of(near, "prior_trade"))
    asked = (evidence.of(near, "silent") > 0) & (often >= OFTEN)
    if (
        not asked.any() and not (ranking.levels >= PLAUSIBLE).any()
    ):  # else nobody: whose code or name has the trade
        hinted = np.fmax(evidence.of(near, "code_trade"), evidence.of(near, "name_trade"))
        asked, often = hinted >= HINTED, hinted
    asked &= ~(reservation.measure(near) == 0)
    order = np.flatnonzero(asked)
    order = order[np.lexsort((reach.of(near).kilometres[order], -np.round(often[order], 2)))]
    bidders = near.catalogue.of_structure("bidder")[near.candidates[order]]
    _, first = np.unique(bidders, return_index=True)
    return np.asarray(near.candidates[order[np.sort(first)]])


def probable(ranking: Ranking, chance: float = 0.1) -> NDArray[np.int64]:
    """The structure rows of those who come to the lot and have its trade with this chance at least, by what they say or are."""
    if not _served(ranking):
        return np.zeros(0, dtype=np.int64)
    near = _near(ranking, shown=True)
    told = [evidence.of(near, name) for name in ("sure", "kind_rate", "prior_trade")]
    return np.asarray(near.candidates[np.fmax.reduce(told) >= chance])


def _served(ranking: Ranking) -> bool:
    """Do structures answer such a lot, and is its place known?"""
    located = ranking.shortlist.query.located
    return ranking.judged and located and not suitability.calls_for(ranking)


def _near(ranking: Ranking, shown: bool = False) -> Shortlist:
    """Candidates who may be proposed and come to the lot, with those whose bidders are `shown` already or without."""
    everyone = ranking.everyone
    reached = reach.of(everyone)
    kept = reached.comes(everyone.query.demand.usual_km)
    if reach.only_vague(
        everyone.query.places
    ):  # somewhere in a department: whoever is in it is in reach of a part
        kept = kept | ((evidence.of(everyone, "same_department") > 0) & ~reached.refused)
    kept = kept & suitability.proposable(everyone)
    if not shown:
        bidders = everyone.catalogue.of_structure("bidder")[everyone.candidates]
        listed = suitability.bidders_of(ranking.shortlist, ranking.levels >= PLAUSIBLE)
        kept = kept & ~np.isin(bidders, listed)
    return search.narrowed(everyone, kept)
