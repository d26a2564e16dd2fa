"""The one value that travels: a question, its candidates, their evidence, and named columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from matcher.domain import Filters, Lot, Place, Tender

if TYPE_CHECKING:
    from matcher.catalogue import Catalogue

Column = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a lot asks, ready to be compared: text, vector, places, day."""

    lot: Lot
    tender: Tender
    text: str
    vector: NDArray[np.float32]
    words: str  # the text with the CPV codes as words, for the index of exact words
    places: tuple[Place, ...]
    cpv: tuple[str, ...]
    as_of: date | None = None  # only evidence dated before this day is used; None: all of it
    filters: Filters = field(default_factory=Filters)
    incumbents: bool = False  # may the buyer's own past holders be favoured?
    part: str = ""  # the words of the lot itself, without those of the operation it belongs to


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortlist:
    """Candidates (structure rows) with their evidence rows and one array per signal.

    `candidates` has shape (n,), increasing.  Evidence rows of candidate i are
    `rows[starts[i]:starts[i + 1]]`; `owner` is its inverse, shape (m,).  `similarity[index]` has shape
    (m,): every index compares every candidate's rows, so no column has holes.  `admissible` is False
    for evidence not yet known on the query's day.
    """

    query: Query
    catalogue: Catalogue
    candidates: Rows
    rows: Rows
    starts: Rows
    owner: Rows
    admissible: NDArray[np.bool_]
    similarity: Mapping[str, NDArray[np.float32]]
    columns: Mapping[str, Column] = field(default_factory=dict)
    peaks: Mapping[str, float] = field(default_factory=dict)  # highest similarity of any row, filtered or not
    scratch: dict[str, Any] = field(
        default_factory=dict
    )  # intermediate arrays shared by the signals of one lot

    def __len__(self) -> int:
        return len(self.candidates)

    def with_column(self, name: str, values: Column) -> Shortlist:
        """A new shortlist with one more column of shape (n,)."""
        if values.shape != (len(self),):
            raise ValueError(f"column {name}: shape {values.shape}, wanted {(len(self),)}")
        return replace(self, columns={**self.columns, name: values})

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """The value of `make()`, computed once for this lot whoever asks."""
        if key not in self.scratch:
            self.scratch[key] = make()
        return self.scratch[key]

    def known(self, *natures: str) -> NDArray[np.bool_]:
        """Mask over `rows`: evidence of these natures, already known on the query's day."""

        def mask() -> NDArray[np.bool_]:
            return self.admissible & self.catalogue.nature_mask(natures)[self.rows]

        known: NDArray[np.bool_] = self.once("known:" + " ".join(natures), mask)
        return known

    def best(self, values: NDArray[Any], mask: NDArray[np.bool_]) -> Column:
        """The highest of `values` (m,) within `mask` for each candidate, NaN where it has none; shape (n,)."""
        return best_of(values, mask, self.starts)

    def discounted(self, values: NDArray[Any], mask: NDArray[np.bool_], weights: tuple[float, ...]) -> Column:
        """Sum of each candidate's best values times `weights` (best first), NaN where it has none; shape (n,)."""
        return discounted_sum(values, mask, self.starts, self.owner, weights)

    def count(self, mask: NDArray[np.bool_]) -> Column:
        """How many rows of `mask` each candidate has; shape (n,)."""
        running = np.concatenate(([0], np.cumsum(mask)))
        return (running[self.starts[1:]] - running[self.starts[:-1]]).astype(np.float64)

    def best_row(self, i: int, values: NDArray[Any], mask: NDArray[np.bool_]) -> int | None:
        """The catalogue row of candidate i with the highest value within `mask`, or None."""
        low, high = int(self.starts[i]), int(self.starts[i + 1])
        inside = np.where(mask[low:high], values[low:high], -np.inf)
        if not len(inside) or not np.isfinite(inside.max()):
            return None
        return int(self.rows[low + int(inside.argmax())])


def best_of(values: NDArray[Any], mask: NDArray[np.bool_], starts: Rows) -> Column:
    """Segment maximum over `starts` (n + 1 offsets), NaN for a segment with nothing in `mask`."""
    if len(starts) < 2:
        return np.zeros(0)
    padded = np.append(np.where(mask, values, -np.inf).astype(np.float64), -np.inf)
    top = np.maximum.reduceat(padded, starts[:-1])
    top[starts[1:] == starts[:-1]] = -np.inf
    return np.where(np.isfinite(top), top, np.nan)


def discounted_sum(
    values: NDArray[Any], mask: NDArray[np.bool_], starts: Rows, owner: Rows, weights: tuple[float, ...]
) -> Column:
    """For each segment, the sum of its best values times `weights`; a segment with fewer values sums fewer."""
    total = np.zeros(max(len(starts) - 1, 0))
    left = mask.copy()
    first: Column | None = None
    for weight in weights:
        top = best_of(values, left, starts)
        first = top if first is None else first
        total += weight * np.nan_to_num(top)
        at_top = np.flatnonzero(left & (values >= top[owner])) if len(owner) else np.zeros(0, dtype=np.int64)
        if not len(at_top):
            break
        _, one_each = np.unique(owner[at_top], return_index=True)
        left[at_top[one_each]] = False
    return np.where(np.isnan(first), np.nan, total) if first is not None else total
