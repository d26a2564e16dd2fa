"""Name words: words of the lot that occur in the structure's name or brand."""

from __future__ import annotations

import numpy as np

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why
from matcher.reference.text import common_words


def measure(shortlist: Shortlist) -> Column:
    """BM25 share of the lot's words found in the name, 0 to 1; NaN without a lexical index."""
    similarity = shortlist.similarity.get("part")
    if similarity is None:
        return np.full(len(shortlist), np.nan)
    return shortlist.best(similarity, shortlist.known("name"))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    row = shortlist.best_row(i, shortlist.similarity["part"], shortlist.known("name")) if value > 0 else None
    if row is None:
        return Why("aucun mot du lot dans son nom", tells=False)
    name = shortlist.catalogue.text(row)
    return Why(f"son nom le dit : {', '.join(common_words(shortlist.query.part, name))}", "", name)
