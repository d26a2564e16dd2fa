"""Past part: the words of the lot itself, without those of the whole operation, in awards won."""

from __future__ import annotations

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _past

ALIKE = "unknown"

#: From this value on the contract found is like the lot; below, it is only the least unlike.
TELLING = 0.5


@_past.nan_without_awards
def measure(shortlist: Shortlist) -> Column:
    """Discounted sum of the best three BM25 shares of the lot's own words; NaN without awards."""
    return shortlist.discounted(_past.scaled(shortlist, "part"), _past.mask(shortlist), _past.DISCOUNT)


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    values = _past.scaled(shortlist, "part")
    return _past.nearest_contract(shortlist, i, value, values, "a déjà remporté un lot semblable", TELLING)
