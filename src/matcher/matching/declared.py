"""Declared texts of structures (descriptions, offers, jobs), cut into passages and compared with the need of a lot.

A description of five trades counts as five offers.  Each passage is compared twice: by the encoder, and by the CPV
groups predicted for both sides.  The best two passages of a structure count.  All texts are cut and encoded on first use,
those that the last catalogue of the process held are taken from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from matcher.catalogue.columns import DECLARED
from matcher.catalogue.texts import products, runs
from matcher.domain import StaleArtefact
from matcher.learned import cpv, offers
from matcher.learned.encoders import Encoder, in_context
from matcher.matching.shortlist import Column, Shortlist
from matcher.reference.arrays import model_arrays

LETTERS = 4  # shorter pieces are dropped
MAX_PIECES = 400  # per text: beyond, it is no longer an offer
PIECES = "declared pieces"  # under which a catalogue keeps its own
AT_ONCE = 2_000  # structures of which the trades are read together
CONTEXT = 0.8  # weight of the sentence around a piece: "peinture" of a body shop paints no stairwell
Floats = NDArray[np.float32]

_SENTENCE = re.compile(  # "esp. verts" is one
    r"(?<=[!?;…])\s+|(?<=\w{5}\.)\s+|(?<=\.)\s+(?![a-zà-ÿ\d])|\s{1,9}[-–*]\s+|\s{0,9}[•\n\r|]+\s*|…\.?\s*"
)
_PHRASE = re.compile(r"\s{0,9}[,:;]\s*|\s\(|\)\s|\s{1,9}(?:et|ou|ainsi que)\s+")
_ENDING = re.compile(r"(?<=\w)\(\w{1,5}\)")  # préparateur(trice)
_BOTH = re.compile(r"\b(\w{3})(\w*)\s*/\s*\1\w*")  # ouvrier / ouvrière


# ------------------------------------------------------------------------------------------ cutting


def cut(text: str) -> dict[str, str]:
    """Sentences of a text and, where they list several things, their phrases, each mapped to its sentence; never empty."""
    found: dict[str, str] = {}
    for sentence in _sentences(text):
        for piece in _pieces_of(sentence):
            found.setdefault(piece, sentence)
    return dict(islice(found.items(), MAX_PIECES)) or {text: text}


@lru_cache(4_000)  # a structure is explained for many lots
def sentence_with(piece: str, text: str) -> str:
    """The sentence from which a piece of a text was cut; the piece where there is none."""
    held = (sentence for sentence in _sentences(text) if piece in sentence and piece in _pieces_of(sentence))
    return next(held, piece)


def _sentences(text: str) -> list[str]:
    head, shortened, rest = text.partition("…. ")
    if shortened and rest.startswith(head):  # a shortened title, which repeats the beginning
        text = rest
    return _SENTENCE.split(_BOTH.sub(r"\1\2", _ENDING.sub("", text)))


def _pieces_of(sentence: str) -> Iterator[str]:
    stripped = (part.strip(" .,-–;:•…()") for part in (sentence, *_PHRASE.split(sentence)))
    return (part for part in stripped if len([*islice(filter(str.isalpha, part), LETTERS)]) == LETTERS)


# ------------------------------------------------------------------------------------------ reading


@dataclass(frozen=True, slots=True)
class Groups:
    """CPV groups of a vector, by a small network distilled from the CPV model."""

    encoder: str  # fingerprint of the encoder whose vectors it reads
    codes: NDArray[np.int64]  # the groups, three digits each
    inner: tuple[Floats, Floats]  # weights (dimension, hidden) and bias
    outer: tuple[Floats, Floats]  # weights (hidden, groups) and bias
    axes: Floats  # (dimension + groups, kept): projection of vectors and roots to a few axes

    def roots(self, vectors: Floats) -> Floats:
        """Square roots of the probabilities of each group, so that products sum to an overlap; (texts, groups)."""
        hidden = np.maximum(vectors @ self.inner[0] + self.inner[1], 0)
        scores = hidden @ self.outer[0] + self.outer[1]
        raised = np.exp((scores - scores.max(axis=1, keepdims=True)) / 2)
        return np.asarray(raised / np.linalg.norm(raised, axis=1, keepdims=True), dtype=np.float32)

    def views(self, vectors: Floats, roots: Floats | None = None) -> Floats:
        """Texts as they are compared: products are cosine and overlap of groups summed; (texts, kept)."""
        return np.hstack([vectors, self.roots(vectors) if roots is None else roots]) @ self.axes


@cache
def groups(folder: Path | None = None) -> Groups:
    """The trained network.  Raises BadInput where it is missing."""
    with model_arrays("said", folder, "judgement") as arrays:
        inner, outer = ((_wide(arrays, name), arrays[f"{name}_bias"]) for name in ("inner", "outer"))
        name, codes = str(arrays["encoder"]), arrays["codes"].astype(np.int64)
        return Groups(name, codes, inner, outer, _wide(arrays, "axes"))


def reads(catalogue: Any) -> bool:
    """Were the shipped models of declared texts fitted on vectors of the catalogue's encoder?"""
    return bool(groups().encoder == catalogue.encoder.fingerprint)


