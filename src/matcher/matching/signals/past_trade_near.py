"""Past trade near: an award that is both of the same trade and near."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _past

SAME_TEXT_FOR = "unknown"


def _values(shortlist: Shortlist) -> NDArray[np.float64]:
    result: NDArray[np.float64] = shortlist.once(
        "past_trade_near", lambda: _past.agreement(shortlist) * _past.near(shortlist)
    )
    return result


#: From this value on the contract found is described as similar.
THRESHOLD = 0.3


@_past.nan_without_awards
def measure(shortlist: Shortlist) -> Column:
    """Best over awards of CPV agreement times exp(-km / 150), 0.3 where the distance is unknown; NaN without awards."""
    return shortlist.best(_values(shortlist), _past.mask(shortlist))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    values = _values(shortlist)
    return _past.nearest_contract(
        shortlist, i, value, values, "a déjà remporté un marché du même métier, près de là", THRESHOLD
    )
