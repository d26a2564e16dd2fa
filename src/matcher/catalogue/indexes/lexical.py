"""Exact words: BM25 over French stems (PyStemmer), accents folded on both sides.

Robertson, Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, in the form of Lucene; the
search skips postings that cannot reach the first k (Turtle, Flood, "Query Evaluation: Strategies and
Optimizations", 1995).  A similarity is the share of the query's total weight found in a row: 0 is no word in
common.  Sums are in double precision, exact for such weights: their order does not matter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.catalogue.indexes import Role
from matcher.reference.text import tokens

K1, B = 1.2, 0.6
#: A posting list this long is read only if it can still bring a row into the top k.
LONG = 4_000

ROLE: Role = "words"


@dataclass(frozen=True, slots=True)
class _Counted:
    """How often each row holds each word: `columns[starts[i]:starts[i + 1]]` are the words of row i, increasing."""

    columns: NDArray[np.int32]
    counts: NDArray[np.uint16]
    starts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Weighted:
    """BM25 weights by row (in the order of `_Counted`) and by word (`rows` and `postings` from `ends`)."""

    weights: NDArray[np.float32]
    rows: NDArray[np.int32]
    postings: NDArray[np.float32]
    ends: NDArray[np.int64]
    highest: NDArray[np.float32]  # of each word


@dataclass(frozen=True, slots=True)
class _Entries:
    """The words of some rows, one row after the other from `starts`, with their weights; `empty` rows have none."""

    columns: NDArray[Any]
    weights: NDArray[Any]
    starts: NDArray[np.int64]
    empty: NDArray[Any]


class _Scratch:
    """Reusable scratch arrays, for one query at a time; all zero between two queries."""

    def __init__(self, rows: int, words: int) -> None:
        self.total = np.zeros(rows)
        self.wanted = np.zeros(rows, dtype=bool)
        self.asked = np.zeros(words)
        self.rows: NDArray[np.int64] | None = None  # the last rows compared, and their words
        self.entries: Any = None


class LexicalIndex:
    """The words of each row, and the rows of each word, with their weights."""

    role: Role = ROLE

    def __init__(
        self, vocabulary: dict[str, int], counted: _Counted, weighted: _Weighted, k1: float, b: float
    ) -> None:
        self._vocabulary = vocabulary
        self._counted, self._weighted = counted, weighted
        self._k1, self._b = k1, b
        self._rows = len(counted.starts) - 1
        self._scratch: list[_Scratch] = []  # a pool: one per concurrent query

    def _asked(self, text: str) -> tuple[list[int], float]:
        """The columns of the query words found in some row, and the weight of a row that would hold them all."""
        columns, ceiling = [], 0.0
        for token in dict.fromkeys(tokens(text)):
            column = self._vocabulary.get(token)
            if column is None:
                ceiling += self._unseen
            elif self._weighted.highest[column] > 0:
                columns.append(column)
                ceiling += float(self._weighted.highest[column])
        return columns, ceiling

    @property
    def _unseen(self) -> float:
        # a word found in no row still counts in the query's weight, like the rarest word
        return float(np.log(1 + (self._rows + 0.5) / 0.5))

    @contextmanager
    def _room(self) -> Iterator[_Scratch]:
        try:
            room = self._scratch.pop()
        except IndexError:
            room = _Scratch(self._rows, max(len(self._vocabulary), 1))
        try:
            yield room
        finally:
            self._scratch.append(room)

    def _posting(self, column: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        low, high = self._weighted.ends[column], self._weighted.ends[column + 1]
        return self._weighted.rows[low:high], self._weighted.postings[low:high]

    def holding(self, stem: str) -> NDArray[np.int32]:
        """The rows that hold a stem, increasing."""
        column = self._vocabulary.get(stem)
        return np.zeros(0, dtype=np.int32) if column is None else self._posting(column)[0]

    def search(
        self, text: str, vector: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int64]:
        columns, ceiling = self._asked(text)
        if not columns or k <= 0:
            return np.zeros(0, dtype=np.int64)
        with self._room() as room:
            found, total = self._promising(room, columns, k, allowed)
        scores = total / ceiling
        if len(found) > k:
            kept = np.argpartition(-scores, k - 1)[:k]
            found, scores = found[kept], scores[kept]
        return found[np.lexsort((found, -scores))].astype(np.int64)

    def _promising(
        self, room: _Scratch, columns: list[int], k: int, allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Rows that certainly include the k best, and their sums."""
        weighted = self._weighted
        columns = sorted(columns, key=lambda column: -weighted.highest[column])
        whole = left = float(weighted.highest[columns].sum(dtype=np.float64))
        total, count = room.total, 0
        met: list[NDArray[np.int64]] = []
        least = 0.0
        try:
            for first, column in enumerate(columns):
                rows, weights = self._posting(column)
                if (
                    len(rows) > LONG and count >= k and left < whole - left
                ):  # else no row can have as much yet
                    sofar = total[np.concatenate(met)]
                    least = float(np.partition(sofar, count - k)[count - k])
                    if left < least:
                        # the remaining words can no longer bring in a new row
                        found = np.concatenate(met)[sofar >= least - left]
                        self._add(room, columns[first:], found)
                        return found, total[found]
                if allowed is not None:
                    kept = allowed[rows]
                    rows, weights = rows[kept], weights[kept]
                places = rows.astype(np.int64)  # converted once for three lookups
                held = total[places]
                met.append(places[held == 0.0])
                total[places] = held + weights
                count += len(met[-1])
                left -= float(weighted.highest[column])
            found = np.concatenate(met)
            return found, total[found]
        finally:
            for part in met:
                total[part] = 0.0

    def _add(self, room: _Scratch, columns: Sequence[int], found: NDArray[np.int64]) -> None:
        """Add the weights of these common words to the rows found."""
        room.wanted[found] = True
        for column in columns:
            rows, weights = self._posting(column)
            held = np.flatnonzero(room.wanted[rows])
            room.total[rows[held]] += weights[held]
        room.wanted[found] = False

    def _entries(self, rows: NDArray[np.int64]) -> _Entries:
        """The words of these rows with their weights."""
        lows = self._counted.starts[rows]
        sizes = self._counted.starts[rows + 1] - lows
        ends = np.cumsum(sizes)
        at = np.arange(ends[-1] if len(ends) else 0) + np.repeat(lows - ends + sizes, sizes)
        return _Entries(self._counted.columns[at], self._weighted.weights[at], ends - sizes, sizes == 0)

    @staticmethod
    def _sums(room: _Scratch, columns: Sequence[int], held: _Entries) -> NDArray[np.float64]:
        """The summed weights of these words in each row."""
        room.asked[columns] = 1.0
        found = np.append(room.asked[held.columns] * held.weights, 0.0)
        room.asked[columns] = 0.0
        total = np.add.reduceat(found, held.starts) if len(held.starts) else found[:0]
        total[held.empty] = 0.0
        return np.asarray(total)

    def compare(
        self, text: str, vector: NDArray[np.float32], rows: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        columns, ceiling = self._asked(text)
        if rows is not None:
            with self._room() as room:
                if room.rows is not rows:
                    room.rows, room.entries = rows, self._entries(rows)
                total = self._sums(room, columns, room.entries)
        else:
            total = np.zeros(self._rows)
            for column in columns:
                held, weights = self._posting(column)
                total[held] += weights
        return (total / ceiling if ceiling else total).astype(np.float32)

    def amended(self, kept: NDArray[np.int64], texts: Sequence[str], vectors: NDArray[Any]) -> LexicalIndex:
        """The index of other rows: row i is the old row `kept[i]`, or the next of `texts` where that is -1."""
        vocabulary = dict(self._vocabulary)
        fresh = _counted(texts, vocabulary)
        old = self._counted
        # the new rows are appended, then all are reordered
        behind = _Counted(
            np.concatenate([old.columns, fresh.columns]),
            np.concatenate([old.counts, fresh.counts]),
            np.concatenate([old.starts, old.starts[-1] + fresh.starts[1:]]),
        )
        wanted = kept.copy()
        wanted[kept < 0] = self._rows + np.arange(len(texts))
        counted = _taken(behind, wanted)
        return LexicalIndex(
            vocabulary,
            counted,
            _weighted(counted, max(len(vocabulary), 1), self._k1, self._b),
            self._k1,
            self._b,
        )

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        words = sorted(self._vocabulary, key=self._vocabulary.__getitem__)
        (folder / "lexical.json").write_text(
            json.dumps(
                {"rows": self._rows, "k1": self._k1, "b": self._b, "words": words}, ensure_ascii=False
            ),
            encoding="utf-8",
        )
        for name, array in self._arrays():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)

    def _arrays(self) -> Iterator[tuple[str, NDArray[Any]]]:
        for part in (self._counted, self._weighted):
            for name in part.__dataclass_fields__:
                yield name, getattr(part, name)


