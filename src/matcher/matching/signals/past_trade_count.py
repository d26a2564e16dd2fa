"""Past trade count: how many awards won in the same CPV group, on a log scale."""

from __future__ import annotations

import numpy as np

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _past

SAME_TEXT_FOR = "value"
GROUP = 0.6  # agreement of awards of the same CPV group


@_past.nan_without_awards
def measure(shortlist: Shortlist) -> Column:
    """log(1 + awards of the same CPV group); NaN without awards or where the lot states no CPV."""
    return np.log1p(_past.same_trade(shortlist, GROUP))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return Why("aucun marché public connu")
    number = round(float(np.expm1(value)))
    if not number:
        return Why("aucun marché remporté dans ce domaine (groupe CPV)", tells=False)
    many = "s" if number > 1 else ""
    return Why(f"{number} marché{many} remporté{many} dans ce domaine (groupe CPV)")
