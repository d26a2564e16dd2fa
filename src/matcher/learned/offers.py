"""What a text says that its structure offers, by three small models learnt from texts of this project (`matcher train offers`).

The first reads the trade of each part of the text.  The second tells parts that state an offer from purposes, clients,
history, news, vacancies and menus, which name trades too.  The third tells from both which trades the text offers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from matcher.domain import StaleArtefact
from matcher.learned import cpv
from matcher.learned.encoders import in_context
from matcher.reference import trades
from matcher.reference.arrays import F32, F64, I64, model_arrays
from matcher.reference.text import fold, hashed

#: The weight of the sentence around a piece: "freins" of a garage, or of a bicycle.
CONTEXT = 0.5
GOODS = 45  # CPV divisions below are goods
BUCKETS = 2**13  # of hashed words and word pairs
READ_UP_TO = 400  # characters of a sentence
CLEAREST = 6  # parts of a text that count for a trade
#: What tells whether a text offers a trade, each from parts weighted by their chance to state an offer.
SIGNS = (
    "log-odds that one of the clearest parts names it",
    "its clearest heading",
    "its share of all trades named",
)
_WORD = re.compile(r"[a-z]{2,}|\d+")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_SEPARATOR = re.compile(r"[|/•>·–—-]|\s{2,}")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text that may name an activity: read by `words`, shown as `title` ("" if only evidence)."""

    words: str
    sentence: str
    title: str
    passage: str
    under: int  # the line of the heading it stands under, -1 for none
    shape: Literal["heading", "bullet", "sentence"]
    heading: str = ""

    @property
    def context(self) -> str:
        """The sentence, after the heading that it stands under."""
        return f"{self.heading}. {self.sentence}" if self.heading else self.sentence


@dataclass(frozen=True, slots=True)
class Reader:
    """Weights (trades + 1, dimension) and biases; the last row stands for what says no trade."""

    encoder: str  # fingerprint of the encoder whose vectors it reads
    names: tuple[str, ...]
    weights: F32
    bias: F32

    def read(self, vectors: F32) -> F32:
        """Probabilities of each trade, summing to at most 1; shape (pieces, trades)."""
        z = vectors @ self.weights.T + self.bias
        z = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray((z / z.sum(axis=1, keepdims=True))[:, :-1], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Stance:
    """Does a part state an offer?  Linear in its form (`form`) and in hashed words of its sentence and its heading."""

    form: F32
    sentence: F32  # (BUCKETS,)
    heading: F32
    bias: float

    def chances(self, parts: Sequence[Part], trade_chances: F32) -> F32:
        """Chance that each part states an offer; (parts,)."""
        z = form(parts, trade_chances) @ self.form + self.bias
        for i, part in enumerate(parts):
            for words, weights in ((part.sentence, self.sentence), (part.heading, self.heading)):
                found = buckets(words)
                z[i] += weights[found].sum() / max(np.sqrt(len(found)), 1.0)
        return np.asarray(1 / (1 + np.exp(-z)), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Model:
    """The three models; `signs` and `sign_bias` are the weights of SIGNS."""

    reader: Reader
    stance: Stance
    signs: F32
    sign_bias: float

    def offered(self, weighted: F32, parts: Sequence[Part]) -> F32:
        """Chance that the text offers each trade, from the first of `read`; (trades,)."""
        z = signs(weighted, parts) @ self.signs + self.sign_bias
        return np.asarray(1 / (1 + np.exp(-z)), dtype=np.float32)


def read(parts: Sequence[Part]) -> tuple[tuple[str, ...], F32, F32]:
    """Trades, chances that each part names one as an offer (parts, trades), and that the text offers it (trades,)."""
    model = shipped()
    chances = model.reader.read(mixed(parts))
    weighted = chances * model.stance.chances(parts, chances)[:, None]
    return model.reader.names, weighted, model.offered(weighted, parts)


def mixed(parts: Sequence[Part]) -> F32:
    """The vector of each part, mixed with that of its context; unit rows (parts, dimension)."""
    words, contexts = [part.words for part in parts], [part.context for part in parts]
    return np.concatenate([*in_context(cpv.shipped().encoder, words, contexts, CONTEXT)])


def buckets(text: str) -> I64:
    """Hash buckets of the distinct words and word pairs of a text, numbers alike."""
    words = ["#" if word.isdigit() else word for word in _WORD.findall(fold(text[:READ_UP_TO]))]
    return np.array(hashed(words, BUCKETS), dtype=np.int64)


def form(parts: Sequence[Part], chances: F32) -> F32:
    """How each part is written and how clearly it names trades; (parts, 17)."""
    first, total = np.sort(chances, axis=1)[:, -2:], chances.sum(axis=1)
    return np.column_stack([[_written(part) for part in parts], first, total]).astype(np.float32)


def _written(part: Part) -> list[float]:
    sentence = part.sentence[:READ_UP_TO]
    words = sentence.split()
    capitals = sum(word[:1].isupper() for word in words) / max(1, len(words))
    return [
        part.shape == "heading",
        part.shape == "bullet",
        part.shape == "sentence",
        bool(part.heading),
        any(map(str.isdigit, sentence)),
        bool(_YEAR.search(sentence)),
        "?" in sentence,
        "!" in sentence,
        min(len(words), 30) / 30,
        min(len(part.words.split()), 10) / 10,
        min(len(_SEPARATOR.findall(sentence)), 6) / 6,
        capitals,
        sentence.isupper(),
        sentence.rstrip().endswith((".", "!")),
    ]


def signs(weighted: F32, parts: Sequence[Part]) -> F32:
    """SIGNS of each trade; (trades, 3)."""
    clearest = np.sort(weighted, axis=0)[::-1][:CLEAREST]
    some = np.clip(1 - np.prod(1 - clearest, axis=0), 1e-3, 1 - 1e-3)
    headings = np.array([part.shape == "heading" for part in parts])
    clearest_heading = (weighted * headings[:, None]).max(axis=0, initial=0.0)
    share = weighted.sum(axis=0) / max(float(weighted.sum()), 1e-6)
    return np.column_stack([np.log(some / (1 - some)), clearest_heading, share]).astype(np.float32)


@cache
def shipped() -> Model:
    """The models of models/offers.  Raises BadInput where there are none, StaleArtefact for another encoder."""
    with model_arrays("offers") as arrays:
        weights = arrays["weights"].astype(np.float32) * arrays["scale"][:, None]
        listed, bias = tuple(map(str, arrays["names"])), arrays["bias"].astype(np.float32)
        reader = Reader(str(arrays["encoder"]), listed, weights, bias)
        sentence, heading = arrays["stance_words"].astype(np.float32) * arrays["stance_scale"][:, None]
        stance = Stance(arrays["stance_form"], sentence, heading, float(arrays["stance_bias"]))
        model = Model(reader, stance, arrays["signs"], float(arrays["sign_bias"]))
    if reader.encoder != cpv.shipped().encoder.fingerprint:
        raise StaleArtefact("the model of offers is of another encoder: run `matcher train offers` again")
    return model


def goods(texts: Sequence[str]) -> F64:
    """Share of the CPV model's probability that lies in divisions of goods, by text; NaN without a known word."""
    kinds, raw, _ = cpv.shipped().scored(texts, "division")
    return np.asarray(raw[:, kinds < GOODS].sum(axis=1))


def label(name: str) -> str:
    """The trade in words."""
    return next(trade.label for trade in trades.trades() if trade.name == name)
