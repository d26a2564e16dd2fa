"""How far structures usually travel for a trade."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matcher.learned.activities import of
from matcher.matching.shortlist import Shortlist


def near(shortlist: Shortlist) -> NDArray[np.float64]:
    """Similarity of each activity code to the lot, computed once; see `Activities.closeness`."""
    known = of(shortlist.catalogue.encoder)
    query = shortlist.query
    return query.memo.once("activities", lambda: known.closeness(query.vector))


def reach_km(shortlist: Shortlist) -> float:
    """Usual distance for such a lot, in kilometres; see `Activities.reach_km`."""
    known = of(shortlist.catalogue.encoder)
    return shortlist.query.memo.once("usual reach", lambda: known.reach_km(near(shortlist)))


def of_code(shortlist: Shortlist) -> NDArray[np.float64]:
    """Similarity of each candidate's activity code to the lot, 1 for the nearest code; NaN for a vague code or none."""
    catalogue = shortlist.catalogue
    places = of(catalogue.encoder).places
    at = catalogue.once("places of naf", lambda: catalogue.among("naf", lambda code: places.get(code, -1)))
    return np.asarray(np.append(near(shortlist), np.nan)[at[shortlist.candidates]])


def km(shortlist: Shortlist, judged: bool) -> float:
    """Usual distance for such a lot: by its trades where it is judged, else by the activity codes near it."""
    return shortlist.query.demand.usual_km if judged else reach_km(shortlist)
