"""Place: kilometres from the structure, or the zone of its offers, to where the lot is carried out.

The better of distance and declared zone counts: a lot inside a declared zone counts as near.  Beyond the usual
distance of the trade (`matcher.learned.activities`) the value decreases further.
"""

import numpy as np

from matcher.matching import reach
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _pieces

#: Parts of the value, which sum to 1: on the spot, within reach, same department, same region.  Their ratios
#: are those of a conditional logit on the 51 SIAE cases of development, checked by leaving cases out.
SPOT, REACH, DEPARTMENT, REGION = 0.22, 0.34, 0.27, 0.17
SPOT_KM, REACH_KM = 10.0, 100.0
IN_ZONE = 0.8  # minimum for a lot inside the declared zone of the offer
OUT_OF_ZONE = 0.1
BEYOND = 0.3  # most that distances far beyond the usual one subtract


def measure(shortlist: Shortlist) -> Column:
    """1 (on the spot) to 0, and down to -0.3 far beyond the trade's reach; NaN where the place of the lot or of the structure is unknown."""
    departments = shortlist.query.departments
    regions = {p.region for p in shortlist.query.places if p.region}
    catalogue, rows = shortlist.catalogue, shortlist.candidates
    without_address = catalogue.one_of("department", ("",), rows)
    kilometres = reach.of(shortlist).kilometres
    if not departments and not regions and np.isnan(kilometres).all():
        return np.full(len(shortlist), np.nan)
    same = catalogue.one_of("department", departments, rows) & ~without_address
    region = catalogue.one_of("region", regions, rows) & ~without_address
    # without coordinates, the usual distance of a place of the same department, region, or elsewhere
    lost = np.isnan(kilometres)
    far = np.where(lost, np.where(same, 40.0, np.where(region, 150.0, 500.0)), kilometres)
    near = SPOT * np.exp(-far / SPOT_KM) + REACH * np.exp(-far / REACH_KM)
    value = near + DEPARTMENT * same + REGION * region
    stretches = np.maximum(far / reach.usual_km_by_code(shortlist) - 1, 0)
    value -= BEYOND * (1 - np.exp(-stretches / 2))
    value = np.where(without_address & lost, np.nan, value)
    served = reach.of(shortlist).zone
    value = np.where(served > 0, np.fmax(value, IN_ZONE), value)
    return np.where(served < 0, np.fmin(value, OUT_OF_ZONE), value)


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        asked = any(p.department or p.latitude is not None for p in shortlist.query.places)
        return Why("implantation inconnue" if asked else "lieu d'exécution inconnu")
    deduced = ["lieu déduit de l'acheteur"] if shortlist.query.asked.deduced else []
    return Why(", ".join([*_pieces.where(shortlist, i), *deduced]))
