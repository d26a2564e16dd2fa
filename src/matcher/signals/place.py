"""Place: kilometres from the structure, or the zone of its offers, to where the lot is carried out.

The nearer of distance and declared zone counts: a lot inside a declared zone is as good as near.
"""

from __future__ import annotations

import numpy as np

from matcher import reference
from matcher.columns import department_number
from matcher.shortlist import Column, Shortlist
from matcher.signals import Why

SCALE_KM = 35.0  # at this distance the value has fallen to a half


def closeness(kilometres: Column) -> Column:
    """1 at the door, 1/2 at SCALE_KM, towards 0 far away: 1 / (1 + km / SCALE_KM)."""
    return np.asarray(1.0 / (1.0 + kilometres / SCALE_KM), dtype=np.float64)


def distances(shortlist: Shortlist) -> Column:
    """Kilometres from each candidate to the nearest place of the lot; NaN where either is unknown."""
    points = [
        (p.latitude, p.longitude)
        for p in shortlist.query.places
        if p.latitude is not None and p.longitude is not None
    ]
    points = [(a, b) for a, b in points if a == a and b == b]
    if not points:
        return np.full(len(shortlist), np.nan)
    return shortlist.catalogue.distances(points)[shortlist.candidates]


def measure(shortlist: Shortlist) -> Column:
    """Closeness from 0 to 1, with a third more for the same department; NaN where no place is known."""
    departments = {p.department for p in shortlist.query.places if p.department}
    regions = {p.region for p in shortlist.query.places if p.region}
    home = shortlist.catalogue.of_structure("department")[shortlist.candidates]
    near = closeness(distances(shortlist))
    same = np.isin(home, list(departments)) & (home != "")
    if not departments and np.isnan(near).all():
        return np.full(len(shortlist), np.nan)
    region = np.isin(shortlist.catalogue.of_structure("region")[shortlist.candidates], list(regions)) & (
        home != ""
    )
    fallback = np.where(home == "", np.nan, np.where(same, 0.5, np.where(region, 0.2, 0.05)))
    value = np.where(np.isnan(near), fallback, near)
    value = np.where(same, 0.25 + 0.75 * value, value)
    value = np.where(region & ~same, 0.05 + 0.95 * value, value)
    served = zones(shortlist)
    return np.asarray(
        np.where(
            served > 0,
            np.maximum(np.nan_to_num(value), 0.75),
            np.where(served < 0, np.minimum(value, 0.05), value),
        )
    )


def zones(shortlist: Shortlist) -> Column:
    """1 where a declared zone holds the lot, -1 where zones are declared and none does, 0 where none is; (n,)."""
    catalogue = shortlist.catalogue
    low, high = (catalogue.of_row(name)[shortlist.rows] for name in ("zone_low", "zone_high"))
    radius = catalogue.of_row("radius")[shortlist.rows]
    declared = (low > 0) | (high > 0) | ~np.isnan(radius)
    if not declared.any():
        return np.zeros(len(shortlist))
    inside = np.zeros(len(low), dtype=bool)
    for place in shortlist.query.places:
        number = department_number(place.department)
        if number >= 0:
            word, bit = (low, number) if number < 64 else (high, number - 64)
            inside |= (word >> np.uint64(bit)) & np.uint64(1) > 0
    inside |= distances(shortlist)[shortlist.owner] <= radius
    if not any(p.department for p in shortlist.query.places):
        return np.zeros(len(shortlist))
    known = shortlist.known("offer", "description", "job")
    return np.where(
        shortlist.count(inside & known) > 0, 1.0, np.where(shortlist.count(declared & known) > 0, -1.0, 0.0)
    )


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    row = int(shortlist.candidates[i])
    town = str(shortlist.catalogue.structures.column("town")[row].as_py())
    if value != value:
        asked = any(p.department or p.latitude is not None for p in shortlist.query.places)
        return Why("implantation inconnue" if asked else "lieu d'exécution inconnu")
    kilometres = float(distances(shortlist)[i])
    zone = zones(shortlist)[i]
    said = "intervient dans cette zone" if zone > 0 else "hors de la zone déclarée" if zone < 0 else ""
    if kilometres == kilometres:
        where = f"à {kilometres:.0f} km" + (f" ({town})" if town else "")
    else:
        department = str(shortlist.catalogue.of_structure("department")[row])
        found = reference.department(department)
        where = f"département {found.name if found else department}"
    inferred = all(p.inferred for p in shortlist.query.places)
    return Why(
        ", ".join(part for part in (where, said, "lieu déduit de l'acheteur" if inferred else "") if part)
    )
