"""Known later answers, for the figures of a card: the winner of a notice, the code of an award.

Used after training, never learnt from.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from matcher.lab.evaluation import HISTORY
from matcher.lab.training.texts import read_awards
from matcher.reference.arrays import F32, F64
from matcher.reference.identifiers import clean_date
from matcher.reference.text import clean

WEIGHTS = (1.0, 0.5, 0.25)  # of a supplier's best three awards


def known(data: Path) -> bool:
    """True where the later notices and their winners lie in the folder."""
    return (data / "awards" / "suppliers_dev.qrels.json").is_file()


def coded(data: Path) -> list[tuple[str, str]]:
    """Objets and CPV codes of the later awards, or none where there is no such file."""
    path = data / "awards" / "development.json.gz"
    return [(a.objet, a.cpv) for a in read_awards(path) if a.cpv] if path.is_file() else []


class Cases:
    """Later notices and who won them; the awards of the history, one row a holder."""

    def __init__(self, data: Path) -> None:
        folder = data / "awards"
        awards = read_awards(data / HISTORY)
        rows = [(a.objet, s, a.notified) for a in awards for s in dict.fromkeys(a.suppliers)]
        self.texts = list(dict.fromkeys(t for t, _, _ in rows))
        place = {t: i for i, t in enumerate(self.texts)}
        self.text = np.array([place[t] for t, _, _ in rows])
        number = {s: i for i, s in enumerate(dict.fromkeys(s for _, s, _ in rows))}
        self.owner = np.array([number[s] for _, s, _ in rows])
        self.day = np.array([d.toordinal() for _, _, d in rows])
        lines = (folder / "suppliers_dev.queries.jsonl").read_text(encoding="utf-8").splitlines()
        queries = [json.loads(line) for line in lines]
        self.queries = [clean(q["notice"]["objet"]) for q in queries]
        days = [clean_date(q["notice"].get("dateNotification")) for q in queries]
        self.asked = np.array([d.toordinal() if d else 10**7 for d in days])
        answers = json.loads((folder / "suppliers_dev.qrels.json").read_text(encoding="utf-8"))["queries"]
        self.right = [{number.get(s, -1) for s in answers[q["query_id"]]} for q in queries]

    def measure(self, likeness: F32, weights: Sequence[float] = WEIGHTS) -> F64:
        """R@10, R@100, nDCG@10 of each query, from likenesses (queries, distinct texts)."""
        measures = np.zeros((len(self.queries), 3))
        for i, row in enumerate(likeness):
            rows = np.flatnonzero(self.day < self.asked[i])
            values = row[self.text[rows]]
            order = np.argsort(-values, kind="stable")[:4000]
            owners, values = self.owner[rows[order]], values[order]
            grouped = np.argsort(owners, kind="stable")
            sorted_owners = owners[grouped]
            first = np.concatenate([[True], sorted_owners[1:] != sorted_owners[:-1]])
            begins = np.maximum.accumulate(np.where(first, np.arange(len(first)), 0))
            nth = np.arange(len(first)) - begins
            kept = nth < len(weights)
            score = np.full(int(self.owner.max()) + 1, -np.inf)
            score[sorted_owners[kept]] = 0
            np.add.at(score, sorted_owners[kept], values[grouped][kept] * np.array(weights)[nth[kept]])
            best = np.argsort(-score, kind="stable")[:100]
            hits = np.flatnonzero(np.isin(best, list(self.right[i])))
            total = len(self.right[i])
            ideal = sum(1 / np.log2(j + 2) for j in range(min(10, total)))
            gain = sum(1 / np.log2(h + 2) for h in hits if h < 10) / ideal
            measures[i] = (hits < 10).sum() / total, len(hits) / total, gain
        return measures
