"""Exact words: BM25 over French stems (PyStemmer), accents folded on both sides.

Robertson, Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, in the form of Lucene.  A
similarity is the share of the query's total weight found in a row: 0 is no word in common.  Sums are in double
precision, exact for such weights: their order does not matter.
"""

import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from matcher.catalogue import texts as _texts
from matcher.catalogue.indexes import Role
from matcher.catalogue.texts import Texts, Vectors
from matcher.reference.arrays import F32, F64, I32, I64, Array, Mask
from matcher.reference.text import plain_words, stem, tokens

K1, B = 1.2, 0.6

ROLE: Role = "words"


#: Arrays of an index: word j stands in the texts `texts[ends[j]:ends[j + 1]]`, with the weights of `postings`; `highest` of each.
ARRAYS = ("texts", "postings", "ends", "highest")


@dataclass(eq=False, repr=False)
class LexicalIndex:
    """The texts of each word, with their BM25 weights in `ARRAYS`."""

    role: ClassVar[Role] = ROLE

    vocabulary: dict[str, int]
    texts: Texts
    arrays: Mapping[str, Array]

    def _scores(self, text: str) -> F64:
        """The similarity of each text; (texts,)."""
        total, ceiling = np.zeros(len(self.texts)), 0.0
        unseen = float(np.log(1 + (len(self.texts.numbers) + 0.5) / 0.5))
        for token in dict.fromkeys(tokens(text)):
            column = self.vocabulary.get(token)
            if column is None:
                # a word found in no row still counts in the query's weight, like the rarest word
                ceiling += unseen
                continue
            ceiling += float(self.arrays["highest"][column])
            held, weights = self._posting(column)
            total[held] += weights
        return total / ceiling if ceiling else total

    def _posting(self, column: int) -> tuple[I32, F32]:
        low, high = self.arrays["ends"][column : column + 2]
        return self.arrays["texts"][low:high], self.arrays["postings"][low:high]

    def holding(self, stem: str) -> I64:
        """The rows that hold a stem, increasing."""
        column = self.vocabulary.get(stem)
        if column is None:
            return np.zeros(0, dtype=np.int64)
        return np.sort(self.texts.rows(self._posting(column)[0].astype(np.int64))[0])

    def search(self, text: str, vector: F32, k: int, allowed: Mask | None = None) -> I64:
        scores = self._scores(text)[self.texts.numbers]
        rows = np.flatnonzero(scores if allowed is None else scores * allowed)
        if len(rows) > k > 0:
            rows = rows[scores[rows] >= np.partition(scores[rows], -k)[-k]]
        return rows[np.lexsort((rows, -scores[rows]))][: max(k, 0)]

    def compare(self, text: str, vector: F32, rows: I64 | None) -> F32:
        numbers = self.texts.numbers if rows is None else self.texts.numbers[rows]
        return self._scores(text)[numbers].astype(np.float32)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        words = sorted(self.vocabulary, key=self.vocabulary.__getitem__)
        meta = {"texts": len(self.texts), "words": words}
        (folder / "lexical.json").write_text(json.dumps(meta, ensure_ascii=False), encoding="utf-8")
        self.texts.save(folder)
        for name, values in self.arrays.items():
            np.save(folder / f"{name}.npy", values, allow_pickle=False)


class _Columns(dict[str, int]):
    """The column of each word; stems met for the first time are added to the vocabulary."""

    def __init__(self, vocabulary: dict[str, int]) -> None:
        self.vocabulary = vocabulary

    def __missing__(self, word: str) -> int:
        self[word] = self.vocabulary.setdefault(stem(word), len(self.vocabulary))
        return self[word]


def _counted(texts: Sequence[str], vocabulary: dict[str, int]) -> Any:
    """How often each text holds each word, a sparse table; words met for the first time are added to the vocabulary."""
    from scipy.sparse import csr_array

    column_of, found, starts = _Columns(vocabulary), array("i"), array("q", [0])
    for text in texts:
        found.extend(map(column_of.__getitem__, plain_words(text)))
        starts.append(len(found))
    columns = np.array(found, dtype=np.int32)
    table = csr_array(
        (np.ones(len(columns), dtype=np.int32), columns, np.array(starts, dtype=np.int64)),
        shape=(len(texts), max(len(vocabulary), 1)),
    )
    table.sum_duplicates()
    return table


def _weighted(counted: Any) -> dict[str, Array]:
    """BM25 as in Lucene: idf = log(1 + (n - df + 0.5) / (df + 0.5)), times tf / (tf + k1 (1 - b + b length / mean)).

    n, df and the mean length are of texts that differ in their words: a contract of three holders is one, whoever holds what.
    """
    different = {
        (counted.indices[low:high].tobytes(), counted.data[low:high].tobytes()): text
        for text, (low, high) in enumerate(pairwise(counted.indptr.tolist()))
    }
    once = np.fromiter(different.values(), np.int64, len(different))
    length = counted.sum(axis=1).astype(np.float64)
    df = np.bincount(counted[once].indices, minlength=counted.shape[1]).astype(np.float64)
    idf = np.log(1 + (len(once) - df + 0.5) / (df + 0.5))
    mean = length[once].mean() if length.any() else 1.0
    blunt = np.repeat(K1 * (1 - B + B * length / mean), np.diff(counted.indptr))
    table = counted.astype(np.float32)
    table.data[:] = idf[counted.indices] * (counted.data / (counted.data + blunt))
    highest = np.zeros(counted.shape[1], dtype=np.float32)
    np.maximum.at(highest, table.indices, table.data)
    table = table.tocsc()
    arrays = (table.indices.astype(np.int32), table.data, table.indptr.astype(np.int64), highest)
    return dict(zip(ARRAYS, arrays, strict=True))


def build(texts: Sequence[str], vectors: Vectors) -> LexicalIndex:
    """BM25 over `texts`; `K1` and `B` as in the literature (objets are short, so length matters less)."""
    vocabulary: dict[str, int] = {}
    own = Texts.of(texts)
    counted = _counted([texts[row] for row in own.first.tolist()], vocabulary)
    return LexicalIndex(vocabulary, own, _weighted(counted))


def load(folder: Path, vectors: Vectors) -> LexicalIndex:
    """The saved index, memory-mapped."""
    meta = json.loads((folder / "lexical.json").read_text(encoding="utf-8"))
    vocabulary = {word: column for column, word in enumerate(meta["words"])}
    texts = Texts(_texts.mapped(folder, "numbers"), meta["texts"])
    return LexicalIndex(vocabulary, texts, {name: _texts.mapped(folder, name) for name in ARRAYS})
