"""The map: departments drawn, structures as points, in plain SVG."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

WIDE = 250.0  # units of a viewBox from which outlines are thinned
FILE = Path(__file__).parent / "departments.json"


def lambert(latitude: float, longitude: float) -> tuple[float, float]:
    """Metres on the sphere by Lambert's conic with the parallels of Lambert 93, which this drawing resembles."""
    first, second, middle, origin = (math.radians(v) for v in (44, 49, 46.5, 3))
    n = math.log(math.cos(first) / math.cos(second)) / math.log(
        math.tan(math.pi / 4 + second / 2) / math.tan(math.pi / 4 + first / 2)
    )
    f = math.cos(first) * math.tan(math.pi / 4 + first / 2) ** n / n
    radius, centre = (
        6_371_000 * f / math.tan(math.pi / 4 + v / 2) ** n for v in (math.radians(latitude), middle)
    )
    angle = n * (math.radians(longitude) - origin)
    return radius * math.sin(angle), centre - radius * math.cos(angle)


@cache
def drawing() -> dict[str, Any]:
    """Outlines, and how a place falls on them."""
    data: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return data


def point(latitude: float | None, longitude: float | None) -> tuple[float, float] | None:
    """Where a place of the mainland or Corsica falls on the drawing; None elsewhere."""
    if latitude is None or longitude is None or not (41 < latitude < 51.5 and -5.5 < longitude < 10):
        return None
    x, y = lambert(latitude, longitude)
    (a, b), (c, d), (e, f) = drawing()["fit"]
    return round(a * x + c * y + e, 1), round(b * x + d * y + f, 1)


def window(points: Iterable[tuple[float, float]]) -> str:
    """The viewBox that shows these points with some country around; the whole where they are spread."""
    found = list(points)
    whole = [float(v) for v in drawing()["viewBox"].split()]
    if not found:
        return str(drawing()["viewBox"])
    xs, ys = [p[0] for p in found], [p[1] for p in found]
    side = max(max(xs) - min(xs), max(ys) - min(ys), 60) * 1.35
    if side > 0.7 * whole[2]:
        return str(drawing()["viewBox"])
    cx, cy = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    return f"{cx - side / 2:.1f} {cy - side / 2:.1f} {side:.1f} {side:.1f}"


@cache
def _boxes() -> dict[str, tuple[float, float, float, float]]:
    """The box around each department: least and greatest x, least and greatest y."""
    found = {}
    for code, path in drawing()["shapes"].items():
        numbers = [float(v) for v in re.findall(r"-?[\d.]+", path)]
        found[code] = (min(numbers[::2]), max(numbers[::2]), min(numbers[1::2]), max(numbers[1::2]))
    return found


@cache
def _coarse() -> dict[str, str]:
    """The outlines with every point dropped that lies nearer than three units to the one before."""
    return {code: _thinned(path) for code, path in drawing()["shapes"].items()}


def _thinned(path: str) -> str:
    rings = []
    for ring in path.split("M")[1:]:
        kept: list[tuple[int, int]] = []
        for pair in re.findall(r"(-?[\d.]+) (-?[\d.]+)", ring):
            x, y = float(pair[0]), float(pair[1])
            if not kept or math.hypot(x - kept[-1][0], y - kept[-1][1]) >= 3:
                kept.append((round(x), round(y)))
        if len(kept) > 3:
            steps = ((b[0] - a[0], b[1] - a[1]) for a, b in pairwise(kept))
            moves = " ".join(f"{x}{'' if y < 0 else ' '}{y}" for x, y in steps)
            rings.append(f"M{kept[0][0]} {kept[0][1]}l{moves.replace(' -', '-')}z")
    return "".join(rings)


def land(windows: Iterable[str]) -> dict[str, str]:
    """Department -> outline, as much as these viewBoxes show: all, thinned, for a wide one; else those in sight."""
    boxes = [tuple(float(v) for v in window.split()) for window in windows]
    if any(width > WIDE for _, _, width, _ in boxes):
        return _coarse()
    return {
        code: drawing()["shapes"][code]
        for code, (left, right, top, bottom) in _boxes().items()
        if any(left < x + w and right > x and top < y + h and bottom > y for x, y, w, h in boxes)
    }
