"""Exact words: BM25 over French stems (PyStemmer), accents folded on both sides.

Robertson, Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, in the form of Lucene; the
search skips postings that cannot reach the first k (Turtle, Flood, "Query Evaluation: Strategies and
Optimizations", 1995).  A similarity is the share of the query's total weight found in a row: 0 is no word in
common.  Sums are in double precision, exact for such weights: their order does not matter.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.catalogue import texts as _texts
from matcher.catalogue.indexes import Role
from matcher.catalogue.products import runs
from matcher.catalogue.texts import Texts
from matcher.catalogue.vectors import Vectors
from matcher.reference.text import plain_words, stem, tokens

K1, B = 1.2, 0.6
#: A posting list this long is read only if it can still bring a row into the top k.
LONG = 4_000

ROLE: Role = "words"


@dataclass(frozen=True, slots=True)
class _Counted:
    """How often each text holds each word: `columns[starts[i]:starts[i + 1]]` are the words of text i, increasing."""

    columns: NDArray[np.int32]
    counts: NDArray[np.uint16]
    starts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Weighted:
    """BM25 weights by text (in the order of `_Counted`) and by word (`texts` and `postings` from `ends`)."""

    weights: NDArray[np.float32]
    texts: NDArray[np.int32]
    postings: NDArray[np.float32]
    ends: NDArray[np.int64]
    highest: NDArray[np.float32]  # of each word


@dataclass(frozen=True, slots=True)
class _Entries:
    """The words of some texts, one text after the other from `starts`, with their weights; `empty` texts have none."""

    columns: NDArray[Any]
    weights: NDArray[Any]
    starts: NDArray[np.int64]
    empty: NDArray[Any]


class _Scratch:
    """Reusable scratch arrays, for one query at a time; all zero between two queries."""

    def __init__(self, texts: int, words: int) -> None:
        self.total = np.zeros(texts)
        self.wanted = np.zeros(texts, dtype=bool)
        self.asked = np.zeros(words)
        self.rows: NDArray[np.int64] | None = (
            None  # the last rows compared, the words of their texts, and the
        )
        self.entries: Any = None  # place of the text of each
        self.places: Any = None


class LexicalIndex:
    """The words of each text, and the texts of each word, with their weights."""

    role: Role = ROLE

    def __init__(
        self,
        vocabulary: dict[str, int],
        texts: Texts,
        counted: _Counted,
        weighted: _Weighted,
        k1: float,
        b: float,
    ) -> None:
        self._vocabulary = vocabulary
        self.texts = texts
        self._counted, self._weighted = counted, weighted
        self._k1, self._b = k1, b
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
        return float(np.log(1 + (len(self.texts.numbers) + 0.5) / 0.5))

    @contextmanager
    def _room(self) -> Iterator[_Scratch]:
        try:
            room = self._scratch.pop()
        except IndexError:
            room = _Scratch(len(self.texts), max(len(self._vocabulary), 1))
        try:
            yield room
        finally:
            self._scratch.append(room)

    def _posting(self, column: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        low, high = self._weighted.ends[column], self._weighted.ends[column + 1]
        return self._weighted.texts[low:high], self._weighted.postings[low:high]

    def holding(self, stem: str) -> NDArray[np.int64]:
        """The rows that hold a stem, increasing."""
        column = self._vocabulary.get(stem)
        if column is None:
            return np.zeros(0, dtype=np.int64)
        return np.sort(self.texts.rows(self._posting(column)[0].astype(np.int64))[0])

    def search(
        self, text: str, vector: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int64]:
        columns, ceiling = self._asked(text)
        if not columns or k <= 0:
            return np.zeros(0, dtype=np.int64)
        with self._room() as room:
            wanted = None if allowed is None else self.texts.of_rows(allowed)
            texts, total = self._promising(room, columns, k, wanted)
        if allowed is None:
            texts, total = self._reaching(texts, total, k)
        rows, place = self.texts.rows(texts)
        scores = total[place] / ceiling
        if allowed is not None:
            rows, scores = rows[allowed[rows]], scores[allowed[rows]]
        return rows[np.lexsort((rows, -scores))][:k]

    def _reaching(
        self, texts: NDArray[np.int64], total: NDArray[np.float64], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The texts that hold the k best rows, with those that equal the last of them."""
        if len(texts) > k:  # each has at least one row
            kept = total >= np.partition(total, len(total) - k)[len(total) - k]
            texts, total = texts[kept], total[kept]
        order = np.argsort(-total)
        last = order[: self.texts.enough(texts[order], k)]
        kept = total >= total[last].min(initial=np.inf)
        return texts[kept], total[kept]

    def _promising(
        self, room: _Scratch, columns: list[int], k: int, allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Texts that certainly include the k best, and their sums."""
        weighted = self._weighted
        columns = sorted(columns, key=lambda column: -weighted.highest[column])
        whole = left = float(weighted.highest[columns].sum(dtype=np.float64))
        total, count = room.total, 0
        met: list[NDArray[np.int64]] = []
        least = 0.0
        try:
            for first, column in enumerate(columns):
                texts, weights = self._posting(column)
                if (
                    len(texts) > LONG and count >= k and left < whole - left
                ):  # else no text can have as much yet
                    sofar = total[np.concatenate(met)]
                    least = float(np.partition(sofar, count - k)[count - k])
                    if left < least:
                        # the remaining words can no longer bring in a new text
                        found = np.concatenate(met)[sofar >= least - left]
                        self._add(room, columns[first:], found)
                        return found, total[found]
                if allowed is not None:
                    kept = allowed[texts]
                    texts, weights = texts[kept], weights[kept]
                places = texts.astype(np.int64)  # converted once for three lookups
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
        """Add the weights of these common words to the texts found."""
        room.wanted[found] = True
        for column in columns:
            texts, weights = self._posting(column)
            held = np.flatnonzero(room.wanted[texts])
            room.total[texts[held]] += weights[held]
        room.wanted[found] = False

    def _entries(self, texts: NDArray[np.int64]) -> _Entries:
        """The words of these texts with their weights."""
        lows = self._counted.starts[texts]
        sizes = self._counted.starts[texts + 1] - lows
        at = runs(lows, sizes)
        return _Entries(
            self._counted.columns[at], self._weighted.weights[at], np.cumsum(sizes) - sizes, sizes == 0
        )

    @staticmethod
    def _sums(room: _Scratch, columns: Sequence[int], held: _Entries) -> NDArray[np.float64]:
        """The summed weights of these words in each text."""
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
                    different, room.places = self.texts.different(rows)
                    room.rows, room.entries = rows, self._entries(different)
                total, places = self._sums(room, columns, room.entries), room.places
        else:
            total, places = np.zeros(len(self.texts)), self.texts.numbers
            for column in columns:
                held, weights = self._posting(column)
                total[held] += weights
        total = total[places]
        return np.asarray(total / ceiling if ceiling else total, dtype=np.float32)

    def amended(self, kept: NDArray[np.int64], texts: Sequence[str], vectors: Vectors) -> LexicalIndex:
        """The index of other rows: row i is the old row `kept[i]`, or the next of `texts` where that is -1."""
        vocabulary = dict(self._vocabulary)
        old, new = self._counted, Texts.of(texts)
        fresh = _counted([texts[row] for row in new.first.tolist()], vocabulary)
        both = _Counted(
            np.concatenate([old.columns, fresh.columns]),
            np.concatenate([old.counts, fresh.counts]),
            np.concatenate([old.starts, old.starts[-1] + fresh.starts[1:]]),
        )
        numbers = np.empty(len(kept), dtype=np.int64)
        numbers[kept >= 0] = self.texts.numbers[kept[kept >= 0]]
        numbers[kept < 0] = len(self.texts) + new.numbers
        used, gapless = np.unique(numbers, return_inverse=True)
        counted = _taken(both, used)
        return LexicalIndex(
            vocabulary,
            Texts(gapless.astype(np.int32), len(used)),
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
                {"texts": len(self.texts), "k1": self._k1, "b": self._b, "words": words}, ensure_ascii=False
            ),
            encoding="utf-8",
        )
        self.texts.save(folder)
        for name, values in self._arrays():
            np.save(folder / f"{name}.npy", values, allow_pickle=False)

    def _arrays(self) -> Iterator[tuple[str, NDArray[Any]]]:
        for part in (self._counted, self._weighted):
            for name in part.__dataclass_fields__:
                yield name, getattr(part, name)


class _Columns(dict[str, int]):
    """The column of each word; stems met for the first time are added to the vocabulary."""

    def __init__(self, vocabulary: dict[str, int]) -> None:
        self._vocabulary = vocabulary

    def __missing__(self, word: str) -> int:
        self[word] = self._vocabulary.setdefault(stem(word), len(self._vocabulary))
        return self[word]


def _counted(texts: Sequence[str], vocabulary: dict[str, int]) -> _Counted:
    """The words of each text; words met for the first time are added to the vocabulary."""
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
    return _Counted(
        table.indices.astype(np.int32),
        np.minimum(table.data, 65_535).astype(np.uint16),
        table.indptr.astype(np.int64),
    )


def _taken(counted: _Counted, texts: NDArray[np.int64]) -> _Counted:
    many = counted.starts[texts + 1] - counted.starts[texts]
    starts = np.concatenate(([0], np.cumsum(many)))
    entries = runs(counted.starts[texts], many)
    return _Counted(counted.columns[entries], counted.counts[entries], starts)


def _distinct(counted: _Counted) -> NDArray[np.int64]:
    """The first of the texts that hold the same words as often; increasing."""
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

    n, df and the mean length are of texts that differ in their words: a contract of three holders is one, whoever holds what.
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


def build(texts: Sequence[str], vectors: Vectors, *, k1: float = K1, b: float = B) -> LexicalIndex:
    """BM25 over `texts`; k1 and b as in the literature (objets are short, so length matters less)."""
    vocabulary: dict[str, int] = {}
    held = Texts.of(texts)
    counted = _counted([texts[row] for row in held.first.tolist()], vocabulary)
    return LexicalIndex(vocabulary, held, counted, _weighted(counted, max(len(vocabulary), 1), k1, b), k1, b)


def load(folder: Path, vectors: Vectors) -> LexicalIndex:
    """The saved index, memory-mapped."""
    meta = json.loads((folder / "lexical.json").read_text(encoding="utf-8"))
    if "texts" not in meta:
        raise ValueError("its index of words is of an earlier version")

    def opened(kind: Any) -> Any:
        return kind(*(_texts.mapped(folder, name) for name in kind.__dataclass_fields__))

    vocabulary = {word: column for column, word in enumerate(meta["words"])}
    texts = _texts.load(folder, meta["texts"])
    return LexicalIndex(vocabulary, texts, opened(_Counted), opened(_Weighted), meta["k1"], meta["b"])
