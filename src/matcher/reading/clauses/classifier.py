"""How likely a passage reserves its contract, sets a social condition of performance, or names a social criterion.

One linear classifier over a sentence and its neighbours, with a column of weights for each; a passage that quotes the
law, denies, tells the object of the contract or says nothing is none of them.  The names of structures and of publics, articles, boxes and numbers are read as one word each, and every word
also by its kind (a holder, a duty, a denial...), so that a turn learnt of one is known of the others.  What was
learnt lies in models/clauses as plain arrays over hashed features and JSON (`matcher train clauses`).
"""

from __future__ import annotations

import json
import math
import re
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.domain import BadInput
from matcher.reading.clauses.vocabulary import (
    FIRST_OF_PUBLIC,
    FIRST_OF_STRUCTURE,
    KINDS,
    PUBLIC,
    STOP,
    STRUCTURE,
)
from matcher.reference import paths
from matcher.reference.prose import LOST, folded

#: What is told of a passage, in the order of the columns of the weights.
LABELS = ("reserved", "execution", "criterion")
BITS = 19  # of a hashed column, in each view
VIEWS = (1.3, 1.0, 0.7, 1.0, 1.0)  # what each weighs: words, words apart, letters, kinds, kinds apart
REMEMBERED = 50_000  # words whose hashes are kept
LONGEST = 1_500  # characters of a passage that are read
STEPS = 32.0  # of a rarity, to one of them
Integers = NDArray[np.uint64]
Columns = NDArray[np.int64]

# --------------------------------------------------------------------------------------------- reading

_ARTICLE = re.compile(r"\bl\W{0,3}2113\s?-\s?1[2-6](?:\s?-\s?1\b)?")
_NEXT_ARTICLE = re.compile(r"artreserve\s?(?:,|et|ou|a|/|-)\s?(?:l\W{0,3})?(?:2113)?\s?-?\s?1[2-6]\b")
_OLDER = re.compile(
    r"\b(?:articles?|art\.?) (?:36|15|37|20|77|13|14)\b[^.;,]{0,12}"
    r"(?:ordonnance|ord\b|cmp|code des marches|decret|directive|2015-899|2016-360|2014/24)[^.;,]{0,20}"
)
_OTHERS = (
    (re.compile(r"\bl\W{0,3}5132-4|\bl\W{0,3}5213-13|\bl\W{0,3}344-2"), " artstruct "),
    (re.compile(r"\bl\W{0,3}2112-2(?:-1)?|\b[rl]\W{0,3}2152-7"), " artsocial "),
)
_SIGNS = re.compile(r"[☒☑✓✔✗✘■⊠☐□⃞▢\[(_]|\.{4}")
_TICKED = re.compile(r"[☒☑✓✔✗✘■⊠]|\[ ?x ?\]|\( ?x ?\)")
_EMPTY = re.compile(r"[☐□⃞▢]|\[ ?\]|\( ?\)|_{2,}|\.{4,}")
_WORD = re.compile(r"[a-z]+|\d+(?:[ \u202f.]\d{3}(?!\d))*(?:[.,]\d+)*|[?:/()|.;,%]")
_WHOLE = {stem[1:]: kind for kind, stems in KINDS.items() for stem in stems.split() if stem[0] == "="}
_BEGINNING = {stem: kind for kind, stems in KINDS.items() for stem in stems.split() if stem[0] != "="}
_LONGEST_BEGINNING = max(map(len, _BEGINNING))


def kind(word: str) -> str | None:
    """The kind of a folded word, None for a word of no kind."""
    if word in _WHOLE:
        return _WHOLE[word]
    for size in range(min(len(word), _LONGEST_BEGINNING), 2, -1):
        if word[:size] in _BEGINNING:
            return _BEGINNING[word[:size]]
    return None


