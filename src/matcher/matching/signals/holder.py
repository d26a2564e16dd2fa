"""Holder: similar awards from this very buyer; used only when the query asks for incumbents."""

import numpy as np

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _pieces


def measure(shortlist: Shortlist) -> Column:
    """Best word share among this buyer's own awards to the candidate; 0 unless the query asks for incumbents."""
    buyer = shortlist.query.tender.buyer.id[:9]
    if not shortlist.query.incumbents or not buyer.isdecimal():
        return np.zeros(len(shortlist))
    of_buyer = shortlist.catalogue.of_row("buyer")[shortlist.rows] == int(buyer)
    shares = 0.5 + 0.5 * _pieces.scaled(shortlist, "words")
    return np.nan_to_num(shortlist.best(shares, _pieces.awards(shortlist) & of_buyer))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value > 0:
        return Why("déjà titulaire d'un marché de cet acheteur")
    return Why("pas de marché connu avec cet acheteur", tells=False)
