"""Duration and value of a lot as the code counts them."""

import math
from typing import Any

import pytest

from matcher.domain import Lot
from matcher.reference import amounts
from records import cases


@pytest.mark.parametrize(("stated", "months", "total", "yearly"), cases("durations and values"))
def test_renewals_count_in_all(stated: dict[str, Any], months: float | None, total: Any, yearly: Any) -> None:
    made = Lot(id="n/1", title="Entretien de locaux", **stated)
    found = amounts.months(made), amounts.total(made), amounts.yearly(made)
    told = [math.nan if value is None else value for value in (months, total, yearly)]
    assert found == pytest.approx(told, nan_ok=True)
