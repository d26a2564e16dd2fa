"""Whether structures come to the places of a lot: by the zones that they declare, and by how far they are.

The only reader of zones and distances: lists, filters, groups, partners, opportunities, the desk and pages ask it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import DECLARED, department_number
from matcher.catalogue.filters import (
    TYPICAL,
    UNSURE,
    distances_km,
    least_km,
    located,
    of_one_commune,
    on_sphere,
    remembered,
)
from matcher.domain import Place, Reached, Where
from matcher.learned import activities
from matcher.matching import declared, trades
from matcher.matching.shortlist import Column, Query, Rows, Shortlist, heads
from matcher.reference.arrays import F32, F64, I64, Mask
from matcher.reference.places import EARTH_RADIUS_KM, POSTCODE_KM, codes_at, precise, whereabouts

#: Of structures that declare zones: is any declared (n,), the longest radius (n,), -inf if none, departments as bits (2, n),
#: who declares each grouping (SIREN) and commune (INSEE).
Zones = tuple[Mask, Column, NDArray[np.uint64], dict[str, list[int]]]


ZONED = ("name", *DECLARED)  # natures of evidence that carry a zone
#: Kilometres at most to a structure in the department that is all that is known of the place of a lot.
WITHIN_KM = 25.0


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether structures come to the places of a lot; arrays of shape (n,)."""

    zone: Column  # 1 inside a declared zone, -1 outside all that it declares, 0 where none is, or that is not known
    kilometres: Column  # see `distances_km`; NaN where nothing is known of the place of either
    sure: Mask  # are both points known better than by their area, so that the kilometres may be shown
    about: Mask  # are they approximate: is a town inferred, or only the mean of its postcode known

    @property
    def refused(self) -> Mask:
        """Who declares zones, none of which holds the lot."""
        return self.zone < 0

    @property
    def unknown(self) -> Mask:
        """Whose way to the lot nothing tells: no zone, and no place of one of the two."""
        return np.asarray((self.zone == 0) & np.isnan(self.kilometres))

    @property
    def shown_km(self) -> Column:
        """Kilometres to display; NaN where a point is only the centre of an area."""
        return np.where(self.sure, self.kilometres, np.nan)

    def comes(self, usual: float) -> Mask:
        """Who is inside its zone, or declares none and is within this distance."""
        with np.errstate(invalid="ignore"):
            return np.asarray((self.zone > 0) | ((self.zone == 0) & (self.kilometres <= usual)))

    def take(self, kept: Rows) -> Reach:
        """The reach of some of the structures."""
        zone, kilometres = self.zone.take(kept), self.kilometres.take(kept)
        return Reach(zone, kilometres, self.sure.take(kept), self.about.take(kept))

    def pair(self, i: int, usual: float) -> Reached:
        """The reach of structure i, for a trade that usually travels so many kilometres."""
        zone, kilometres = self.zone[i], float(self.kilometres[i])
        where: Where
        if zone:
            where = "inside" if zone > 0 else "outside"
        elif np.isnan(kilometres):
            where = "unknown"
        else:
            where = "near" if kilometres <= usual else "far"
        shown = round(kilometres, 1) if self.sure[i] else None
        return Reached(where=where, kilometres=shown, usual_km=usual)


def of(shortlist: Shortlist) -> Reach:
    """The reach of the candidates of a lot, computed once."""

    def make() -> Reach:
        zones, at = _declared_zones(shortlist)
        return _measured(shortlist.catalogue, shortlist.query.places, shortlist.candidates, zones, at)

    return shortlist.once("reach", make, each=True)


def to_places(catalogue: Catalogue, places: Sequence[Place], rows: Rows) -> Reach:
    """The reach of some structures to places, by the zones that they declare today."""
    return _measured(catalogue, places, rows, zones_of(catalogue), rows)


