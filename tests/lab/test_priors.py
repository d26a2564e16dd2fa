"""Trades that kind, code and name make likely, against hours worked."""

from pathlib import Path

import numpy as np
import pytest

from matcher.lab.training import priors


def test_inferred_trades_are_those_worked_in(shared: Path) -> None:
    if not (shared / "structures" / "siae37_hours_2012.csv").is_file():
        pytest.skip("no hours worked by trade in the shared data")
    known = list(priors.seen(shared))
    codes, shared_hirings = priors.shares(shared)
    found = priors.figures(known, priors.crossed(known, codes, shared_hirings, folds=5))
    assert found["hours, three first"] >= 0.5
    assert found["likely"] >= 0.45
    guess = np.tile(
        np.mean([one.does for one in known], axis=0), (len(known), 1)
    )  # the commonest trades for all
    assert found["jobs, three first"] > priors.figures(known, guess)["jobs, three first"] + 0.05
