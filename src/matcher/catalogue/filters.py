"""Which structures may be candidates: exact filters, names, distances."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from matcher.reference.text import fold


def _holds(words: Iterable[str]) -> Callable[[str], bool]:
    keys = [f"|{fold(word)}|" for word in words]
    return lambda held: any(key in held for key in keys)


def _on_globe(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2) degrees as (n, 3) points of the unit sphere: the nearest by chord is the nearest by arc."""
    lat, lon = np.radians(points).T
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
