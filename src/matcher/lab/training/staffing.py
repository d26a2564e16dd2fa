"""Learn to tell needs of staff to be lent from needs of a service, works or goods (see `matcher.matching.demand.staffing`).

From texts of this project alone: `staff_texts.csv.gz`, and as needs of other kinds those of `choices.csv.gz`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from matcher.lab.training.texts import OURS, read_table
from matcher.lab.training.trades import bags, reader_arrays
from matcher.learned.encoders import Encoder
from matcher.matching import demand

OTHERS, WORTH = 4_000, 0.1  # needs of other kinds, and the weight of each, a labelled text being 1
PART = 3.0  # weight of the vector and of the words
C = 4.0  # inverse strength of the penalty


def texts(seed: int = 0) -> tuple[list[str], list[bool], list[float]]:
    """Texts, whether each asks for staff, and its weight."""
    rows = list(read_table(OURS / "staff_texts.csv.gz"))
    others = [
        row[name]
        for row in read_table(OURS / "choices.csv.gz")
        for name in ("need", "need2")
        if row["cpv"] and not row["cpv"].startswith(demand.STAFF_CPV)
    ]
    drawn = np.random.default_rng(seed).permutation(others)[:OTHERS].tolist()
    asked = [row["staff"] == "1" for row in rows] + [False] * len(drawn)
    return [row["text"] for row in rows] + drawn, asked, [1.0] * len(rows) + [WORTH] * len(drawn)


def needs_of_staff() -> list[str]:
    """The texts of this project that ask for staff."""
    return [row["text"] for row in read_table(OURS / "staff_texts.csv.gz") if row["staff"] == "1"]


def fit(encoder: Encoder) -> dict[str, Any]:
    """The arrays of staffing.npz."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import LogisticRegression

    given, asked, weight = texts()
    words, rarity = bags(given)
    vectors = encoder.encode(given, role="query")
    table = hstack([PART * csr_matrix(vectors), PART * words]).tocsr()
    model = LogisticRegression(C=C, max_iter=3000).fit(table, asked, weight)
    size = vectors.shape[1]
    return reader_arrays(PART * model.coef_[:, :size], PART * model.coef_[:, size:], model.intercept_, rarity)


def train(encoder: Encoder, out: Path) -> Path:
    """Write staffing.npz into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / "staffing.npz", **fit(encoder))
    return out / "staffing.npz"
