"""The additive score shared by both rankers: for each signal a line, a monotone step function, or both.

The file is JSON: `signals` maps a signal to `weight` and `offset` (a line), `knots` and `values` (a
step function: values[j] above knots[j - 1]), or both, with `missing`, the contribution of an unknown value, and
`why`, the origin of the figures; `probability` maps a regime to the `slope` and `intercept` of a logistic map of the score.
"""

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
    """score = sum over signals of the line or step function at the value, or of `missing` where it is NaN."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self._probability: Mapping[str, Mapping[str, float]] = data.get("probability", {})
        self.fingerprint = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:12]
        self._signals = {name: dict(spec) for name, spec in data["signals"].items()}
        for name, spec in self._signals.items():
            if "knots" in spec and len(spec.get("values", ())) != len(spec["knots"]) + 1:
                raise KeyError(f"{name} wants one value more than knots")
            if "knots" not in spec and "weight" not in spec:
                raise KeyError(f"{name} has neither a weight nor knots")
            spec |= {
                key: np.asarray(spec[key], dtype=np.float64) for key in ("knots", "values") if key in spec
            }

    @property
    def signals(self) -> tuple[str, ...]:
        return tuple(self._signals)

    def contributions(self, shortlist: Shortlist) -> dict[str, Column]:
        return {name: contribution(spec, shortlist.columns[name]) for name, spec in self._signals.items()}

    def probability(self, scores: Column, regime: str = "structure") -> Column:
        calibration = self._probability.get(regime, {"slope": 1.0, "intercept": 0.0})
        z = calibration["slope"] * scores + calibration["intercept"]
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(z, -500, 500))), dtype=np.float64)


def contribution(spec: Mapping[str, Any], values: Column) -> Column:
    """Contribution of a signal's line and step function for each value, `missing` where it is NaN; shape (n,)."""
    added = np.full(values.shape, spec.get("missing", 0.0), dtype=np.float64)
    known = np.flatnonzero(values == values)
    if not len(known):
        return added
    given = values[known]
    line = spec.get("weight", 0.0) * given + spec.get("offset", 0.0)
    if "knots" in spec:
        line = line + np.asarray(spec["values"])[np.searchsorted(spec["knots"], given, side="left")]
    added[known] = line
    return added


def read(file: str) -> AdditiveRanker:
    """Load a ranker from models/ranker, or from an absolute path.  Raises NotFound, BadInput."""
    path = Path(file) if Path(file).is_absolute() else paths.model("ranker") / file
    if not path.is_file():
        raise NotFound(f"no ranker file {path}: name one of models/ranker, or give an absolute path")
    try:
        return AdditiveRanker(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} is no ranker file ({error}): it needs signals with weights") from None
