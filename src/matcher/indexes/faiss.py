"""Nearest neighbours by inner product of unit vectors (faiss): exact when small, cells of packed codes when large.

Johnson, Douze, Jégou, "Billion-scale similarity search with GPUs", 2017; André, Kermarrec, Le Scouarnec, "Quicker ADC",
2019 (codes of four bits, scanned in registers); HNSW: Malkov, Yashunin, 2016.
"""

# mypy: disable-error-code="call-arg,arg-type,attr-defined,no-any-return"
# (the wrappers that faiss generates are typed for C pointers, not for the arrays that they take)

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLAT_UP_TO = 20_000
SCANNED_UP_TO = 100_000  # to here the codes of every row are read: one cell
CODED_FROM = 1_000  # fewer rows do not teach codes of four bits
REFINE = 800  # rows fetched beyond those wanted
SAMPLE = 50_000  # rows that train the cells
PROBED = 0.1  # share of the cells that is read
BLOCK = 100_000  # rows at once
WORN = 0.2  # share of rows that are gone at which the cells are made anew


class FaissIndex:
    """A faiss index over all rows, with the vectors beside it (memory-mapped) for exact comparison.

    `numbers` is the row of each number under which the index knows a vector, -1 for one that is gone; None where
    numbers are rows.
    """

    def __init__(
        self, index: Any, vectors: NDArray[Any], kind: str, numbers: NDArray[np.int64] | None = None
    ) -> None:
        self._index = index
        self._vectors = vectors
        self.kind = kind
        self._numbers = numbers

    def search(
        self, text: str, vector: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int64]:
        import faiss

        k = min(k, len(self._vectors))
        if k <= 0 or (allowed is not None and not allowed.any()):
            return np.zeros(0, dtype=np.int64)
        selector = None
        if allowed is not None:
            # a narrow filter starves a walk: below a tenth of the rows the exact scan is as quick
            if allowed.sum() <= max(4 * k, len(allowed) // 10):
                rows = np.flatnonzero(allowed)
                order = np.argsort(-self.compare(text, vector, rows), kind="stable")[:k]
                return rows[order]
            if self._numbers is not None:
                allowed = allowed[self._numbers] & (self._numbers >= 0)
            bits = np.packbits(allowed, bitorder="little")
            selector = faiss.IDSelectorBitmap(bits)
        # codes blur what is near: more are fetched, and put in order by the vectors themselves
        wanted = k if self.kind == "flat" else min(k + REFINE, len(self._vectors))
        question, options = vector.reshape(1, -1).astype(np.float32), self._options(faiss, wanted, selector)
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)  # of one question, more threads cost more than they bring
        try:
            _, found = self._index.search(question, wanted, params=options)
        finally:
            faiss.omp_set_num_threads(threads)
        rows = found[0][found[0] >= 0].astype(np.int64)
        if self._numbers is not None:
            rows = self._numbers[rows]
            rows = rows[rows >= 0]
        if self.kind == "flat":
            return rows
        order = np.argsort(-self.compare(text, vector, rows), kind="stable")[:k]
        return np.asarray(rows[order])

    def _options(self, faiss: Any, wanted: int, selector: Any) -> Any:
        if self.kind == "hnsw":
            return faiss.SearchParametersHNSW(sel=selector, efSearch=max(64, wanted))
        if self.kind == "ivf":
            return faiss.SearchParametersIVF(sel=selector, nprobe=max(16, int(PROBED * self._index.nlist)))
        return faiss.SearchParameters(sel=selector) if selector is not None else None

    def compare(
        self, text: str, vector: NDArray[np.float32], rows: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        vectors = self._vectors
        if vectors.dtype == np.float32:
            return (
                np.asarray(vectors @ vector, np.float32) if rows is None else _products(vectors, vector, rows)
            )
        if rows is None:
            rows = np.arange(len(vectors))
        blocks = [_single(vectors, rows[low : low + BLOCK]) @ vector for low in range(0, len(rows), BLOCK)]
        return np.concatenate([np.zeros(0, np.float32), *blocks])

    def amended(self, kept: NDArray[np.int64], texts: Sequence[str], vectors: NDArray[Any]) -> FaissIndex:
        """The index of `vectors`: row i is the old row `kept[i]`, or a new one where that is -1.

        Cells keep what they hold, under the numbers that it has; they are made anew when much of it is gone.
        """
        import faiss

        rows_of = len(self._vectors) if self._numbers is None else len(self._numbers)
        gone = rows_of - int((kept >= 0).sum())
        if self.kind == "flat" or gone > WORN * len(vectors):
            return build(texts, vectors, kind="auto" if self.kind == "flat" else self.kind)
        row_of_old = np.full(len(self._vectors), -1, dtype=np.int64)
        row_of_old[kept[kept >= 0]] = np.flatnonzero(kept >= 0)
        if self._numbers is None:
            numbers = row_of_old
        else:
            numbers = np.where(self._numbers >= 0, row_of_old[self._numbers], -1)
        fresh = np.flatnonzero(kept < 0)
        index = faiss.deserialize_index(faiss.serialize_index(self._index))
        if len(fresh):
            index.add(np.ascontiguousarray(vectors[fresh], dtype=np.float32))
        return FaissIndex(index, vectors, self.kind, np.concatenate([numbers, fresh]))

    def save(self, folder: Path) -> None:
        import faiss

        folder.mkdir(parents=True, exist_ok=True)
        faiss.write_index(self._index, str(folder / "index.faiss"))
        if self._numbers is not None:
            np.save(folder / "numbers.npy", self._numbers, allow_pickle=False)
        (folder / "index.json").write_text(
            json.dumps({"kind": self.kind, "rows": len(self._vectors), "amended": self._numbers is not None})
        )


def _products(
    vectors: NDArray[np.float32], vector: NDArray[np.float32], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Inner products of the chosen rows, read where they lie: a copy of them would cost ten times as much."""
    import faiss

    asked = np.ascontiguousarray(vector, dtype=np.float32)
    rows = np.ascontiguousarray(rows, dtype=np.int64)
    n, d = vectors.shape
    if (
        not vectors.flags.c_contiguous
        or asked.shape != (d,)
        or (len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < n)
    ):
        raise IndexError(f"rows of {vectors.shape} were asked for that are not there")  # below is C
    out = np.zeros(len(rows), dtype=np.float32)
    point = faiss.swig_ptr
    faiss.fvec_inner_products_by_idx(point(out), point(asked), point(vectors), point(rows), d, 1, len(rows))
    return out


def _single(vectors: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """The chosen rows in single precision."""
    chosen = np.ascontiguousarray(vectors[rows])
    if chosen.dtype != np.float16:
        return np.asarray(chosen, dtype=np.float32)
    import faiss

    # numpy widens halves one by one, faiss by registers
    wide = faiss.IndexScalarQuantizer(chosen.shape[1], faiss.ScalarQuantizer.QT_fp16)
    return wide.sa_decode(chosen.view(np.uint8).reshape(len(chosen), -1))


def build(texts: Sequence[str], vectors: NDArray[Any], *, kind: str = "auto", seed: int = 0) -> FaissIndex:
    """An index of `vectors` (n, d), float16 or float32, of unit length; `kind` is auto, flat, hnsw or ivf."""
    import faiss

    index: Any
    n, d = vectors.shape
    if kind == "auto":
        # a graph is walked for few neighbours; for the many of a shortlist cells are read faster
        kind = "flat" if n <= FLAT_UP_TO else "ivf"
    if kind == "flat":
        index = faiss.IndexFlatIP(d)
    elif kind == "hnsw":
        index = faiss.IndexHNSWSQ(d, faiss.ScalarQuantizer.QT_8bit, 16, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 80
    else:
        # 39 rows a cell: what k-means wants at least
        cells = 1 if n <= SCANNED_UP_TO else int(min(2 * np.sqrt(n), SAMPLE / 39))
        codes = f"PQ{d // 2}x4fs" if d % 2 == 0 and n >= CODED_FROM else "SQ8"
        index = faiss.index_factory(d, f"IVF{cells},{codes}", faiss.METRIC_INNER_PRODUCT)
        index.cp.seed = seed
    if not index.is_trained:
        sample = np.random.default_rng(seed).choice(n, size=min(n, SAMPLE), replace=False)
        index.train(np.ascontiguousarray(vectors[np.sort(sample)], dtype=np.float32))
    for low in range(0, n, BLOCK):
        index.add(np.ascontiguousarray(vectors[low : low + BLOCK], dtype=np.float32))
    return FaissIndex(index, vectors, kind)


def load(folder: Path, vectors: NDArray[Any]) -> FaissIndex:
    """The saved index, memory-mapped where faiss can."""
    import faiss

    meta = json.loads((folder / "index.json").read_text())
    numbers = None
    if meta.get("amended"):
        numbers = np.asarray(np.load(folder / "numbers.npy", mmap_mode="r", allow_pickle=False))
    index = faiss.read_index(
        str(folder / "index.faiss"), faiss.IO_FLAG_MMAP_IFC if meta["kind"] == "flat" else 0
    )
    return FaissIndex(index, vectors, meta["kind"], numbers)
