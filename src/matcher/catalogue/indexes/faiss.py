"""Nearest neighbours by inner product of unit vectors (faiss): flat when small, IVF over 4-bit PQ (fast-scan) when large.

Johnson, Douze, Jégou, "Billion-scale similarity search with GPUs", 2017; André, Kermarrec, Le Scouarnec, "Quicker ADC",
2019 (4-bit PQ, fast-scan); HNSW: Malkov, Yashunin, 2016.
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

from matcher.catalogue.indexes import Role, reachable, selective
from matcher.catalogue.products import one_thread, products

ROLE: Role = "meaning"

FLAT_UP_TO = 8_000  # vectors; above, PQ finds the same in half the time
SCANNED_UP_TO = 1_500_000  # up to here all codes are scanned, in one cell (11 ms per million)
CODED_FROM = 1_000  # fewer vectors cannot train 4-bit PQ
REFINE = 400  # extra vectors fetched for re-ranking
SAMPLE = 50_000  # vectors that train the cells
#: Share of the cells probed above that size: recall@100 of 0.98 on distinct vectors.
PROBED = 0.5
BLOCK = 100_000  # rows per block
WORN = 0.2  # share of deleted vectors at which the index is retrained
SHARED = 0.5  # where different vectors are at most so many of the rows they are kept apart, once each


class FaissIndex:
    """A faiss index of the distinct vectors, each under one number shared by the rows that hold it, and the
    vectors themselves (memory-mapped) for exact comparison.

    `numbers` is the number of each row: rows of one text have one.  `table` holds the vector of each number; None
    where it is read in the first of its rows.
    """

    role: Role = ROLE

    def __init__(
        self,
        index: Any,
        vectors: NDArray[Any],
        kind: str,
        numbers: NDArray[np.int32],
        table: NDArray[Any] | None,
        members: NDArray[np.int32] | None = None,
    ) -> None:
        self._index = index
        self._vectors = vectors
        self.kind = kind
        self._numbers = numbers
        self._table = table
        #: rows in the order of their numbers; those of number i stand from `starts[i]` to `starts[i + 1]`
        self._members = np.argsort(numbers, kind="stable").astype(np.int32) if members is None else members
        counts = np.bincount(numbers, minlength=index.ntotal)
        self._starts = np.concatenate(([0], np.cumsum(counts)))

    def search(
        self, text: str, vector: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int64]:
        import faiss

        k = reachable(k, len(self._numbers), allowed)
        if not k:
            return np.zeros(0, dtype=np.int64)
        selector = None
        if allowed is not None:
            if selective(allowed, k):
                rows = np.flatnonzero(allowed)
                order = np.argsort(-self.compare(text, vector, rows), kind="stable")[:k]
                return rows[order]
            wanted = np.zeros(self._index.ntotal, dtype=bool)
            wanted[self._numbers[allowed]] = True
            bits = np.packbits(wanted, bitorder="little")
            selector = faiss.IDSelectorBitmap(bits)
        # quantisation is lossy: more are fetched and re-ranked by the exact vectors
        many = min(k if self.kind == "flat" else k + REFINE, self._index.ntotal)
        question, options = vector.reshape(1, -1).astype(np.float32), self._options(faiss, many, selector)
        with one_thread():
            _, found = self._index.search(question, many, params=options)
        numbers = found[0][found[0] >= 0].astype(np.int64)
        numbers = numbers[self._starts[numbers + 1] > self._starts[numbers]]  # the others were deleted
        order = np.argsort(-self._similarities(vector, numbers), kind="stable")
        return self._rows_of(numbers[order], k, allowed)

    def _rows_of(
        self, numbers: NDArray[np.int64], k: int, allowed: NDArray[np.bool_] | None
    ) -> NDArray[np.int64]:
        """The first k rows of these numbers, in their order."""
        lows = self._starts[numbers]
        ends = np.cumsum(self._starts[numbers + 1] - lows)
        if allowed is None:  # no more numbers than hold k rows
            last = int(np.searchsorted(ends, k)) + 1
            lows, ends = lows[:last], ends[:last]
        places = np.arange(ends[-1] if len(ends) else 0)
        sizes = np.diff(ends, prepend=0)
        rows = self._members[places + np.repeat(lows - ends + sizes, sizes)].astype(np.int64)
        return rows[:k] if allowed is None else rows[allowed[rows]][:k]

    def _options(self, faiss: Any, wanted: int, selector: Any) -> Any:
        if self.kind == "hnsw":
            return faiss.SearchParametersHNSW(sel=selector, efSearch=max(64, wanted))
        if self.kind == "ivf":
            cells = self._index.nlist
            return faiss.SearchParametersIVF(sel=selector, nprobe=min(cells, max(16, int(PROBED * cells))))
        return faiss.SearchParameters(sel=selector) if selector is not None else None

    def compare(
        self, text: str, vector: NDArray[np.float32], rows: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        if rows is None:
            return self._similarities(vector, np.arange(len(self._starts) - 1))[self._numbers]
        # rows of one text are compared once: reading vectors costs more than finding which are different
        different, back = np.unique(self._numbers[rows], return_inverse=True)
        return self._similarities(vector, different.astype(np.int64))[back]

    def _similarities(self, vector: NDArray[np.float32], numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """The inner product with the vector of each number; undefined for a deleted one."""
        table = self._table
        if table is None:
            table = self._vectors
            if len(numbers):
                numbers = self._members[np.minimum(self._starts[numbers], len(table) - 1)].astype(np.int64)
        if table.dtype == np.float32:
            return products(table, vector, numbers)
        found = np.zeros(len(numbers), dtype=np.float32)
        for low in range(0, len(numbers), BLOCK):
            block = _single(table, numbers[low : low + BLOCK])
            # single-threaded: BLAS threads would spend longer waiting than working
            found[low : low + BLOCK] = products(block, vector, np.arange(len(block)))
        return found

    def amended(self, kept: NDArray[np.int64], texts: Sequence[str], vectors: NDArray[Any]) -> FaissIndex:
        """The index of `vectors`: row i is the old row `kept[i]`, or the next of `texts` where that is -1.

        Cells keep their content; the index is retrained when much of it is deleted.
        """
        import faiss

        known = self._index.ntotal
        numbers = np.empty(len(kept), dtype=np.int32)
        numbers[kept >= 0] = self._numbers[kept[kept >= 0]]
        numbers[kept < 0] = known + _numbered(texts)
        gone = known - len(np.unique(numbers[kept >= 0]))
        if self.kind == "flat" or gone > WORN * known:
            gapless = np.unique(numbers, return_inverse=True)[1].astype(np.int32)
            return _made(gapless, vectors, "auto" if self.kind == "flat" else self.kind)
        added, first = np.unique(numbers, return_index=True)
        fresh = np.ascontiguousarray(vectors[first[added >= known]])
        index = faiss.deserialize_index(faiss.serialize_index(self._index))
        if len(fresh):
            index.add(fresh.astype(np.float32))
        table = None if self._table is None else np.concatenate([self._table, fresh])
        return FaissIndex(index, vectors, self.kind, numbers, table)

    def save(self, folder: Path) -> None:
        import faiss

        folder.mkdir(parents=True, exist_ok=True)
        faiss.write_index(self._index, str(folder / "index.faiss"))
        for name, array in (("numbers", self._numbers), ("members", self._members), ("vectors", self._table)):
            if array is not None:
                np.save(folder / f"{name}.npy", array, allow_pickle=False)
        meta = {"kind": self.kind, "rows": len(self._numbers), "vectors": self._index.ntotal}
        (folder / "index.json").write_text(json.dumps(meta | {"apart": self._table is not None}))


def _single(vectors: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """The chosen rows in single precision."""
    chosen = np.ascontiguousarray(vectors[rows])
    if chosen.dtype != np.float16:
        return np.asarray(chosen, dtype=np.float32)
    import faiss

    # numpy widens halves one by one, faiss by registers
    wide = faiss.IndexScalarQuantizer(chosen.shape[1], faiss.ScalarQuantizer.QT_fp16)
    return wide.sa_decode(chosen.view(np.uint8).reshape(len(chosen), -1))


def _numbered(texts: Sequence[str]) -> NDArray[np.int32]:
    """Each different text as a number, in the order of first occurrence."""
    known: dict[str, int] = {}
    return np.fromiter((known.setdefault(text, len(known)) for text in texts), np.int32, len(texts))


def build(texts: Sequence[str], vectors: NDArray[Any], *, kind: str = "auto", seed: int = 0) -> FaissIndex:
    """An index of `vectors` (n, d), float16 or float32, of unit length; `kind` is auto, flat, hnsw or ivf.

    Rows of one text have one vector.
    """
    return _made(_numbered(texts), vectors, kind, seed)


def _made(numbers: NDArray[np.int32], vectors: NDArray[Any], kind: str, seed: int = 0) -> FaissIndex:
    """The index of the vectors of these numbers, contiguous from 0."""
    import faiss

    index: Any
    _, first = np.unique(numbers, return_index=True)
    n, d = len(first), vectors.shape[1]
    if kind == "auto":
        # HNSW suits few neighbours; for a long shortlist IVF is faster
        kind = "flat" if n <= FLAT_UP_TO else "ivf"
    if kind == "flat":
        index = faiss.IndexFlatIP(d)
    elif kind == "hnsw":
        index = faiss.IndexHNSWSQ(d, faiss.ScalarQuantizer.QT_8bit, 16, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 80
    else:
        # 39 vectors per cell: the minimum for k-means
        cells = 1 if n <= SCANNED_UP_TO else int(min(2 * np.sqrt(n), SAMPLE / 39))
        codes = f"PQ{d // 2}x4fs" if d % 2 == 0 and n >= CODED_FROM else "SQ8"
        index = faiss.index_factory(d, f"IVF{cells},{codes}", faiss.METRIC_INNER_PRODUCT)
        index.cp.seed = seed
    if not index.is_trained:
        sample = np.random.default_rng(seed).choice(n, size=min(n, SAMPLE), replace=False)
        index.train(np.ascontiguousarray(vectors[first[np.sort(sample)]], dtype=np.float32))
    for low in range(0, n, BLOCK):
        index.add(np.ascontiguousarray(vectors[first[low : low + BLOCK]], dtype=np.float32))
    table = vectors[first] if kind != "flat" and n <= SHARED * len(numbers) else None
    return FaissIndex(index, vectors, kind, numbers, table)


def load(folder: Path, vectors: NDArray[Any]) -> FaissIndex:
    """The saved index, memory-mapped where faiss can."""
    import faiss

    meta = json.loads((folder / "index.json").read_text())
    if "vectors" not in meta:
        raise ValueError("its index of vectors is of an earlier version")

    def mapped(name: str) -> NDArray[Any]:
        return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))

    index = faiss.read_index(
        str(folder / "index.faiss"), faiss.IO_FLAG_MMAP_IFC if meta["kind"] == "flat" else 0
    )
    table = mapped("vectors") if meta["apart"] else None
    return FaissIndex(index, vectors, meta["kind"], mapped("numbers"), table, mapped("members"))
