"""Query and shortlist: a lot, its candidates, their evidence rows, and named columns."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date
from math import isfinite
from typing import Any, TypeVar, cast

import numpy as np

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import days
from matcher.catalogue.texts import runs
from matcher.domain import Asked, Filters, Lot, Place, Tender
from matcher.reference.arrays import F32, F64, I64, Array, Mask
from matcher.reference.places import unplaced

T = TypeVar("T")
Column = F64
Rows = I64


@dataclass(frozen=True, slots=True)
class Demand:
    """`weights` (trades,) of what is asked; `trades` those that count, `worth` (trades that count, 1) the relevance of each.

    `columns` are those of the judgement by name, `usual_km` the distance that structures usually travel for such a lot.
    """

    weights: F32
    trades: I64
    worth: F32
    usual_km: float
    columns: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A lot prepared for search: text, vector, places, date."""

    lot: Lot
    tender: Tender
    text: str
    vector: F32
    words: str  # the text with the CPV codes as words, for the index of exact words
    asked: Asked  # what was read of the lot
    demand: Demand  # the same as numbers
    places: tuple[Place, ...]
    cpv: tuple[str, ...]
    as_of: date | None = None  # only evidence dated before this day is used; None: all of it
    filters: Filters = field(default_factory=Filters)
    incumbents: bool = False  # may the buyer's own past holders be favoured?
    part: str = ""  # the words of the lot itself, without those of the operation it belongs to
    # a vector for each trade that the title names, where it names several
    pieces: tuple[F32, ...] = ()
    #: What was computed of the lot alone: copies with other filters share it.
    memo: Memo = field(default_factory=lambda: Memo(), compare=False, repr=False)

    @property
    def departments(self) -> frozenset[str]:
        """The departments of its places, where they are known."""
        return frozenset(place.department for place in self.places if place.department)

    @property
    def located(self) -> bool:
        """Is the place of work known?  A lot without one is next door to everybody, and within nobody's reach."""
        return not unplaced(self.places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortlist:
    """Candidates (structure rows) with their evidence rows and one array per signal.

    `candidates` has shape (n,), increasing.  Evidence rows of candidate i are `rows[starts[i]:starts[i + 1]]`; `owner`
    is its inverse, shape (m,).  `admissible` is False for evidence not yet known on the query's date.
    """

    query: Query
    catalogue: Catalogue
    candidates: Rows
    columns: Mapping[str, Column] = field(default_factory=dict)
    memo: Memo = field(default_factory=lambda: Memo(), compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.candidates)

    @property
    def whole(self) -> bool:
        """Are all structures of the catalogue candidates?"""
        return len(self.candidates) == len(self.catalogue)

    @property
    def _counts(self) -> Rows:
        return np.asarray(np.diff(self.catalogue.offsets)[self.candidates])

    @property
    def starts(self) -> Rows:
        return self.once("starts", lambda: np.append(0, np.cumsum(self._counts)).astype(np.int64))

    @property
    def rows(self) -> Rows:
        if self.whole:
            return self.once("rows", lambda: np.arange(self.catalogue.evidence.num_rows))
        return self.once("rows", lambda: runs(self.catalogue.offsets[self.candidates], self._counts))

    @property
    def owner(self) -> Rows:
        if self.whole:
            return self.catalogue.owners
        return self.once("owner", lambda: np.repeat(np.arange(len(self)), self._counts))

    @property
    def admissible(self) -> Mask:
        if self.query.as_of is None:
            return self.once("admissible", lambda: np.ones(len(self.rows), dtype=bool))
        before = days(self.query.as_of)
        return self.once("admissible", lambda: self.catalogue.of_row("since")[self.rows] < before)

    @property
    def bidders(self) -> Rows:
        """The position of the first establishment of each bidder, whose establishments are adjacent; computed once."""
        return self.once("bidders", lambda: heads(self.catalogue.of_structure("bidder")[self.candidates]))

    def once(self, key: Hashable, make: Callable[[], T], *, each: bool = False) -> T:
        """The value of `make()`, computed once for these candidates, see `Memo.once`."""
        return self.memo.once(key, make, each=each)

    def known(self, *natures: str) -> Mask:
        """Mask over `rows`: evidence of these natures, already known on the query's date."""

        def make() -> Mask:
            return np.asarray(self.admissible & self.catalogue.nature_mask(natures)[self.rows])

        return self.once(("known", natures), make)

    def rows_of(self, i: int, *natures: str) -> Rows:
        """The evidence rows of candidate i of these natures, already known on the query's date."""

        def make() -> Rows:
            low, high = self.catalogue.offsets[self.candidates[i] : self.candidates[i] + 2].tolist()
            known = self.catalogue.nature_mask(natures)[low:high]
            if self.query.as_of is not None:
                known = known & (self.catalogue.of_row("since")[low:high] < days(self.query.as_of))
            return np.asarray(low + known.nonzero()[0])

        return self.once(("rows", i, natures), make)

    def best(self, values: Array, mask: Mask) -> Column:
        """Maximum of `values` (m,) within `mask` for each candidate, NaN where it has no row; shape (n,)."""
        return self.discounted(values, mask, (1.0,))

    def discounted(self, values: Array, mask: Mask, weights: tuple[float, ...]) -> Column:
        """Sum of each candidate's best values times `weights` (best first), NaN where it has none; shape (n,)."""
        rows = self.inside(mask)
        owner, taken = self.owner[rows], np.asarray(values[rows], dtype=np.float64)
        taken = taken[np.lexsort((-taken, owner))]  # the rows of a candidate are adjacent already
        first = heads(owner)
        place = np.arange(len(owner)) - np.repeat(first, np.diff(np.append(first, len(owner))))
        kept = place < len(weights)
        added = np.array(weights)[place[kept]] * taken[kept]
        total = np.bincount(owner[kept], added, minlength=len(self))
        return np.where(self.count(mask) > 0, total, np.nan)

    def inside(self, mask: Mask) -> Rows:
        """Positions of the rows of a mask of `known`, increasing."""
        return np.flatnonzero(mask)

    def count(self, mask: Mask) -> Column:
        """How many rows of `mask` each candidate has; shape (n,)."""
        return np.bincount(self.owner[mask], minlength=len(self)).astype(np.float64)

    def best_row(self, i: int, values: Array, mask: Mask) -> int | None:
        """The catalogue row of candidate i with the highest value within `mask`, or None."""
        low, high = int(self.starts[i]), int(self.starts[i + 1])
        inside = mask[low:high].nonzero()[0]
        if not len(inside):
            return None
        held = values[low:high][inside]
        best = held.argmax()
        return int(self.rows[low + inside[best]]) if isfinite(held[best]) else None


class Memo:
    """Cache of values computed for one lot; of `whole`, what is one of each candidate is taken for those `kept` when asked."""

    def __init__(self, whole: Memo | None = None, kept: Mask | None = None) -> None:
        self._made: dict[Hashable, Any] = {}
        self._whole, self._kept = whole, None if kept is None else np.flatnonzero(kept)

    def once(self, key: Hashable, make: Callable[[], T], *, each: bool = False) -> T:
        """The value of `make()`, computed the first time that this key is asked.

        `each` says that the value is one of each candidate whatever the others, with `take`, so that some of them keep it.
        """
        if key not in self._made:
            held = self._of_whole(key) if each else None
            self._made[key] = make() if held is None else held
        return cast("T", self._made[key])

    def _of_whole(self, key: Hashable) -> Any:
        """A value that is known of more candidates, for those kept; None where it is not."""
        if self._whole is None:
            return None
        held = self._whole._made.get(key)
        if held is None:
            held = self._whole._of_whole(key)
        return None if held is None else held.take(self._kept)

    def narrowed(self, kept: Mask) -> Memo:
        """The memo of the candidates of a mask."""
        return Memo(self, kept)

    def alone(self) -> Memo:
        """What is known of these candidates, without that of more of them."""
        held = Memo()
        held._made = dict(self._made)
        return held

    def keep(self, key: Hashable, value: Any) -> None:
        """Give the value of a key before it is asked."""
        self._made[key] = value


def heads(labels: Array) -> Rows:
    """The positions at which a run of equal labels begins."""
    begins = np.ones(len(labels), dtype=bool)
    np.not_equal(labels[1:], labels[:-1], out=begins[1:])
    return np.flatnonzero(begins)
