"""Arithmetic on chosen rows: inner products with a vector, by faiss on one thread, and which rows there are."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.reference.arrays import F32, I64


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
