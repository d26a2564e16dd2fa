"""Past best: the single award nearest in words, so that one right award is not beaten by many."""

from __future__ import annotations

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _past
from matcher.reference.text import shorten

ALIKE = "unknown"

#: From this value on the contract found is like the lot; below, it is only the least unlike.
TELLING = 0.5


@_past.told
def measure(shortlist: Shortlist) -> Column:
    """The best BM25 share, relative to the catalogue's best; NaN without awards."""
    return shortlist.best(_past.scaled(shortlist, "words"), _past.mask(shortlist))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return Why("aucun marché public connu", tells=False)
    row = shortlist.best_row(i, _past.scaled(shortlist, "words"), _past.mask(shortlist))
    if row is None:
        return Why("aucun marché public connu", tells=False)
    offer = shortlist.catalogue.offer(row)
    when = f" ({offer.since.year})" if offer.since else ""
    return Why(
        f"a déjà remporté un marché très semblable{when}",
        "",
        shorten(offer.title, 200),
        tells=value >= TELLING,
    )
