"""The nearest points on the Earth, by a grid of narrow bands of latitude: NumPy alone, built in some milliseconds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BAND = 0.1  # degrees of latitude
TURN = 1_000.0  # between the keys of two bands: more than all longitudes
FIRST = 0.2  # degrees around a place where one looks first
MARGIN = 1.02  # on a radius, for rounding
WIDER = 1.2  # times the radius that would hold enough if points lay everywhere as near the place


class Globe:
    """Points sorted by band of latitude, then by longitude."""

    def __init__(self, latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> None:
        keys = np.floor(latitude / BAND) * TURN + longitude
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]
        self._points = on_sphere(latitude[self._order], longitude[self._order])

    def __len__(self) -> int:
        return len(self._keys)

    def nearest(self, latitude: float, longitude: float, k: int) -> NDArray[np.int64]:
        """The k nearest points (all, if there are fewer), in any order; of equally distant ones the first."""
        k, radius = min(k, len(self)), FIRST
        if not k:
            return np.zeros(0, dtype=np.int64)
        here = on_sphere(np.array([latitude]), np.array([longitude]))[0]
        while True:
            found = self._around(latitude, longitude, radius)
            if len(found) < k:
                radius *= min(4.0, max(WIDER, WIDER * np.sqrt(k / max(len(found), 1))))
                continue
            chords = squares(self._points.take(found, axis=0), here)
            last = np.partition(chords, k - 1)[k - 1]
            farthest = float(np.degrees(2 * np.arcsin(min(np.sqrt(last) / 2, 1.0))))
            if farthest * MARGIN <= radius or len(found) == len(self):
                inside, level = found[chords < last], np.sort(self._order[found[chords == last]])
                return np.concatenate([self._order[inside], level[: k - len(inside)]])
            radius = farthest * MARGIN * MARGIN

    def _around(self, latitude: float, longitude: float, radius: float) -> NDArray[np.int64]:
        """Positions, in the order of the keys, of at least every point within `radius` degrees."""
        wide = _widest(latitude, radius)
        if wide is None or abs(longitude) + wide > 180:  # a pole, or the date line
            return np.arange(len(self))
        bands = np.arange(np.floor((latitude - radius) / BAND), np.floor((latitude + radius) / BAND) + 1)
        lows = self._keys.searchsorted(bands * TURN + longitude - wide)
        sizes = self._keys.searchsorted(bands * TURN + longitude + wide, side="right") - lows
        ends = np.cumsum(sizes)
        return np.asarray(np.arange(ends[-1]) + np.repeat(lows - ends + sizes, sizes), dtype=np.int64)


def _widest(latitude: float, radius: float) -> float | None:
    """Degrees of longitude from the centre of a circle to its sides; None where a pole is inside."""
    if abs(latitude) + radius >= 90:
        return None
    return float(np.degrees(np.arcsin(np.sin(np.radians(radius)) / np.cos(np.radians(latitude)))))


def on_sphere(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Degrees as (n, 3) points of the unit sphere: the nearest by chord is the nearest by arc."""
    lat, lon = np.radians(latitude), np.radians(longitude)
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def squares(points: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.float64]:
    """The square of the chord from each point of the sphere (n, 3) to one; (n,)."""
    x, y, z = (points[:, axis] - point[axis] for axis in range(3))
    return np.asarray(x * x + y * y + z * z)
