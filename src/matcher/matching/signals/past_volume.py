"""Past volume: how many public contracts the supplier is known to have won, on a log scale."""

from __future__ import annotations

import numpy as np

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _past


@_past.nan_without_awards
def measure(shortlist: Shortlist) -> Column:
    """log(1 + awards); NaN without awards."""
    return _past.unknown_without_awards(shortlist, np.log1p(_past.counts(shortlist)))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    number = int(_past.counts(shortlist)[i])
    if not number:
        return Why("aucun marché public connu", tells=False)
    many = "s" if number > 1 else ""
    return Why(f"{number} marché{many} public{many} connu{many}")