def _wide(arrays: dict[str, NDArray[Any]], layer: str) -> Floats:
    return np.asarray(arrays[layer] * arrays[f"{layer}_scale"], dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Slots of pieces one owner after the other: those of i are `slots[starts[i]:starts[i + 1]]`."""

    starts: NDArray[np.integer]
    slots: NDArray[np.integer]

    def of(self, i: int) -> NDArray[np.integer]:
        """Those of owner i."""
        return self.slots[self.starts[i] : self.starts[i + 1]]

    def take(self, owners: NDArray[np.int64]) -> Spans:
        """Those of some owners."""
        first = self.starts[owners]
        many = self.starts[owners + 1] - first
        return Spans(np.concatenate(([0], np.cumsum(many))), self.slots[runs(first, many)])


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The pieces of the texts that a catalogue declares, text after text, each by its place, its slot."""

    keys: NDArray[np.int64]  # of the different texts, by which they are known again
    numbers: NDArray[np.int32]  # the text of each evidence row, -1 of rows that declare nothing
    starts: NDArray[np.integer]  # the first slot of each text, and the end; (texts and one,)
    words: pa.StringArray
    views: Floats  # (pieces, kept)
    same: NDArray[np.int64]  # equal for equal pieces
    trades: NDArray[np.float16]  # the weight of each trade, (pieces, trades)
    spans: Spans  # of the structures
    of_structures: NDArray[np.float16]  # the highest weight of each trade, (structures, trades)

    def text(self, slot: int) -> str:
        """The text of a piece."""
        return str(self.words[slot].as_py())

    def rows_with(self, slots: NDArray[np.integer], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first of these evidence rows that holds each piece, of which one of them does; (slots,)."""
        texts = self.numbers[rows]
        held = (self.starts[texts] <= slots[:, None]) & (slots[:, None] < self.starts[texts + 1])
        return np.asarray(rows[held.argmax(axis=1)])

    def compare(self, asked: Floats, slots: NDArray[np.integer]) -> Floats:
        """Similarity, 0 to 1, of these pieces to the query: mean of cosine and overlap of CPV groups."""
        return products(self.views, asked * np.float32(0.5), slots)


_last: dict[str, Pieces] = {}  # by the encoder: the next catalogue takes what it shares with that before it


def keep(encoder: Encoder, pieces: Pieces) -> Pieces:
    """Have later catalogues take the texts that these pieces hold."""
    _last[encoder.fingerprint] = pieces
    return pieces


def of(catalogue: Any) -> Pieces:
    """The pieces of a catalogue, read on first use unless they are stored with it."""
    pieces: Pieces = catalogue.once(PIECES, lambda: keep(catalogue.encoder, _read(catalogue)))
    return pieces


def _read(catalogue: Any) -> Pieces:
    if groups().encoder != catalogue.encoder.fingerprint:
        stale = "the model of declared texts was fitted for another encoder"
        raise StaleArtefact(f"{stale}: run `matcher train said` again")
    rows = np.flatnonzero(catalogue.nature_mask(DECLARED))
    distinct = catalogue.vectors.texts.numbers[rows]
    _, first, at = np.unique(distinct, return_index=True, return_inverse=True)
    texts = {_key(text): text for text in (str(catalogue.texts[row].as_py()) for row in rows[first].tolist())}
    numbers = np.full(catalogue.evidence.num_rows, -1, dtype=np.int32)
    numbers[rows] = at
    keys = np.fromiter(texts, np.int64, len(texts))
    starts, table = _pieces_of_texts(catalogue.encoder, texts)
    spans = spans_by(starts, numbers[rows], catalogue.owners[rows], len(catalogue))
    return Pieces(keys, numbers, starts, *table, spans, _highest(spans, table[-1]))


Table = tuple[pa.StringArray, Floats, NDArray[np.int64], NDArray[np.float16]]  # words, views, same, trades


def _pieces_of_texts(encoder: Encoder, texts: Mapping[int, str]) -> tuple[NDArray[np.int64], Table]:
    """Where the pieces of these texts begin, and the pieces: read before, or encoded."""
    held = _last.get(encoder.fingerprint)
    before = {} if held is None else dict(zip(held.keys.tolist(), range(len(held.keys)), strict=True))
    fresh = [text for key, text in texts.items() if key not in before]
    many, table = _encoded(encoder, fresh)
    ends = np.cumsum(many)
    if held is None or len(fresh) == len(texts):
        return np.concatenate(([0], ends)), table
    # of those read before, and after them of the fresh ones
    first = np.concatenate((held.starts[:-1], held.starts[-1] + ends - many))
    counts = np.concatenate((np.diff(held.starts), many))
    after = iter(range(len(held.keys), len(first)))
    which = np.array([before[key] if key in before else next(after) for key in texts], dtype=np.int64)
    slots = runs(first[which], counts[which])
    words = pa.concat_arrays([held.words, table[0]]).take(pa.array(slots))
    views = np.concatenate((held.views, table[1]))[slots]
    same = np.concatenate((held.same, table[2]))[slots]
    trades = np.concatenate((held.trades, table[3]))[slots]
    return np.concatenate(([0], np.cumsum(counts[which]))), (words, views, same, trades)


def _encoded(encoder: Encoder, texts: Sequence[str]) -> tuple[NDArray[np.int64], Table]:
    """How many pieces each text has, and the pieces."""
    cuts = [cut(text) for text in texts]
    pieces = [piece for cut_ in cuts for piece in cut_]
    sentences = [sentence for cut_ in cuts for sentence in cut_.values()]
    views, trades = [], []
    for vectors in in_context(encoder, pieces, sentences, CONTEXT):
        # rounded to half precision, as in training, but stored wide: widening costs more than comparing
        views.append(groups().views(vectors).astype(np.float16).astype(np.float32))
        narrow = vectors.astype(np.float16).astype(np.float32)
        trades.append(offers.shipped().reader.read(narrow).astype(np.float16))
    same = np.array([_key(piece.casefold()) for piece in pieces], dtype=np.int64)
    many = np.fromiter(map(len, cuts), np.int64, len(cuts))
    return many, (pa.array(pieces, pa.string()), np.concatenate(views), same, np.concatenate(trades))


def _key(text: str) -> int:
    """A number by which a text is known again, in another process too."""
    return int(xxhash.xxh3_64_intdigest(text.encode())) >> 1


def spans_by(
    starts: NDArray[np.integer], texts: NDArray[np.integer], owners: NDArray[np.int64], count: int
) -> Spans:
    """The pieces of evidence rows, of which the texts are given, by owner; rows of one owner are adjacent, a text counts once."""
    _, first = np.unique(owners * (int(texts.max(initial=0)) + 1) + texts, return_index=True)
    first.sort()
    low = starts[texts[first]]
    many = starts[texts[first] + 1] - low
    of_each = np.bincount(owners[first], weights=many, minlength=count).astype(np.int64)
    return Spans(np.concatenate(([0], np.cumsum(of_each))), runs(low, many))


def _highest(spans: Spans, trades: NDArray[np.float16]) -> NDArray[np.float16]:
    """Maximum weight of each trade over the pieces of each structure, some structures at a time; (structures, trades)."""
    highest = np.zeros((len(spans.starts) - 1, trades.shape[1]), dtype=np.float16)
    some = np.flatnonzero(np.diff(spans.starts))
    for low in range(0, len(some), AT_ONCE):
        block = some[low : low + AT_ONCE]
        part = spans.take(block)
        highest[block] = np.maximum.reduceat(trades[part.slots].astype(np.float32), part.starts[:-1])
    return highest


# ------------------------------------------------------------------------------------------ columns


def pieces(shortlist: Shortlist) -> Pieces:
    """The pieces of the shortlist's catalogue, one table for all its lots."""
    return of(shortlist.catalogue)


def view_of(shortlist: Shortlist) -> Floats:
    """The view of the lot that pieces are compared with, computed once; shape (kept,)."""
    query, encoder = shortlist.query, shortlist.catalogue.encoder

    def make() -> Floats:
        roots = groups().roots(encoder.encode([query.text[: cpv.LIMIT]], role="passage"))
        return np.asarray(groups().views(query.vector[None, :], roots)[0])

    return query.memo.once("view", make)


def slots_of(shortlist: Shortlist) -> Spans:
    """Slots of the pieces that the candidates declare, computed once per lot."""

    def make() -> Spans:
        table = pieces(shortlist)
        if shortlist.query.as_of is None:
            return table.spans.take(shortlist.candidates)
        inside = shortlist.inside(shortlist.known(*DECLARED))
        texts = table.numbers[shortlist.rows[inside]]
        return spans_by(table.starts, texts, shortlist.owner[inside], len(shortlist))

    return shortlist.once("declared pieces", make)


def _best_two(shortlist: Shortlist) -> tuple[Column, Column]:
    """Similarity of each candidate's nearest piece and of the second, computed once per lot."""

    def make() -> tuple[Column, Column]:
        best, second = np.full((2, len(shortlist)), np.nan)
        spans, table = slots_of(shortlist), pieces(shortlist)
        if len(spans.slots):
            many = np.diff(spans.starts)
            owners = np.flatnonzero(many)
            starts, many = spans.starts[owners], many[owners]
            values = table.compare(view_of(shortlist), spans.slots)
            top = np.maximum.reduceat(values, starts)
            at_top = np.flatnonzero(values == np.repeat(top, many))
            nearest = spans.slots[at_top[at_top.searchsorted(starts)]]
            # a repeated piece counts once
            values[table.same[spans.slots] == np.repeat(table.same[nearest], many)] = -np.inf
            other = np.maximum.reduceat(values, starts)
            best[owners], second[owners] = top, np.where(np.isfinite(other), other, top)
        return best, second

    return shortlist.once("said", make)


def said_best(shortlist: Shortlist) -> Column:
    """Similarity, 0 to 1, of the lot and its nearest piece; NaN where nothing is declared."""
    return _best_two(shortlist)[0]


def said_second(shortlist: Shortlist) -> Column:
    """Similarity of the second nearest piece, or of the only one; NaN where nothing is declared."""
    return _best_two(shortlist)[1]
