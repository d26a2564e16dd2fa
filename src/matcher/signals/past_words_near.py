"""Past words near: awards with the same words and near, in one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matcher.shortlist import Column, Shortlist
from matcher.signals import Why, _past
from matcher.text import shorten


def _values(shortlist: Shortlist) -> NDArray[np.float64]:
    near = np.nan_to_num(_past.nearness(shortlist), nan=0.3)
    return (_past.scaled(shortlist, "lexical") + _past.scaled(shortlist, "faiss")) * near


def measure(shortlist: Shortlist) -> Column:
    """Discounted sum over the best three awards of (words + meaning) times exp(-km / 150); NaN without awards."""
    return shortlist.discounted(_values(shortlist), _past.mask(shortlist), _past.DISCOUNT)


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return Why("aucun marché public connu")
    row = shortlist.best_row(i, _values(shortlist), _past.mask(shortlist))
    if row is None:
        return Why("aucun marché public connu")
    offer = shortlist.catalogue.offer(row)
    when = f" ({offer.since.year})" if offer.since else ""
    return Why(f"marché semblable et proche{when}", "", shorten(offer.title, 200))
