"""A weighted sum of the signals: readable weights set by hand, no training needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matcher.matching.rankers._additive import AdditiveRanker, read


def load(*, file: str = "weighted.json", signals: Mapping[str, Any] | None = None) -> AdditiveRanker:
    """A ranker from a weights file, or from `signals` given directly."""
    return AdditiveRanker({"signals": dict(signals)}) if signals is not None else read(file)
