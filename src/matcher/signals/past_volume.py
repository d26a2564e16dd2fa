"""Past volume: how many public contracts the supplier is known to have won, on a log scale."""

from __future__ import annotations

import numpy as np

from matcher.shortlist import Column, Shortlist
from matcher.signals import Why, _past


@_past.told
def measure(shortlist: Shortlist) -> Column:
    """log(1 + awards); NaN without awards."""
    return _past.unknown_without_awards(shortlist, np.log1p(_past.counts(shortlist)))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    number = int(_past.counts(shortlist)[i])
    return Why(f"{number} marché(s) public(s) connu(s)" if number else "aucun marché public connu")
