"""Distances from candidates to the places of a lot, and their declared zones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from matcher.catalogue.columns import DECLARED, department_number
from matcher.catalogue.filters import distances_km, points_of
from matcher.domain import Place
from matcher.matching.shortlist import Column, Shortlist, heads
from matcher.reference.places import precise

if TYPE_CHECKING:
    from matcher.catalogue.catalogue import Catalogue


def kilometres(shortlist: Shortlist) -> Column:
    """Kilometres from each candidate to the nearest place of the lot, computed once; NaN where either is unknown.

    A place known by department only counts as its centre; `shown` gives the kilometres to display.
    """
    result: Column = shortlist.once("distances", lambda: _kilometres(shortlist, shortlist.query.places))
    return result


def shown(shortlist: Shortlist) -> Column:
    """Kilometres to display: also NaN where the nearest place is only the centre of a department."""

    def make() -> Column:
        certain = tuple(filter(precise, shortlist.query.places))
        if len(certain) == len(shortlist.query.places):
            return kilometres(shortlist)
        known = _kilometres(shortlist, certain)
        return np.where(known <= kilometres(shortlist), known, np.nan)

    result: Column = shortlist.once("distances shown", make)
    return result


def vague_place(shortlist: Shortlist) -> bool:
    """Are only departments of the lot known?"""
    return not any(map(precise, shortlist.query.places))


def _kilometres(shortlist: Shortlist, places: Sequence[Place]) -> Column:
    points = points_of(places)
    if not points:
        return np.full(len(shortlist), np.nan)
    return distances_km(shortlist.catalogue, points, shortlist.candidates)


def zones(shortlist: Shortlist) -> Column:
    """1 where a declared zone contains the lot, -1 where zones are declared and none does, 0 where that is not known; (n,).

    It is not known where none is declared, and of a radius within a department that is all one knows of the lot's place.
    """
    result: Column = shortlist.once("zones", lambda: _zones(shortlist))
    return result


def _zones(shortlist: Shortlist) -> Column:
    named = shortlist.query.departments
    if not named:
        return np.zeros(len(shortlist))
    (declared, radius, words), at = _declared_zones(shortlist)
    inside = kilometres(shortlist) <= radius[at]
    for number in {department_number(code) for code in named} - {-1}:
        inside |= words[number // 64][at] & np.uint64(1 << number % 64) > 0
    outside = declared[at]
    if vague := vague_departments(shortlist.query.places):
        here = shortlist.catalogue.one_of("department", vague, shortlist.candidates)
        outside = outside & ~(here & (radius[at] >= 0))
    return np.where(inside, 1.0, np.where(outside, -1.0, 0.0))


def vague_departments(places: Sequence[Place]) -> frozenset[str]:
    """Departments of the places of which no more is known."""
    return frozenset(place.department for place in places if place.department and not precise(place))


Zones = tuple[NDArray[np.bool_], Column, NDArray[np.uint64]]


def _declared_zones(shortlist: Shortlist) -> tuple[Zones, Any]:
    """Zones that structures declare, and where the candidates are among them.

    Zones are: is any declared, the longest radius (-inf if none), the departments as bits; (n,), (n,), (2, n).
    """
    catalogue = shortlist.catalogue
    if shortlist.query.as_of is None:
        return zones_of(catalogue), shortlist.candidates
    known = shortlist.inside(shortlist.known(*DECLARED))
    known = known[catalogue.zoned[shortlist.rows[known]]]
    return _zones_by(catalogue, shortlist.rows[known], shortlist.owner[known], len(shortlist)), slice(None)


def zones_of(catalogue: Catalogue) -> Zones:
    """The zones of all structures, as declared today."""
    found: Zones = catalogue.once("zones", lambda: _zones_of(catalogue))
    return found


def _zones_of(catalogue: Catalogue) -> Zones:
    rows = np.flatnonzero(catalogue.nature_mask(DECLARED) & catalogue.zoned)
    return _zones_by(catalogue, rows, catalogue.owners[rows], len(catalogue))


def _zones_by(catalogue: Catalogue, rows: NDArray[np.int64], owner: NDArray[np.int64], count: int) -> Zones:
    """The zones of these rows together, by owner; rows of one owner are adjacent."""
    declared, radius, words = (
        np.zeros(count, dtype=bool),
        np.full(count, -np.inf),
        np.zeros((2, count), np.uint64),
    )
    if len(owner):
        first = heads(owner)
        at = owner[first]
        declared[at] = True
        radius[at] = np.fmax(np.fmax.reduceat(catalogue.of_row("radius")[rows], first), -np.inf)
        for word, name in zip(words, ("zone_low", "zone_high"), strict=True):
            word[at] = np.bitwise_or.reduceat(catalogue.of_row(name)[rows], first)
    return declared, radius, words
