"""Rankers: from columns to a score.  One file each; the file name is the key.

To add one, write a file with `load(**options) -> Ranker`.  A score is additive: the contributions of a
candidate sum to it, so that the reasons shown are the score itself.
"""

from collections.abc import Mapping
from typing import Protocol

from matcher.matching.shortlist import Column, Shortlist


class Ranker(Protocol):
    """Combines named columns (NaN is unknown, higher is better) into one additive score; uses nothing but the columns."""

    fingerprint: str

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals used; the engine measures no others."""

    def contributions(self, shortlist: Shortlist) -> Mapping[str, Column]:
        """What each signal adds to the score of each candidate; columns of shape (n,), never NaN."""

    def probability(self, scores: Column, regime: str = "structure") -> Column:
        """Monotone map from scores to the probability that the candidate is chosen, or judged right, in a regime."""
