"""Trade: similarity of the structure's activity code (NAF) and the lot, by vector (`matcher.learned.activities`).

A code that says nothing of the trade ("8899B, social action" for a gardening workshop) is unknown, not far.
"""

from __future__ import annotations

from matcher.matching import usual_reach
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why
from matcher.reference import codes
from matcher.reference.text import shorten

NEAR, NEIGHBOUR = 0.5, 0.2  # thresholds: a code is near the lot, or of a neighbouring trade


def measure(shortlist: Shortlist) -> Column:
    """1 for the activity code nearest to the lot, towards 0 for others; NaN for a vague code or none."""
    return usual_reach.of_code(shortlist)


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    code = str(shortlist.catalogue.of_structure("naf")[shortlist.candidates[i]])
    if not code:
        return Why("code d'activité (NAF) inconnu")
    label = shorten(codes.naf_label(code).removesuffix(" n.c.a."), 80)
    if value != value:
        return Why(f"activité au registre qui ne dit rien du métier : « {label} » (NAF {code})")
    near = (
        "proche du besoin"
        if value >= NEAR
        else "d'un métier voisin"
        if value >= NEIGHBOUR
        else "qui ne désigne pas ce métier"
    )
    return Why(f"activité au registre {near} : « {label} » (NAF {code})", "", label, tells=value >= NEIGHBOUR)