def _measured(catalogue: Catalogue, places: Sequence[Place], rows: Rows, zones: Zones, at: Any) -> Reach:
    kilometres = distances_km(catalogue, places, rows)
    within = np.zeros(len(rows), dtype=bool)
    if only_vague(places):  # the centre of a department tells nobody in it how far the work is
        within = catalogue.one_of("department", _departments(places), rows)
    zone = np.zeros(len(rows))
    if named := _departments(places):
        zoned, radius, words = zones[0][at], zones[1][at], zones[2][:, at]
        with np.errstate(invalid="ignore"):
            inside = np.asarray(kilometres <= radius)
        for number in {department_number(code) for code in named} - {-1}:
            inside |= words[number // 64] & np.uint64(1 << number % 64) > 0
        inside |= _of_groupings(zones, filter(precise, places))[at]
        outside = zoned & ~inside & ~_of_groupings(zones, (p for p in places if not precise(p)))[at]
        # a radius tells nothing where a point is too vague for it, nor within the area of the lot
        limited = np.flatnonzero(outside & (radius >= 0))
        if len(limited):
            least = least_km(catalogue, places, rows[limited])
            outside[limited] = (least > radius[limited]) & ~within[limited]
        zone = inside.astype(np.float64) - outside
    kilometres = np.where(within, np.fmin(kilometres, WITHIN_KM), kilometres)
    known = [place for place in places if not vague(place)]
    with np.errstate(invalid="ignore"):
        own = catalogue.of_structure("spread_km")[rows] <= POSTCODE_KM
        if len(known) < len(places):
            own &= distances_km(catalogue, known, rows) <= kilometres
    here = of_one_commune(catalogue, places, rows)
    sure = np.asarray((own | here) & ~np.isnan(kilometres))
    about = ~catalogue.one_of("unmapped", {""}, rows) | any(one.spread_km for one in located(known))
    return Reach(zone, kilometres, sure, np.asarray(about & ~here))


def _of_groupings(zones: Zones, places: Iterable[Place]) -> Mask:
    """Who declares a grouping or commune that holds one of the places, or reaches into it; (n,)."""
    chosen = np.zeros(len(zones[0]), dtype=bool)
    for code in {code for place in places for code in codes_at(place)} if zones[3] else ():
        chosen[zones[3].get(code, [])] = True
    return chosen


def _departments(places: Sequence[Place]) -> set[str]:
    return {place.department for place in places if place.department}


def vague(place: Place) -> bool:
    """Is a place known by its area alone, however small, or not at all?"""
    here = whereabouts(place)
    return here is None or not precise(place) or here.spread_km > POSTCODE_KM


def only_vague(places: Sequence[Place]) -> bool:
    """Is no place known better than by its area?"""
    return all(map(vague, places))


def _declared_zones(shortlist: Shortlist) -> tuple[Zones, Any]:
    """Zones declared on the day of the query for what the lot asks, and where the candidates are among them."""
    catalogue, candidates = shortlist.catalogue, shortlist.candidates
    mixed = np.isin(candidates, _mixed(catalogue))
    if shortlist.query.as_of is None and not mixed.any():
        return zones_of(catalogue), candidates
    known = shortlist.inside(shortlist.known(*ZONED))
    several = mixed[shortlist.owner[known]]
    known = np.sort(np.append(known[~several], _of_its_trade(shortlist, known[several])))
    known = known[catalogue.zoned[shortlist.rows[known]]]
    zones = _zones_by(catalogue, shortlist.rows[known], shortlist.owner[known], len(shortlist))
    return zones, slice(None)


def _of_its_trade(shortlist: Shortlist, known: Rows) -> Rows:
    """Of positions of evidence, that which tells a trade of the lot, and all of whom none does."""
    if not len(known):
        return known
    table = declared.pieces(shortlist)
    known = known[table.numbers[shortlist.rows[known]] >= 0]
    owner, texts = shortlist.owner[known], table.numbers[shortlist.rows[known]]
    spans = declared.spans_by(table.starts, texts, np.arange(len(known)), len(known))
    held = trades.match(shortlist, table.trades, spans.slots)
    tells = np.maximum.reduceat(held, spans.starts[:-1]) >= trades.INDICATED
    return known[tells | ~np.isin(owner, owner[tells])]


def _mixed(catalogue: Catalogue) -> Rows:
    """Structures that declare one zone for some of what they do and another, or none, for the rest."""

    def make() -> Rows:
        groupings = np.zeros(catalogue.evidence.num_rows, dtype=np.int64)
        for row, sirens in catalogue.groupings:
            groupings[row] = hash(sirens)
        rows = np.flatnonzero(catalogue.nature_mask(DECLARED))
        owner, differs = catalogue.owners[rows], np.zeros(len(rows), dtype=bool)
        for each in (groupings, *map(catalogue.of_row, ("radius", "zone_low", "zone_high"))):
            values = np.nan_to_num(each[rows], nan=-1)
            differs[1:] |= (values[1:] != values[:-1]) & (owner[1:] == owner[:-1])
        return np.unique(owner[differs]) if differs.any() and declared.reads(catalogue) else rows[:0]

    return catalogue.once("mixed zones", make)


def zones_of(catalogue: Catalogue) -> Zones:
    """The zones of all structures, as declared today."""

    def make() -> Zones:
        rows = np.flatnonzero(catalogue.nature_mask(ZONED) & catalogue.zoned)
        return _zones_by(catalogue, rows, catalogue.owners[rows], len(catalogue))

    return catalogue.once("zones", make)


def _zones_by(catalogue: Catalogue, rows: Rows, owner: Rows, count: int) -> Zones:
    """The zones of these rows together, by owner; rows of one owner are adjacent."""
    zoned = np.zeros(count, dtype=bool)
    radius, words = np.full(count, -np.inf), np.zeros((2, count), np.uint64)
    if len(owner):
        first = heads(owner)
        at = owner[first]
        zoned[at] = True
        radius[at] = np.fmax(np.fmax.reduceat(catalogue.of_row("radius")[rows], first), -np.inf)
        for word, name in zip(words, ("zone_low", "zone_high"), strict=True):
            word[at] = np.bitwise_or.reduceat(catalogue.of_row(name)[rows], first)
    declaring = dict(catalogue.groupings)
    groupings: dict[str, list[int]] = {}
    for position in np.flatnonzero(np.isin(rows, list(declaring))).tolist():
        for siren in declaring[int(rows[position])].split():
            groupings.setdefault(siren, []).append(int(owner[position]))
    return zoned, radius, words, groupings


def code_near(shortlist: Shortlist) -> F64:
    """Similarity of each candidate's activity code to the lot, 1 for the nearest code; NaN for a vague code or none."""
    catalogue, query = shortlist.catalogue, shortlist.query
    known = activities.of(catalogue.encoder)
    places = known.places
    at = catalogue.once("places of naf", lambda: catalogue.among("naf", lambda code: places.get(code, -1)))
    near = query.memo.once("activities", lambda: known.closeness(query.vector))
    return np.asarray(np.append(near, np.nan)[at[shortlist.candidates]])


ANTIPODE = -1.0  # cosine of the angle to one of whom nothing is known
SPREADS_KEPT = 8  # of places of lots, with the radii of all structures each
#: On cosines, for rounding: who is some hundred metres outside a zone is told so when it is compared.
MARGIN = 3e-7
PLACES_KEPT = 500  # with thousands of structures each


def has_point(query: Query) -> bool:
    """Has the lot a place with coordinates?"""
    return bool(located(query.places))


def nearest(catalogue: Catalogue, places: Sequence[Place], k: int, allowed: Mask | None) -> I64:
    """The k structures nearest to one of the places, of those allowed, increasing; none of places without coordinates."""
    if not located(places):
        return np.zeros(0, dtype=np.int64)
    cosines = _cosines(catalogue, places)
    return _nearest(cosines, np.arange(len(cosines)) if allowed is None else np.flatnonzero(allowed), k)


def coming(catalogue: Catalogue, query: Query, k: int, allowed: Mask | None) -> I64:
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


def _coming(catalogue: Catalogue, query: Query, k: int, allowed: Mask | None) -> I64:
    cosines = _cosines(catalogue, query.places)
    without = undeclared(catalogue, query)
    if _zones_count(query):
        spread = max(here.spread_km for here in located(query.places))
        chosen = cosines >= remembered(catalogue, "radius of those proposable", spread, _radius, SPREADS_KEPT)
        for department in query.departments:
            chosen[remembered(catalogue, "zones with", department, _with_department, PLACES_KEPT)] = True
        chosen |= _of_groupings(zones_of(catalogue), query.places) & proposable(catalogue)
    else:
        chosen = np.zeros(len(catalogue), dtype=bool)
    if allowed is not None:
        chosen &= allowed
        without = without & allowed
    chosen[_nearest(cosines, np.flatnonzero(without), k)] = True
    return np.flatnonzero(chosen)


def _zones_count(query: Query) -> bool:
    """Can zones be judged, as `Reach.zone` does: today, for a lot whose department is known?"""
    return query.as_of is None and bool(query.departments)


def undeclared(catalogue: Catalogue, query: Query) -> Mask:
    """Structures that may be proposed and of which no zone tells whether they come to the places of a lot."""
    if not _zones_count(query):
        return proposable(catalogue)
    return catalogue.once("without zone", lambda: proposable(catalogue) & ~zones_of(catalogue)[0])


def _radius(catalogue: Catalogue, spread: float) -> F32:
    """The cosine of the radius that each structure declares, infinite for others and those that are not proposed.

    The radius is as much wider as places of this spread make it unsure, see `least_km`.
    """
    radius = zones_of(catalogue)[1]
    spreads = np.hypot(np.nan_to_num(catalogue.of_structure("spread_km")), spread)
    widest = np.hypot(np.maximum(radius, 0) + UNSURE * spreads, TYPICAL * spreads)
    # the cosine of so many kilometres on the Earth, a little less
    cosines = np.cos(np.minimum(widest / EARTH_RADIUS_KM, np.pi)) - MARGIN
    return np.where(proposable(catalogue) & (radius >= 0), cosines, np.inf).astype(np.float32)


def _with_department(catalogue: Catalogue, department: str) -> I64:
    """Structures of which the declared zone holds a department."""
    number, words = department_number(department), zones_of(catalogue)[2]
    if number < 0:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(proposable(catalogue) & (words[number // 64] & np.uint64(1 << number % 64) > 0))


def proposable(catalogue: Catalogue) -> Mask:
    """Structures that may be proposed: not known to be closed, and listed in a directory.

    A firm known only by past awards, without kind, town or activity, may be a partner but is not proposed.
    """
    return catalogue.once("proposable", lambda: (catalogue.of_structure("active") != 0) & ~catalogue.unlisted)


def _nearest(cosines: F32, among: I64, k: int) -> I64:
    """The k of these structures with the highest cosines, increasing."""
    if len(among) <= k:
        return among
    return np.sort(among[np.argpartition(-cosines[among], k)[:k]])


def _cosines(catalogue: Catalogue, places: Sequence[Place]) -> F32:
    """Cosine of the angle of `distances_km` from each structure to the nearest of the places; (structures,)."""
    points, doubts, unknown = catalogue.once("points as narrow floats", lambda: _narrow(catalogue))
    each = (
        on_sphere(np.array(here.latitude), np.array(here.longitude))[0].astype(np.float32) @ points
        - np.float32(_doubt(here.spread_km))
        for here in located(places)
    )
    found: F32 = reduce(np.maximum, each) - doubts
    found[unknown] = ANTIPODE
    return found


def _narrow(catalogue: Catalogue) -> tuple[F32, F32, I64]:
    """The structures as points of the unit sphere (3, structures), the doubt of each, and those without coordinates."""
    points = on_sphere(catalogue.of_structure("latitude"), catalogue.of_structure("longitude")).T
    doubts = _doubt(catalogue.of_structure("spread_km")).astype(np.float32)
    return points.astype(np.float32, order="C"), doubts, np.flatnonzero(np.isnan(points[0]))


def _doubt(spread_km: Any) -> Any:
    """What a spread takes from a cosine: half the square of its angle."""
    return (TYPICAL * spread_km / EARTH_RADIUS_KM) ** 2 / 2
