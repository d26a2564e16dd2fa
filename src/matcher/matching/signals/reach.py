"""Reach: the past award nearest to the lot, of a supplier without an address."""

import numpy as np

from matcher.matching import reach
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _pieces

SCALE_KM = 400.0


def measure(shortlist: Shortlist) -> Column:
    """exp(-km / 400) of the nearest award; NaN where no distance is known."""
    kilometres = _pieces.kilometres(shortlist)
    located = _pieces.awards(shortlist) & ~np.isnan(kilometres)
    return _pieces.without_address(shortlist, shortlist.best(np.exp(-kilometres / SCALE_KM), located))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return Why("lieux de ses marchés inconnus")
    if reach.only_vague(shortlist.query.places) or _pieces.at_centre(shortlist, i):
        return Why("distance de ses marchés passés connue au département près")
    return Why(f"son marché passé le plus proche est à {-SCALE_KM * np.log(max(value, 1e-9)):.0f} km")
