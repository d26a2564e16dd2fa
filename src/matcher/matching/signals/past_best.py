"""Past best: the single most similar award by words, so that many awards do not beat one right award."""

from __future__ import annotations

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _past

SAME_TEXT_FOR = "unknown"

#: From this value on the contract found is described as similar.
THRESHOLD = 0.5


@_past.nan_without_awards
def measure(shortlist: Shortlist) -> Column:
    """The best BM25 share, relative to the catalogue's best; NaN without awards."""
    return shortlist.best(_past.scaled(shortlist, "words"), _past.mask(shortlist))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    values = _past.scaled(shortlist, "words")
    return _past.nearest_contract(
        shortlist, i, value, values, "a déjà remporté un marché très semblable", THRESHOLD
    )
