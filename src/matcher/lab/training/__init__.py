"""Training: weights learnt from past awards and from texts without winners, never from a query's answer.

One file for each thing that is learnt; `matcher train NAME` runs it.  Torch is imported inside functions only.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from matcher.reference.arrays import F32, F64, I8, Array

CARDS = Path(__file__).parent / "cards"


def write_card(out: Path, name: str, **values: Any) -> None:
    """The card of a model: cards/NAME.md with these values, as card.md of a folder."""
    text = (CARDS / f"{name}.md").read_text(encoding="utf-8")
    (out / "card.md").write_text(text.format(**values), encoding="utf-8")


def save(out: Path, name: str, arrays: Mapping[str, Any]) -> None:
    """Write NAME.npz into a folder, which is made where needed."""
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / f"{name}.npz", **arrays)


def hashed_rows(columns: Sequence[Array], width: int) -> Any:
    """A sparse table (texts, width) with a one in the columns of each text."""
    from scipy.sparse import csr_matrix

    ends = np.cumsum([0, *map(len, columns)])
    return csr_matrix((np.ones(ends[-1]), np.concatenate(columns), ends), shape=(len(columns), width))


def packed(weights: Array) -> tuple[I8, F32]:
    """Weights (outputs, inputs) in eight bits with a scale for each output."""
    scale = np.maximum(np.abs(weights).max(axis=1, initial=0.0), 1e-9) / 127
    return np.round(weights / scale[:, None]).astype(np.int8), scale.astype(np.float32)


def linear_arrays(
    name: str, dense: Array, words: Array, bias: Array, buckets: Array, rarity: Array
) -> dict[str, Array]:
    """The arrays of a `matcher.learned.asks.Linear`: weights of inputs (inputs, outputs) and of words (outputs, buckets)."""
    of_words, scale = packed(words)
    arrays: dict[str, Array] = {
        "dense": dense.astype(np.float16),
        "words": np.ascontiguousarray(of_words.T),
        "scale": scale,
    }
    arrays |= {"bias": bias.astype(np.float32), "rarity": rarity.astype(np.float16)}
    arrays["buckets"] = buckets.astype(np.uint16)
    return {f"{name}_{part}": array for part, array in arrays.items()}


def every_output(model: Any, outputs: int) -> tuple[F64, F64]:
    """Weights (outputs, inputs) and biases of a logistic regression; an output without a text is never likely."""
    weights, bias = np.zeros((outputs, model.coef_.shape[1])), np.full(outputs, -10.0)
    weights[model.classes_], bias[model.classes_] = model.coef_, model.intercept_
    return weights, bias


def platt(scores: F64, right: Any, weight: Any = None, strength: float = 1e6) -> tuple[float, float]:
    """Slope and intercept of the logistic map from score to the chance of being right (Platt, 1999)."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength).fit(scores[:, None], right, sample_weight=weight)
    return float(model.coef_[0, 0]), float(model.intercept_[0])
