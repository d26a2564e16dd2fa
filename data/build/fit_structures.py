"""The lines of the ranker that the history cannot teach, fitted on the SIAE development cases, leaving cases out.

    python data/build/fit_structures.py [--write]

Conditional logit (McFadden, 1973) with a ridge over all structures of each notice: place, activity code and whether it
tells a trade, kind and service type.  Each case is then ranked by weights fitted without it and without the other cases of
its winners; the same left-out scores give the logistic map to a chance of winning (Platt, 1999).  `--write` puts the rounded
weights into models/ranker/weighted.json and learned.json; the other signals keep theirs.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from matcher.console import progress
from matcher.lab import benchmark
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.reference import paths

TERMS = ("place", "trade", "trade known", "service")
RIDGE = 0.002
RANKERS = Path(__file__).parents[2] / "models" / "ranker"

Floats = NDArray[np.float64]
Case = tuple[
    Floats, NDArray[np.bool_], Floats
]  # terms (n, TERMS), winners (n,), what the other signals add (n,)


def collect(data: Path) -> tuple[list[Case], NDArray[Any]]:
    """The development cases, and the bidder of each structure."""
    asked, gold = benchmark.load(data, "siae")
    catalogue = benchmark.catalogue(data, "siae")
    matcher = Matcher(catalogue, recipes.named("default"), exhaustive=True)
    sirens = catalogue.of_structure("siren")
    cases = []
    for question in progress(asked, "measuring signals"):
        query = matcher.queries(question.tender, as_of=question.day)[0]
        ranking = matcher.rank(query)
        columns = ranking.shortlist.columns
        terms = np.column_stack([
            np.nan_to_num(columns["place"]), np.nan_to_num(columns["trade"]), ~np.isnan(columns["trade"]),
            np.nan_to_num(columns["service"]),
        ])  # fmt: skip
        fitted = ("place", "trade", "service")
        rest = ranking.scores - np.sum([ranking.contributions[name] for name in fitted], axis=0)
        cases.append((terms, np.isin(sirens, gold[question.id]), rest))
    return cases, catalogue.of_structure("bidder")


def fit(cases: list[Case]) -> Floats:
    """Weights (TERMS,); the other signals stand as they are."""

    def loss(weights: Floats) -> tuple[float, Floats]:
        value = RIDGE * len(cases) * float(weights @ weights)
        slope = 2 * RIDGE * len(cases) * weights
        for terms, won, rest in cases:
            scores = terms @ weights + rest
            top = scores.max()
            shares = np.exp(scores - top)
            right = shares[won]
            value -= float(np.log(right.sum()) - np.log(shares.sum()))
            slope = slope - right @ terms[won] / right.sum() + shares @ terms / shares.sum()
        return value, slope

    found = minimize(loss, np.zeros(len(TERMS)), jac=True, method="L-BFGS-B")
    return np.asarray(found.x, dtype=np.float64)


def left_out(cases: list[Case]) -> list[Floats]:
    """The scores of each case by weights fitted without it and without the other cases of its winners."""
    scores = []
    for terms, won, rest in progress(cases, "leaving cases out"):
        weights = fit([case for case in cases if not (case[1] & won).any()])
        scores.append(terms @ weights + rest)
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    cases, bidders = collect(paths.shared_dir() / "data")
    scores = left_out(cases)
    ranks, likelihood = [], []
    for values, (_, won, _) in zip(scores, cases, strict=True):
        ranks.append(1 + len(np.unique(bidders[values > values[won].max()])))
        shares = np.exp(values - values.max())
        likelihood.append(float(np.log(shares[won].sum() / shares.sum())))
    place = np.array(ranks)
    print(
        f"{len(cases)} cases, each left out: R@1 {(place <= 1).mean():.3f}, R@10 {(place <= 10).mean():.3f}, "
        f"R@50 {(place <= 50).mean():.3f}, log likelihood {np.mean(likelihood):.3f} a case"
    )
    weights = dict(zip(TERMS, fit(cases).tolist(), strict=True))
    print("weights: " + ", ".join(f"{name} {value:.2f}" for name, value in weights.items()))
    chance = calibrate(cases, scores)
    print(f"chance: slope {chance['slope']}, intercept {chance['intercept']}")
    if write:
        put(weights, chance)


def calibrate(cases: list[Case], scores: list[Floats]) -> dict[str, float]:
    """The logistic map over the first hundred of each left-out ranking; few cases, so the slope is held near 1."""
    from sklearn.linear_model import LogisticRegression

    tops = [np.argsort(-values)[:100] for values in scores]
    told = np.concatenate([values[top] for values, top in zip(scores, tops, strict=True)])
    won = np.concatenate([case[1][top] for case, top in zip(cases, tops, strict=True)])
    model = LogisticRegression(C=1e6).fit(told[:, None], won)
    return {"slope": round(float(model.coef_[0, 0]), 5), "intercept": round(float(model.intercept_[0]), 5)}


def put(weights: dict[str, float], chance: dict[str, float]) -> None:
    """Write the rounded weights into both ranker files."""
    why = "conditional logit on the SIAE development cases (data/build/fit_structures.py)"
    for name in ("weighted.json", "learned.json"):
        path = RANKERS / name
        held = json.loads(path.read_text(encoding="utf-8"))
        signals = held["signals"]
        signals["place"] |= {"weight": round(weights["place"], 1), "why": why}
        signals["service"] |= {"weight": round(weights["service"], 2), "why": why}
        signals["trade"] |= {
            "weight": round(weights["trade"], 2), "offset": round(weights["trade known"], 2), "missing": 0.0, "why": why,
        }  # fmt: skip
        held["probability"]["structure"] = chance
        path.write_text(json.dumps(held, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