def words(text: str) -> tuple[list[str], list[str]]:
    """The words of a passage as they stand, and with structures, publics and numbers read as one word each."""
    plain = folded(text[:LONGEST])
    if LOST in plain:
        plain = re.sub(rf"{LOST}+", "e", re.sub(rf"(?<!\w){LOST}+(?!\w)", "a", plain))
    if "2113" in plain:
        plain = _ARTICLE.sub("artreserve", plain)
        while (shorter := _NEXT_ARTICLE.sub("artreserve", plain)) != plain:
            plain = shorter
    if "art" in plain:
        plain = _OLDER.sub(" artancien ", plain)
    for pattern, name in _OTHERS:
        plain = pattern.sub(name, plain)
    if _SIGNS.search(plain):
        plain = _EMPTY.sub(" vide ", _TICKED.sub(" coche ", plain))
    stand: list[str] = []
    read: list[str] = []
    end = 0
    for found in _WORD.finditer(plain):
        word = found.group()
        if word[0].isdigit():
            word = "0"
        stand.append(word)
        start = found.start()
        if start < end:
            continue
        phrase = None
        if word in FIRST_OF_STRUCTURE:
            phrase = STRUCTURE.match(plain, start)
        elif word in FIRST_OF_PUBLIC:
            phrase = PUBLIC.match(plain, start)
        if phrase is not None:
            end = phrase.end()
            read.append("publicx" if word in FIRST_OF_PUBLIC else "structx")
        elif read and read[-1] == "0" and word in ("h", "heure", "heures"):
            read[-1] = "numh"
        elif read and read[-1] == "0" and word in ("%", "point", "points", "pts"):
            read[-1] = "nump"
        else:
            read.append(word)
    return stand, read


# -------------------------------------------------------------------------------------------- features

_STEP, _PAIR, _STIR = (
    np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93)
)
_SHIFT, _DOWN = np.uint64(32), np.uint64(64 - BITS)
_NOTHING = np.empty(0, dtype=np.int64)


def _spread(word: str) -> int:
    """64 bits of a word, the same on every machine."""
    return (zlib.crc32(word.encode()) * 0x9E3779B97F4A7C15 + zlib.crc32(word[::-1].encode())) & (2**64 - 1)


def _columns(hashes: Integers, view: int) -> Columns:
    """The columns of hashes, in the part of the table that is the view's."""
    made = (hashes ^ (hashes >> _SHIFT)) * _STIR
    return ((made ^ (made >> _SHIFT)) * _STEP >> _DOWN).astype(np.int64) + (view << BITS)


