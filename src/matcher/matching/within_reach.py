"""Who may come to the places of a lot: those whose declared zone contains one of them, and the nearest of those that declare none."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import department_number
from matcher.catalogue.filters import TYPICAL, UNSURE, located, on_sphere, remembered
from matcher.domain import Place
from matcher.matching import reach
from matcher.matching.shortlist import Query
from matcher.reference.places import EARTH_RADIUS_KM

Floats = NDArray[np.float32]
ANTIPODE = -1.0  # cosine of the angle to one of whom nothing is known
SPREADS_KEPT = 8  # of places of lots, with the radii of all structures each
#: On cosines, for rounding: who is some hundred metres outside a zone is told so when it is compared.
MARGIN = 3e-7
PLACES_KEPT = 500  # with thousands of structures each


def has_point(query: Query) -> bool:
    """Has the lot a place with coordinates?"""
    return bool(located(query.places))


def nearest(
    catalogue: Catalogue, places: Sequence[Place], k: int, allowed: NDArray[np.bool_] | None
) -> NDArray[np.int64]:
    """The k structures nearest to one of the places, of those allowed, increasing; none of places without coordinates."""
    if not located(places):
        return np.zeros(0, dtype=np.int64)
    cosines = _cosines(catalogue, places)
    return _nearest(cosines, np.arange(len(cosines)) if allowed is None else np.flatnonzero(allowed), k)


def coming(
    catalogue: Catalogue, query: Query, k: int, allowed: NDArray[np.bool_] | None
) -> NDArray[np.int64]:
    """Structures that may be proposed at the places of a lot, of those allowed, increasing; none where no place has coordinates.

    All whose zone contains one of them, or may, and the k nearest that declare none (`undeclared`).
    """
    if not has_point(query):
        return np.zeros(0, dtype=np.int64)
    if allowed is None and query.as_of is None:
        return remembered(  # the lots of one notice, and many notices, are of one place
            catalogue, "coming", (query.places, k), lambda held, _: _coming(held, query, k, None), PLACES_KEPT
        )
    return _coming(catalogue, query, k, allowed)


def _coming(
    catalogue: Catalogue, query: Query, k: int, allowed: NDArray[np.bool_] | None
) -> NDArray[np.int64]:
    cosines = _cosines(catalogue, query.places)
    without = undeclared(catalogue, query)
    if _zones_count(query):
        spread = max(here.spread_km for here in located(query.places))
        chosen = cosines >= remembered(catalogue, "radius of those proposable", spread, _radius, SPREADS_KEPT)
        for department in query.departments:
            chosen[remembered(catalogue, "zones with", department, _with_department, PLACES_KEPT)] = True
    else:
        chosen = np.zeros(len(catalogue), dtype=bool)
    if allowed is not None:
        chosen &= allowed
        without = without & allowed
    chosen[_nearest(cosines, np.flatnonzero(without), k)] = True
    return np.flatnonzero(chosen)


def _zones_count(query: Query) -> bool:
    """Can zones be judged, as `reach.Reach.zone` does: today, for a lot whose department is known?"""
    return query.as_of is None and bool(query.departments)


def undeclared(catalogue: Catalogue, query: Query) -> NDArray[np.bool_]:
    """Structures that may be proposed and of which no zone tells whether they come to the places of a lot."""
    if not _zones_count(query):
        return proposable(catalogue)
    return catalogue.once("without zone", lambda: proposable(catalogue) & ~reach.zones_of(catalogue)[0])


def _radius(catalogue: Catalogue, spread: float) -> Floats:
    """The cosine of the radius that each structure declares, infinite for others and those that are not proposed.

    The radius is as much wider as places of this spread make it unsure, see `least_km`.
    """
    _, radius, _ = reach.zones_of(catalogue)
    spreads = np.hypot(np.nan_to_num(catalogue.of_structure("spread_km")), spread)
    widest = np.hypot(np.maximum(radius, 0) + UNSURE * spreads, TYPICAL * spreads)
    found = np.where(proposable(catalogue) & (radius >= 0), _cosine(widest), np.inf)
    return found.astype(np.float32)


def _with_department(catalogue: Catalogue, department: str) -> NDArray[np.int64]:
    """Structures of which the declared zone holds a department."""
    number, (_, _, words) = department_number(department), reach.zones_of(catalogue)
    if number < 0:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(proposable(catalogue) & (words[number // 64] & np.uint64(1 << number % 64) > 0))


def proposable(catalogue: Catalogue) -> NDArray[np.bool_]:
    """Structures that may be proposed: not known to be closed, and listed in a directory.

    A firm known only by past awards, without kind, town or activity, may be a partner but is not proposed.
    """
    return catalogue.once("proposable", lambda: (catalogue.of_structure("active") != 0) & ~catalogue.unlisted)


def _nearest(cosines: Floats, among: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """The k of these structures with the highest cosines, increasing."""
    if len(among) <= k:
        return among
    return np.sort(among[np.argpartition(-cosines[among], k)[:k]])


def _cosines(catalogue: Catalogue, places: Sequence[Place]) -> Floats:
    """Cosine of the angle of `distances_km` from each structure to the nearest of the places; (structures,)."""
    points, doubts, unknown = catalogue.once("points as narrow floats", lambda: _narrow(catalogue))
    each = (
        on_sphere(np.array(here.latitude), np.array(here.longitude))[0].astype(np.float32) @ points
        - np.float32(_doubt(here.spread_km))
        for here in located(places)
    )
    found: Floats = reduce(np.maximum, each) - doubts
    found[unknown] = ANTIPODE
    return found


def _narrow(catalogue: Catalogue) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """The structures as points of the unit sphere (3, structures), the doubt of each, and those without coordinates."""
    points = on_sphere(catalogue.of_structure("latitude"), catalogue.of_structure("longitude")).T
    doubts = _doubt(catalogue.of_structure("spread_km")).astype(np.float32)
    return points.astype(np.float32, order="C"), doubts, np.flatnonzero(np.isnan(points[0]))


def _doubt(spread_km: Any) -> Any:
    """What a spread takes from a cosine: half the square of its angle."""
    return (TYPICAL * spread_km / EARTH_RADIUS_KM) ** 2 / 2


def _cosine(kilometres: NDArray[np.float64]) -> Any:
    """The cosine of an angle of so many kilometres on the Earth, a little less."""
    return np.cos(np.minimum(kilometres / EARTH_RADIUS_KM, np.pi)) - MARGIN
