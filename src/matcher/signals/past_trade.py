"""Past trade: the CPV of the best award won against that of the lot."""

from __future__ import annotations

from matcher.shortlist import Column, Shortlist
from matcher.signals import Why, _past


@_past.told
def measure(shortlist: Shortlist) -> Column:
    """0 (other division) to 1 (same code); NaN without awards or where the lot states no CPV."""
    if not shortlist.query.cpv:
        return shortlist.best(_past.agreement(shortlist) * float("nan"), _past.mask(shortlist))
    return shortlist.best(_past.agreement(shortlist), _past.mask(shortlist))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return Why("code CPV du lot ou marchés passés inconnus")
    level = (
        "même code"
        if value > 0.95
        else "même classe"
        if value > 0.7
        else "même groupe"
        if value > 0.5
        else "même division"
        if value > 0.3
        else ""
    )
    return Why(f"marché passé de {level} CPV" if level else "aucun marché passé dans cette division CPV")
