"""Past meaning: how near the lot is to the best three awards won, by vector."""

from __future__ import annotations

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _past
from matcher.reference.text import shorten

ALIKE = "unknown"

#: From this value on the contract found is like the lot; below, it is only the least unlike.
TELLING = 0.45


@_past.told
def measure(shortlist: Shortlist) -> Column:
    """Discounted sum of the best three cosines, as shares of the catalogue's best; NaN without awards."""
    return shortlist.discounted(_past.scaled(shortlist, "meaning"), _past.mask(shortlist), _past.DISCOUNT)


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return Why("aucun marché public connu", tells=False)
    row = shortlist.best_row(i, _past.scaled(shortlist, "meaning"), _past.mask(shortlist))
    if row is None:
        return Why("aucun marché public connu", tells=False)
    offer = shortlist.catalogue.offer(row)
    when = f" ({offer.since.year})" if offer.since else ""
    return Why(
        f"a déjà remporté un marché semblable{when}", "", shorten(offer.title, 200), tells=value >= TELLING
    )
