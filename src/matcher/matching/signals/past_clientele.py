"""Past clientele: does the supplier usually work for this kind of buyer (commune, hospital, State ...)?

The kind is read from the first two digits of the buyer's SIREN (INSEE: 21 communes, 22 departments, 20 and 24
groupings, 26 hospitals and welfare bodies, 1x the State); the buyer itself is not used.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _past

SAME_TEXT_FOR = "value"

#: First two digits of a public SIREN to a kind of buyer; others are firms and associations (0).
KINDS = {
    11: 1,
    12: 1,
    15: 1,
    16: 1,
    17: 1,
    13: 2,
    18: 2,
    19: 3,
    20: 4,
    24: 4,
    21: 5,
    22: 6,
    23: 7,
    25: 8,
    26: 9,
}
_TABLE = np.array([KINDS.get(first, 0) for first in range(100)])


def kinds(buyers: NDArray[np.int64]) -> NDArray[np.int64]:
    """The kind of each buyer by its SIREN as a number; -1 where it is unknown."""
    return np.where(buyers > 0, _TABLE[np.clip(buyers // 10**7, 0, 99)], -1)


@_past.nan_without_awards
def measure(shortlist: Shortlist) -> Column:
    """Awards for this kind of buyer over all awards plus one; NaN without awards or where the buyer is unknown."""
    asking = shortlist.query.tender.buyer.id[:9]
    if not (len(asking) == 9 and asking.isdecimal()):
        return np.full(len(shortlist), np.nan)
    own = int(kinds(np.array([int(asking)]))[0])
    inside = shortlist.inside(_past.mask(shortlist))
    alike = kinds(shortlist.catalogue.of_row("buyer")[shortlist.rows[inside]]) == own
    same = _past.spread(shortlist, inside, alike, 0.0) > 0
    return _past.unknown_without_awards(shortlist, shortlist.count(same) / (_past.counts(shortlist) + 1.0))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return Why("acheteurs de ses marchés inconnus")
    if value > 0.4:
        return Why("travaille souvent pour ce type d'acheteur")
    return Why("travaille peu pour ce type d'acheteur", tells=False)
