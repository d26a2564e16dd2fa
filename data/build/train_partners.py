"""Learn from past groups how much the past of two bidders tells of a third contract together.

usage: python data/build/train_partners.py HISTORY.json.gz [RECIPE]

It prints the figures of `matcher.partners.partners.AFFINITIES`.  A conditional logit (McFadden, 1974) over the suppliers known on the day of each award with 2 to 4 holders:
given the notice and one holder, how likely is each supplier to be another holder.  Weights of the columns
of `affinities` are kept from falling below zero, so that every column can be shown as a reason.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from matcher import plugins
from matcher.domain import Award, BadInput, Recipe, Rejected, Tender
from matcher.lab import evaluation
from matcher.lab.training import platt
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.partners.partners import COLUMNS, affinities
from matcher.reading import files
from matcher.reference.arrays import F64, Mask

MOST_HOLDERS = 4  # more are frameworks
L2 = 1.0  # ridge, in units of one query
HARD, DRAWN = 400, 300  # candidates kept of each query: the best by score, and others drawn


@dataclass(frozen=True, slots=True)
class Case:
    """One query: columns (candidates, 1 + COLUMNS), which candidates are right, their sampling weights."""

    day: date
    columns: F64
    right: Mask
    weight: F64


def cases(matcher: Matcher, awards: Iterable[Award], tenders: Callable[[Award], Tender | None]) -> list[Case]:
    """A case for each holder of each award with several, as of its day, over suppliers already known then."""
    catalogue = matcher.catalogue
    siren = catalogue.of_structure("siren")
    place = {str(s): row for row, s in enumerate(siren)}
    rng = np.random.default_rng(0)
    examples: list[Case] = []
    for award in awards:
        holders = sorted({h.siren for h in award.holders if h.id} & place.keys())
        tender = tenders(award) if 2 <= len(holders) <= MOST_HOLDERS else None
        if tender is None:
            continue
        day = award.notified or evaluation.UNDATED
        rankings = [matcher.rank(query) for query in matcher.queries(tender, as_of=day)]
        base = np.max([r.scores for r in rankings], axis=0)
        rows = rankings[0].shortlist.candidates
        known = rankings[0].shortlist.count(rankings[0].shortlist.known("award")) > 0
        for member in holders:
            affinity = affinities(catalogue, member, day)
            table = np.stack([base, *(affinity[name][rows] for name in COLUMNS)], axis=1)
            partners = [place[h] for h in holders if h != member]
            right = np.isin(rows, partners)
            able = known & (rows != place[member])
            if not (right & able).any():
                continue  # nobody could have known them
            hard = able & (base >= np.partition(base[able], -min(HARD, able.sum()))[-min(HARD, able.sum())])
            sure = able & (hard | right | (table[:, 1 + COLUMNS.index("together")] > 0))
            rest = np.flatnonzero(able & ~sure)
            drawn = rng.choice(rest, min(DRAWN, len(rest)), replace=False)
            kept = np.r_[np.flatnonzero(sure), drawn]
            weight = np.r_[np.ones(sure.sum()), np.full(len(drawn), len(rest) / max(len(drawn), 1))]
            examples.append(Case(day, table[kept], right[kept], weight))
    return examples


def fit(examples: Sequence[Case], l2: float = L2) -> F64:
    """Weights, all at least 0, that make the partners that were most likely among the candidates."""

    def loss(weights: F64) -> tuple[float, F64]:
        value, slope = l2 * float(weights @ weights), 2 * l2 * weights
        for case in examples:
            scores = case.columns @ weights
            top = scores.max()
            shares = case.weight * np.exp(scores - top)
            whole = shares.sum()
            value -= float((scores[case.right] - top - np.log(whole)).mean())
            slope = slope - case.columns[case.right].mean(axis=0) + (shares / whole) @ case.columns
        return value / len(examples), slope / len(examples)

    start = np.eye(1 + len(COLUMNS))[0]
    bounds = [(0.0, None)] * len(start)
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def calibrate(examples: Sequence[Case], weights: F64) -> tuple[float, float]:
    """Slope and intercept from score to the chance of being right."""
    scores = np.concatenate([case.columns @ weights for case in examples])
    right = np.concatenate([case.right for case in examples])
    return platt(scores, right, np.concatenate([case.weight for case in examples]))


def recall(examples: Sequence[Case], weights: F64) -> list[float]:
    """R@10 of each case among its kept candidates."""
    shares = []
    for case in examples:
        top = np.argsort(-(case.columns @ weights), kind="stable")[:10]
        shares.append(float(case.right[top].sum() / case.right.sum()))
    return shares


def train(history: Sequence[Path], recipe: Recipe) -> dict[str, Any]:
    """Fit on the history; returns the weights, with figures of a time split.

    Raises BadInput where the history holds too few groups to learn from.
    """
    rejected: list[Rejected] = []
    matcher = Matcher(evaluation.catalogue_of(history, None, recipe, rejected), recipe)
    awards = [a for a in files.read([Path(p) for p in history], source="decp") if isinstance(a, Award)]
    examples = cases(matcher, awards, _tender_of)
    if len(examples) < 40:
        raise BadInput(
            f"only {len(examples)} cases of a group whose members were known: give a longer history"
        )
    examples.sort(key=lambda case: case.day)
    cut = examples[len(examples) // 2].day
    early, late = [c for c in examples if c.day < cut], [c for c in examples if c.day >= cut]
    split = fit(early)
    alone = np.zeros(1 + len(COLUMNS))
    alone[0] = 1.0
    difference = evaluation.paired(recall(late, split), recall(late, alone))
    weights = fit(examples)
    slope, intercept = calibrate(examples, weights)
    return {
        "base": round(float(weights[0]), 4),
        "affinity": {name: round(float(w), 4) for name, w in zip(COLUMNS, weights[1:], strict=True)},
        "slope": round(slope, 4),
        "intercept": round(intercept, 4),
        "learnt": {
            "cases": len(examples),
            "ranker": matcher.ranker.fingerprint,
            "history": hashlib.sha256(b"".join(Path(p).read_bytes() for p in history)).hexdigest()[:16],
            "split": str(cut),
            "late R@10, score alone": round(float(np.mean(recall(late, alone))), 4),
            "late R@10, with the past of both": round(float(np.mean(recall(late, split))), 4),
            "difference and its 95 % interval": [round(x, 4) for x in difference],
        },
    }


def _tender_of(award: Award) -> Tender | None:
    """The award as the notice it answered: without winners or amount."""
    record = {
        "uid": award.uid,
        "objet": award.title,
        "codeCPV": award.cpv,
        "acheteur": {"id": award.buyer.id, "nom": award.buyer.name},
        "dateNotification": award.notified.isoformat() if award.notified else None,
    }
    if award.place.department:
        record["lieuExecution"] = {"code": award.place.department, "typeCode": "Code département"}
    try:
        tender: Tender = plugins.find("reading.sources", "decp").tender_of(record)
        return tender
    except BadInput:
        return None


def main(history: str, recipe: str = "default") -> None:
    print(json.dumps(train([Path(history)], recipes.named(recipe)), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
