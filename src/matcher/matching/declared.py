"""Declared texts of structures (descriptions, offers, jobs), cut into passages and compared with the need of a lot.

A description of five trades counts as five offers.  Each passage is compared twice: by the encoder, and by the CPV
groups predicted for both sides.  The best two passages of a structure count.  Texts are cut and encoded on first use
and cached for the process, so that a reloaded catalogue only encodes what has changed.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from matcher.catalogue.columns import DECLARED
from matcher.catalogue.products import products, runs
from matcher.domain import BadInput, StaleArtefact
from matcher.learned import cpv
from matcher.learned.encoders import BLOCK, Encoder, in_context
from matcher.matching.shortlist import Column, Shortlist
from matcher.reference.paths import judgement_file

LETTERS = 4  # shorter pieces are dropped
MAX_PIECES = 400  # per text: beyond, it is no longer an offer
PIECES, SPANS = "declared pieces", "spans of pieces"  # under which a catalogue keeps its own
CONTEXT = 0.8  # weight of the sentence around a piece: "peinture" of a body shop paints no stairwell
Floats = NDArray[np.float32]

_SENTENCE = re.compile(r"(?<=[.!?;…])\s+|\s{1,9}[-–*]\s+|\s{0,9}[•\n\r|]+\s*|…\.?\s*")
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
    path = judgement_file("said.npz", folder)
    try:
        with np.load(path, allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        inner, outer = ((_wide(arrays, name), arrays[f"{name}_bias"]) for name in ("inner", "outer"))
        name, codes = str(arrays["encoder"]), arrays["codes"].astype(np.int64)
        return Groups(name, codes, inner, outer, _wide(arrays, "axes"))
    except (OSError, KeyError, ValueError) as error:
        raise BadInput(f"no model of declared texts in {path} ({error}): run `matcher train said`") from None


def _wide(arrays: dict[str, NDArray[Any]], layer: str) -> Floats:
    return np.asarray(arrays[layer] * arrays[f"{layer}_scale"], dtype=np.float32)


class Reading:
    """Pieces of texts with their views: texts that recur, in one catalogue or in its successor, are encoded once.

    The first `stored` pieces may come from disk (`matcher.matching.stored`), with their text from `text_of`.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.groups = groups()
        if self.groups.encoder != encoder.fingerprint:
            stale = "the model of declared texts was fitted for another encoder"
            raise StaleArtefact(f"{stale}: run `matcher train said` again")
        self.encoder, self.lock = encoder, Lock()
        self.stored = 0
        self.text_of: Callable[[int], str] = str
        self.texts: list[str] = []  # of the pieces after the stored ones, as their vectors
        self.vectors = np.empty((0, encoder.dimension), np.float16)
        self.views = np.empty((0, self.groups.axes.shape[1]), np.float32)
        self.same = np.empty(0, np.int64)  # equal for equal pieces
        # values per piece or text that other modules derive, by name
        self.derived: dict[str, NDArray[Any]] = {}
        self.done: dict[str, int] = {}  # for how many of them
        self.keys: list[int] = []  # of the texts read
        self.starts = np.empty(0, np.int64)  # the first slot of each text
        self.many = np.empty(0, np.int64)  # its pieces

    @cached_property
    def _numbers(self) -> dict[int, int]:
        """The number of each text by its key."""
        return {key: number for number, key in enumerate(self.keys)}

    def __len__(self) -> int:
        """The pieces read so far."""
        return self.stored + len(self.texts)

    def text(self, slot: int) -> str:
        """The text of a piece."""
        return self.text_of(slot) if slot < self.stored else self.texts[slot - self.stored]

    def numbers(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """The number of each text, encoded if new; shape (texts,)."""
        keys = list(map(_key, texts))
        fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._numbers}
        if fresh:
            self._read(fresh)
        return np.array([self._numbers[key] for key in keys], dtype=np.int64)

    def slots(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Slots of the pieces of these texts, and for each the position of its text in `numbers`."""
        many = self.many[numbers]
        return runs(self.starts[numbers], many), np.repeat(np.arange(len(numbers)), many)

    def fresh(self, low: int, high: int) -> NDArray[np.float16]:
        """The vectors of pieces that are not stored."""
        return self.vectors[low - self.stored : high - self.stored]

    def _read(self, fresh: Mapping[int, str]) -> None:
        cuts = [cut(text) for text in fresh.values()]
        texts = [piece for pieces in cuts for piece in pieces]
        sentences = [sentence for pieces in cuts for sentence in pieces.values()]
        start, known, used = len(self), len(self.keys), len(self.texts)
        for vectors in in_context(self.encoder, texts, sentences, CONTEXT):
            # rounded to half precision, as in training, but stored wide: widening costs more than comparing
            views = self.groups.views(vectors).astype(np.float16)
            self.vectors = appended(self.vectors, used, vectors)
            self.views = appended(self.views, self.stored + used, views)
            used += len(vectors)
        self.same = appended(self.same, start, np.array([_key(text.casefold()) for text in texts]))
        self.texts += texts
        many = np.fromiter(map(len, cuts), np.int64, len(cuts))
        self.many = appended(self.many, known, many)
        self.starts = appended(self.starts, known, start + np.cumsum(many) - many)
        self._numbers.update((key, known + place) for place, key in enumerate(fresh))
        self.keys += fresh


def _key(text: str) -> int:
    """A number by which a text is known again, in another process too."""
    return int(xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))) >> 1


class Pieces:
    """The pieces of a catalogue's declared texts with their views, encoded when their rows are first requested.

    `reading` and `numbers`, of the text of each row (-1 before it is read), are given where they are stored.
    """

    def __init__(
        self, catalogue: Any, reading: Reading | None = None, numbers: NDArray[np.integer] | None = None
    ) -> None:
        self._texts, self._encoder = catalogue.texts, catalogue.encoder
        self._different = catalogue.vectors.texts.numbers
        rows = catalogue.evidence.num_rows
        self.reading = reading or _reading(catalogue.encoder, rows)
        self._numbers = np.full(rows, -1, np.int64) if numbers is None else numbers

    def text(self, slot: int) -> str:
        return self.reading.text(slot)

    def texts(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The numbers of the texts of these evidence rows: rows of one text have one."""
        numbers = self._numbers[rows]
        if (numbers < 0).any():
            with self.reading.lock:
                fresh = rows[self._numbers[rows] < 0]
                _, first, at = np.unique(self._different[fresh], return_index=True, return_inverse=True)
                texts = [str(self._texts[row].as_py()) for row in fresh[first].tolist()]
                self._numbers[fresh] = self.reading.numbers(texts)[at]
            numbers = self._numbers[rows]
        return np.asarray(numbers, dtype=np.int64)

    def row_with(self, slot: int, rows: NDArray[np.int64]) -> int:
        """The first of these evidence rows that holds a piece; one of them does."""
        texts = self.texts(rows)
        before = slot - self.reading.starts[texts]
        return int(rows[((before >= 0) & (before < self.reading.many[texts])).argmax()])

    def compare(self, asked: Floats, slots: NDArray[np.integer]) -> Floats:
        """Similarity, 0 to 1, of these pieces to the query: mean of cosine and overlap of CPV groups."""
        return products(self.reading.views, asked * np.float32(0.5), slots)

    def same(self, slots: NDArray[np.integer]) -> NDArray[np.int64]:
        return np.asarray(self.reading.same[slots])

    def derived(self, name: str, make: Callable[[Floats], NDArray[Any]]) -> NDArray[Any]:
        """`make` applied to the vectors of all pieces encoded so far, each computed once; (pieces, ...)."""
        reading = self.reading
        many = len(reading)
        with reading.lock:
            held, done = reading.derived.get(name), reading.done.get(name, 0)
            if held is None or done < many:
                added = reading.fresh(done, many)
                first = range(0, max(len(added), 1), BLOCK)  # at least one
                blocks = [added[low : low + BLOCK] for low in first]
                fresh = np.concatenate([make(block.astype(np.float32)) for block in blocks])
                held = np.empty((0, *fresh.shape[1:]), fresh.dtype) if held is None else held
                held = appended(held, done, fresh)
                reading.derived[name], reading.done[name] = held, many
        return held[:many]

    def asked(self, vector: Floats, text: str) -> Floats:
        """The view of a lot that pieces are compared with; shape (kept,)."""
        words = self._encoder.encode([text[: cpv.LIMIT]], role="passage")
        groups_ = self.reading.groups
        return np.asarray(groups_.views(vector[None, :], groups_.roots(words))[0])


_readings: dict[str, Reading] = {}
SPARE = 8  # cached texts per row of the catalogue, beyond which the cache is rebuilt


def _reading(encoder: Encoder, rows: int) -> Reading:
    """The cache of this encoder, so that a new catalogue only encodes what has changed."""
    held = _readings.get(encoder.fingerprint)
    if held is None or len(held) > SPARE * rows + 10_000:
        held = _readings[encoder.fingerprint] = Reading(encoder)
    return held


def keep(reading: Reading) -> None:
    """Have later catalogues start from what this reading holds."""
    _readings[reading.encoder.fingerprint] = reading


def appended(held: NDArray[Any], used: int, more: NDArray[Any]) -> NDArray[Any]:
    """`held`, of which `used` rows are in use, with more rows appended; capacity doubles when exceeded."""
    wanted = used + len(more)
    if wanted > len(held):
        grown = np.empty((max(wanted, 2 * len(held)), *held.shape[1:]), held.dtype)
        grown[:used] = held[:used]
        held = grown
    held[used:wanted] = more
    return held


# ------------------------------------------------------------------------------------------ columns


@dataclass(frozen=True, slots=True)
class PieceScores:
    """Best and second similarity of each candidate's pieces, NaN where nothing is declared, and the slot of the best."""

    best: Column
    second: Column
    slot: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Slots:
    """Slots of the pieces that candidates declare, one candidate after the other: `many` of each of `owners`, from `starts`."""

    slots: NDArray[np.integer]
    owners: NDArray[np.int64]
    starts: NDArray[np.int64]
    many: NDArray[np.int64]

    def of(self, i: int) -> NDArray[np.integer]:
        """Those of candidate i."""
        at = int(self.owners.searchsorted(i))
        if at == len(self.owners) or self.owners[at] != i:
            return self.slots[:0]
        return self.slots[self.starts[at] : self.starts[at] + self.many[at]]


@dataclass(frozen=True, slots=True)
class Spans:
    """Slots of the pieces of structures one after the other: those of structure i are `slots[starts[i]:starts[i + 1]]`."""

    starts: NDArray[np.integer]
    slots: NDArray[np.integer]


def of(catalogue: Any) -> Pieces:
    """The pieces of a catalogue, created on first use."""
    pieces: Pieces = catalogue.once(PIECES, lambda: Pieces(catalogue))
    return pieces


def pieces(shortlist: Shortlist) -> Pieces:
    """The pieces of the shortlist's catalogue, one table for all its lots."""
    return of(shortlist.catalogue)


def piece_scores(shortlist: Shortlist) -> PieceScores:
    """Every candidate's pieces against the lot, computed once per lot."""
    return shortlist.once("said", lambda: _piece_scores(shortlist))


def view_of(shortlist: Shortlist) -> Floats:
    """The view of the lot that pieces are compared with, computed once; shape (kept,)."""
    query = shortlist.query
    view: Floats = query.memo.once("view", lambda: pieces(shortlist).asked(query.vector, query.text))
    return view


def slots_of(shortlist: Shortlist) -> Slots:
    """Slots of the pieces that candidates declare, computed once per lot."""

    def make() -> Slots:
        slots, many = _declared(shortlist)
        owners = np.flatnonzero(many)
        many = many[owners]
        return Slots(slots, owners, np.cumsum(many) - many, many)

    return shortlist.once("declared pieces", make)


def _declared(shortlist: Shortlist) -> tuple[NDArray[np.integer], NDArray[np.int64]]:
    """The slots one after the other, and how many each candidate has; known of all structures where they are stored."""
    spans: Spans | None = shortlist.catalogue.kept(SPANS) if shortlist.query.as_of is None else None
    if spans is not None:
        first = spans.starts[shortlist.candidates]
        many = spans.starts[shortlist.candidates + 1] - first
        return spans.slots[runs(first, many)], many
    rows = shortlist.parts(shortlist.known(*DECLARED))
    inside = rows.inside
    found = spans_of(pieces(shortlist), shortlist.rows[inside], shortlist.owner[inside], len(shortlist))
    return found.slots, np.diff(found.starts)


def spans_of(table: Pieces, rows: NDArray[np.int64], owners: NDArray[np.int64], count: int) -> Spans:
    """The pieces of evidence rows by owner, whose rows are adjacent; of rows with one text those of the first."""
    texts = table.texts(rows)
    _, first = np.unique(owners * (int(texts.max(initial=0)) + 1) + texts, return_index=True)
    first.sort()
    slots, at = table.reading.slots(texts[first])
    many = np.bincount(owners[first][at], minlength=count)
    return Spans(np.concatenate(([0], np.cumsum(many))), slots)


def _piece_scores(shortlist: Shortlist) -> PieceScores:
    best, second = np.full((2, len(shortlist)), np.nan)
    slot = np.full(len(shortlist), -1)
    found, table = slots_of(shortlist), pieces(shortlist)
    if len(found.slots):
        starts, many = found.starts, found.many
        values = table.compare(view_of(shortlist), found.slots)
        top = np.maximum.reduceat(values, starts)
        at_top = np.flatnonzero(values == np.repeat(top, many))
        chosen = found.slots[at_top[at_top.searchsorted(starts)]]
        # a repeated piece counts once
        values[table.same(found.slots) == np.repeat(table.same(chosen), many)] = -np.inf
        other = np.maximum.reduceat(values, starts)
        best[found.owners], slot[found.owners] = top, chosen
        second[found.owners] = np.where(np.isfinite(other), other, top)
    return PieceScores(best, second, slot)


def said_best(shortlist: Shortlist) -> Column:
    """Similarity, 0 to 1, of the lot and its nearest piece; NaN where nothing is declared."""
    return piece_scores(shortlist).best


def said_second(shortlist: Shortlist) -> Column:
    """Similarity of the second nearest piece, or of the only one; NaN where nothing is declared."""
    return piece_scores(shortlist).second
