"""Meaning: similarity of the lot and the declared offers, description and jobs of the structure.

The best offers count with decreasing weights, so that many offers do not beat one right offer.
"""

from __future__ import annotations

import numpy as np

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why
from matcher.reference.text import shorten

SAME_TEXT_FOR = "unknown"

DECLARED = ("offer", "description", "job")
WEIGHTS = (0.8, 0.15, 0.05)


def measure(shortlist: Shortlist) -> Column:
    """Cosines of the best three declared pieces, weighted to sum to 1; NaN where nothing is declared."""
    similarity = shortlist.similarity.get("meaning")
    mask = shortlist.known(*DECLARED)
    if similarity is None:
        return shortlist.best(mask * float("nan"), mask)
    return shortlist.discounted(np.maximum(similarity, 0), mask, WEIGHTS)


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return Why("ne décrit pas ses activités")
    row = shortlist.best_row(i, shortlist.similarity["meaning"], shortlist.known(*DECLARED))
    offer = shortlist.catalogue.offer(row) if row is not None else None
    text = (
        {"offer": "offre", "description": "présentation", "job": "métier recruté"}[offer.nature]
        if offer
        else "offre"
    )
    title = shorten(offer.title or offer.text, 90) if offer else ""
    strength = (
        "très proche du besoin"
        if value > 0.6
        else "proche du besoin"
        if value > 0.35
        else "éloigné du besoin"
    )
    passage = shorten(shortlist.catalogue.text(row), 200) if row is not None else ""
    return Why(
        f"{text} « {title} » : {strength}", shorten(shortlist.query.text, 160), passage, tells=value > 0.35
    )
