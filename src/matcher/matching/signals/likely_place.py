"""Likely place: is the distance usual for the trade, and the place in the structure's own territory?"""

import numpy as np

from matcher.matching import evidence, reach
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why
from matcher.reference.places import department

_AREA = {
    "department": ("dans le même département", "dans un autre département"),
    "region": ("dans la même région", "dans une autre région"),
}
FAR = 0.5  # log2 of distance over usual distance beyond which a structure is described as far


def measure(shortlist: Shortlist) -> Column:
    """log2 of usual distance over distance: 0 at the usual distance, positive nearer, negative farther; NaN where unknown."""
    return -evidence.of(shortlist, "beyond")


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if not any(p.department or p.region or p.latitude is not None for p in shortlist.query.places):
        return Why("lieu d'exécution inconnu", tells=False)
    parts = [_where(shortlist, i)]
    zone = reach.of(shortlist).zone[i]
    if zone:
        parts.append("intervient dans cette zone" if zone > 0 else "hors de la zone déclarée")
    if -value > FAR and zone <= 0:
        usual = shortlist.query.demand.usual_km
        parts.append(f"plus loin que ce métier ne se déplace d'ordinaire ({usual:.0f} km)")
    if evidence.of(shortlist, "public_body")[i]:
        parts.append("portée par une collectivité, qui travaille d'ordinaire sur son seul territoire")
    if value == value and shortlist.query.asked.deduced:
        parts.append("lieu déduit de l'acheteur")
    return Why(", ".join(parts))


def _where(shortlist: Shortlist, i: int) -> str:
    """Kilometres where both places are known, else the department; never kilometres from the centre of a department."""
    row = int(shortlist.candidates[i])
    catalogue = shortlist.catalogue
    kilometres = float(reach.of(shortlist).shown_km[i])
    town, code = (str(catalogue.of_structure(name)[row]) for name in ("town", "department"))
    if kilometres == kilometres:
        shown = round(kilometres, 1)  # rounded as in a match
        return ("sur place" if shown < 1 else f"à {shown:.0f} km") + (f" ({town})" if town else "")
    if not code:
        return "implantation inconnue"
    found = department(code)
    same = np.nan_to_num(evidence.of(shortlist, "same_department")[i]) > 0
    query = shortlist.query
    several = len({p.department for p in query.places}) > 1
    regional = several and not any(p.department for p in query.lot.places)  # it names no department
    within, outside = _AREA["region" if regional else "department"]
    return f"{within if same else outside} ({town or (found.name if found else code)})"
