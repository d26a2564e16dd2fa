"""Where candidates stand from the places of a lot: kilometres, and what their declared zones say."""

from __future__ import annotations

import numpy as np

from matcher.catalogue.columns import department_number
from matcher.catalogue.filters import distances_km
from matcher.domain import Place
from matcher.matching.shortlist import Column, Shortlist
from matcher.reference.places import departments


def kilometres(shortlist: Shortlist) -> Column:
    """Kilometres from each candidate to the nearest place of the lot, computed once; NaN where either is unknown."""
    result: Column = shortlist.once("distances", lambda: _kilometres(shortlist))
    return result


def _kilometres(shortlist: Shortlist) -> Column:
    points = [
        (p.latitude, p.longitude)
        for p in shortlist.query.places
        if p.latitude is not None and p.longitude is not None
    ]
    points = [(a, b) for a, b in points if a == a and b == b]
    if not points:
        return np.full(len(shortlist), np.nan)
    return distances_km(shortlist.catalogue, points, shortlist.candidates)


def zones(shortlist: Shortlist) -> Column:
    """1 where a declared zone holds the lot, -1 where zones are declared and none does, 0 where none is; (n,)."""
    result: Column = shortlist.once("zones", lambda: _zones(shortlist))
    return result


def _zones(shortlist: Shortlist) -> Column:
    named = {code for place in shortlist.query.places for code in departments_of(place)}
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


def departments_of(place: Place) -> tuple[str, ...]:
    """The department of a place; all those of its region where no more is known."""
    if place.department:
        return (place.department,)
    return tuple(d.code for d in departments() if place.region and d.region == place.region)
