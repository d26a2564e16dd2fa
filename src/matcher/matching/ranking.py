"""Candidates of a lot in order, and the merging of several orders."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from matcher.matching.shortlist import Column, Shortlist

#: Levels of the judgement, as numbers that can be compared: whom to call, whom to ask first, whom not to show.
LIKELY, PLAUSIBLE, UNLIKELY = 2, 1, 0
TURNS = 200  # so many of the first places may change, no more


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


def take_turns(ranking: Ranking, scale: float, day: date) -> Ranking:
    """The ranking with its first places drawn for this lot and day, the same all day long; levels stay apart.

    A score of `scale` more makes it e times as likely to stand before another (Plackett, 1975): near-equals take
    turns, who is clearly better hardly ever does.
    """
    first, lot = ranking.order[:TURNS], ranking.shortlist.query.lot.id
    if scale <= 0 or len(first) < 2:
        return ranking
    sirens = ranking.shortlist.catalogue.of_structure("siren")[ranking.shortlist.candidates[first]]
    luck = np.array([_gumbel(f"{day.isoformat()} {lot} {siren}") for siren in sirens])
    drawn = np.lexsort((-(ranking.scores[first] + scale * luck), -ranking.levels[first]))
    return replace(ranking, order=np.concatenate([first[drawn], ranking.order[TURNS:]]))


def _gumbel(key: str) -> float:
    """A standard Gumbel variate that depends on the key alone."""
    uniform = (int.from_bytes(sha256(key.encode()).digest()[:8], "big") + 0.5) / 2**64
    return -math.log(-math.log(uniform))


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
