"""Past place: mean proximity of the supplier's past awards."""

from __future__ import annotations

import numpy as np

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _past

SAME_TEXT_FOR = "value"


@_past.nan_without_awards
def measure(shortlist: Shortlist) -> Column:
    """Mean over awards of exp(-km / 150); NaN where no distance is known."""
    known = _past.mask(shortlist) & ~np.isnan(_past.kilometres(shortlist))
    number = shortlist.count(known)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _past.without_address(
            shortlist,
            np.where(
                number > 0,
                _past.total(shortlist, np.where(known, _past.nearness(shortlist), 0.0)) / number,
                np.nan,
            ),
        )


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return Why("lieux de ses marchés inconnus")
    return Why(
        "travaille d'ordinaire près de là"
        if value > 0.6
        else "travaille parfois dans la région"
        if value > 0.25
        else "travaille d'ordinaire loin de là"
    )
