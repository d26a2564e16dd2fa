"""Name meaning: a company name often states its trade ("Dupont Peinture"); similarity of the name by vector."""

from __future__ import annotations

import numpy as np

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why
from matcher.reference.text import shorten


def measure(shortlist: Shortlist) -> Column:
    """Cosine of the name with the lot, 0 to 1; NaN where there is no name or no vector index."""
    similarity = shortlist.similarity.get("meaning")
    if similarity is None:
        return np.full(len(shortlist), np.nan)
    return shortlist.best(np.maximum(similarity, 0), shortlist.known("name"))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    row = shortlist.best_row(i, shortlist.similarity["meaning"], shortlist.known("name"))
    name = shorten(shortlist.catalogue.text(row), 80) if row is not None else ""
    if value > 0.25:
        return Why(f"son nom évoque le métier : « {name} »", "", name)
    return Why("son nom ne dit pas le métier", "", name, tells=False)
