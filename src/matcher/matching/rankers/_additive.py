"""The additive score that both rankers share: for each signal a line, a monotone staircase, or both.

The file is JSON: `signals` maps a signal to `weight` and `offset` (a line), `knots` and `values` (a
staircase: values[j] above knots[j - 1]), or both, with `missing`, what an unknown value adds, and `why`, where the
figures come from; `probability` maps a regime to the `slope` and `intercept` of a logistic map of the score.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from matcher.domain import BadInput, NotFound
from matcher.matching.shortlist import Column, Shortlist
from matcher.reference import paths


class AdditiveRanker:
    """score = sum over signals of its line or staircase at the value, or of `missing` where it is unknown."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self._signals: dict[str, Mapping[str, Any]] = dict(data["signals"])
        self._probability: Mapping[str, Mapping[str, float]] = data.get("probability", {})
        self.fingerprint = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:12]
        self._steps = {name: steps(spec) for name, spec in self._signals.items()}
        for name, spec in self._signals.items():
            if "knots" in spec and len(spec.get("values", ())) != len(spec["knots"]) + 1:
                raise KeyError(f"{name} wants one value more than knots")
            if "knots" not in spec and "weight" not in spec:
                raise KeyError(f"{name} has neither a weight nor knots")

    @property
    def signals(self) -> tuple[str, ...]:
        return tuple(self._signals)

    def contributions(self, shortlist: Shortlist) -> dict[str, Column]:
        return {
            name: contribution(spec, shortlist.columns[name], self._steps[name])
            for name, spec in self._signals.items()
        }

    def probability(self, scores: Column, regime: str = "structure") -> Column:
        calibration = self._probability.get(regime, {"slope": 1.0, "intercept": 0.0})
        z = calibration["slope"] * scores + calibration["intercept"]
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(z, -500, 500))), dtype=np.float64)


Steps = tuple[Column, Column]


def steps(spec: Mapping[str, Any]) -> Steps | None:
    """The knots and values of a staircase, None where there is none."""
    if "knots" not in spec:
        return None
    return np.asarray(spec["knots"], dtype=np.float64), np.asarray(spec["values"], dtype=np.float64)


def contribution(spec: Mapping[str, Any], values: Column, stairs: Steps | None = None) -> Column:
    """What a signal's line and staircase add for each value; its `missing` where the value is NaN; shape (n,).

    `stairs` are the steps of `spec`, where they are at hand.
    """
    added = np.full(values.shape, spec.get("missing", 0.0), dtype=np.float64)
    known = np.flatnonzero(values == values)
    if not len(known):
        return added
    told = values[known]
    line = spec.get("weight", 0.0) * told + spec.get("offset", 0.0)
    if stairs := stairs or steps(spec):
        knots, heights = stairs
        line = line + heights[knots.searchsorted(told, side="left")]
    added[known] = line
    return added


def read(file: str) -> AdditiveRanker:
    """The ranker of a file of models/ranker, or of an absolute path.  Raises NotFound, BadInput."""
    path = Path(file) if Path(file).is_absolute() else paths.models_dir() / "ranker" / file
    if not path.is_file():
        raise NotFound(f"no ranker file {path}: name one of models/ranker, or give an absolute path")
    try:
        return AdditiveRanker(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{path} is no ranker file ({error}): it needs signals, each with a weight or a staircase"
        ) from None
