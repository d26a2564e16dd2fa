"""Past trade share: is this CPV division the supplier's main business?"""

from __future__ import annotations

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _past

SAME_TEXT_FOR = "value"
DIVISION = 0.35  # agreement of awards of the same CPV division


@_past.nan_without_awards
def measure(shortlist: Shortlist) -> Column:
    """Awards of the same CPV division over all awards plus one; NaN without awards or CPV."""
    return _past.same_trade(shortlist, DIVISION) / (_past.counts(shortlist) + 1.0)


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return Why("aucun marché public connu")
    text = f"{100 * value:.0f} % de ses marchés publics sont de ce domaine (division CPV)"
    return Why(text, tells=value >= 0.005)
