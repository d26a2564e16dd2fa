"""Past reach: the past award nearest to the lot."""

from __future__ import annotations

import numpy as np

from matcher.matching import reach
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _past

SAME_TEXT_FOR = "value"

SCALE_KM = 400.0


@_past.nan_without_awards
def measure(shortlist: Shortlist) -> Column:
    """exp(-km / 400) of the nearest award; NaN where no distance is known."""
    known = _past.mask(shortlist) & ~np.isnan(_past.kilometres(shortlist))
    return _past.without_address(shortlist, shortlist.best(_past.nearness(shortlist, SCALE_KM), known))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return Why("lieux de ses marchés inconnus")
    if reach.only_vague(shortlist.query.places) or _past.at_centre(shortlist, i):
        return Why("distance de ses marchés passés connue au département près")
    return Why(f"son marché passé le plus proche est à {-SCALE_KM * np.log(max(value, 1e-9)):.0f} km")
