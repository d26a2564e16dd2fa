"""Learn to recognise trades in structures' own texts (see `matcher.learned.offers`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from matcher.lab.training.texts import OURS, read_table
from matcher.lab.training.trades import BOTH, texts, trade_of
from matcher.learned.encoders import Encoder
from matcher.matching import trades

#: Phrases that structures write: few compared with the coded texts, hence weighted more.
OWN = 200.0
C, ROUNDS, UNSEEN = 0.2, 60, -10.0  # of the fit; the bias of a trade without a text

CARD = """# Trades in what structures write of themselves

A linear model on the vectors of `models/encoder` (multinomial logistic regression, {texts:,} texts, weights in eight bits): the
probability that a piece of a text says each trade of `data/reference/trades.csv`, or none. Learnt by `matcher train offers` from
texts written for this project alone: offers with CPV codes (`speech`, `choices`, `words`), and {own} phrases of structures
(`data/training/said.csv.gz`), of which {none} say no trade: purposes, clients, hours, opinions of oneself.

`python tests/bench/read_texts.py` prints how much of 60 invented texts is found, and how much is wrong, a third of them held out
while the reading was tuned. Their author had also written the phrases: expect less on texts of others.
"""


def train(encoder: Encoder, out: Path) -> Path:
    """Write offers.npz and its card into a folder."""
    from sklearn.linear_model import LogisticRegression

    names = (*trades.names(), "")
    coded = [
        (text, trade_of(code), weight)
        for text, code, weight, role in texts()
        if code and role in ("offer", BOTH)
    ]
    own = [(row["text"], row["trade"], OWN) for row in read_table(OURS / "said.csv.gz")]
    rows = coded + own
    vectors = encoder.encode([text for text, _, _ in rows], role="passage")
    model = LogisticRegression(C=C, max_iter=ROUNDS, tol=1e-3)
    model.fit(
        vectors, [names.index(name) for _, name, _ in rows], sample_weight=[weight for *_, weight in rows]
    )
    weights, bias = np.zeros((len(names), vectors.shape[1])), np.full(len(names), UNSEEN)
    weights[model.classes_], bias[model.classes_] = model.coef_, model.intercept_
    scale = np.maximum(np.abs(weights).max(axis=1), 1e-9) / 127
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        out / "offers.npz",
        encoder=np.array(encoder.fingerprint),
        names=np.array(names[:-1]),
        weights=np.round(weights / scale[:, None]).astype(np.int8),
        scale=scale.astype(np.float32),
        bias=bias.astype(np.float32),
    )
    none = sum(not name for _, name, _ in own)
    (out / "card.md").write_text(CARD.format(texts=len(rows), own=len(own), none=none), encoding="utf-8")
    return out / "offers.npz"
