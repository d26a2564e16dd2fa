"""Reliability of the probabilities: later awards queried as of their date, predictions compared with outcomes.

Reliability in ten bins of equal size and the Brier score (Brier, 1950), as a skill score against the
base rate of the same cases.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from matcher import plugins
from matcher.domain import BadInput, NotFound
from matcher.lab import evaluation
from matcher.lab.evaluation import Question
from matcher.matching.engine import Matcher
from matcher.reference.arrays import F64, Mask
from matcher.reference.identifiers import clean_date

BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """A tenth of the predictions in increasing order: their number, mean, and observed rate."""

    count: int
    low: float
    high: float
    mean_predicted: float
    observed_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """Ten bins, the Brier score, the one of the base rate, and the skill: 1 is perfect, 0 no better than the rate."""

    bins: tuple[Bin, ...]
    brier: float
    base_rate: float
    base_brier: float

    @property
    def skill(self) -> float:
        return 1 - self.brier / self.base_brier if self.base_brier else float("nan")


def reliability(predicted: Sequence[float], observed: Sequence[bool]) -> Reliability:
    """Of probabilities and outcomes of one length.  Raises BadInput where there are none."""
    p, y = np.asarray(predicted, dtype=np.float64), np.asarray(observed, dtype=np.float64)
    if not len(p) or len(p) != len(y):
        raise BadInput("no probability to judge: give as many outcomes as probabilities, and at least one")
    order = np.argsort(p, kind="stable")
    bins = tuple(
        Bin(
            count=len(rows),
            low=float(p[rows].min()),
            high=float(p[rows].max()),
            mean_predicted=float(p[rows].mean()),
            observed_rate=float(y[rows].mean()),
        )
        for rows in np.array_split(order, min(BINS, len(p)))
    )
    rate = float(y.mean())
    return Reliability(
        bins=bins,
        brier=float(((p - y) ** 2).mean()),
        base_rate=rate,
        base_brier=float(((rate - y) ** 2).mean()),
    )


def later_awards(path: Path, most: int | None = None, seed: int = 0) -> list[tuple[Question, frozenset[str]]]:
    """Awards of a DECP file as questions without their winners, and the winners' SIRENs; `most` drawn at random.

    Raises NotFound without the file.
    """
    if not path.is_file():
        raise NotFound(f"no {path}: --data wants a folder with awards/development.json.gz")
    tender_of = plugins.find("reading.sources", "decp").tender_of
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        records: list[dict[str, Any]] = json.load(stream)["marches"]
    awards: list[tuple[Question, frozenset[str]]] = []
    for number, record in enumerate(records):
        holders = frozenset(str(each.get("id") or "")[:9] for each in record.get("titulaires") or ())
        notice = {
            key: value
            for key, value in record.items()
            if key not in ("titulaires", "montant", "offresRecues")
        }
        try:
            tender = tender_of(notice)
        except BadInput:
            continue
        day = clean_date(record.get("dateNotification"))
        awards.append((Question(id=str(record.get("uid") or number), tender=tender, day=day), holders))
    if most is not None and most < len(awards):
        chosen = np.sort(np.random.default_rng(seed).choice(len(awards), most, replace=False))
        awards = [awards[i] for i in chosen]
    return awards


def answered(
    matcher: Matcher, asked: Iterable[tuple[Question, frozenset[str]]], top: int = 10
) -> tuple[F64, Mask]:
    """The probabilities of the first `top` of each question and whether they won; both (questions, top), NaN where fewer."""
    predicted, observed = [], []
    for question, holders in asked:
        line = evaluation.ranked(matcher, question, top)["ranking"]
        filled = [float(p) for _, _, p in line] + [np.nan] * (top - len(line))
        predicted.append(filled)
        observed.append([siren in holders for siren, _, _ in line] + [False] * (top - len(line)))
    return np.array(predicted).reshape(-1, top), np.array(observed, dtype=bool).reshape(-1, top)
