"""Does a free text state a need at all?  "Bonjour", the opening hours of a pool or a bare address do not.

A linear model of the text's vector and of a few features of its words, fitted on needs and other texts written for
it (`matcher train judgement`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from matcher.learned import activities, vocation
from matcher.matching import trades
from matcher.reference import needs, paths
from matcher.reference.text import fold, tokens

if TYPE_CHECKING:
    from matcher.domain import Lot

SAYS = 0.5  # probability from which a text states a need
LONG = 6  # words; beyond, length adds nothing
_ADDRESS = re.compile(
    r"\b(?:rue|avenue|av|bd|boulevard|place|impasse|allee|chemin|bp|cedex|route|quai|batiment|zone|residence)\b"
)


@dataclass(frozen=True, slots=True)
class Clarity:
    """Probability that a text states a need, from its `inputs`."""

    weights: NDArray[np.float64]
    bias: float

    def chance(self, row: NDArray[np.float64]) -> float:
        return float(1 / (1 + np.exp(-(row @ self.weights + self.bias))))


@cache
def clarity(folder: Path | None = None) -> Clarity:
    """The learnt model of models/judgement."""
    with np.load(paths.judgement_file("clarity.npz", folder), allow_pickle=False) as held:
        return Clarity(held["weights"].astype(np.float64), float(held["bias"]))


@cache
def _known() -> frozenset[str]:
    """Stems that occur in needs."""
    return frozenset(term for term in vocation.shipped().tables["words"].terms if " " not in term)


def inputs(lot: Lot, text: str, vector: NDArray[np.float32], encoder: Any) -> NDArray[np.float64]:
    """Features of the model: vector, similarity to known activities, trades named, and statistics of the words."""
    trade_weights = trades.reader().read(vector[None, :])[0]
    near = np.sort(activities.of(encoder).vectors @ vector)[-5:]
    stems = tokens(text)
    known = float(np.mean([stem in _known() for stem in stems])) if stems else 0.0
    facts = [
        trade_weights.max(), trade_weights.sum(), 4 * near[-1], 4 * near.mean(), bool(needs.asked(lot)), min(len(stems), LONG) / LONG, known,
        not stems, bool(_ADDRESS.search(fold(text))), vocation.shipped().probability(text),
        sum(map(str.isdigit, text)) / max(1, len(text)), "?" in text,
    ]  # fmt: skip
    return np.concatenate([2.0 * vector, np.asarray(facts, dtype=np.float64)])


def says_need(lot: Lot, text: str, vector: NDArray[np.float32], encoder: Any) -> bool:
    """Does a text state a need; a lot with a code, a reservation or a clause always does."""
    if lot.cpv or lot.reservation is not None or lot.clauses:
        return True
    return clarity().chance(inputs(lot, text, vector, encoder)) >= SAYS
