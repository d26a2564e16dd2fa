"""Who may come to the places of a lot: those that declare a zone around one of them, and the nearest of those that declare none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from matcher.catalogue.columns import department_number
from matcher.catalogue.filters import on_sphere, points_of, remembered
from matcher.domain import Place
from matcher.matching import distances
from matcher.reference.places import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from matcher.catalogue.catalogue import Catalogue
    from matcher.matching.shortlist import Query

Floats = NDArray[np.float32]
HOME_KM = 25.0  # assumed of a structure without coordinates in a department of the lot
ANTIPODE = -1.0  # cosine of the angle to one of whom nothing is known
MARGIN = (
    3e-7  # on cosines, for rounding: who is some hundred metres outside a zone is told so when it is compared
)
PLACES_KEPT = 500  # with thousands of structures each


def located(query: Query) -> bool:
    """Has the lot a place with coordinates?"""
    return bool(points_of(query.places))


def nearest(
    catalogue: Catalogue,
    places: Sequence[Place],
    k: int,
    allowed: NDArray[np.bool_] | None,
    kilometres: float = np.inf,
) -> NDArray[np.int64]:
    """The k structures nearest to one of the places, of those allowed and so near, increasing; none of places without coordinates."""
    if not points_of(places):
        return np.zeros(0, dtype=np.int64)
    cosines = _cosines(catalogue, places)
    near = cosines >= _cosine(kilometres)
    return _nearest(cosines, np.flatnonzero(near if allowed is None else near & allowed), k)


def coming(
    catalogue: Catalogue, query: Query, k: int, allowed: NDArray[np.bool_] | None
) -> NDArray[np.int64]:
    """Structures that may be proposed at the places of a lot, of those allowed, increasing.

    All whose zone contains one of them, or may, and the k nearest that declare none.  Zones count where they can be judged:
    today, for a lot whose department is known (`distances.zones`).
    """
    if allowed is None and query.as_of is None:
        return remembered(  # the lots of one notice, and many notices, are of one place
            catalogue, "coming", (query.places, k), lambda held, key: _coming(held, *key), PLACES_KEPT
        )
    return _coming(catalogue, query.places, k, allowed, zoned=query.as_of is None)


def _coming(
    catalogue: Catalogue,
    places: Sequence[Place],
    k: int,
    allowed: NDArray[np.bool_] | None = None,
    *,
    zoned: bool = True,
) -> NDArray[np.int64]:
    cosines = _cosines(catalogue, places)
    departments = {place.department for place in places if place.department}
    if not zoned or not departments:
        may = proposable(catalogue)
        return _nearest(cosines, np.flatnonzero(may if allowed is None else may & allowed), k)
    of_radius, unzoned = catalogue.once("zones of those proposable", lambda: _zones(catalogue))
    chosen = cosines >= of_radius
    if vague := distances.vague_departments(places):
        chosen |= np.isfinite(of_radius) & catalogue.one_of("department", vague)
    for department in departments:
        chosen[remembered(catalogue, "zones with", department, _with_department, PLACES_KEPT)] = True
    if allowed is not None:
        chosen &= allowed
        unzoned = unzoned[allowed[unzoned]]
    chosen[_nearest(cosines, unzoned, k)] = True
    return np.flatnonzero(chosen)


def _zones(catalogue: Catalogue) -> tuple[Floats, NDArray[np.int64]]:
    """The cosine of the radius that each structure declares, infinite for others, and those that declare no zone at all."""
    declared, radius, _ = distances.zones_of(catalogue)
    may = proposable(catalogue)
    of_radius = np.where(may & (radius >= 0), _cosine(np.maximum(radius, 0)), np.inf)
    return of_radius.astype(np.float32), np.flatnonzero(may & ~declared)


def _with_department(catalogue: Catalogue, department: str) -> NDArray[np.int64]:
    """Structures of which the declared zone holds a department."""
    number, (_, _, words) = department_number(department), distances.zones_of(catalogue)
    if number < 0:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(proposable(catalogue) & (words[number // 64] & np.uint64(1 << number % 64) > 0))


def proposable(catalogue: Catalogue) -> NDArray[np.bool_]:
    """Structures that may be proposed: not known to be closed, and listed in a directory.

    A firm known only by past awards, without kind, town or activity, may be a partner but is not proposed.
    """
    found: NDArray[np.bool_] = catalogue.once(
        "proposable", lambda: (catalogue.of_structure("active") != 0) & ~catalogue.unlisted
    )
    return found


def _nearest(cosines: Floats, among: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """The k of these structures with the highest cosines, increasing."""
    if len(among) <= k:
        return among
    return np.sort(among[np.argpartition(-cosines[among], k)[:k]])


def _cosines(catalogue: Catalogue, places: Sequence[Place]) -> Floats:
    """Cosine of the angle at the centre of the Earth from each structure to the nearest of the places; (structures,)."""
    points, unknown = catalogue.once("points as narrow floats", lambda: _narrow(catalogue))
    centres = on_sphere(*np.array(points_of(places)).T).astype(np.float32)
    found: Floats = np.maximum.reduce([points @ centre for centre in centres])
    if len(unknown):
        departments = {place.department for place in places if place.department}
        found[unknown] = np.where(
            catalogue.one_of("department", departments, unknown), _cosine(HOME_KM), ANTIPODE
        )
    return found


def _narrow(catalogue: Catalogue) -> tuple[Floats, NDArray[np.int64]]:
    """The structures as points of the unit sphere (structures, 3), and those without coordinates."""
    points = on_sphere(catalogue.of_structure("latitude"), catalogue.of_structure("longitude"))
    return points.astype(np.float32), np.flatnonzero(np.isnan(points[:, 0]))


def _cosine(kilometres: float | NDArray[np.float64]) -> Any:
    """The cosine of an angle of so many kilometres on the Earth, a little less."""
    return np.cos(np.minimum(kilometres / EARTH_RADIUS_KM, np.pi)) - MARGIN
