"""Department: the share of awards carried out in the department of the lot, of a supplier without an address."""

import numpy as np

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _pieces


def measure(shortlist: Shortlist) -> Column:
    """Awards in the department over located awards plus one; NaN where no place is known."""
    if not any(place.department for place in shortlist.query.places):
        return np.full(len(shortlist), np.nan)
    located = _pieces.awards(shortlist) & (shortlist.catalogue.of_row("department")[shortlist.rows] >= 0)
    number = shortlist.count(located)
    inside = shortlist.count(located & _pieces.here(shortlist))
    return _pieces.without_address(shortlist, np.where(number > 0, inside / (number + 1.0), np.nan))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return Why("départements de ses marchés inconnus")
    if value > 0:
        return Why("a déjà travaillé dans ce département")
    return Why("aucun marché connu dans ce département", tells=False)
