"""The ranking of a lot's candidates, rotation of near-ties, and the merge of several rankings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import accumulate, chain, zip_longest

import numpy as np

from matcher.matching.shortlist import Column, Shortlist, heads
from matcher.reference.arrays import I64, Mask

#: Levels of the judgement as comparable numbers: call, ask first, do not show.
LIKELY, PLAUSIBLE, UNLIKELY = 2, 1, 0
CONFIRM = 0.2  # chance from which a plausible structure is proposed, to be confirmed
ROTATED_FIRST = 200  # only this many of the first places may change


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Candidates of a lot in order; `order` holds positions in the shortlist, one for each bidder, best first.

    `chances` and `levels` hold, for each candidate, the probability of being a lead (of winning, where past awards
    rank) and its level: UNLIKELY for those excluded by law or by the register.  Without a judgement every admissible
    candidate counts as likely.  `everyone` are the candidates with those left out, who cannot be proposed.
    """

    shortlist: Shortlist
    everyone: Shortlist
    contributions: Mapping[str, Column]
    scores: Column
    order: I64
    chances: Column
    levels: I64
    judged: bool = False  # by the judgement of leads, not by past awards

    @property
    def considered(self) -> int:
        """Number of bidders examined, also those left out."""
        bidders = self.everyone.catalogue.of_structure("bidder")[self.everyone.candidates]
        return len(heads(bidders[examined(self.everyone, self.judged)]))

    def brief(self) -> "Ranking":
        """The same without what is known of those left out, which weighs most and explains nobody."""
        few = replace(self.shortlist, memo=self.shortlist.memo.alone())
        return replace(self, shortlist=few, everyone=few)

    def sirens(self, n: int) -> list[tuple[str, float]]:
        """The first n bidders by SIREN, with their scores."""
        sirens = self.shortlist.catalogue.of_structure("siren")
        top = self.order[:n]
        return [(str(sirens[self.shortlist.candidates[i]]), float(self.scores[i])) for i in top]


def examined(shortlist: Shortlist, judged: bool) -> Mask:
    """Candidates that count as examined: where structures are judged, those of a directory, no firm known by awards alone; (n,)."""
    if not judged:
        return np.ones(len(shortlist), dtype=bool)
    return np.asarray(~shortlist.catalogue.unlisted[shortlist.candidates])


def rotate_near_ties(ranking: Ranking, scale: float, turn: str = "") -> Ranking:
    """The ranking of leads with its first places drawn at random within each level, with a seed of the lot's words and a turn.

    A score higher by `scale` makes a candidate e times as likely to precede another (Plackett, 1975): near-ties
    alternate from lot to lot and from turn to turn, clear differences hardly ever reverse.
    """
    shown = int((ranking.levels[ranking.order] >= PLAUSIBLE).sum())
    first, words = ranking.order[: min(shown, ROTATED_FIRST)], ranking.shortlist.query.words
    if scale <= 0 or len(first) < 2 or not ranking.judged:
        return ranking
    sirens = ranking.shortlist.catalogue.of_structure("siren")[ranking.shortlist.candidates[first]]
    hashes = (sha256(f"{turn} {words} {siren}".encode()).digest()[:8] for siren in sirens)
    uniform = ((int.from_bytes(each, "big") + 0.5) / 2**64 for each in hashes)
    noise = np.array([-math.log(-math.log(each)) for each in uniform])  # standard Gumbel variates
    drawn = np.lexsort((-(ranking.scores[first] + scale * noise), -ranking.levels[first]))
    return replace(ranking, order=np.concatenate([first[drawn], ranking.order[len(first) :]]))


def interleave(lists: Sequence[Sequence[tuple[str, float]]], top: int) -> list[tuple[str, float]]:
    """Round-robin merge of the rankings of several lots, each SIREN once.

    Scores are capped so that they never increase along the list.
    """
    merged: dict[str, float] = {}
    for siren, score in filter(None, chain.from_iterable(zip_longest(*lists))):
        merged.setdefault(siren, score)
    sirens = list(merged)[:top]
    return list(zip(sirens, accumulate(map(merged.__getitem__, sirens), min), strict=True))
