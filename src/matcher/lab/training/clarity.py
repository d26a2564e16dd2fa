"""Learn to distinguish a need from any other text (see `matcher.matching.clarity`), from texts of this project alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.domain import Lot
from matcher.lab.training.texts import OURS, read_table
from matcher.learned.encoders import Encoder
from matcher.matching import clarity

DRAWN = 3_000  # needs, and words of trades, that are learnt from
WORTH = 5.0  # of a text that is no need, since there are few


def texts(seed: int = 0) -> tuple[list[str], list[str]]:
    """Needs, and texts that are none."""
    rng = np.random.default_rng(seed)
    written = [row[name] for row in read_table(OURS / "choices.csv.gz") for name in ("need", "need2")]
    words = [row["word"] for row in read_table(OURS / "words.csv.gz")]
    others = [
        row["text"] for name in ("ess_needs", "staff_texts") for row in read_table(OURS / f"{name}.csv.gz")
    ]
    others += [row["text"] for row in read_table(OURS / "speech.csv.gz") if row["role"] == "need"][:DRAWN]
    drawn = [text for sort in (written, words) for text in rng.permutation(sort)[:DRAWN].tolist()]
    return [*drawn, *others], [row["text"] for row in read_table(OURS / "not_needs.csv.gz")]


def table(encoder: Encoder, given: Sequence[str]) -> NDArray[np.float64]:
    """`clarity.inputs` of each text."""
    vectors = encoder.encode(given, role="query")
    lots = [Lot(id="text", title=text[:120]) for text in given]
    return np.array(
        [clarity.inputs(lot, text, v, encoder) for lot, text, v in zip(lots, given, vectors, strict=True)]
    )


def fit(rows: NDArray[np.float64], need: NDArray[np.bool_]) -> dict[str, Any]:
    """The arrays of clarity.npz."""
    from sklearn.linear_model import LogisticRegression

    weight = np.where(need, 1.0, WORTH)
    model = LogisticRegression(C=1.0, max_iter=2000).fit(rows, need, weight)
    return {"weights": model.coef_[0].astype(np.float32), "bias": np.float32(model.intercept_[0])}


def crossed(
    rows: NDArray[np.float64], need: NDArray[np.bool_], folds: int = 5, seed: int = 0
) -> NDArray[np.float64]:
    """The chance of each text by a model that did not see it."""
    part = np.random.default_rng(seed).permutation(len(need)) % folds
    chances = np.zeros(len(need))
    for fold in range(folds):
        held = fit(rows[part != fold], need[part != fold])
        model = clarity.Clarity(held["weights"].astype(np.float64), float(held["bias"]))
        chances[part == fold] = [model.chance(row) for row in rows[part == fold]]
    return chances


def train(encoder: Encoder, out: Path) -> dict[str, float]:
    """Write clarity.npz into a folder; returns how many needs, and how many other texts, are read rightly."""
    needs, others = texts()
    rows = table(encoder, [*needs, *others])
    need = np.arange(len(rows)) < len(needs)
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / "clarity.npz", **fit(rows, need))
    right = crossed(rows, need) >= clarity.SAYS
    return {"needs": float(right[need].mean()), "other texts": float(1 - right[~need].mean())}
