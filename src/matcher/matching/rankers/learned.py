"""A sum of monotone step functions and lines, fitted listwise on past awards (`matcher train ranker`).

Each step function is the sum of the one-split trees that LambdaMART (Burges, 2010) grew on that signal: the score stays
additive and every contribution can be shown, as in a generalised additive model.
"""

from collections.abc import Mapping
from typing import Any

from matcher.domain import BadInput
from matcher.matching.rankers._additive import AdditiveRanker, read


def load(*, file: str = "learned.json", signals: Mapping[str, Any] | None = None) -> AdditiveRanker:
    """A ranker from a file of `matcher train ranker`, or from `signals` given directly."""
    if wrong := [name for name, one in (signals or {}).items() if not isinstance(one, Mapping)]:
        raise BadInput(
            f"the signal {wrong[0]!r} is no table: write ranker_options.signals.{wrong[0]}.weight = 1.0"
        )
    return AdditiveRanker({"signals": dict(signals)}) if signals is not None else read(file)
