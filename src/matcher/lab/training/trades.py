"""Learn to read the trades of our taxonomy in a vector of the encoder (see `matcher.matching.trades.Reader`).

Two linear models, one of needs and one of what structures say of themselves, fitted on texts of this project alone: the
rows of `data/training` that hold a CPV code, and the labels of the CPV.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from matcher.lab.training.texts import OURS, read_table
from matcher.learned.encoders import Encoder
from matcher.matching import trades
from matcher.reference.paths import reference_dir
from matcher.reference.trades import trades_of_cpv

ROLES: Mapping[Literal["query", "passage"], str] = {
    "query": "need",
    "passage": "offer",
}  # of the encoder, and of our texts
BOTH = "both"
WORD, LABEL = 0.2, 0.3  # weights of a bare word and of a CPV label, a sentence being 1
C, ROUNDS, UNSEEN = 10.0, 60, -10.0  # of the fit; the bias of a trade without a text
SENTENCES = {"need": "need", "need2": "need", "right": "offer", "right2": "offer"}


@cache
def trade_of(code: str) -> str:
    """The trade of a CPV code: that of the taxonomy, else by the longest beginning in cpv_trades.csv; "" for none."""
    named = trades_of_cpv([code])
    if named:
        return next(iter(named))
    rows = trades.table("cpv_trades.csv")
    begun = [(len(row["prefix"]), row["trade"]) for row in rows if code.startswith(row["prefix"])]
    return max(begun, default=(0, ""))[1]


def texts() -> Iterator[tuple[str, str, float, str]]:
    """Text, CPV code, weight and role of everything learnt from."""
    for row in read_table(OURS / "speech.csv.gz"):
        yield row["text"], row["cpv"], 1.0, row["role"]
    for row in read_table(OURS / "words.csv.gz"):
        yield row["word"], row["cpv"], WORD, BOTH
    for name in ("choices", "choices_more"):
        for row in read_table(OURS / f"{name}.csv.gz"):
            for column, role in SENTENCES.items():
                yield row[column], row["cpv"], 1.0, role
    for row in read_table(reference_dir() / "cpv.csv"):
        yield row["label"], row["code"], LABEL, BOTH


def fit(encoder: Encoder) -> dict[str, Any]:
    """The arrays of trades.npz: weights in eight bits with a scale for each trade, and biases, of both roles."""
    from sklearn.linear_model import LogisticRegression

    names = (*trades.names(), "")
    known = [row for row in texts() if row[1]]
    arrays: dict[str, Any] = {}
    for side, role in ROLES.items():
        chosen = [row for row in known if row[3] in (role, BOTH)]
        vectors = encoder.encode([row[0] for row in chosen], role=side)
        right = np.array([names.index(trade_of(row[1])) for row in chosen])
        model = LogisticRegression(C=C, max_iter=ROUNDS, tol=1e-3)
        model.fit(vectors, right, sample_weight=[row[2] for row in chosen])
        weights, bias = np.zeros((len(names), vectors.shape[1])), np.full(len(names), UNSEEN)
        weights[model.classes_], bias[model.classes_] = model.coef_, model.intercept_
        scale = np.maximum(np.abs(weights).max(axis=1), 1e-9) / 127
        arrays |= {
            f"{side}_weights": np.round(weights / scale[:, None]).astype(np.int8),
            f"{side}_scale": scale.astype(np.float32), f"{side}_bias": bias.astype(np.float32),
        }  # fmt: skip
    return arrays


def train(encoder: Encoder, out: Path) -> Path:
    """Write trades.npz into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / "trades.npz", **fit(encoder))
    return out / "trades.npz"
