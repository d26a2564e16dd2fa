"""Past trade count: how many awards won in the same CPV group, on a log scale."""

from __future__ import annotations

import numpy as np

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _past

SAME_TEXT_FOR = "value"


@_past.nan_without_awards
def measure(shortlist: Shortlist) -> Column:
    """log(1 + awards of the same CPV group); NaN without awards or where the lot states no CPV."""
    if not shortlist.query.cpv:
        return np.full(len(shortlist), np.nan)
    same = shortlist.count(_past.mask(shortlist) & (_past.agreement(shortlist) >= 0.6))
    return _past.unknown_without_awards(shortlist, np.log1p(same))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return Why("aucun marché public connu")
    number = round(float(np.expm1(value)))
    if not number:
        return Why("aucun marché remporté dans ce domaine (groupe CPV)", tells=False)
    many = "s" if number > 1 else ""
    return Why(f"{number} marché{many} remporté{many} dans ce domaine (groupe CPV)")
