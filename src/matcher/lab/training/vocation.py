"""Learn from our own texts which trades structures of insertion offer (see `matcher.learned.vocation`)."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from matcher.console import say
from matcher.domain import BadInput
from matcher.lab.training.texts import opened, read_table
from matcher.learned.vocation import ANALYSERS, FILE, RARITY, WEIGHT

STRENGTH = 10.0  # inverse of the ridge, chosen by cross-validation on our own needs
FLOOR = 0.5
#: How much a text of speech.csv.gz weighs compared with a need: its label is that of its trade, not its own.
SPOKEN = {"need": 0.5, "offer": 0.25}


def train(needs: Path, out: Path) -> Path:
    """Write weights.npz and card.md from a CSV with columns text, served (0 or 1), and speech.csv.gz in the same folder.

    Raises BadInput where there are not needs of both kinds.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    with opened(needs) as file:
        rows = [
            (row["text"], int(row["served"]))
            for row in csv.DictReader(file)
            if row.get("served") in ("0", "1")
        ]
    if len({served for _, served in rows}) < 2:
        raise BadInput(f"{needs} needs rows of both kinds, served 1 and served 0, in columns text, served")
    spoken = [
        (row["text"], int(row["served"]), SPOKEN[row["role"]])
        for row in read_table(needs.parent / "speech.csv.gz")
        if row["served"]
    ]
    texts = [text for text, _ in rows] + [text for text, _, _ in spoken]
    served = np.array([s for _, s in rows] + [s for _, s, _ in spoken])
    weight = np.array([1.0] * len(rows) + [w for _, _, w in spoken])
    from scipy.sparse import hstack

    vectorizers = {
        name: TfidfVectorizer(analyzer=analyser, sublinear_tf=True, min_df=1 if name == "words" else 2).fit(
            texts
        )
        for name, analyser in ANALYSERS.items()
    }
    matrix = hstack([v.transform(texts) for v in vectorizers.values()]).tocsr()
    model = LogisticRegression(C=STRENGTH, max_iter=2000)
    right = np.zeros(
        len(rows), dtype=bool
    )  # only needs are judged; those of speech.csv.gz always help to learn
    fold = np.random.default_rng(0).permutation(len(rows)) % 5
    for part in range(5):
        learnt = np.concatenate([fold != part, np.ones(len(spoken), dtype=bool)])
        model.fit(matrix[learnt], served[learnt], sample_weight=weight[learnt])
        asked = np.flatnonzero(fold == part)
        right[asked] = (model.predict_proba(matrix[asked])[:, 1] >= FLOOR) == served[asked].astype(bool)
    model.fit(matrix, served, sample_weight=weight)
    weights = model.coef_[0]
    held: dict[str, Any] = {"intercept": round(float(model.intercept_[0]), 5), "floor": FLOOR}
    size = 0
    for name, vectorizer in vectorizers.items():
        names = vectorizer.get_feature_names_out()
        part = weights[size : size + len(names)]
        size += len(names)
        held[name] = np.frombuffer("\n".join(names).encode(), dtype=np.uint8)
        held[f"{name}_rarity"] = np.rint(vectorizer.idf_ * RARITY).astype(np.uint16)
        held[f"{name}_weight"] = np.rint(part * WEIGHT).astype(np.int32)
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / FILE, **held)
    accuracy = {
        kind: float(right[served[: len(rows)] == value].mean())
        for kind, value in (("served", 1), ("not served", 0))
    }
    say(
        f"five folds, floor {FLOOR}: served {accuracy['served']:.3f}, not served {accuracy['not served']:.3f} right"
    )
    (out / "card.md").write_text(CARD.format(
        date=date.today().isoformat(), rows=len(rows), yes=int(served[: len(rows)].sum()), spoken=len(spoken), floor=FLOOR, strength=STRENGTH,
        served=accuracy["served"], unserved=accuracy["not served"], size=size,
    ), encoding="utf-8")  # fmt: skip
    return out


CARD = """# Vocation

Tells from the words of a need whether structures of insertion and disability offer such a thing at all; it is
the floor behind "aucune structure adaptée".

- Made {date} by `matcher train vocation` from `data/training/ess_needs.csv.gz`: {rows} needs of our own writing,
  {yes} of them served, and {spoken} texts of `speech.csv.gz` whose trade we judged. No award, notice or structure was read.
- Logistic regression (C = {strength:g}) on TF-IDF of stems, pairs of stems and runs of 3 to 5 letters,
  {size} terms; probability floor {floor}.
- Five folds over the same needs (neighbouring trades apart by chance only): served {served:.3f} right, not served
  {unserved:.3f} right. `pytest tests/matching/test_abstention.py -s` prints the figures on needs by another hand.
- Not for: judging a structure, or a need in another language. Licence Apache-2.0.
"""
