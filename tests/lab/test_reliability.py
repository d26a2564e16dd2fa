"""Probabilities judged against what came: exact on cases worked by hand."""

import numpy as np
import pytest

from matcher.domain import BadInput
from matcher.lab.benchmark import bins, brier


def test_brier_and_skill_are_those_worked_by_hand() -> None:
    result = brier([0.8, 0.8, 0.2, 0.2], [True, False, False, False])
    assert result["brier"] == pytest.approx((0.04 + 0.64 + 0.04 + 0.04) / 4)
    assert result["rate"] == 0.25 and result["base"] == pytest.approx(0.25 * 0.75)
    assert result["skill"] == pytest.approx(1 - 0.19 / 0.1875)


def test_well_calibrated_probabilities_lie_on_the_diagonal_and_have_skill() -> None:
    rng = np.random.default_rng(3)
    said = rng.random(20_000)
    outcomes = (rng.random(20_000) < said).tolist()
    tenths = bins(said.tolist(), outcomes)
    assert [each["count"] for each in tenths] == [2_000] * 10
    assert all(abs(each["mean_predicted"] - each["observed_rate"]) < 0.05 for each in tenths)
    assert brier(said.tolist(), outcomes)["skill"] > 0.2
    assert brier(said.tolist(), (rng.random(20_000) < said[::-1]).tolist())["skill"] < 0


def test_fewer_cases_than_bins_and_none() -> None:
    assert sum(each["count"] for each in bins([0.1, 0.9], [False, True])) == 2
    with pytest.raises(BadInput, match="at least one"):
        brier([], [])