class _Words:
    """The number of each word met, and by number its hash, that of its kind, whether it is common, its letters."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}
        self.hashes = np.zeros((REMEMBERED, 2), dtype=np.uint64)
        self.rare = np.zeros(REMEMBERED, dtype=bool)
        self.letters: list[Columns] = []

    def numbers(self, words: list[str]) -> list[int]:
        """The number of each word; a full memory is emptied before, never between."""
        if len(self.known) + len(words) > REMEMBERED:
            self.known.clear()
            self.letters.clear()
        return [self.known[word] if word in self.known else self._meet(word) for word in words]

    def _meet(self, word: str) -> int:
        number = self.known[word] = len(self.letters)
        of = kind(word)
        self.hashes[number] = _spread(word), _spread(f"<{of}>") if of else 0
        self.rare[number] = word not in STOP
        padded = f" {word} "
        runs = [padded[i : i + n] for n in (3, 4, 5) for i in range(max(len(padded) - n + 1, 1))]
        self.letters.append(_columns(np.array([_spread(run) for run in runs], dtype=np.uint64), 2))
        return number


_words = _Words()


def _runs(given: Integers, longest: int) -> Integers:
    """The hashes of runs of 1 to `longest` neighbours."""
    made, run = [given], given
    for size in range(2, min(longest, len(given)) + 1):
        run = run[:-1] * _STEP + given[size - 1 :] + np.uint64(size)
        made.append(run)
    return np.concatenate(made)


def _pairs(given: Integers, farthest: int) -> Integers:
    """The hashes of ordered pairs at most `farthest` apart."""
    after = np.arange(len(given))[:, None] + np.arange(1, farthest + 1)
    first, second = np.nonzero(after < len(given))
    made: Integers = (given * _PAIR)[first] + (given * _STIR)[after[first, second]]
    return made


def features(text: str) -> Columns:
    """The hashed columns of a passage: words, words apart, letters, kinds and kinds apart; some stand twice."""
    stand, read = words(text)
    numbers = _words.numbers(stand + read)
    if not numbers:
        return _NOTHING
    hashes = _words.hashes[numbers[len(stand) :]]
    own, kinds = hashes[:, 0], hashes[:, 1]
    kinds = kinds[kinds > 0]
    return np.concatenate(
        [
            _columns(_runs(own, 4), 0),
            _columns(_pairs(own[_words.rare[numbers[len(stand) :]]], 10), 1),
            *(_words.letters[number] for number in numbers[: len(stand)]),
            _columns(_runs(kinds, 5), 3),
            _columns(_pairs(kinds, 12), 4),
        ]
    )


# ----------------------------------------------------------------------------------------------- model


@dataclass(frozen=True)
class Weights:
    """What is learnt of the columns that were seen."""

    columns: Columns
    rarity: NDArray[np.float32]  # inverse document frequency of each
    weights: NDArray[np.float32]  # (columns, labels)
    bias: NDArray[np.float32]  # (labels,)


@dataclass(frozen=True)
class Verdict:
    """How a score becomes a chance; it is told where it is likelier than not."""

    scale: float
    bias: float

    def chance(self, score: float) -> float:
        """The chance, 0 to 1."""
        return 1 / (1 + math.exp(-max(-40.0, min(40.0, self.scale * score + self.bias))))

    def told(self, score: float) -> bool:
        """Whether it is likelier than not."""
        return self.scale * score + self.bias > 0


class ClauseModel:
    """The learnt weights, laid out to be summed, and the verdict on each label."""

    def __init__(self, learnt: Weights, verdicts: dict[str, Verdict]) -> None:
        self.verdicts = verdicts
        self.bias = learnt.bias.astype(np.float64)
        place = np.zeros(len(VIEWS) << BITS, dtype=np.int32)  # 0: never seen
        place[learnt.columns] = np.arange(1, len(learnt.columns) + 1)
        self._place = place
        self._square = np.concatenate([[0.0], learnt.rarity.astype(np.float64) ** 2])
        self._view = np.concatenate([[0], learnt.columns >> BITS])
        share = learnt.weights * learnt.rarity[:, None]
        self._share = np.concatenate([np.zeros((1, len(LABELS))), share.astype(np.float64)])

    def scores(self, text: str) -> NDArray[np.float64]:
        """The raw score of a passage for each label."""
        seen = self._place[features(text)]
        seen = np.unique(seen[seen > 0])
        view = self._view[seen]
        length = np.sqrt(np.bincount(view, self._square[seen], len(VIEWS)))
        scale = np.array(VIEWS) / np.maximum(length, 1e-9)
        total: NDArray[np.float64] = self.bias + scale[view] @ self._share[seen]
        return total


def pack(learnt: Weights) -> dict[str, NDArray[Any]]:
    """The arrays of a file."""
    return {
        "columns": learnt.columns.astype(np.int32),
        "rarity": np.round(learnt.rarity * STEPS).astype(np.uint16),
        "weights": learnt.weights.astype(np.float16),
        "bias": learnt.bias.astype(np.float32),
    }


def load(folder: Path | None = None) -> ClauseModel:
    """What `matcher train clauses` wrote.  Raises BadInput where it is absent or damaged."""
    folder = folder or paths.models_dir() / "clauses"
    try:
        told = json.loads((folder / "clauses.json").read_text(encoding="utf-8"))
        with np.load(folder / "clauses.npz", allow_pickle=False) as arrays:
            learnt = Weights(
                arrays["columns"].astype(np.int64),
                arrays["rarity"].astype(np.float32) / STEPS,
                arrays["weights"].astype(np.float32),
                arrays["bias"],
            )
        verdicts = {label: Verdict(**told["verdicts"][label]) for label in LABELS}
        fits = learnt.weights.shape == (len(learnt.columns), len(LABELS)) and learnt.bias.shape == (
            len(LABELS),
        )
        if not fits or len(learnt.rarity) != len(learnt.columns):
            raise ValueError("its arrays do not belong together")
        return ClauseModel(learnt, verdicts)
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise BadInput(
            f"no clause model in {folder} ({error}): make one with `matcher train clauses`"
        ) from None


@cache
def shipped() -> ClauseModel:
    """The model of models/clauses, read once."""
    return load()
