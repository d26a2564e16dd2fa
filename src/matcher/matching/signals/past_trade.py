"""Past trade: the CPV of the best award won against that of the lot."""

from __future__ import annotations

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _past

SAME_TEXT_FOR = "value"


@_past.nan_without_awards
def measure(shortlist: Shortlist) -> Column:
    """0 (other division) to 1 (same code); NaN without awards or where the lot states no CPV."""
    if not shortlist.query.cpv:
        return shortlist.best(_past.agreement(shortlist) * float("nan"), _past.mask(shortlist))
    return shortlist.best(_past.agreement(shortlist), _past.mask(shortlist))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return Why("code CPV du lot ou marchés passés inconnus")
    if value > 0.7:
        level = "du même code" if value > 0.95 else "de la même classe"
        return Why(f"a déjà remporté un marché {level} (CPV)")
    if value > 0.3:
        return Why(
            f"a déjà remporté un marché d'un domaine voisin ({'groupe' if value > 0.5 else 'division'} CPV)"
        )
    return Why("aucun marché passé dans ce domaine (division CPV)", tells=False)
