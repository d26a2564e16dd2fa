"""A weighted sum of the signals: readable, documented weights, no training needed to run.

The weights file is JSON: for each signal its `weight` (score per unit), `missing` (what an unknown value
adds) and `why` (where the figure comes from); `probability` holds the slope and intercept of the logistic
map.  Learnt weights have the same form, so that `learned` is this ranker with another file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from matcher import paths
from matcher.domain import BadInput, NotFound
from matcher.shortlist import Column, Shortlist


class WeightedRanker:
    """score = sum over signals of weight x value, or of `missing` where the value is unknown."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.weights: dict[str, Mapping[str, float]] = dict(data["signals"])
        self.calibration: Mapping[str, float] = data.get("probability", {"slope": 1.0, "intercept": 0.0})
        self.floor: Mapping[str, float] = data.get("floor", {})
        self.fingerprint = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def signals(self) -> tuple[str, ...]:
        return tuple(self.weights)

    def contributions(self, shortlist: Shortlist) -> dict[str, Column]:
        parts: dict[str, Column] = {}
        for name, spec in self.weights.items():
            values = shortlist.columns[name]
            known = spec["weight"] * values
            parts[name] = np.where(np.isnan(values), spec.get("missing", 0.0), known)
        return parts

    def probability(self, scores: Column) -> Column:
        z = self.calibration["slope"] * scores + self.calibration["intercept"]
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(z, -500, 500))), dtype=np.float64)


def load(*, file: str = "default.json", signals: Mapping[str, Any] | None = None) -> WeightedRanker:
    """The ranker of a weights file in models/ranker (or of a path), or of `signals` given directly."""
    if signals is not None:
        return WeightedRanker({"signals": dict(signals)})
    path = Path(file) if Path(file).is_absolute() else paths.models_dir() / "ranker" / file
    if not path.is_file():
        raise NotFound(f"no weights file {path}: name one of models/ranker, or give a path")
    try:
        return WeightedRanker(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError) as error:
        raise BadInput(f"{path} is no weights file ({error!r}): it needs signals, each with its weight") from None
