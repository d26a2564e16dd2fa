"""Nearest neighbours by inner product of unit vectors (faiss): flat when small, 4-bit PQ of their principal components when large.

Johnson, Douze, Jégou, "Billion-scale similarity search with GPUs", 2017; André, Kermarrec, Le Scouarnec, "Quicker ADC",
2019 (4-bit PQ, fast-scan).
"""

# mypy: disable-error-code="call-arg,arg-type,attr-defined,no-any-return"
# (the wrappers that faiss generates are typed for C pointers, not for the arrays that they take)

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from matcher.catalogue.indexes import Role, reachable, selective
from matcher.catalogue.texts import BLOCK, Vectors, one_thread
from matcher.reference.arrays import F32, I64, Mask

ROLE: Role = "meaning"

FEW = 8_000  # vectors: so few are compared one by one
SCANNED_UP_TO = 1_500_000  # up to here all codes are scanned, in one cell (6 ms per million)
#: Half of the principal components are coded where they hold this share of the variance, as of texts; else all dimensions.
HELD_BY_HALF = 0.85
HALVED_UP_TO = 200_000  # vectors; of a million it found 0.36 of the hundred nearest to one question of 60
SEED = 0
ROUNDS = 10  # of k-means of the codes; the 25 of faiss find no more
REFINE = 800  # extra vectors fetched for re-ranking, at least
#: One of so many vectors is fetched too: the more lie near a question, such as names of its town, the more the codes mistake.
REFINED_OF = 400
SAMPLE = 50_000  # vectors that train the cells
#: Share of the cells probed above that size: recall@100 of 0.98 on distinct vectors.
PROBED = 0.5


class FaissIndex:
    """A faiss index of the vectors of texts, and the vectors themselves (memory-mapped) for exact comparison."""

    role: Role = ROLE

    def __init__(self, index: Any, vectors: Vectors, kind: str) -> None:
        self._index = index
        self._vectors, self.texts = vectors, vectors.texts
        self.kind = kind

    def search(self, text: str, vector: F32, k: int, allowed: Mask | None = None) -> I64:
        k = reachable(k, len(self.texts.numbers), allowed)
        if not k:
            return np.zeros(0, dtype=np.int64)
        if allowed is None:
            texts = self._nearest(vector, k, None)
            return self.texts.rows(texts[: self.texts.enough(texts, k)], k)[0][:k]
        if selective(allowed, k):
            rows = np.flatnonzero(allowed)
            order = np.argsort(-self.compare(text, vector, rows), kind="stable")[:k]
            return rows[order]
        import faiss

        bits = np.packbits(self.texts.of_rows(allowed), bitorder="little")
        rows, _ = self.texts.rows(self._nearest(vector, k, faiss.IDSelectorBitmap(bits)))
        return rows[allowed[rows]][:k]

    def _nearest(self, vector: F32, k: int, selector: Any) -> I64:
        """The texts nearest to a vector by their codes, more than k, by their exact similarity."""
        import faiss

        # quantisation is lossy: more are fetched and re-ranked by the exact vectors
        size = self._index.ntotal
        many = min(k if self.kind == "flat" else k + max(REFINE, size // REFINED_OF), size)
        with one_thread():
            asked = vector.reshape(1, -1).astype(np.float32)
            _, found = self._index.search(asked, many, params=self._options(faiss, selector))
        texts = found[0][found[0] >= 0].astype(np.int64)  # -1 beyond the last
        return texts[np.argsort(-self._vectors.of_texts(vector, texts), kind="stable")]

    def _options(self, faiss: Any, selector: Any) -> Any:
        if self.kind == "ivf":
            cells = faiss.extract_index_ivf(self._index).nlist
            options = faiss.SearchParametersIVF(sel=selector, nprobe=min(cells, max(16, int(PROBED * cells))))
            if not isinstance(self._index, faiss.IndexPreTransform):
                return options
            return faiss.SearchParametersPreTransform(index_params=options)
        return faiss.SearchParameters(sel=selector) if selector is not None else None

    def compare(self, text: str, vector: F32, rows: I64 | None) -> F32:
        return self._vectors.compare(vector, rows)

    def save(self, folder: Path) -> None:
        import faiss

        folder.mkdir(parents=True, exist_ok=True)
        faiss.write_index(self._index, str(folder / "index.faiss"))
        meta = {"kind": self.kind, "vectors": self._index.ntotal}
        (folder / "index.json").write_text(json.dumps(meta))


def build(texts: Sequence[str], vectors: Vectors) -> FaissIndex:
    """An index of `vectors`, float16 or float32, of unit length."""
    import faiss

    n, d = vectors.table.shape
    kind = "flat" if n <= FEW else "ivf"
    index = faiss.IndexFlatIP(d) if kind == "flat" else _trained(vectors)
    for low in range(0, n, BLOCK):
        index.add(np.ascontiguousarray(vectors.table[low : low + BLOCK], dtype=np.float32))
    return FaissIndex(index, vectors, kind)


def _trained(vectors: Vectors) -> Any:
    """An empty index of codes that it has learnt."""
    import faiss

    n, d = vectors.table.shape
    chosen = np.random.default_rng(SEED).choice(n, size=min(n, SAMPLE), replace=False)
    sample = np.ascontiguousarray(vectors.table[np.sort(chosen)], dtype=np.float32)
    # 39 vectors per cell: the minimum for k-means
    cells = 1 if n <= SCANNED_UP_TO else int(min(2 * np.sqrt(n), SAMPLE / 39))
    coded = d % 4 == 0  # as 4-bit PQ needs
    halved = coded and n <= HALVED_UP_TO and _held_by_half(sample) >= HELD_BY_HALF
    codes = f"PQ{d // 4 if halved else d // 2}x4fs" if coded else "SQ8"
    spec = f"PCA{d // 2},IVF{cells},{codes}" if halved else f"IVF{cells},{codes}"
    index = faiss.index_factory(d, spec, faiss.METRIC_INNER_PRODUCT)
    lists = faiss.downcast_index(faiss.extract_index_ivf(index))
    lists.cp.seed = SEED
    if coded:
        lists.pq.cp.niter = ROUNDS
    index.train(sample)
    return index


def _held_by_half(vectors: F32) -> float:
    """The share of the variance of vectors that the first half of their principal components holds."""
    variances = np.linalg.eigvalsh(np.cov(vectors.T))[::-1]
    return float(variances[: len(variances) // 2].sum() / max(float(variances.sum()), 1e-12))


def load(folder: Path, vectors: Vectors) -> FaissIndex:
    """The saved index, memory-mapped where faiss can."""
    import faiss

    meta = json.loads((folder / "index.json").read_text())
    mapped = faiss.IO_FLAG_MMAP_IFC if meta["kind"] == "flat" else 0
    index = faiss.read_index(str(folder / "index.faiss"), mapped)
    if meta["vectors"] != len(vectors.table):
        raise ValueError("its index is of other vectors")
    return FaissIndex(index, vectors, meta["kind"])
