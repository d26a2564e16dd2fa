"""Trade: the activity code (NAF) of the structure against the lot, by what the code is about (`matcher.learned.activities`).

A code that says nothing of the trade ("8899B, social action" for a gardening workshop) is unknown, not far.
"""

from __future__ import annotations

from matcher.matching import usual_reach
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why
from matcher.reference import codes
from matcher.reference.text import shorten

NEAR, BESIDE = 0.5, 0.2  # from here on a code is near the lot, or of a neighbouring trade


def measure(shortlist: Shortlist) -> Column:
    """1 for the code nearest to the lot of all codes, towards 0 for those further; NaN for a vague code or none."""
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
        if value >= BESIDE
        else "qui ne désigne pas ce métier"
    )
    return Why(f"activité au registre {near} : « {label} » (NAF {code})", "", label, tells=value >= BESIDE)
