"""Capacity: yearly turnover of the structure relative to the yearly amount of the lot.

A buyer may require a turnover of at most a multiple of the amount (article R2142-7, `law.turnover_ceiling`): from
there on a structure is large enough.  An unknown turnover is estimated from the headcount, and marked as estimated.
"""

from datetime import date

import numpy as np

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why
from matcher.reference import law
from matcher.reference.amounts import yearly
from matcher.reference.french import euros

#: Yearly turnover per employee of such structures, in euros: our own order of magnitude (a payroll of some 25,000
#: euros and as much again of purchases and margin), used only where the turnover is unknown.
PER_HEAD = 45_000.0
TIMES = 2.0  # ceiling of directive 2014/24/EU (article 58), where no dated rule applies


def _due(shortlist: Shortlist) -> float:
    """Yearly amount of the lot; NaN also where it is 0."""
    amount = yearly(shortlist.query.lot)
    return amount if amount > 0 else float("nan")


def turnovers(shortlist: Shortlist) -> tuple[Column, Column]:
    """Yearly turnover of each candidate in euros, NaN unknown, and 1 where estimated from the headcount; both (n,)."""

    catalogue, rows = shortlist.catalogue, shortlist.candidates
    known = np.asarray(catalogue.of_structure("turnover")[rows], dtype=np.float64)
    heads = np.asarray(catalogue.of_structure("headcount")[rows], dtype=np.float64)
    estimated = np.isnan(known) & ~np.isnan(heads)
    return np.where(estimated, heads * PER_HEAD, known), estimated.astype(np.float64)


def measure(shortlist: Shortlist) -> Column:
    """0 to 1 (the most that a buyer may require); NaN where the amount, or both turnover and headcount, are unknown."""
    amount = _due(shortlist)
    if np.isnan(amount):
        return np.full(len(shortlist), np.nan)
    ceiling = law.turnover_ceiling(shortlist.query.as_of or date.today())
    times = ceiling.value if ceiling and ceiling.value else TIMES
    return np.minimum(turnovers(shortlist)[0] / (times * amount), 1.0)


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    amount = _due(shortlist)
    if np.isnan(amount):
        return Why("montant du lot inconnu : capacité non comparée")
    if value != value:
        return Why("chiffre d'affaires et effectif inconnus : capacité à vérifier")
    known, estimated = turnovers(shortlist)
    turnover = euros(float(known[i]))
    source = "chiffre d'affaires estimé d'après l'effectif" if estimated[i] else "chiffre d'affaires connu"
    text = f"{source} : {turnover} par an, pour une part annuelle du lot de {euros(amount)}"
    return Why(text if value >= 1 else f"{text} ; en groupement, ou sur une partie du lot")
