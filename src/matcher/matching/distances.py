"""Distances from candidates to the places of a lot, and their declared zones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matcher.catalogue.columns import department_number
from matcher.catalogue.filters import distances_km
from matcher.domain import Place
from matcher.matching.shortlist import Column, Shortlist
from matcher.reference.places import precise


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
    points = [(p.latitude, p.longitude) for p in places if p.latitude is not None and p.longitude is not None]
    points = [(a, b) for a, b in points if a == a and b == b]
    if not points:
        return np.full(len(shortlist), np.nan)
    return distances_km(shortlist.catalogue, points, shortlist.candidates)


def zones(shortlist: Shortlist) -> Column:
    """1 where a declared zone contains the lot, -1 where zones are declared and none does, 0 where none is declared; (n,)."""
    result: Column = shortlist.once("zones", lambda: _zones(shortlist))
    return result


def _zones(shortlist: Shortlist) -> Column:
    named = {place.department for place in shortlist.query.places if place.department}
    if not named:
        return np.zeros(len(shortlist))
    catalogue, known = shortlist.catalogue, shortlist.inside(shortlist.known("offer", "description", "job"))
    declared = known[catalogue.zoned[shortlist.rows[known]]]
    if not len(declared):
        return np.zeros(len(shortlist))
    rows, owner = shortlist.rows[declared], shortlist.owner[declared]
    inside = kilometres(shortlist)[owner] <= catalogue.of_row("radius")[rows]
    for number in {department_number(code) for code in named} - {-1}:
        word, bit = ("zone_low", number) if number < 64 else ("zone_high", number - 64)
        inside |= catalogue.of_row(word)[rows] & np.uint64(1 << bit) > 0
    result = np.zeros(len(shortlist))
    result[owner] = -1.0
    result[owner[inside]] = 1.0
    return result
