"""Is a structure large enough for a lot, and is the lot still open: cases of our own, worked by hand.

No past notice of the real data states an amount before its award, nor a turnover of a structure.
"""

from datetime import UTC, date, datetime, timedelta

import pytest

import made
from matcher.domain import Match, Place, Tender
from matcher.matching.engine import Matcher
from matcher.reference import law

GARDEN = "Entretien d'espaces verts, tonte, taille de haies"
NANTERRE = Place(label="Nanterre", postcode="92000")


@pytest.fixture(scope="module")
def gardens() -> Matcher:
    facts = ({"turnover": 1_200_000.0}, {"turnover": 60_000.0}, {}, {"headcount": 4})
    numbered = enumerate(facts, 1)
    return made.matcher_over(
        made.structure(n, f"Jardins {n}", GARDEN, place=NANTERRE, **own) for n, own in numbered
    )


def asked() -> float:
    """How many times the yearly amount a buyer may ask today."""
    rule = law.turnover_ceiling(date.today())
    assert rule is not None and rule.value is not None
    return rule.value


def need(**lot: object) -> Tender:
    return made.need("tonte des pelouses et taille des haies", NANTERRE, **lot)


def found(matcher: Matcher, tender: Tender) -> dict[int, Match]:
    return {int(m.structure.siren): m for m in matcher.match(tender, groups=0).lots[0].matches}


def said(match: Match, code: str) -> tuple[float, str]:
    reason = next(reason for reason in match.reasons if reason.code == code)
    return reason.contribution, reason.text


def test_a_small_turnover_stands_below_a_large_one_and_the_reason_says_both_sums(gardens: Matcher) -> None:
    matches = found(gardens, need(amount=240_000.0, amount_period="total", duration_months=24.0))
    assert matches[1].rank < matches[2].rank
    assert said(matches[1], "capacity")[0] == 0.0  # more than may be asked for 120,000 euros a year
    cost, text = said(matches[2], "capacity")
    assert cost == pytest.approx(2.0 * 60_000 / (asked() * 120_000) - 2.0)
    assert "60\u202f000 €" in text and "120\u202f000 €" in text and "groupement" in text


def test_an_unknown_turnover_costs_nothing_and_is_stated(gardens: Matcher) -> None:
    matches = found(gardens, need(amount=240_000.0, amount_period="year"))
    unknown = "chiffre d'affaires et effectif inconnus : capacité à vérifier"
    assert said(matches[3], "capacity") == (0.0, unknown)
    cost, text = said(matches[4], "capacity")  # four people: about 180,000 euros
    assert cost == pytest.approx(2.0 * 180_000 / (asked() * 240_000) - 2.0)
    assert "estimé d'après l'effectif" in text


@pytest.mark.parametrize("lot", [{}, {"amount": 90_000.0, "currency": "USD"}])
def test_without_an_amount_in_euros_nothing_is_compared(gardens: Matcher, lot: dict[str, object]) -> None:
    told = {said(match, "capacity") for match in found(gardens, need(**lot)).values()}
    assert told == {(0.0, "montant du lot inconnu : capacité non comparée")}


def test_a_closed_lot_is_no_lesser_lead(gardens: Matcher) -> None:
    today = datetime.combine(date.today(), datetime.min.time(), tzinfo=UTC)
    deadlines = (today + timedelta(days=days) for days in (45, 3, -2))
    open_, late, closed = (found(gardens, need(deadline=at)) for at in deadlines)
    for number, match in open_.items():
        assert late[number].score == closed[number].score == match.score
        assert late[number].rank == closed[number].rank == match.rank
