"""How far structures usually travel for a trade."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matcher.learned.activities import of
from matcher.matching import trades

if TYPE_CHECKING:
    from matcher.matching.shortlist import Shortlist


def near(shortlist: Shortlist) -> NDArray[np.float64]:
    """Similarity of each activity code to the lot, computed once; see `Activities.closeness`."""
    known = of(shortlist.catalogue.encoder)
    found: NDArray[np.float64] = shortlist.once("activities", lambda: known.closeness(shortlist.query.vector))
    return found


def reach_km(shortlist: Shortlist) -> float:
    """Usual distance for such a lot, in kilometres; see `Activities.reach_km`."""
    known = of(shortlist.catalogue.encoder)
    kilometres: float = shortlist.once("usual reach", lambda: known.reach_km(near(shortlist)))
    return kilometres


def of_code(shortlist: Shortlist) -> NDArray[np.float64]:
    """Similarity of each candidate's activity code to the lot, 1 for the nearest code; NaN for a vague code or none."""
    catalogue = shortlist.catalogue
    places = of(catalogue.encoder).places
    at = catalogue.once("places of naf", lambda: catalogue.among("naf", lambda code: places.get(code, -1)))
    return np.asarray(np.append(near(shortlist), np.nan)[at[shortlist.candidates]])


@cache
def _reach() -> NDArray[np.float64]:
    """Usual kilometres of each trade; the last entry is for an unknown one."""
    km = {row["trade"]: float(row["km"]) for row in trades.table("trade_reach.csv")}
    return np.array([km.get(name, km[""]) for name in (*trades.names(), "")])


def usual_km(shortlist: Shortlist) -> float:
    """Usual distance for such a lot: the geometric mean over its trades."""

    def make() -> float:
        asked = trades.asked(shortlist).astype(np.float64)
        weight = np.append(asked, max(1.0 - asked.sum(), 0.0)) ** 2
        return float(np.exp((weight * np.log(_reach())).sum() / weight.sum()))

    return float(shortlist.once("usual km", make))


def km(shortlist: Shortlist, judged: bool) -> float:
    """Usual distance for such a lot: by its trades where it is judged, else by the activity codes near it."""
    return usual_km(shortlist) if judged else reach_km(shortlist)