def _counted(texts: Sequence[str], vocabulary: dict[str, int]) -> _Counted:
    """The words of each text; words met for the first time are added to the vocabulary."""
    from scipy.sparse import csr_array

    words: dict[str, NDArray[np.int32]] = {}  # of each different text
    for text in texts:
        if text not in words:
            stems = [vocabulary.setdefault(token, len(vocabulary)) for token in tokens(text)]
            words[text] = np.array(stems, dtype=np.int32)
    held = [words[text] for text in texts]
    columns = np.concatenate([np.zeros(0, dtype=np.int32), *held])
    starts = np.concatenate(([0], np.cumsum([len(each) for each in held], dtype=np.int64)))
    table = csr_array(
        (np.ones(len(columns), dtype=np.int32), columns, starts),
        shape=(len(texts), max(len(vocabulary), 1)),
    )
    table.sum_duplicates()
    return _Counted(
        table.indices.astype(np.int32),
        np.minimum(table.data, 65_535).astype(np.uint16),
        table.indptr.astype(np.int64),
    )


def _taken(counted: _Counted, rows: NDArray[np.int64]) -> _Counted:
    many = counted.starts[rows + 1] - counted.starts[rows]
    starts = np.concatenate(([0], np.cumsum(many)))
    entries = np.arange(starts[-1]) + np.repeat(counted.starts[rows] - starts[:-1], many)
    return _Counted(counted.columns[entries], counted.counts[entries], starts)


