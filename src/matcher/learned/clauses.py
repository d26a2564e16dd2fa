"""The probability that a passage reserves its contract, sets a social condition of performance, or names a social criterion.

One linear classifier over a sentence and its neighbours, with a column of weights for each; a passage that quotes the
law, denies, states the object of the contract or says nothing has none of the labels.  Numbers, articles and boxes are
single tokens.  The weights are plain arrays over hashed features, and JSON, in models/clauses (`matcher train clauses`).
"""

import json
import math
import re
import zlib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matcher.reference import paths
from matcher.reference.arrays import F32, F64, I64, Array, model_arrays
from matcher.reference.prose import LOST, folded

#: The labels, in the order of the columns of the weights.
LABELS = ("reserved", "execution", "criterion")
BITS = 19  # of a hashed column, in each view
VIEWS = (1.3, 1.0, 0.7)  # weight of each: n-grams of words, skip-grams of words, n-grams of letters
LONGEST_RUN, FARTHEST = 4, 10  # words of an n-gram; words from the first of a skip-gram to the second
REMEMBERED = 50_000  # words whose hashes are cached
LONGEST = 1_500  # characters of a passage that are read
STEPS = 32.0  # quantisation steps of an idf
Integers = NDArray[np.uint64]
Columns = I64


#: "L. 2113-12", "L2113-13-1"
_ARTICLE = re.compile(r"\bl\W{0,3}2113\s?-\s?1[2-6](?:\s?-\s?1\b)?")
_TICKED = re.compile(r"[☒☑✓✔✗✘■⊠]|\[ ?x ?\]|\( ?x ?\)")
# begins with one class, which is skipped fast
_EMPTY = re.compile(r"[☐□⃞▢[(_.](?:(?<=[☐□⃞▢])|(?<=\[) ?\]|(?<=\() ?\)|(?<=_)_+|(?<=\.)\.{3,})")
_WORD = re.compile(r"[a-z]+|\d+(?:[ \u202f.]\d{3}(?!\d))*(?:[.,]\d+)*|[?:/()|.;,%]")
#: Words too common for skip-grams.
_COMMON = frozenset("le la les l de du des d un une au aux et a ce cet cette ces / ( ) | , %".split())


def words(text: str) -> list[str]:
    """The words of a passage, with every number, article on reserved contracts and box read as one word each."""
    plain = folded(text[:LONGEST])
    if LOST in plain:
        plain = re.sub(rf"{LOST}+", "e", re.sub(rf"(?<!\w){LOST}+(?!\w)", "a", plain))
    plain = _ARTICLE.sub(" artreserve ", plain)
    plain = _EMPTY.sub(" vide ", _TICKED.sub(" coche ", plain))
    return ["0" if word[0].isdigit() else word for word in _WORD.findall(plain)]


_STEP, _PAIR, _STIR = (
    np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93)
)
_NEVER = np.zeros(1, dtype=np.int32)  # the row of a column that was never seen
_SHIFT, _DOWN = np.uint64(32), np.uint64(64 - BITS)


@lru_cache(maxsize=REMEMBERED)
def _spread(word: str) -> int:
    """64 bits of a word, the same on every machine."""
    return (zlib.crc32(word.encode()) * 0x9E3779B97F4A7C15 + zlib.crc32(word[::-1].encode())) & (2**64 - 1)


def _columns(hashes: Integers, view: int) -> Columns:
    """Columns of hashes, in the part of the table of their view."""
    made = (hashes ^ (hashes >> _SHIFT)) * _STIR
    return ((made ^ (made >> _SHIFT)) * _STEP >> _DOWN).astype(np.int64) + (view << BITS)


def letters(word: str) -> Columns:
    """The columns of the n-grams of letters of a word."""
    padded = f" {word} "
    runs = [padded[i : i + n] for n in (3, 4, 5) for i in range(max(len(padded) - n + 1, 1))]
    return _columns(np.array([_spread(run) for run in runs], dtype=np.uint64), 2)


def _runs(given: Integers) -> Integers:
    """The hashes of n-grams of neighbours."""
    made, run = [given], given
    for size in range(2, min(LONGEST_RUN, len(given)) + 1):
        run = run[:-1] * _STEP + given[size - 1 :] + np.uint64(size)
        made.append(run)
    return np.concatenate(made)


