"""Duration and value of a lot as the code counts them."""

import math
from typing import Any

import pytest

from matcher.domain import Lot
from matcher.reference import amounts

YEAR, TWO_YEARS = {"duration_months": 12.0}, {"duration_months": 24.0}


@pytest.mark.parametrize(
    ("stated", "months", "total", "yearly"),
    [
        ({"amount": 400_000.0, "amount_period": "total", "duration_months": 48.0}, 48, 400_000, 100_000),
        ({"amount": 150_000.0, "amount_period": "year", "renewals": 3} | YEAR, 48, 600_000, 150_000),
        ({"amount": 90_000.0, "renewals": 2, "renewal_months": 12.0} | YEAR, 36, 90_000, 30_000),
        ({"amount_max": 200_000.0, "renewals": 1, "renewal_months": 24.0} | TWO_YEARS, 48, 200_000, 50_000),
        ({"amount": 30_000.0, "duration_months": 6.0}, 6, 30_000, 30_000),
        ({"amount": 30_000.0, "amount_period": "year"}, math.nan, 30_000, 30_000),
        ({"amount": 30_000.0, "amount_period": "total"}, math.nan, 30_000, math.nan),
        ({"amount": 30_000.0, "currency": "CHF", "duration_months": 12.0}, 12, math.nan, math.nan),
        ({"amount": 30_000.0, "duration_months": 12.0, "inferred": ("amount",)}, 12, 30_000, math.nan),
    ],
)
def test_renewals_count_in_all(stated: dict[str, Any], months: float, total: float, yearly: float) -> None:
    made = Lot(id="n/1", title="Entretien de locaux", **stated)
    found = amounts.months(made), amounts.total(made), amounts.yearly(made)
    assert found == pytest.approx((months, total, yearly), nan_ok=True)
