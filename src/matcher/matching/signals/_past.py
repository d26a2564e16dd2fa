"""Past awards row by row, shared by the signals named past_*; never the choices of the asking buyer.

Only awards known before the query's date are read: where a supplier worked and on what, not for whom.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.catalogue.columns import department_number
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why
from matcher.reference import places
from matcher.reference.text import shorten

DISCOUNT = (1.0, 0.5, 0.25)  # best award, second, third
SCALE_KM = 150.0


def mask(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Award rows known on the query's date; shape (m,)."""
    return shortlist.known("award")


def nan_without_awards(measure: Callable[[Shortlist], Column]) -> Callable[[Shortlist], Column]:
    """The measure, all NaN where no candidate has a known award."""

    @wraps(measure)
    def measured(shortlist: Shortlist) -> Column:
        known = len(shortlist.inside(mask(shortlist)))
        return measure(shortlist) if known else np.full(len(shortlist), np.nan)

    return measured


def scaled(shortlist: Shortlist, name: str) -> NDArray[np.float64]:
    """Similarity of each row relative to the catalogue's best row, 0 to 1; shape (m,)."""

    def make() -> NDArray[np.float64]:
        peak = shortlist.peaks.get(name, 0.0)
        values = shortlist.similarity.get(name)
        if values is None or peak <= 0:
            return np.zeros(len(shortlist.rows))
        return np.maximum(np.asarray(values, dtype=np.float64), 0) / peak

    result: NDArray[np.float64] = shortlist.once(f"scaled:{name}", make)
    return result


