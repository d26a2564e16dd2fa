"""Past words near: awards that are both similar in words and near."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _past

SAME_TEXT_FOR = "unknown"


def _values(shortlist: Shortlist) -> NDArray[np.float64]:
    def make() -> NDArray[np.float64]:
        words, meaning = _past.scaled(shortlist, "words"), _past.scaled(shortlist, "meaning")
        return np.asarray((words + meaning) * _past.near(shortlist))

    result: NDArray[np.float64] = shortlist.once("past_words_near", make)
    return result


#: From this value on the contract found is described as similar.
THRESHOLD = 1.0


@_past.nan_without_awards
def measure(shortlist: Shortlist) -> Column:
    """Discounted sum over the best three awards of (words + meaning) times exp(-km / 150); NaN without awards."""
    return shortlist.discounted(_values(shortlist), _past.mask(shortlist), _past.DISCOUNT)


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    values = _values(shortlist)
    return _past.nearest_contract(
        shortlist, i, value, values, "a déjà remporté un marché semblable, près de là", THRESHOLD
    )
