"""Who wins, by past awards: a line for each signal of what suppliers did, without a judgement.

The weights are those of boosted step functions that were learnt from past awards (DECP), as straight lines, rounded: on later
awards they order as well.  `matcher evaluate --data DIR --task suppliers --ablation` leaves each out in turn.
"""

from collections.abc import Mapping
from typing import Any

from matcher.domain import BadInput
from matcher.matching.rankers import RULES, AdditiveRanker, Lines

#: `likely_place` counts where an address is known, `reach` and `department` where none is; `holder` only with --incumbents.
LINES: Lines = {
    **RULES,
    "holder": {"weight": 1.0},
    "likely_place": {"weight": 3.0},
    "meaning": {"weight": 5.0},
    "words": {"weight": 1.5},
    "part": {"weight": 2.5},
    "cpv": {"weight": 3.0},
    "reach": {"weight": 2.5},
    "department": {"weight": 3.5},
    "named": {"weight": 7.5},
}
#: From score to the chance of winning: many an award goes to none that was known.
SLOPE, INTERCEPT = 0.35, -8.55


def load(*, signals: Mapping[str, Any] | None = None) -> AdditiveRanker:
    """The ranker of LINES, or of `signals` given directly, each with its weight, offset and missing."""
    if signals is None:
        return AdditiveRanker(LINES, SLOPE, INTERCEPT)
    for name, line in signals.items():
        numbers = isinstance(line, Mapping) and all(isinstance(value, int | float) for value in line.values())
        if not numbers or "weight" not in line or line.keys() - {"weight", "offset", "missing"}:
            raise BadInput(
                f"the signal {name!r} is no line of weight, offset and missing: "
                f"write ranker_options.signals.{name}.weight = 1.0"
            )
    return AdditiveRanker(signals)