def agreement(shortlist: Shortlist) -> NDArray[np.float64]:
    """Agreement of the CPV code of each award with that of the lot, 0 (other division) to 1 (same code); (m,)."""

    def make() -> NDArray[np.float64]:
        awards = shortlist.inside(mask(shortlist))
        codes = shortlist.catalogue.of_row("cpv")[shortlist.rows[awards]]
        best = np.zeros(len(codes))
        for asked in {int(code) for code in shortlist.query.cpv[:3]}:
            # divisions, groups, classes, categories: digits 2, 3, 4, 5 of the code (regulation EC 213/2008)
            for power, value in ((6, 0.35), (5, 0.6), (4, 0.8), (3, 0.9), (0, 1.0)):
                same = (codes // 10**power == asked // 10**power) & (codes > 0)
                best = np.maximum(best, value * same)
        return spread(shortlist, awards, best, 0.0)

    result: NDArray[np.float64] = shortlist.once("agreement", make)
    return result


def kilometres(shortlist: Shortlist) -> NDArray[np.float64]:
    """Kilometres from the lot to the place of each award, NaN where either is unknown; (m,)."""

    def make() -> NDArray[np.float64]:
        catalogue, awards = shortlist.catalogue, shortlist.inside(mask(shortlist))
        points = [p for p in shortlist.query.places if p.latitude is not None and p.longitude is not None]
        if not points or not len(awards):
            return np.full(len(shortlist.rows), np.nan)
        rows = shortlist.rows[awards]
        lat, lon = catalogue.of_row("latitude")[rows], catalogue.of_row("longitude")[rows]
        each = [np.asarray(places.distance_km(lat, lon, p.latitude, p.longitude)) for p in points]
        return spread(shortlist, awards, np.fmin.reduce(each), np.nan)

    result: NDArray[np.float64] = shortlist.once("kilometres", make)
    return result


def at_centre(shortlist: Shortlist, i: int) -> bool:
    """Is the award of candidate i that is nearest to the lot located only by its department?"""
    first = int(shortlist.starts[i])
    far = kilometres(shortlist)[first : int(shortlist.starts[i + 1])]
    row = int(shortlist.rows[first + int(np.nanargmin(far))])
    point = tuple(float(shortlist.catalogue.of_row(name)[row]) for name in ("latitude", "longitude"))
    return point in {(d.latitude, d.longitude) for d in places.departments()}


def spread(
    shortlist: Shortlist, positions: NDArray[np.int64], values: NDArray[Any], rest: float
) -> NDArray[np.float64]:
    """The values at these positions, `rest` elsewhere; shape (m,)."""
    result = np.full(len(shortlist.rows), rest)
    result[positions] = values
    return result


def nearness(shortlist: Shortlist, scale: float = SCALE_KM) -> NDArray[np.float64]:
    """exp(-km / scale) of each award, NaN where the distance is unknown; (m,)."""
    result: NDArray[np.float64] = shortlist.once(
        f"nearness:{scale}", lambda: np.exp(-kilometres(shortlist) / scale)
    )
    return result


def near(shortlist: Shortlist) -> NDArray[np.float64]:
    """The nearness of each award, 0.3 where the distance is unknown; (m,)."""
    result: NDArray[np.float64] = shortlist.once("near", lambda: np.nan_to_num(nearness(shortlist), nan=0.3))
    return result


def here(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Awards carried out in a department of the lot; (m,)."""
    numbers = {department_number(p.department) for p in shortlist.query.places} - {-1}
    return np.asarray(np.isin(shortlist.catalogue.of_row("department")[shortlist.rows], list(numbers)))


def counts(shortlist: Shortlist) -> Column:
    """Number of known awards of each candidate; (n,)."""
    result: Column = shortlist.once("past:count", lambda: shortlist.count(mask(shortlist)))
    return result


def same_trade(shortlist: Shortlist, level: float) -> Column:
    """How many awards of each candidate agree with the lot's CPV at least at `level` of `agreement`.

    NaN without awards, or where the lot states no CPV; (n,).
    """
    if not shortlist.query.cpv:
        return np.full(len(shortlist), np.nan)
    same = shortlist.count(mask(shortlist) & (agreement(shortlist) >= level))
    return unknown_without_awards(shortlist, same)


def unknown_without_awards(shortlist: Shortlist, values: Column) -> Column:
    """The values, NaN for candidates without any known award."""
    return np.where(counts(shortlist) > 0, values, np.nan)


def total(shortlist: Shortlist, values: NDArray[np.float64]) -> Column:
    """Sum of row values over the known awards of each candidate; (n,)."""
    inside = shortlist.inside(mask(shortlist))
    if not len(inside):
        return np.zeros(len(shortlist))
    running = np.concatenate(
        ([0.0], np.cumsum(spread(shortlist, inside, np.nan_to_num(values[inside]), 0.0)))
    )
    return running[shortlist.starts[1:]] - running[shortlist.starts[:-1]]


def without_address(shortlist: Shortlist, values: Column) -> Column:
    """The values, NaN for candidates whose own address is known: `place` covers those."""
    home = shortlist.catalogue.of_structure("latitude")[shortlist.candidates]
    return np.where(np.isnan(home), values, np.nan)


def similar(
    view: str, text: str, threshold: float
) -> tuple[Callable[[Shortlist], Column], Callable[[Shortlist, int, float], Why]]:
    """Measure and explain of a signal: the best three awards by one `view` of similarity.

    The measure is the discounted sum of their shares of the catalogue's best, NaN without awards;
    `text` and `threshold` are those of `nearest_contract`.
    """

    @nan_without_awards
    def measure(shortlist: Shortlist) -> Column:
        return shortlist.discounted(scaled(shortlist, view), mask(shortlist), DISCOUNT)

    def explain(shortlist: Shortlist, i: int, value: float) -> Why:
        return nearest_contract(shortlist, i, value, scaled(shortlist, view), text, threshold)

    return measure, explain


def nearest_contract(
    shortlist: Shortlist, i: int, value: float, values: NDArray[np.float64], text: str, threshold: float
) -> Why:
    """The award of candidate i with the highest of `values` (m,), introduced by `text`.

    At or above `threshold` the contract is similar to the lot; below, it is only the least dissimilar.
    """
    row = None if value != value else shortlist.best_row(i, values, mask(shortlist))
    if row is None:
        return Why("aucun marché public connu", tells=False)
    offer = shortlist.catalogue.offer(row)
    when = f" ({offer.since.year})" if offer.since else ""
    return Why(f"{text}{when}", "", shorten(offer.title, 200), tells=value >= threshold)
