"""Past vote: sum over awards of an exponential of their similarity."""

from __future__ import annotations

import numpy as np

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _past

SAME_TEXT_FOR = "unknown"

SHARPNESS = 8.0


@_past.nan_without_awards
def measure(shortlist: Shortlist) -> Column:
    """log of the sum over awards of exp(8 (cosine - 1)); NaN without awards."""
    similarity = shortlist.similarity.get("meaning")
    if similarity is None:
        return np.full(len(shortlist), np.nan)
    inside = shortlist.inside(_past.mask(shortlist))
    near = np.exp(SHARPNESS * (similarity[inside].astype(np.float64) - 1.0))
    votes = _past.spread(shortlist, inside, near, 0.0)
    return _past.unknown_without_awards(shortlist, np.log(_past.total(shortlist, votes) + 1e-3))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return Why("aucun marché public connu")
    number = int(_past.counts(shortlist)[i])
    if value <= -2 or number < 2:
        return Why("peu de marchés de cette nature", tells=False)
    return Why(f"{number} marchés publics connus, dont plusieurs de cette nature")