@lru_cache(maxsize=128)
def _places(length: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The places of the first and second words of the skip-grams of so many words."""
    after = np.arange(length)[:, None] + np.arange(1, FARTHEST + 1)
    first, distance = np.nonzero(after < length)
    return first, after[first, distance]


def _pairs(given: Integers) -> Integers:
    """The hashes of skip-grams: ordered pairs at most `FARTHEST` apart."""
    first, second = _places(len(given))
    made: Integers = (given * _PAIR)[first] + (given * _STIR)[second]
    return made


def of_words(found: list[str]) -> Columns:
    """The columns of the n-grams and skip-grams of words, with repetitions."""
    hashes = np.array([*map(_spread, found)], dtype=np.uint64)
    rare = np.array([word not in _COMMON for word in found], dtype=bool)
    return np.concatenate([_columns(_runs(hashes), 0), _columns(_pairs(hashes[rare]), 1)])


def features(text: str) -> Columns:
    """The hashed columns of a passage, view by view, with repetitions."""
    found = words(text)
    return np.concatenate([of_words(found), *map(letters, found)])


@dataclass(frozen=True)
class Weights:
    """The learnt weights of the columns seen in training."""

    columns: Columns
    rarity: F32  # inverse document frequency of each
    weights: F32  # (columns, labels)
    bias: F32  # (labels,)


@dataclass(frozen=True)
class Verdict:
    """Platt scaling of a score to a probability; a label holds from 0.5 on."""

    scale: float
    bias: float

    def chance(self, score: float) -> float:
        """The chance, 0 to 1."""
        return 1 / (1 + math.exp(-max(-40.0, min(40.0, self.scale * score + self.bias))))

    def holds(self, score: float) -> bool:
        """Whether the label is more likely than not."""
        return self.scale * score + self.bias > 0


class ClauseModel:
    """The learnt weights in dense layout, and the verdict for each label."""

    def __init__(self, learnt: Weights, verdicts: dict[str, Verdict]) -> None:
        self.verdicts = verdicts
        self.bias = learnt.bias.astype(np.float64)
        place = np.zeros(len(VIEWS) << BITS, dtype=np.int32)  # 0: never seen
        place[learnt.columns] = np.arange(1, len(learnt.columns) + 1)
        self._place = place
        self._square = np.append(0, learnt.rarity**2)  # exact: an idf is a multiple of 1 / STEPS
        self._view = np.append(0, learnt.columns >> BITS)
        self._share = np.pad(learnt.weights * learnt.rarity[:, None], ((1, 0), (0, 0)))
        self.scores = lru_cache(maxsize=1024)(self._scores)  # boilerplate repeats from lot to lot
        self._letters = lru_cache(maxsize=REMEMBERED)(lambda word: place[letters(word)])

    def _scores(self, text: str) -> F64:
        """The raw score of a passage for each label."""
        found = words(text)
        rows = [_NEVER, self._place[of_words(found)], *map(self._letters, found)]
        seen = np.sort(np.concatenate(rows))
        seen = seen[1:][seen[1:] != seen[:-1]]  # once each: a fifth of the time of `np.unique`
        view = self._view[seen]
        length = np.sqrt(np.bincount(view, self._square[seen], len(VIEWS)))
        scale = np.array(VIEWS) / np.maximum(length, 1e-9)
        shares = self._share.take(seen, axis=0).astype(np.float64)
        return np.asarray(self.bias + scale[view] @ shares)

    def chances(self, text: str) -> dict[str, float]:
        """The probability of each label of a passage."""
        scores = zip(LABELS, self.scores(text).tolist(), strict=True)
        return {label: self.verdicts[label].chance(score) for label, score in scores}


def pack(learnt: Weights) -> dict[str, Array]:
    """The arrays of a file."""
    return {
        "columns": learnt.columns.astype(np.int32),
        "rarity": np.round(learnt.rarity * STEPS).astype(np.uint16),
        "weights": learnt.weights.astype(np.float16),
        "bias": learnt.bias.astype(np.float32),
    }


def load(folder: Path | None = None) -> ClauseModel:
    """Load the output of `matcher train clauses`.  Raises BadInput where it is missing or damaged."""
    folder = folder or paths.model("clauses")
    with model_arrays("clauses", folder) as arrays:
        saved = json.loads((folder / "clauses.json").read_text(encoding="utf-8"))
        columns, weights, bias = arrays["columns"].astype(np.int64), arrays["weights"], arrays["bias"]
        rarity = arrays["rarity"].astype(np.float32) / STEPS
        verdicts = {label: Verdict(**saved["verdicts"][label]) for label in LABELS}
        size, labels = len(columns), len(LABELS)
        if (weights.shape, bias.shape, len(rarity)) != ((size, labels), (labels,), size):
            raise ValueError("its arrays do not belong together")
        return ClauseModel(Weights(columns, rarity, weights.astype(np.float32), bias), verdicts)


@cache
def shipped() -> ClauseModel:
    """The model of models/clauses, read once."""
    return load()
