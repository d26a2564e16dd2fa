"""Service type: a soft prior on the kinds that usually serve such a lot, never a filter.

AI, ETTI, GEIQ and EATT mostly lend staff (DISP), the others serve (PREST) or make (BUILD); but ESAT, EA and
ACI lend staff too, and AIs win service contracts.
"""

from __future__ import annotations

import numpy as np

from matcher.domain import LENDING_KINDS
from matcher.matching import demand
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why

#: How often a kind answers lots of services or works, relative to EI; AI in between, kinds that lend staff seldom.
SERVING = {
    "EI": 1.0,
    "ACI": 0.85,
    "EA": 1.0,
    "ESAT": 1.0,
    "SCOP": 1.0,
    "SCIC": 1.0,
    "ESUS": 1.0,
    "SEP": 0.7,
    "AI": 0.35,
}


def asks_staff(shortlist: Shortlist) -> bool:
    """Does the lot ask for staff rather than for a service?"""
    return shortlist.query.asked.staff > demand.SHARE


def measure(shortlist: Shortlist) -> Column:
    """0 to 1 by kind, or 1 where an offer states the type that the lot asks; NaN for an unknown kind."""
    catalogue, rows = shortlist.catalogue, shortlist.candidates
    staff = asks_staff(shortlist)

    def usual(kind: str) -> float:
        if not kind:
            return np.nan
        if staff:
            return 0.9 if kind in LENDING_KINDS else SERVING.get(kind, 0.5) * 0.9
        return SERVING.get(kind, 0.0 if kind in LENDING_KINDS else 0.6)

    column = np.asarray(catalogue.among("kind", usual, rows), dtype=np.float64)
    wanted = "|disp|" if staff else "|prest|"
    stated = catalogue.among("services", lambda held: wanted in held, rows)
    return np.where(stated, np.fmax(column, 0.9), column)


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    kind = str(shortlist.catalogue.of_structure("kind")[shortlist.candidates[i]]) or "entreprise"
    if value != value:
        return Why("type de prestation inconnu")
    if asks_staff(shortlist):
        return Why(
            f"{kind} : met du personnel à disposition"
            if kind in LENDING_KINDS
            else f"{kind} : peut aussi mettre à disposition"
        )
    if value > 0.5:
        return Why(f"{kind} : réalise des prestations", tells=False)  # what nearly all do
    return Why(f"{kind} : met surtout du personnel à disposition")
