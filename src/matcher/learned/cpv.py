"""Which CPV codes a text asks for, with calibrated probabilities.

Two views of the text are blended: a linear model on hashed words and characters (scores of divisions), and
the coded texts nearest to it by the encoder (past awards, CPV labels).  Deeper levels share out a division's
probability by the same neighbours.  Long texts have a blend and a calibration of their own: the more words, the less
each counts in the linear model, and the more the class prior weighs.  The weights are in
models/cpv as plain arrays and JSON.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from matcher.domain import BadInput, StaleArtefact
from matcher.learned.encoders import static
from matcher.reference import paths
from matcher.reference.arrays import F32, F64, I64, Array, model_arrays
from matcher.reference.codes import cpv_label

Level = Literal["division", "group", "class", "code"]
#: Digits of a code at each level.
LEVELS: dict[str, int] = {"division": 2, "group": 3, "class": 4, "code": 8}
WORDS, CHARACTERS = 2**16, 2**17  # columns of the hashed features
FLOOR = 0.005  # share of neighbours that a division without any is given
LIMIT = 400  # characters read: the subject comes first, then sites, rules and conditions
LONG = 250  # characters from which a text is long
WORKS = 45
BARE = 10  # bare divisions, such as 45000000, rank high but do not help the user
CALIBRATED = 10  # codes of a text whose probabilities are calibrated together


@dataclass(frozen=True)
class Views:
    """The learnt arrays: a linear model over hashed features, and coded texts as neighbours."""

    divisions: list[str]
    columns: I64  # hashed columns that were seen
    rarity: F32  # inverse document frequency of each
    weights: F32  # (columns, divisions)
    bias: F32
    neighbours: F32  # (texts, kept dimensions), unit rows
    codes: I64  # the 8-digit code of each neighbour
    #: by digits: the different codes cut to so many, and which is each neighbour's
    kinds: dict[int, tuple[I64, I64]] = field(default_factory=dict, compare=False)

    def linear(self, texts: Sequence[str]) -> F64:
        """Scores (texts, divisions) of the linear model; the texts are normalised."""
        counts = hashed(texts)[:, self.columns]
        counts = unit_blocks(counts, self.rarity, int((self.columns < WORDS).sum()))
        scores: F64 = counts @ self.weights + self.bias
        return scores

    def likeness(self, vectors: F32) -> F32:
        """Cosines (texts, neighbours) of texts and the coded ones."""
        near = vectors[:, : self.neighbours.shape[1]]
        unit = near / np.maximum(np.linalg.norm(near, axis=1, keepdims=True), 1e-9)
        return np.asarray(unit @ self.neighbours.T, dtype=np.float32)

    def shares(self, likeness: F32, width: float, digits: int) -> tuple[I64, F64]:
        """Codes cut to some digits, and the share of neighbours of each, nearer ones counting more."""
        if digits not in self.kinds:
            self.kinds[digits] = np.unique(self.codes // 10 ** (8 - digits), return_inverse=True)
        kinds, number = self.kinds[digits]
        weight = np.exp((likeness - 1) / width)
        mass = np.zeros((len(likeness), len(kinds)))
        for row, weights in zip(mass, weight, strict=True):
            row += np.bincount(number, weights, len(kinds))
        return kinds, mass / mass.sum(axis=1, keepdims=True)


def hashed(texts: Sequence[str]) -> Any:
    """Counts of word pairs and of characters 3 to 5, hashed; sparse (texts, WORDS + CHARACTERS)."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import HashingVectorizer

    options: dict[str, Any] = {"alternate_sign": False, "norm": None, "lowercase": False, "dtype": np.float32}
    pattern = r"[a-z0-9]+"
    words = HashingVectorizer(token_pattern=pattern, ngram_range=(1, 2), n_features=WORDS, **options)
    characters = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), n_features=CHARACTERS, **options)
    return hstack([words.transform(texts), characters.transform(texts)]).tocsr()


def unit_blocks(counts: Any, rarity: F32, words: int) -> Any:
    """TF-IDF (1 + log count), words and characters each scaled to length 1."""
    counts = counts.tocsr(copy=True)
    counts.data = (1 + np.log(counts.data)) * rarity[counts.indices]
    block = 2 * np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr)) + (counts.indices >= words)
    lengths = np.sqrt(np.bincount(block, counts.data**2, 2 * counts.shape[0]))
    counts.data = (counts.data / np.maximum(lengths, 1e-9)[block]).astype(np.float32)
    return counts


