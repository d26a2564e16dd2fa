"""Candidates of a lot in order, and the merging of several orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matcher.matching.shortlist import Column, Shortlist

#: Levels of the judgement, as numbers that can be compared: whom to call, whom to ask first, whom not to show.
LIKELY, PLAUSIBLE, UNLIKELY = 2, 1, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Candidates of a lot in order; `order` holds positions in the shortlist, one for each bidder, best first.

    `chances` and `levels` hold, for each candidate, the chance of being a lead (of winning, where past awards rank)
    and the level that it reaches: UNLIKELY for whom the law or the register shuts out.  Without a judgement whoever is
    admitted counts as likely.
    """

    shortlist: Shortlist
    contributions: Mapping[str, Column]
    scores: Column
    order: NDArray[np.int64]
    regime: str
    chances: Column
    levels: NDArray[np.int64]
    judged: bool = False  # by the judgement of leads, not by past awards

    def sirens(self, n: int) -> list[tuple[str, float]]:
        """The first n bidders by SIREN, with their scores."""
        sirens = self.shortlist.catalogue.of_structure("siren")
        top = self.order[:n]
        return [(str(sirens[self.shortlist.candidates[i]]), float(self.scores[i])) for i in top]


def interleave(lists: Sequence[Sequence[tuple[str, float]]], top: int) -> list[tuple[str, float]]:
    """Rankings of several lots as one: the firsts of each, then the seconds ..., each SIREN once.

    Scores are made to follow the order: an entry never scores above the one before it.
    """
    merged: dict[str, float] = {}
    for depth in range(max((len(ranking) for ranking in lists), default=0)):
        for ranking in lists:
            if depth < len(ranking):
                siren, score = ranking[depth]
                merged.setdefault(siren, score)
    result: list[tuple[str, float]] = []
    for siren, score in list(merged.items())[:top]:
        result.append((siren, min(score, result[-1][1]) if result else score))
    return result
