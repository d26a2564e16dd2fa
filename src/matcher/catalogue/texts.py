"""Rows that hold the same text, numbered once, with their vectors and inner products: indexes compare texts, not rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.reference.arrays import F32, I32, I64, Array, Mask

BLOCK = 100_000  # vectors widened or added to an index at once
FEW_ROWS = 20  # that are compared one by one


def products(vectors: F32, vector: F32, rows: NDArray[np.integer[Any]]) -> F32:
    """Inner products of the chosen rows, read in place: a copy would cost ten times as much."""
    import faiss

    wanted = np.ascontiguousarray(vector, dtype=np.float32)
    rows = np.ascontiguousarray(rows, dtype=np.int64)
    n, d = vectors.shape
    if (
        not vectors.flags.c_contiguous
        or wanted.shape != (d,)
        or (len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < n)
    ):
        raise IndexError(f"rows of {vectors.shape} were asked for that do not exist")  # below is C
    out = np.zeros(len(rows), dtype=np.float32)
    swig: Any = faiss  # functions made by SWIG have no types
    point = swig.swig_ptr
    with one_thread():
        swig.fvec_inner_products_by_idx(
            point(out), point(wanted), point(vectors), point(rows), d, 1, len(rows)
        )
    return out


def runs(first: NDArray[np.integer[Any]], many: NDArray[np.integer[Any]]) -> I64:
    """The numbers of several runs one after the other: `many` from each `first`."""
    numbers = np.repeat(first - (np.cumsum(many) - many), many).astype(np.int64, copy=False)
    numbers += np.arange(len(numbers))
    return numbers


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for a single query: further faiss threads only spin after each call."""
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


class Texts:
    """The number of the text of each row, and the rows of each text."""

    def __init__(self, numbers: I32, count: int) -> None:
        self.numbers = numbers
        #: rows in the order of their texts; those of text i stand from `starts[i]` to `starts[i + 1]`
        self.members = np.argsort(numbers, kind="stable").astype(np.int32)
        self.starts = np.concatenate(([0], np.cumsum(np.bincount(numbers, minlength=count))))

    @classmethod
    def of(cls, texts: Sequence[str]) -> Texts:
        """Each different text as a number, in the order of first occurrence."""
        at: dict[str, int] = {}
        numbers = np.fromiter((at.setdefault(text, len(at)) for text in texts), np.int32, len(texts))
        return cls(numbers, len(at))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def first(self) -> I64:
        """The first row of each text."""
        return self.members[self.starts[:-1]].astype(np.int64)

    def different(self, rows: I64) -> tuple[I64, I64]:
        """The different texts of some rows, increasing, and the place among them of the text of each row."""
        different, place = np.unique(self.numbers[rows], return_inverse=True)
        return different.astype(np.int64), place

    def of_rows(self, allowed: Mask) -> Mask:
        """Mask over texts: those of a row in a mask over rows."""
        mask = np.zeros(len(self), dtype=bool)
        mask[self.numbers[allowed]] = True
        return mask

    def rows(self, texts: NDArray[np.integer[Any]], most: int | None = None) -> tuple[I64, I64]:
        """The rows of some texts, of each `most` at most, in their order, and for each the place of its text in `texts`."""
        lows = self.starts[texts]
        sizes = np.minimum(self.starts[texts + 1] - lows, len(self.members) if most is None else most)
        return self.members[runs(lows, sizes)].astype(np.int64), np.repeat(np.arange(len(texts)), sizes)

    def enough(self, texts: I64, k: int) -> int:
        """How many of the first of these texts hold k rows."""
        ends = np.cumsum(self.starts[texts + 1] - self.starts[texts])
        return int(np.searchsorted(ends, k)) + 1

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "numbers.npy", self.numbers, allow_pickle=False)


class Vectors:
    """The vectors of evidence rows, a table of one for each text, read as the array of those of all rows (rows, dimension)."""

    def __init__(self, texts: Texts, table: Array) -> None:
        self.texts, self.table = texts, table

    @classmethod
    def of(cls, texts: Sequence[str], vectors: Array) -> Vectors:
        """The vectors of some rows, of which those of one text are equal."""
        numbered = Texts.of(texts)
        return cls(numbered, np.ascontiguousarray(vectors[numbered.first]))

    @property
    def shape(self) -> tuple[int, int]:
        return len(self), self.table.shape[1]

    @property
    def dtype(self) -> Any:
        return self.table.dtype

    def __len__(self) -> int:
        return len(self.texts.numbers)

    def __getitem__(self, rows: Any) -> Array:
        return np.asarray(self.table[self.texts.numbers[rows]])

    def compare(self, vector: F32, rows: I64 | None = None) -> F32:
        """The inner product of a vector with that of each of these rows, else of all."""
        if rows is None:
            return self.of_texts(vector, np.arange(len(self.texts)))[self.texts.numbers]
        if len(rows) < FEW_ROWS:
            return self.of_texts(vector, self.texts.numbers[rows].astype(np.int64))
        # rows of one text are compared once: reading vectors costs more than finding which are different
        different, place = self.texts.different(rows)
        return self.of_texts(vector, different)[place]

    def of_texts(self, vector: F32, texts: I64) -> F32:
        """The inner product of a vector with that of each of these texts."""
        if self.dtype == np.float32:
            return products(self.table, vector, texts)
        likeness = np.zeros(len(texts), dtype=np.float32)
        for low in range(0, len(texts), BLOCK):
            block = self.table[texts[low : low + BLOCK]].astype(np.float32)
            # single-threaded: BLAS threads would spend longer waiting than working
            likeness[low : low + BLOCK] = products(block, vector, np.arange(len(block)))
        return likeness

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self[:].astype(dtype or self.dtype, copy=False)


def mapped(folder: Path, name: str) -> Array:
    """A saved array, memory-mapped."""
    return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))
