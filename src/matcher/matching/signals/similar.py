"""Similar: how many awards and declared pieces are of this nature, as the sum of an exponential of their similarity."""

import numpy as np

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _pieces

SHARPNESS = 8.0


def measure(shortlist: Shortlist) -> Column:
    """log of the sum over pieces of exp(8 (cosine - 1)); NaN without any."""
    similarity = shortlist.similarity.get("meaning")
    if similarity is None:
        return np.full(len(shortlist), np.nan)
    inside = shortlist.inside(_pieces.said(shortlist))
    near = np.exp(SHARPNESS * (similarity[inside].astype(np.float64) - 1.0))
    total = np.bincount(shortlist.owner[inside], weights=near, minlength=len(shortlist))
    count = shortlist.count(_pieces.said(shortlist))
    return np.where(count > 0, np.log(total + 1e-3), np.nan)


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value > -2:
        return Why("plusieurs marchés ou prestations de cette nature")
    return Why("peu de marchés ou de prestations de cette nature", tells=False)
