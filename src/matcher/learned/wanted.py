"""The trades that a need asks for, as weights over one taxonomy (`data/reference/trades.csv`), read by a learnt model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matcher.reference import paths, trades
from matcher.reference.needs import GENERIC
from matcher.reference.text import fold, hashed

Floats = NDArray[np.float32]
READ_UP_TO = 400  # characters of a need, as in training
BUCKETS = 2**15  # of hashed words and word pairs
_WORD = re.compile(r"[a-z]{2,}")


def features(text: str) -> NDArray[np.int64]:
    """Hash buckets of the distinct words and adjacent word pairs of a text."""
    return np.array(hashed(_WORD.findall(fold(text[:READ_UP_TO])), BUCKETS), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Reader:
    """A linear model of a need's vector and its words, for trades or whether staff is asked (`demand.staffing`).

    For trades the last column is "no trade of the taxonomy".  A place name shifts the vector away from the trade: hence the
    words.  `words` (buckets, columns) holds the weights of buckets, `rarity` (buckets,) their idf.  What structures declare
    is read by `matcher.learned.offers.Reader`.
    """

    weights: Floats
    bias: Floats
    words: NDArray[np.int8]
    scale: Floats
    rarity: Floats

    def read(self, vectors: Floats, texts: Sequence[str] = ()) -> Floats:
        """Weights of each trade, summing to at most 1; shape (len(vectors), trades)."""
        z = self.logits(vectors, texts)
        z = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray((z / z.sum(axis=1, keepdims=True))[:, : len(trades.trades())], dtype=np.float32)

    def logits(self, vectors: Floats, texts: Sequence[str] = ()) -> Floats:
        """Linear scores of each column; shape (len(vectors), columns)."""
        z = np.asarray(vectors @ self.weights.T + self.bias, dtype=np.float32)
        for row, text in zip(z, texts, strict=False):
            row += self._of_words(text)
        return z

    def _of_words(self, text: str) -> Floats:
        found = features(text)
        rarity = self.rarity[found]
        shares = rarity / max(float(np.linalg.norm(rarity)), 1e-9)
        return np.asarray((shares @ self.words[found].astype(np.float32)) * self.scale, dtype=np.float32)


@cache
def reader(folder: Path | None = None) -> Reader:
    """The learnt model of trades of models/judgement."""
    return learnt("trades.npz", folder)


def learnt(file: str, folder: Path | None = None) -> Reader:
    """A model of a file of models/judgement."""
    with np.load(paths.judgement_file(file, folder), allow_pickle=False) as held:
        return Reader(
            held["weights"].astype(np.float32) * held["scale"][:, None], held["bias"].astype(np.float32),
            held["words"], held["words_scale"].astype(np.float32), held["rarity"].astype(np.float32),
        )  # fmt: skip


def found(texts: Sequence[str]) -> list[Mapping[str, float]]:
    """The weight of each trade in each text, by name; those that others supersede (`needs.GENERIC`) left out."""
    from matcher.learned import cpv

    read = reader().read(cpv.shipped().encoder.encode(texts, role="query"), texts)
    names = [trade.name for trade in trades.trades()]
    return [
        {name: float(weight) for name, weight in zip(names, row, strict=True) if name not in GENERIC}
        for row in read
    ]
