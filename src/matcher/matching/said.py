"""What structures say (descriptions, offers, jobs), cut into pieces and compared with what a lot asks.

A description of five trades is five offers.  Each piece is compared twice: by the encoder, and by the CPV groups that
both sides would be coded with.  The best two pieces of a structure count.  Texts are cut and read as they
are first met, and kept for the process: a catalogue that takes the place of another finds what has not changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.catalogue.columns import DECLARED
from matcher.domain import BadInput, StaleArtefact
from matcher.learned import cpv
from matcher.learned.encoders import Encoder
from matcher.matching.shortlist import Column, Shortlist, heads
from matcher.reference.paths import judgement_file

LETTERS = 4  # a piece with fewer is none
MOST = 400  # pieces of one text: beyond, it is no longer an offer
CONTEXT = 0.8  # what the sentence of a piece counts beside it: "peinture" of a body shop paints no stairwell
Floats = NDArray[np.float32]

_SENTENCE = re.compile(r"(?<=[.!?;…])\s+|\s+[-–*]\s+|\s*[•\n\r|]+\s*|…\.?\s*")
_PHRASE = re.compile(r"\s*[,:;]\s*|\s\(|\)\s|\s+(?:et|ou|ainsi que)\s+")
_ENDING = re.compile(r"(?<=\w)\(\w{1,5}\)")  # préparateur(trice)
_BOTH = re.compile(r"\b(\w{3})(\w*)\s*/\s*\1\w*")  # ouvrier / ouvrière


# ------------------------------------------------------------------------------------------ cutting


def cut(text: str) -> dict[str, str]:
    """The sentences of a text and, where they name several things, their phrases, each with its sentence; never none."""
    found: dict[str, str] = {}
    for sentence in _SENTENCE.split(_BOTH.sub(r"\1\2", _ENDING.sub("", _without_head(text)))):
        for piece in _told([sentence, *_PHRASE.split(sentence)]):
            found.setdefault(piece, sentence)
    return dict(islice(found.items(), MOST)) or {text: text}


def _told(parts: Sequence[str]) -> Iterator[str]:
    stripped = (part.strip(" .,-–;:•…()") for part in parts)
    return (part for part in stripped if sum(map(str.isalpha, part)) >= LETTERS)


def _without_head(text: str) -> str:
    """A text without the shortened title that repeats its beginning."""
    head, found, rest = text.partition("…. ")
    return rest if found and rest.startswith(head) else text


# ------------------------------------------------------------------------------------------ reading


@dataclass(frozen=True, slots=True)
class Groups:
    """CPV groups of a vector: a small network that was taught to answer as the CPV model does."""

    encoder: str  # fingerprint of the encoder whose vectors it reads
    codes: NDArray[np.int64]  # the groups, three digits each
    inner: tuple[Floats, Floats]  # weights (dimension, hidden) and bias
    outer: tuple[Floats, Floats]  # weights (hidden, groups) and bias
    axes: Floats  # (dimension + groups, kept): what vectors and roots are held as, since both sides lie near few axes

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
    """The learnt network.  Raises BadInput where there is none."""
    path = judgement_file("said.npz", folder)
    try:
        with np.load(path, allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        inner, outer = ((_wide(arrays, name), arrays[f"{name}_bias"]) for name in ("inner", "outer"))
        return Groups(
            str(arrays["encoder"]), arrays["codes"].astype(np.int64), inner, outer, _wide(arrays, "axes")
        )
    except (OSError, KeyError, ValueError) as error:
        raise BadInput(
            f"no model of what is said in {path} ({error}): make one with `matcher train said`"
        ) from None


def _wide(arrays: dict[str, NDArray[Any]], layer: str) -> Floats:
    return np.asarray(arrays[layer] * arrays[f"{layer}_scale"], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Scale:
    """The chance of a lead in reach, by logistic regression on best and second piece; read from said.json."""

    best: float
    second: float
    bias: float

    def chance(self, best: Column, second: Column) -> Column:
        return np.asarray(1 / (1 + np.exp(-(self.best * best + self.second * second + self.bias))))


@cache
def scale(folder: Path | None = None) -> Scale:
    """The learnt weights of the two best pieces."""
    path = judgement_file("said.json", folder)
    return Scale(**json.loads(path.read_text(encoding="utf-8")))


class Reading:
    """Pieces read in this process with their views: equal texts, in one catalogue or in its successor, are read once."""

    def __init__(self, encoder: Encoder, folder: Path | None = None) -> None:
        self.groups = groups(folder)
        if self.groups.encoder != encoder.fingerprint:
            raise StaleArtefact(
                "the model of what is said is of another encoder: run `matcher train said` again"
            )
        self.encoder, self.lock = encoder, Lock()
        self.texts: list[str] = []
        self.vectors = np.empty((0, encoder.dimension), np.float16)
        self.views = np.empty((0, self.groups.axes.shape[1]), np.float16)
        self.same = np.empty(0, np.int64)  # equal for equal pieces
        self.derived: dict[str, NDArray[Any]] = {}  # what others compute of every piece, by name
        self.done: dict[str, int] = {}  # for how many pieces
        self._slots: dict[int, tuple[int, int]] = {}  # of a text: its first slot, and how many

    def slots(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """First slot and number of the pieces of each text, read where they are new; shape (texts, 2)."""
        keys = [hash(text) for text in texts]
        fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._slots}
        if fresh:
            self._read(fresh)
        return np.array([self._slots[key] for key in keys], dtype=np.int64).reshape(-1, 2)

    def _read(self, fresh: Mapping[int, str]) -> None:
        cuts = [cut(text) for text in fresh.values()]
        texts = [piece for pieces in cuts for piece in pieces]
        vectors = self._encoded(texts, [sentence for pieces in cuts for sentence in pieces.values()])
        start = len(self.texts)
        self.vectors = appended(self.vectors, start, vectors)
        self.views = appended(self.views, start, self.groups.views(vectors))
        self.same = appended(self.same, start, np.array([hash(text.casefold()) for text in texts]))
        self.texts += texts
        for key, pieces in zip(fresh, cuts, strict=True):
            self._slots[key] = (start, len(pieces))
            start += len(pieces)

    def _encoded(self, texts: Sequence[str], sentences: Sequence[str]) -> Floats:
        """Vectors of pieces, each drawn towards its sentence; unit rows."""
        encode = self.encoder.encode
        mixed = encode(texts, role="passage") + CONTEXT * encode(sentences, role="passage")
        return np.asarray(
            mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-9), dtype=np.float32
        )


class Pieces:
    """The pieces of a catalogue's declared texts with their views, read as their rows are first asked for."""

    def __init__(self, catalogue: Any, folder: Path | None = None) -> None:
        self._catalogue = catalogue
        rows = catalogue.evidence.num_rows
        self.reading = _reading(catalogue.encoder, folder, rows)
        self._first, self._many = np.full(rows, -1, np.int64), np.zeros(rows, np.int64)

    def text(self, slot: int) -> str:
        return self.reading.texts[slot]

    def of(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Slots of the pieces of these evidence rows, and for each the position of its row in `rows`."""
        with self.reading.lock:
            fresh = np.unique(rows[self._first[rows] < 0])
            if len(fresh):
                found = self.reading.slots([self._catalogue.text(row) for row in fresh.tolist()])
                self._many[fresh], self._first[fresh] = found[:, 1], found[:, 0]
        many = self._many[rows]
        owner = np.repeat(np.arange(len(rows)), many)
        before = np.cumsum(many) - many
        return np.arange(many.sum()) + np.repeat(self._first[rows] - before, many), owner

    def compare(self, asked: Floats, slots: NDArray[np.int64]) -> Column:
        """Likeness, 0 to 1, of these pieces to what is asked: mean of cosine and overlap of CPV groups."""
        return np.asarray(self.reading.views[slots].astype(np.float32) @ asked / 2, dtype=np.float64)

    def same(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        return self.reading.same[slots]

    def derived(self, name: str, make: Callable[[Floats], NDArray[Any]]) -> NDArray[Any]:
        """What `make` gives for the vectors of all pieces read so far, each computed once; (pieces, ...)."""
        reading = self.reading
        with reading.lock:
            many, held = len(reading.texts), reading.derived.get(name)
            done = reading.done.get(name, 0)
            if held is None or done < many:
                fresh = make(reading.vectors[done:many].astype(np.float32))
                held = appended(
                    np.empty((0, *fresh.shape[1:]), fresh.dtype) if held is None else held, done, fresh
                )
                reading.derived[name], reading.done[name] = held, many
        return held[:many]

    def asked(self, vector: Floats, text: str) -> Floats:
        """A lot as pieces are compared with it; shape (kept,)."""
        words = self._catalogue.encoder.encode([text[: cpv.LIMIT]], role="passage")
        groups_ = self.reading.groups
        return np.asarray(groups_.views(vector[None, :], groups_.roots(words))[0])


_readings: dict[tuple[str, Path | None], Reading] = {}
SPARE = 8  # texts read and no longer in a catalogue, for each of its rows, before all is read again


def _reading(encoder: Encoder, folder: Path | None, rows: int) -> Reading:
    """The pieces read in this process by this encoder and model, so that a new catalogue finds what has not changed."""
    key = (encoder.fingerprint, folder)
    held = _readings.get(key)
    if held is None or len(held.texts) > SPARE * rows + 10_000:
        held = _readings[key] = Reading(encoder, folder)
    return held


def appended(held: NDArray[Any], used: int, more: NDArray[Any]) -> NDArray[Any]:
    """`held`, of which `used` rows are in use, with more rows; it doubles where it is too short."""
    wanted = used + len(more)
    if wanted > len(held):
        grown = np.empty((max(wanted, 2 * len(held)), *held.shape[1:]), held.dtype)
        grown[:used] = held[:used]
        held = grown
    held[used:wanted] = more
    return held


# ------------------------------------------------------------------------------------------ columns


@dataclass(frozen=True, slots=True)
class Met:
    """Best and second likeness of each candidate's pieces, NaN where it says nothing, and the slot of the best."""

    best: Column
    second: Column
    slot: NDArray[np.int64]


def of(catalogue: Any, folder: Path | None = None) -> Pieces:
    """The pieces of a catalogue, read by the model in `folder` (the shipped one) where it is first asked for."""
    found: Pieces = catalogue.once("pieces said", lambda: Pieces(catalogue, folder))
    return found


def pieces(shortlist: Shortlist) -> Pieces:
    """The pieces of the shortlist's catalogue, one table for all its lots."""
    return of(shortlist.catalogue)


def met(shortlist: Shortlist) -> Met:
    """Every candidate's pieces against the lot, computed once a lot."""
    found: Met = shortlist.once("said", lambda: _met(shortlist))
    return found


def _met(shortlist: Shortlist) -> Met:
    table = pieces(shortlist)
    inside = shortlist.inside(shortlist.known(*DECLARED))
    slots, at = table.of(shortlist.rows[inside])
    best, second = np.full((2, len(shortlist)), np.nan)
    slot = np.full(len(shortlist), -1)
    if len(slots):
        owner = shortlist.owner[inside][at]
        values = table.compare(table.asked(shortlist.query.vector, shortlist.query.text), slots)
        first = heads(owner)
        segment = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(owner))))
        top = np.maximum.reduceat(values, first)
        at_top = np.flatnonzero(values == top[segment])
        chosen = slots[at_top[heads(segment[at_top])]]
        again = table.same(slots) == table.same(chosen)[segment]  # said twice is said once
        other = np.maximum.reduceat(np.where(again, -np.inf, values), first)
        best[owner[first]], slot[owner[first]] = top, chosen
        second[owner[first]] = np.where(np.isfinite(other), other, top)
    return Met(best, second, slot)


def said_best(shortlist: Shortlist) -> Column:
    """Likeness, 0 to 1, of the lot and the piece nearest to it; NaN where nothing is declared."""
    return met(shortlist).best


def said_second(shortlist: Shortlist) -> Column:
    """Likeness of the second nearest piece, that of the only one where there is one; NaN where nothing is declared."""
    return met(shortlist).second


def trade_said(shortlist: Shortlist) -> Column:
    """The chance, in reach, that a structure which says this is a lead; NaN where nothing is declared."""
    found = met(shortlist)
    return scale().chance(found.best, found.second)


def passage(shortlist: Shortlist, i: int) -> str:
    """The piece of candidate i nearest to the lot, as published; "" where it declares nothing."""
    slot = int(met(shortlist).slot[i])
    return pieces(shortlist).text(slot) if slot >= 0 else ""


def columns(shortlist: Shortlist) -> dict[str, Column]:
    """All columns of what is said, by name; each of shape (candidates,)."""
    return {
        "trade_said": trade_said(shortlist),
        "said_best": said_best(shortlist),
        "said_second": said_second(shortlist),
    }