@dataclass(frozen=True)
class Blend:
    """How the views are weighed, and by level the map from a raw probability to the share right (isotonic, held-out awards)."""

    linear: float
    near: float
    width: float
    narrow: float  # width of the kernel that shares out a division
    works: float  # subtracted from the score of works, which are over-represented in the history
    curves: dict[str, tuple[list[float], list[float]]]

    def divisions(self, views: Views, texts: Sequence[str], likeness: F32) -> F64:
        """Probabilities (texts, divisions) that sum to 1."""
        kinds, shares = views.shares(likeness, self.width, 2)
        column = {int(d): i for i, d in enumerate(views.divisions)}
        spread = np.zeros((len(texts), len(views.divisions)))
        spread[:, [column[int(k)] for k in kinds]] = shares
        scores = self.linear * views.linear(texts) + self.near * np.log(spread + FLOOR)
        scores[:, column[WORKS]] -= self.works
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        found: F64 = raised / raised.sum(axis=1, keepdims=True)
        return found

    def raw(self, views: Views, texts: Sequence[str], vectors: F32, level: str) -> tuple[I64, F64]:
        """Codes cut to the level's digits and their probabilities (texts, codes), not yet calibrated."""
        likeness = views.likeness(vectors)
        above = self.divisions(views, texts, likeness)
        digits = LEVELS[level]
        if digits == 2:
            return np.array([int(d) for d in views.divisions]), above
        kinds, shares = views.shares(likeness, self.narrow, digits)
        order = {int(d): i for i, d in enumerate(views.divisions)}
        parent = np.array([order[int(k) // 10 ** (digits - 2)] for k in kinds])
        sums = np.zeros_like(above)
        np.add.at(sums.T, parent, shares.T)
        return kinds, shares / np.maximum(sums[:, parent], 1e-300) * above[:, parent]


class Suggester:
    """The learnt views, and the blends for short and for long texts, with the encoder they were learnt with."""

    def __init__(self, encoder: static.StaticEncoder, views: Views, short: Blend, long: Blend) -> None:
        self.encoder, self.views, self.short, self.long = encoder, views, short, long

    def scored(self, texts: Sequence[str], level: str) -> tuple[I64, F64, F64]:
        """Codes cut to the level's digits, raw and calibrated probabilities (texts, codes); NaN without a known word."""
        heads = [text[:LIMIT] for text in texts]
        words = [self.encoder.normalise(head) for head in heads]
        vectors = self.encoder.encode(heads)
        long = np.array([len(head) >= LONG for head in heads], dtype=bool)
        kinds, raw, chances = np.zeros(0, np.int64), np.zeros((0, 0)), np.zeros((0, 0))
        for blend, chosen in ((self.short, ~long), (self.long, long)):
            if len(at := np.flatnonzero(chosen)):
                kinds, part = blend.raw(self.views, [words[i] for i in at], vectors[at], level)
                if not raw.size:
                    raw, chances = np.zeros((2, len(texts), len(kinds)))
                raw[at], chances[at] = part, np.interp(part, *blend.curves[level])
        silent = ~np.array([bool(has_words) for has_words in words], dtype=bool) | ~vectors.any(axis=1)
        raw[silent], chances[silent] = np.nan, np.nan
        return kinds, raw, chances

    def likeliest(self, texts: Sequence[str], k: int, level: str) -> list[list[tuple[str, float]]]:
        """For each text up to k (8 digits, chance), best first; none for a text without a known word."""
        kinds, raw, chances = self.scored(texts, level)
        listed: list[list[tuple[str, float]]] = []
        for row, chance in zip(raw, chances, strict=True):
            order = np.argsort(-row, kind="stable") if not np.isnan(row).any() else np.zeros(0, np.int64)
            best = order[:k]
            # the calibrated probabilities together are at most 1, whatever k
            stated = chance[best] / max(1.0, float(chance[order[:CALIBRATED]].sum()))
            codes = [str(kinds[i]).zfill(LEVELS[level]).ljust(8, "0") for i in best]
            listed.append([(code, float(p)) for code, p in zip(codes, stated, strict=True)])
        return listed

    def suggest(self, text: str, k: int = 5, level: Level = "class") -> list[tuple[str, str, float]]:
        """The k likeliest codes: (8 digits, label, probability), best first; below a division never a bare division."""
        if level not in LEVELS:
            raise BadInput(f"unknown level {level!r}: choose one of {', '.join(LEVELS)}")
        if not 1 <= k <= 100:
            raise BadInput(f"{k} codes cannot be given: ask for 1 to 100")
        (found,) = self.likeliest([text], k + BARE, level)
        if not found:
            raise BadInput("the text holds no known word: describe the need in a few French words")
        shown = [one for one in found if level == "division" or not one[0].endswith("000000")]
        return [(code, cpv_label(code), round(chance, 4)) for code, chance in shown[:k]]


def load(folder: Path | None = None, encoder: Path | None = None) -> Suggester:
    """What `matcher train cpv` wrote.  Raises BadInput when absent, StaleArtefact for another encoder."""
    folder, reader = folder or paths.model("cpv"), static.load(encoder)
    with model_arrays("cpv", folder) as arrays:
        saved = json.loads((folder / "cpv.json").read_text(encoding="utf-8"))
        views = unpack(saved["divisions"], arrays)
        short, long = (
            Blend(**{**part, "curves": {n: (x, y) for n, (x, y) in part["curves"].items()}})
            for part in (saved["short"], saved["long"])
        )
    if saved["encoder"] != reader.fingerprint:
        raise StaleArtefact(f"the CPV model in {folder} is of another encoder: run `matcher train cpv` again")
    return Suggester(reader, views, short, long)


@cache
def shipped() -> Suggester:
    """The shipped model, read once.  Raises as `load`."""
    return load()


def pack(views: Views) -> dict[str, Array]:
    """The arrays of a file: weights and neighbours in 8 bits, each row or column with its scale."""
    scale = np.abs(views.weights).max(axis=0) / 127
    return {
        "columns": views.columns.astype(np.int32),
        "rarity": views.rarity.astype(np.float16),
        "weights": np.round(views.weights / scale).astype(np.int8),
        "scale": scale.astype(np.float32),
        "bias": views.bias.astype(np.float32),
        "neighbours": np.round(views.neighbours * 127 / np.abs(views.neighbours).max()).astype(np.int8),
        "codes": views.codes.astype(np.int32),
    }


def unpack(divisions: list[str], arrays: dict[str, Array]) -> Views:
    """The views again; neighbours at length 1."""
    near = arrays["neighbours"].astype(np.float32)
    near /= np.maximum(np.linalg.norm(near, axis=1, keepdims=True), 1e-9)
    return Views(
        divisions=divisions,
        columns=arrays["columns"].astype(np.int64),
        rarity=arrays["rarity"].astype(np.float32),
        weights=arrays["weights"] * arrays["scale"],
        bias=arrays["bias"],
        neighbours=near,
        codes=arrays["codes"].astype(np.int64),
    )
