"""Training: weights learnt from past awards and from texts without winners, never from a query's answer.

One file for each thing that is learnt; `matcher train NAME` runs it.  Torch is imported inside functions only.
"""

from pathlib import Path
from typing import Any

from matcher.reference.arrays import F64

#: Of boosted trees, whatever they learn.
BOOSTING: dict[str, Any] = {"lambda_l2": 5.0, "bagging_fraction": 0.7, "bagging_freq": 1}
BOOSTING |= {"num_threads": 1, "deterministic": True, "verbosity": -1}


def write_card(out: Path, name: str, **values: Any) -> None:
    """The card of a model: cards/NAME.md with these values, as card.md of a folder."""
    text = (Path(__file__).parent / "cards" / f"{name}.md").read_text(encoding="utf-8")
    (out / "card.md").write_text(text.format(**values), encoding="utf-8")


def platt(scores: F64, right: Any, weight: Any = None) -> tuple[float, float]:
    """Slope and intercept of the logistic map from score to the chance of being right (Platt, 1999)."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1e6).fit(scores[:, None], right, sample_weight=weight)
    return float(model.coef_[0, 0]), float(model.intercept_[0])
