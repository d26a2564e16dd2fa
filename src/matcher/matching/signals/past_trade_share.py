"""Past trade share: is this division of the CPV what the supplier lives by?"""

from __future__ import annotations

import numpy as np

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _past

SAME_TEXT_FOR = "value"


@_past.nan_without_awards
def measure(shortlist: Shortlist) -> Column:
    """Awards of the same CPV division over all awards plus one; NaN without awards or CPV."""
    if not shortlist.query.cpv:
        return np.full(len(shortlist), np.nan)
    same = shortlist.count(_past.mask(shortlist) & (_past.agreement(shortlist) >= 0.35))
    return _past.unknown_without_awards(shortlist, same / (_past.counts(shortlist) + 1.0))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return Why("aucun marché public connu")
    said = f"{100 * value:.0f} % de ses marchés publics sont de ce domaine (division CPV)"
    return Why(said, tells=value >= 0.005)
