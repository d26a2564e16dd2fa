"""Reliability of the probabilities: later awards queried as of their date, predictions compared with outcomes.

Reliability in ten bins of equal size and the Brier score (Brier, 1950), as a skill score against the
base rate of the same cases.
"""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from matcher.domain import BadInput, NotFound
from matcher.lab import evaluation
from matcher.lab.evaluation import Question
from matcher.lab.training.texts import opened
from matcher.matching.engine import Matcher
from matcher.reference.arrays import F64, Mask

BINS = 10


def bins(predicted: Sequence[float], observed: Sequence[bool]) -> list[dict[str, float]]:
    """Tenths of the predictions in increasing order: their number, bounds, mean, and observed rate."""
    p, y = np.asarray(predicted, dtype=np.float64), np.asarray(observed, dtype=np.float64)
    return [
        {"count": len(rows), "from": p[rows].min(), "to": p[rows].max()}
        | {"mean_predicted": p[rows].mean(), "observed_rate": y[rows].mean()}
        for rows in np.array_split(np.argsort(p, kind="stable"), min(BINS, len(p)))
    ]


def brier(predicted: Sequence[float], observed: Sequence[bool]) -> dict[str, float]:
    """The Brier score, the observed rate and its score, and the skill: 1 is perfect, 0 no better than the rate.

    Raises BadInput where there are no probabilities, or not as many outcomes.
    """
    p, y = np.asarray(predicted, dtype=np.float64), np.asarray(observed, dtype=np.float64)
    if not len(p) or len(p) != len(y):
        raise BadInput("no probability to judge: give as many outcomes as probabilities, and at least one")
    score, rate = float(((p - y) ** 2).mean()), float(y.mean())
    base = rate * (1 - rate)
    return {"brier": score, "rate": rate, "base": base, "skill": 1 - score / base if base else float("nan")}


def later_awards(path: Path, most: int | None = None) -> list[tuple[Question, frozenset[str]]]:
    """Awards of a DECP file as questions without their winners, and the winners' SIRENs; `most` drawn at random.

    Raises NotFound without the file.
    """
    if not path.is_file():
        raise NotFound(f"no {path}: --data wants a folder with awards/development.json.gz")
    awards: list[tuple[Question, frozenset[str]]] = []
    try:
        with opened(path) as stream:
            records = list(json.load(stream)["marches"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} is not a DECP file ({error}): give a JSON object with `marches`") from None
    for number, record in enumerate(records):
        holders = frozenset(str(each.get("id") or "")[:9] for each in record.get("titulaires") or ())
        with suppress(BadInput):
            question = evaluation.question_of(str(record.get("uid") or number), record)
            awards.append((question, holders))
    if most is not None and most < len(awards):
        chosen = np.sort(np.random.default_rng(0).choice(len(awards), most, replace=False))
        awards = [awards[i] for i in chosen]
    return awards


def answered(
    matcher: Matcher, asked: Iterable[tuple[Question, frozenset[str]]], top: int = 10
) -> tuple[F64, Mask]:
    """The probabilities of the first `top` of each question and whether they won; both (questions, top), NaN where fewer."""
    predicted, observed = [], []
    for question, holders in asked:
        line = evaluation.ranked(matcher, question, top)["ranking"]
        predicted.append([float(p) for _, _, p in line] + [np.nan] * (top - len(line)))
        observed.append([siren in holders for siren, _, _ in line] + [False] * (top - len(line)))
    return np.array(predicted).reshape(-1, top), np.array(observed, dtype=bool).reshape(-1, top)
