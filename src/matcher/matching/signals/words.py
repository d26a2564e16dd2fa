"""Words: BM25 share of the lot's words found in a declared piece, as stems."""

from __future__ import annotations

import numpy as np

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why
from matcher.reference.text import common_words, shorten

DECLARED = ("offer", "description", "job")
WEIGHTS = (0.8, 0.15, 0.05)


def measure(shortlist: Shortlist) -> Column:
    """BM25 shares (0 to 1) of the best three pieces, weighted; NaN where nothing is declared."""
    similarity = shortlist.similarity.get("words")
    if similarity is None:
        return np.full(len(shortlist), np.nan)
    return shortlist.discounted(similarity, shortlist.known(*DECLARED), WEIGHTS)


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if not value > 0:
        return Why("aucun mot du besoin dans ses textes", tells=False)
    row = shortlist.best_row(i, shortlist.similarity["words"], shortlist.known(*DECLARED))
    text = shortlist.catalogue.text(row) if row is not None else ""
    shared = common_words(shortlist.query.text, text)
    if not shared:  # only CPV codes matched
        return Why("même code d'achat (CPV) que son offre", "", shorten(text, 200))
    return Why(f"mots communs : {', '.join(shared)}", "", shorten(text, 200))
