"""Nearest neighbours by inner product of unit vectors (faiss): exact when small, a graph or cells when large.

Johnson, Douze, Jégou, "Billion-scale similarity search with GPUs", 2017; HNSW: Malkov, Yashunin, 2016.
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

FLAT_UP_TO = 50_000
GRAPH_UP_TO = 400_000
REFINE = 4
SAMPLE = 50_000  # rows that train the cells


class FaissIndex:
    """A faiss index over all rows, with the vectors beside it (memory-mapped) for exact comparison."""

    def __init__(self, index: Any, vectors: NDArray[Any], kind: str) -> None:
        self._index = index
        self._vectors = vectors
        self.kind = kind

    def search(
        self, text: str, vector: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int64]:
        import faiss

        k = min(k, len(self._vectors))
        if k <= 0 or (allowed is not None and not allowed.any()):
            return np.zeros(0, dtype=np.int64)
        options = None
        if allowed is not None:
            # a narrow filter starves a graph walk: below a tenth of the rows the exact scan is as quick
            if allowed.sum() <= max(4 * k, len(allowed) // 10):
                rows = np.flatnonzero(allowed)
                order = np.argsort(-self.compare(text, vector, rows), kind="stable")[:k]
                return rows[order]
            selector = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
            options = self._options(faiss, k, selector)
        else:
            options = self._options(faiss, k, None)
        # codes of 8 bits blur what is near: REFINE times as many are fetched, and put in order by the vectors themselves
        wanted = k if self.kind == "flat" else min(REFINE * k, len(self._vectors))
        _, found = self._index.search(vector.reshape(1, -1).astype(np.float32), wanted, params=options)
        rows = found[0][found[0] >= 0].astype(np.int64)
        if self.kind == "flat":
            return rows
        order = np.argsort(-self.compare(text, vector, rows), kind="stable")[:k]
        return np.asarray(rows[order])

    def _options(self, faiss: Any, k: int, selector: Any) -> Any:
        if self.kind == "hnsw":
            return faiss.SearchParametersHNSW(sel=selector, efSearch=max(64, REFINE * k))
        if self.kind == "ivf":
            return faiss.SearchParametersIVF(sel=selector, nprobe=max(16, self._index.nlist // 5))
        return faiss.SearchParameters(sel=selector) if selector is not None else None

    def compare(
        self, text: str, vector: NDArray[np.float32], rows: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        chosen = self._vectors if rows is None else self._vectors[rows]
        if chosen.dtype != np.float32:
            chosen = chosen.astype(np.float32)
        return np.asarray(chosen @ vector, dtype=np.float32)

    def save(self, folder: Path) -> None:
        import faiss

        folder.mkdir(parents=True, exist_ok=True)
        faiss.write_index(self._index, str(folder / "index.faiss"))
        (folder / "index.json").write_text(json.dumps({"kind": self.kind, "rows": len(self._vectors)}))


def build(texts: Sequence[str], vectors: NDArray[Any], *, kind: str = "auto", seed: int = 0) -> FaissIndex:
    """An index of `vectors` (n, d), float16 or float32, of unit length; `kind` is auto, flat, hnsw or ivf."""
    import faiss

    index: Any
    n, d = vectors.shape
    if kind == "auto":
        kind = "flat" if n <= FLAT_UP_TO else "hnsw" if n <= GRAPH_UP_TO else "ivf"
    if kind == "flat":
        index = faiss.IndexFlatIP(d)
    elif kind == "hnsw":
        index = faiss.IndexHNSWSQ(d, faiss.ScalarQuantizer.QT_8bit, 16, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 80
    else:
        cells = (
            int(min(2 * np.sqrt(n), min(n, SAMPLE) / 39)) or 1
        )  # 39 rows a cell: what k-means wants at least
        index = faiss.index_factory(d, f"IVF{cells},SQ8", faiss.METRIC_INNER_PRODUCT)
        index.cp.seed = seed
    block = 100_000
    if not index.is_trained:
        sample = np.random.default_rng(seed).choice(n, size=min(n, SAMPLE), replace=False)
        index.train(np.ascontiguousarray(vectors[np.sort(sample)], dtype=np.float32))
    for low in range(0, n, block):
        index.add(np.ascontiguousarray(vectors[low : low + block], dtype=np.float32))
    return FaissIndex(index, vectors, kind)


def load(folder: Path, vectors: NDArray[Any]) -> FaissIndex:
    """The saved index, memory-mapped where faiss can."""
    import faiss

    meta = json.loads((folder / "index.json").read_text())
    flags = faiss.IO_FLAG_MMAP if meta["kind"] == "ivf" else 0
    return FaissIndex(faiss.read_index(str(folder / "index.faiss"), flags), vectors, meta["kind"])
