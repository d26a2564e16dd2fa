"""Rankers: from columns to a score.  One file each; the file name is the key.

To add one, write a file with `load(**options) -> Ranker`.  A score is additive: the contributions of a
candidate sum to it, so that the reasons shown are the score itself.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Protocol

import numpy as np

from matcher.matching.shortlist import Column, Shortlist

Lines = Mapping[str, Mapping[str, float]]
#: Exclusions by law or notice, which nothing teaches: who may not answer is last.
RULES: dict[str, Mapping[str, float]] = {
    "reservation": {"weight": 1000.0, "offset": -1000.0, "missing": -0.5},
    "capacity": {"weight": 2.0, "offset": -2.0, "missing": 0.0},
}


class Ranker(Protocol):
    """Combines named columns (NaN is unknown, higher is better) into one additive score; uses nothing but the columns."""

    fingerprint: str

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals used; the engine measures no others."""

    def contributions(self, shortlist: Shortlist) -> Mapping[str, Column]:
        """What each signal adds to the score of each candidate; columns of shape (n,), never NaN."""

    def probability(self, scores: Column) -> Column:
        """Monotone map from scores to the probability that the candidate is chosen, or judged right."""


class AdditiveRanker:
    """score = sum over signals of weight * value + offset, or of `missing` where it is NaN; each is 0 unless given.

    The probability is a logistic map of the score, of this slope and intercept.
    """

    def __init__(self, lines: Lines, slope: float = 1.0, intercept: float = 0.0) -> None:
        self.lines, self._slope, self._intercept = lines, slope, intercept
        told = json.dumps([lines, slope, intercept], sort_keys=True, default=dict)
        self.fingerprint = hashlib.sha256(told.encode()).hexdigest()[:12]

    @property
    def signals(self) -> tuple[str, ...]:
        return tuple(self.lines)

    def contributions(self, shortlist: Shortlist) -> dict[str, Column]:
        return {name: _on_line(shortlist.columns[name], **line) for name, line in self.lines.items()}

    def probability(self, scores: Column) -> Column:
        return logistic(self._slope * scores + self._intercept)


def _on_line(values: Column, weight: float = 0.0, offset: float = 0.0, missing: float = 0.0) -> Column:
    return np.where(np.isnan(values), missing, weight * values + offset)


def logistic(log_odds: Column) -> Column:
    """Probabilities of log-odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -500, 500))), dtype=np.float64)
