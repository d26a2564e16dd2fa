"""Exact words: BM25 over French stems (bm25s, PyStemmer), accents folded on both sides.

Robertson, Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009; Lù, "BM25S", 2024.
A similarity is the share of the question's own weight that a row holds: 0 is no word in common.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.text import tokens


class LexicalIndex:
    """BM25 weights by token (compressed columns), and the inverse document frequencies."""

    def __init__(self, retriever: Any, rows: int) -> None:
        self._retriever = retriever
        self._rows = rows
        self._vocabulary: dict[str, int] = retriever.vocab_dict if rows else {}
        self._last: tuple[str, NDArray[np.float32]] | None = None  # a lot is searched, then compared

    def _scores(self, text: str) -> NDArray[np.float32]:
        """Of every row, shape (rows,); the caller must not write into it."""
        last = self._last
        if last is not None and last[0] == text:
            return last[1]
        scores = self._computed(text)
        self._last = (text, scores)  # one assignment: safe between threads
        return scores

    def _computed(self, text: str) -> NDArray[np.float32]:
        total = np.zeros(self._rows, dtype=np.float32)
        if not self._rows:
            return total
        weights, ids, starts = (self._retriever.scores[key] for key in ("data", "indices", "indptr"))
        ceiling = 0.0
        for token in dict.fromkeys(tokens(text)):
            column = self._vocabulary.get(token)
            if column is None:
                ceiling += self._unseen
                continue
            low, high = int(starts[column]), int(starts[column + 1])
            if low == high:
                continue
            values = weights[low:high]
            total[ids[low:high]] += values
            ceiling += float(values.max())
        return total / np.float32(ceiling) if ceiling else total

    @property
    def _unseen(self) -> float:
        # a word that no row holds still weighs in the question, as the rarest word would
        return float(np.log(1 + (self._rows + 0.5) / 0.5))

    def search(
        self, text: str, vector: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int64]:
        scores = self._scores(text)
        if allowed is not None:
            scores = np.where(allowed, scores, 0)
        found = np.flatnonzero(scores > 0)
        if len(found) > k:
            found = found[np.argpartition(-scores[found], k - 1)[:k]]
        return found[np.lexsort((found, -scores[found]))].astype(np.int64)

    def compare(
        self, text: str, vector: NDArray[np.float32], rows: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        scores = self._scores(text)
        return scores if rows is None else scores[rows]

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "lexical.json").write_text(json.dumps({"rows": self._rows}))
        if self._rows:
            self._retriever.save(str(folder / "bm25"), corpus=None)


def build(texts: Sequence[str], vectors: NDArray[Any], *, k1: float = 1.2, b: float = 0.6) -> LexicalIndex:
    """BM25 over `texts`; k1 and b as in the literature (objets are short, so length matters less)."""
    import bm25s

    tokenized = [tokens(text) for text in texts]
    retriever = bm25s.BM25(method="lucene", k1=k1, b=b)
    if not any(tokenized):
        return LexicalIndex(retriever, 0) if not texts else _wordless(len(texts))
    retriever.index(tokenized, show_progress=False)
    return LexicalIndex(retriever, len(texts))


def _wordless(rows: int) -> LexicalIndex:
    """An index of rows without a single word: every comparison is 0."""
    import bm25s

    retriever = bm25s.BM25(method="lucene")
    retriever.index([["\x00"]] * rows, show_progress=False)
    return LexicalIndex(retriever, rows)


def load(folder: Path, vectors: NDArray[Any]) -> LexicalIndex:
    """The saved index, memory-mapped."""
    import bm25s

    rows = int(json.loads((folder / "lexical.json").read_text())["rows"])
    if not rows:
        return LexicalIndex(bm25s.BM25(method="lucene"), 0)
    return LexicalIndex(bm25s.BM25.load(str(folder / "bm25"), mmap=True), rows)
