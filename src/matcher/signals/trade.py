"""Trade: the activity code (NAF) of the structure against the lot, by meaning and words of its label.

A code that says nothing of the trade ("8899B, social action" for a gardening workshop) is unknown, not far.
"""

from __future__ import annotations

import numpy as np

from matcher import reference
from matcher.shortlist import Column, Shortlist
from matcher.signals import Why
from matcher.text import shorten

#: Codes under which structures of insertion and disability do anything: no trade can be read from them.
VAGUE = frozenset(
    [
        "8899B",
        "9499Z",
        "7820Z",
        "7830Z",
        "8810C",
        "8790B",
        "8559A",
        "8559B",
        "8299Z",
        "9609Z",
        "7010Z",
        "8411Z",
        "8899A",
        "8891A",
    ]
)


def measure(shortlist: Shortlist) -> Column:
    """0 to 1: 0.3 times the cosine and 0.7 times the word share of the NAF label; NaN for a vague code or none."""
    known = shortlist.known("naf")
    meaning = shortlist.similarity.get("faiss")
    words = shortlist.similarity.get("part")
    if not len(shortlist.inside(known)):
        return np.full(len(shortlist), np.nan)
    blank = np.zeros(len(shortlist.rows))
    value = 0.3 * (blank if meaning is None else np.maximum(meaning, 0)) + 0.7 * (
        blank if words is None else words
    )
    vague = shortlist.catalogue.among("naf", lambda code: code in VAGUE, shortlist.candidates)
    return np.where(vague, np.nan, shortlist.best(value, known))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    code = str(shortlist.catalogue.of_structure("naf")[shortlist.candidates[i]])
    if not code:
        return Why("code d'activité (NAF) inconnu")
    label = shorten(reference.naf_label(code), 80)
    if value != value:
        return Why(f"code NAF {code} ({label}) : ne dit rien du métier")
    near = "proche du besoin" if value > 0.25 else "sans rapport direct"
    return Why(f"code NAF {code} ({label}) : {near}", "", label)
