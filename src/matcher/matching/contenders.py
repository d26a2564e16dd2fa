"""Candidates of a lot that may be proposed for it: the others are told by their place and trade, and not compared further."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matcher.matching import by_clause, judgement, suitability
from matcher.matching.shortlist import Shortlist, heads


def contenders(everyone: Shortlist) -> Shortlist:
    """Those that may be plausible, or likely to carry hours of a clause, with all establishments of each of them.

    Nobody else can be, whatever its texts (`Judgement.may_reach`).
    """
    if (
        everyone.query.filters.radius_km is not None
    ):  # who is of the trade is plausible there, however far it travels
        return everyone
    judge, kept = judgement.shipped(), np.zeros(len(everyone), dtype=bool)
    if suitability.says_need(everyone):
        kept |= judge.may_reach(everyone, judge.plausible, {})
        if by_clause.clause_asked(everyone.query.lot):
            kept |= judge.may_reach(everyone, judge.likely, by_clause.asked(everyone))
        kept &= suitability.proposable(everyone)
    return judge.narrowed(everyone, of_bidders(everyone, kept))


def of_bidders(shortlist: Shortlist, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The candidates of a mask with the other establishments of their bidders; (n,)."""
    if not len(mask):
        return mask
    first = heads(shortlist.catalogue.of_structure("bidder")[shortlist.candidates])  # they are adjacent
    return np.repeat(np.logical_or.reduceat(mask, first), np.diff(np.append(first, len(mask))))
