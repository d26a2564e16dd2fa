"""The map of a list: numbered points for its lines, towns around, the place of the need on top."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from matcher.domain import Lot, Place
from matcher.territory import outlines
from service.page.lots import Line

DAY_TRIP_KM = 120  # structures farther from the site are left out of the frame
SHOWN = 352  # pixels of the map on a wide page, for which sizes are chosen
POINTS = 40
LEAST = 24.0  # units of the drawing, of 1.85 km each
APART = 17  # pixels between two points
Spot = tuple[float, float]


def chart(lot: Lot, lines: Sequence[Line]) -> dict[str, Any]:
    """The map data of these lines; without points where no place is known."""
    at = [(p, line) for line in lines[:POINTS] if (p := _point(line.match.structure.place))]
    site = [p for place in lot.places if (p := _point(place))]
    # points within a day trip of the site; all points if there are none, or the site is unknown
    away = ((p, line.match.distance_km) for p, line in at)
    near = [p for p, km in away if km is not None and km <= DAY_TRIP_KM]
    window = _window([*(near if site and near else [p for p, _ in at]), *site])
    scale = float(window.split()[2]) / SHOWN
    spots = _spread([p for p, _ in at], APART * scale, site)
    points = [(spot, line) for spot, (_, line) in zip(spots, at, strict=True)]
    towns = [town for town in outlines.towns(window) if not _covered(town, spots, scale)]
    return {"points": points, "site": site, "window": window, "scale": scale, "towns": towns}


def _covered(town: tuple[float, float, str], points: Iterable[Spot], scale: float) -> bool:
    """Whether a point stands on a town's name, which is written to its right."""
    x, y, name = town
    wide, high = (10 + 6 * len(name)) * scale, 12 * scale
    return any(-10 * scale < px - x < wide and abs(py - y) < high for px, py in points)


def _window(points: Sequence[Spot]) -> str:
    """The square viewBox around these points, some forty kilometres at least; or the country."""
    if not points:
        return outlines.WHOLE
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    side = max(max(xs) - min(xs), max(ys) - min(ys), LEAST) * 1.25
    if side > 0.8 * outlines.HEIGHT:
        return outlines.WHOLE
    return f"{(min(xs) + max(xs) - side) / 2:.1f} {(min(ys) + max(ys) - side) / 2:.1f} {side:.1f} {side:.1f}"


def _point(place: Place) -> Spot | None:
    return outlines.point(place.latitude, place.longitude)


def _spread(points: Iterable[Spot], apart: float, taken: Sequence[Spot] = ()) -> list[Spot]:
    """The points moved along a spiral until none overlaps an earlier one, nor a pin."""
    placed = [spot for x, y in taken for spot in ((x, y), (x, y - apart))]  # a pin stands above its place
    pins = len(placed)
    for x, y in points:
        turn = 0
        spot = (x, y)
        while any(math.dist(spot, other) < apart for other in placed) and turn < 200:
            turn += 1
            radius, angle = apart * 0.35 * math.sqrt(turn), turn * 2.4
            spot = (x + radius * math.cos(angle), y + radius * math.sin(angle))
        placed.append((round(spot[0], 2), round(spot[1], 2)))
    return placed[pins:]
