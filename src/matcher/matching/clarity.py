"""Does a free text state a need at all?  "Bonjour", the opening hours of a pool or a bare address do not.

A linear model of the text's vector, its words and a few measures of how clearly it is of a trade, fitted on needs and other
texts written for it (`matcher train judgement`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from matcher.learned import activities, wanted
from matcher.reference import paths
from matcher.reference.text import tokens

if TYPE_CHECKING:
    from matcher.domain import Lot

FILE = "clarity.npz"  # of models/judgement
SAYS = 0.5  # probability from which a text states a need
LONG = 6  # words; beyond, length adds nothing


@dataclass(frozen=True, slots=True)
class Clarity:
    """Probability that a text states a need: from its vector and words, and from its `measures`."""

    reader: wanted.Reader
    weights: NDArray[np.float32]

    def chance(self, text: str, vector: NDArray[np.float32], encoder: Any) -> float:
        z = self.reader.logits(vector[None, :], [text])[0, 0] + measures(text, vector, encoder) @ self.weights
        return float(1 / (1 + np.exp(-z)))


@cache
def clarity(folder: Path | None = None) -> Clarity:
    """The learnt model of models/judgement."""
    with np.load(paths.judgement_file(FILE, folder), allow_pickle=False) as held:
        return Clarity(wanted.learnt(FILE, folder), held["measures"].astype(np.float32))


def measures(text: str, vector: NDArray[np.float32], encoder: Any) -> NDArray[np.float64]:
    """How clearly a text is of a trade, how near to known activities, and how long; (5,)."""
    of_trades = wanted.reader().read(vector[None, :])[0]
    near = np.sort(activities.of(encoder).vectors @ vector)[-5:]
    length = min(len(tokens(text)), LONG) / LONG
    return np.array([of_trades.max(), of_trades.sum(), 4 * near[-1], 4 * near.mean(), length])


def says_need(lot: Lot, text: str, vector: NDArray[np.float32], encoder: Any) -> bool:
    """Does a text state a need; a lot with a code, a reservation or a clause always does."""
    if lot.cpv or lot.reservation is not None or lot.clauses:
        return True
    return clarity().chance(text, vector, encoder) >= SAYS
