"""Reservation: may this structure answer this lot, under the article stated (L2113-12, -13, -15 ...).

Hard constraint: ineligible structures rank after all eligible ones; an unrecognised kind is unknown.
"""

from datetime import date

import numpy as np

from matcher.domain import KINDS
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why


def measure(shortlist: Shortlist) -> Column:
    """1 where it may answer, 0 where it may not, NaN if unknown; 1 on a lot that is not reserved."""
    reservation = shortlist.query.lot.reservation
    if reservation is None:
        return np.ones(len(shortlist))
    from matcher.reference import law

    on = shortlist.query.as_of or date.today()

    def may(kind: str) -> float:
        admitted = law.eligible(kind, reservation.opened_by, on)
        return np.nan if admitted is None else float(admitted)

    return np.asarray(shortlist.catalogue.among("kind", may, shortlist.candidates), dtype=np.float64)


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    reservation = shortlist.query.lot.reservation
    if reservation is None:
        return Why("lot non réservé", tells=False)
    kind = str(shortlist.catalogue.of_structure("kind")[shortlist.candidates[i]])
    stated = reservation.stated
    where = f"lot réservé ({stated})" if stated else "lot réservé, article non précisé (voir le règlement)"
    label = f"{kind} ({KINDS[kind]})" if kind and kind in KINDS else "aucun statut de l'ESS connu"
    if value != value:
        return Why(f"{label} : admissibilité à vérifier, {where}", reservation.passage)
    return Why(f"{label} : {'admissible' if value > 0 else 'non admissible'}, {where}", reservation.passage)