def _distinct(counted: _Counted) -> NDArray[np.int64]:
    """The first row of each text, of those that hold the same words as often; increasing."""
    mixed = (counted.columns.astype(np.uint64) << np.uint64(16)) | counted.counts.astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    running = np.concatenate(
        (np.zeros(1, np.uint64), np.cumsum(mixed ^ (mixed >> np.uint64(32)), dtype=np.uint64))
    )
    _, first = np.unique(running[counted.starts[1:]] - running[counted.starts[:-1]], return_index=True)
    return np.sort(first)


def _weighted(counted: _Counted, words: int, k1: float, b: float) -> _Weighted:
    """BM25 as in Lucene: idf = log(1 + (n - df + 0.5) / (df + 0.5)), times tf / (tf + k1 (1 - b + b length / mean)).

    n, df and the mean length are of distinct texts: a contract of three holders is one, whoever holds what.
    """
    from scipy.sparse import csr_array

    n = len(counted.starts) - 1
    once = _taken(counted, _distinct(counted))
    texts = len(once.starts) - 1
    df = np.bincount(once.columns, minlength=words).astype(np.float64)
    idf = np.log(1 + (texts - df + 0.5) / (df + 0.5))
    running = np.concatenate(([0], np.cumsum(counted.counts, dtype=np.int64)))
    length = (running[counted.starts[1:]] - running[counted.starts[:-1]]).astype(np.float64)
    mean = once.counts.sum(dtype=np.int64) / texts if length.any() else 1.0
    blunt = np.repeat(k1 * (1 - b + b * length / mean), np.diff(counted.starts))
    weights = (idf[counted.columns] * (counted.counts / (counted.counts + blunt))).astype(np.float32)
    table = csr_array((weights, counted.columns, counted.starts), shape=(n, words)).tocsc()
    highest = np.zeros(words, dtype=np.float32)
    np.maximum.at(highest, counted.columns, weights)
    return _Weighted(
        weights, table.indices.astype(np.int32), table.data, table.indptr.astype(np.int64), highest
    )


def build(texts: Sequence[str], vectors: NDArray[Any], *, k1: float = K1, b: float = B) -> LexicalIndex:
    """BM25 over `texts`; k1 and b as in the literature (objets are short, so length matters less)."""
    vocabulary: dict[str, int] = {}
    counted = _counted(texts, vocabulary)
    return LexicalIndex(vocabulary, counted, _weighted(counted, max(len(vocabulary), 1), k1, b), k1, b)


def load(folder: Path, vectors: NDArray[Any]) -> LexicalIndex:
    """The saved index, memory-mapped."""
    meta = json.loads((folder / "lexical.json").read_text(encoding="utf-8"))
    if "words" not in meta:
        raise ValueError("its index of words is of an earlier version")

    def mapped(kind: Any) -> Any:
        names = kind.__dataclass_fields__
        return kind(
            *(
                np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))
                for name in names
            )
        )

    vocabulary = {word: column for column, word in enumerate(meta["words"])}
    return LexicalIndex(vocabulary, mapped(_Counted), mapped(_Weighted), meta["k1"], meta["b"])
