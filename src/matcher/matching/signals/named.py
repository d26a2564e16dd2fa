"""Named: does the notice name the structure itself (a maker's parts, a partner of an agreement)?

Weighs the rare words of the name found in the lot's text, rare among names and in the catalogue's texts.
"""

import numpy as np

from matcher.catalogue.filters import rare_name
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why
from matcher.reference.text import plain_words


def measure(shortlist: Shortlist) -> Column:
    """Sum of the information (nats / 8) of the rare name words found in the lot's text; 0 where none is."""
    total = np.zeros(len(shortlist))
    lot = shortlist.query.lot
    for word in dict.fromkeys(plain_words(f"{lot.title} {lot.description[:600]}")):
        found = rare_name(shortlist.catalogue, word)
        if found is not None:
            weight, rows = found
            at = np.searchsorted(shortlist.candidates, rows)  # both are sorted and unique
            inside = at < len(total)
            at, rows = at[inside], rows[inside]
            total[at[shortlist.candidates[at] == rows]] += weight / 8.0
    return total


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value > 0:
        return Why("son nom figure dans l'avis")
    return Why("non nommée dans l'avis", tells=False)
