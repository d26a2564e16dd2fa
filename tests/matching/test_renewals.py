"""Contracts that end: when, which, once each, and of whose trade."""

from dataclasses import replace
from datetime import date

import pytest

from matcher.domain import Award, Buyer, Holder, Place
from matcher.matching.renewals import months_after, renewals
from records import cases

TODAY = date(2026, 11, 24)
BUYER = Buyer(id="21930048600010", name="Montreuil", place=Place(department="93"))
HOLDER = Holder(id="00010016700014", name="Jardins")
FACTS = {"holders": (HOLDER,), "cpv": "77310000", "duration_months": 48.0}
WON = Award(uid="1", title="Entretien des espaces verts", buyer=BUYER, notified=date(2023, 11, 24), **FACTS)  # type: ignore[arg-type]


@pytest.mark.parametrize(("day", "months", "end"), cases("months later"))
def test_a_number_of_months_later(day: str, months: float, end: str) -> None:
    assert months_after(date.fromisoformat(day), months) == date.fromisoformat(end)


def test_contracts_that_end_in_three_to_eighteen_months_are_found_once() -> None:
    (one,) = renewals([WON], TODAY)
    assert one.ends == date(2027, 11, 24) and one.holders[0].name == "Jardins"
    for months in (38.0, 55.0):  # ends in two months, and in nineteen
        assert renewals([replace(WON, duration_months=months)], TODAY) == []
    assert renewals([replace(WON, duration_months=None), replace(WON, notified=None)], TODAY) == []
    prolonged = {"duration_months": 50.0, "relation": "modification"}
    longer = replace(WON, uid="2", title="ENTRETIEN DES ESPACES VERTS", **prolonged)
    (one,) = renewals([WON, longer], TODAY)
    assert one.ends == date(2028, 1, 24)
    assert renewals([WON, replace(longer, duration_months=72.0)], TODAY) == []  # prolonged beyond the window

    def count(**asked: object) -> int:
        return len(renewals([WON], TODAY, **asked))  # type: ignore[arg-type]

    assert count(buyer="219300486") == count(departments=("93",)) == count(cpv=("773",)) == 1
    assert count(buyer="219300487") == count(departments=("75",)) == count(cpv=("909",)) == 0
