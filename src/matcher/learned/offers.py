"""The trades that pieces of a text say are done, by a linear model on the encoder's vectors.

Learnt from texts of this project (`matcher train offers`): offers with their codes, and phrases that say a trade, or
that say none: purposes, clients, opening hours.  This distinguishes a purpose ("favoriser l'insertion") from a trade.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matcher.domain import BadInput, StaleArtefact
from matcher.learned import cpv
from matcher.reference import paths, trades

Floats = NDArray[np.float32]
#: The weight of the sentence around a piece: "freins" of a garage, or of a bicycle.
CONTEXT = 0.5
GOODS = 45  # CPV divisions below are goods


@dataclass(frozen=True, slots=True)
class Reader:
    """Weights (trades + 1, dimension) and biases; the last row stands for what says no trade."""

    encoder: str  # fingerprint of the encoder whose vectors it reads
    names: tuple[str, ...]
    weights: Floats
    bias: Floats

    def read(self, vectors: Floats) -> Floats:
        """Probabilities of each trade, summing to at most 1; shape (pieces, trades)."""
        z = vectors @ self.weights.T + self.bias
        z = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray((z / z.sum(axis=1, keepdims=True))[:, :-1], dtype=np.float32)


@cache
def shipped() -> Reader:
    """The model of models/offers.  Raises BadInput where there is none, StaleArtefact for another encoder."""
    found = load(paths.models_dir() / "offers")
    if found.encoder != cpv.shipped().encoder.fingerprint:
        raise StaleArtefact("the model of offers is of another encoder: run `matcher train offers` again")
    return found


def load(folder: Path) -> Reader:
    """The model in a folder."""
    try:
        with np.load(folder / "offers.npz", allow_pickle=False) as held:
            weights = held["weights"].astype(np.float32) * held["scale"][:, None]
            return Reader(
                str(held["encoder"]), tuple(map(str, held["names"])), weights, held["bias"].astype(np.float32)
            )
    except (OSError, KeyError, ValueError) as error:
        raise BadInput(
            f"no model of offers in {folder} ({error}): make one with `matcher train offers`"
        ) from None


def probabilities(pieces: Sequence[str], sentences: Sequence[str]) -> Floats:
    """Probability of each trade of `shipped().names` for each piece, read within its sentence; (pieces, trades)."""
    encode = cpv.shipped().encoder.encode
    numbers = {sentence: number for number, sentence in enumerate(dict.fromkeys(sentences))}
    around = encode(list(numbers), role="passage")[[numbers[sentence] for sentence in sentences]]
    mixed = encode(pieces, role="passage") + CONTEXT * around
    lengths = np.linalg.norm(mixed, axis=1, keepdims=True)
    return shipped().read(np.asarray(mixed / np.maximum(lengths, 1e-9), dtype=np.float32))


def goods(texts: Sequence[str]) -> NDArray[np.float64]:
    """Share of the CPV model's probability that lies in divisions of goods, by text; NaN without a known word."""
    kinds, raw, _ = cpv.shipped().scored(texts, "division")
    return np.asarray(raw[:, kinds < GOODS].sum(axis=1))


def label(name: str) -> str:
    """The trade in words."""
    return next(trade.label for trade in trades.trades() if trade.name == name)
