"""Candidates of a lot that may be proposed for it: the others are told by their place and trade, and not compared further."""

import numpy as np
from numpy.typing import NDArray

from matcher.matching import by_clause, judgement, reach, search, suitability
from matcher.matching.ranking import LIKELY, PLAUSIBLE
from matcher.matching.shortlist import Shortlist

MANY = 2_000  # candidates; of fewer, what tells their trade is read of all, which costs less than a step of its own


def contenders(
    everyone: Shortlist, least: int = PLAUSIBLE, also: NDArray[np.bool_] | None = None
) -> Shortlist:
    """Those that may be of this level at least, or likely to carry hours of a clause, and plausible ones of a mask of structures.

    Nobody else can be, whatever its texts (`Judgement.may_reach`).
    """
    some = everyone
    for known in judgement.STEPS if len(some) > MANY else judgement.STEPS[-1:]:
        if len(some):
            some = search.narrowed(some, _may_be_proposed(some, known, least, also))
    return some


def _may_be_proposed(
    some: Shortlist, known: tuple[str, ...], least: int, also: NDArray[np.bool_] | None
) -> NDArray[np.bool_]:
    """Who may be of this level, or carry hours of a clause, as far as these columns tell; (n,)."""
    judge = judgement.shipped()
    if not some.query.asked.stated:
        return np.zeros(len(some), dtype=bool)
    kept = judge.may_reach(some, judge.likely if least == LIKELY else judge.plausible, {}, known)
    if also is not None:
        kept = kept | (also[some.candidates] & judge.may_reach(some, judge.plausible, {}, known))
    if some.query.filters.radius_km is not None:  # within it who is of the trade is plausible, however far
        kept = kept | judge.may_reach(some, judge.likely, suitability.ON_THE_SPOT, known)
    if by_clause.clause_asked(some.query.lot):
        chance = by_clause.least_chance(some.query.lot)
        kept = kept | judge.may_reach(some, chance, by_clause.asked(some), known)
    # a declared zone that excludes the lot is a refusal, whatever the distance
    return np.asarray(kept & suitability.proposable(some) & ~reach.of(some).refused)
