"""Candidates of a lot in order, and the merging of several orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matcher.matching.shortlist import Column, Shortlist


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Candidates of a lot in order; `order` holds positions in the shortlist, one for each bidder, best first."""

    shortlist: Shortlist
    contributions: Mapping[str, Column]
    scores: Column
    order: NDArray[np.int64]
    regime: str
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
