"""Candidates of a lot that may be proposed for it: the others are told by their place and trade, and not compared further."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matcher.matching import by_clause, judgement, suitability
from matcher.matching.shortlist import Shortlist, heads

if TYPE_CHECKING:
    from matcher.catalogue.catalogue import Catalogue


def contenders(everyone: Shortlist) -> Shortlist:
    """Those that may be plausible, or likely to carry hours of a clause, with all establishments of each of them.

    Nobody else can be, whatever its texts (`Judgement.may_reach`).
    """
    if (
        everyone.query.filters.radius_km is not None
    ):  # who is of the trade is plausible there, however far it travels
        return everyone
    some = everyone
    for known in judgement.STEPS:
        if len(some):
            some = judgement.shipped().narrowed(some, of_bidders(some, _may_be_proposed(some, known)))
    return some


def _may_be_proposed(some: Shortlist, known: tuple[str, ...]) -> NDArray[np.bool_]:
    """Who may be plausible, or carry hours of a clause, as far as these columns tell; (n,)."""
    judge, kept = judgement.shipped(), np.zeros(len(some), dtype=bool)
    if suitability.says_need(some):
        kept |= judge.may_reach(some, judge.plausible, {}, known)
        if by_clause.clause_asked(some.query.lot):
            kept |= judge.may_reach(some, judge.likely, by_clause.asked(some), known)
        kept &= suitability.proposable(some)
    return kept


def of_bidders(shortlist: Shortlist, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The candidates of a mask with the other establishments of their bidders; (n,)."""
    catalogue = shortlist.catalogue
    several = np.flatnonzero(
        catalogue.once("several places", lambda: _several(catalogue))[shortlist.candidates]
    )
    if not len(several):  # as most have one
        return mask
    found = mask.copy()
    first = heads(catalogue.of_structure("bidder")[shortlist.candidates[several]])  # they are adjacent
    any_ = np.logical_or.reduceat(mask[several], first)
    found[several] = np.repeat(any_, np.diff(np.append(first, len(several))))
    return found


def _several(catalogue: Catalogue) -> NDArray[np.bool_]:
    """Structures of which the bidder has other establishments."""
    bidders = catalogue.of_structure("bidder")
    alike = np.concatenate([[False], bidders[1:] == bidders[:-1], [False]])
    return np.asarray(alike[1:] | alike[:-1])
