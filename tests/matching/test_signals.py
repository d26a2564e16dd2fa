"""What the signals of past awards measure, written as the formula; whether a structure is large enough, worked by hand."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

import made
from matcher.catalogue.build import build_catalogue
from matcher.domain import Award, Buyer, Holder, Lot, Match, Place, Recipe, Tender
from matcher.matching.engine import Matcher
from matcher.matching.ranking import Ranking
from matcher.matching.reasons import sentences
from matcher.reference import law

PANTIN = Place(label="Pantin", commune="93055", department="93", latitude=48.9, longitude=2.4)
NORTH = replace(PANTIN, label="Nord", commune=None, department="60", latitude=49.8)  # 0.9 degree: 100 km
GARDENER, CLEANER = "000000001", "000000002"
TOWN, OTHER = Buyer(id="21930055700010", name="Ville"), Buyer(id="21600057100018", name="Autre ville")


def award(uid: str, siren: str, title: str, cpv: str, place: Place, buyer: Buyer = OTHER) -> Award:
    holder = Holder(id=f"{siren}00013", name="Établissement")
    dated = {"notified": date(2025, 1, 1), "source": "own"}
    return Award(uid=uid, title=title, buyer=buyer, cpv=cpv, place=place, holders=(holder,), **dated)


AWARDS = (
    award("a", GARDENER, "Tonte des pelouses", "77314000", NORTH),
    award("b", GARDENER, "Élagage des arbres", "77211500", PANTIN),
    award("c", CLEANER, "Nettoyage de bureaux", "90919200", PANTIN, TOWN),
)
LOT = Lot(id="1", title="Tonte des pelouses", cpv=("77314000",), places=(PANTIN,))
ASKED = Tender(id="t", format="own", title="Tonte des pelouses", buyer=TOWN, lots=(LOT,))


def ranking(tender: Tender = ASKED, incumbents: bool = False, day: date = date(2026, 1, 1)) -> Ranking:
    matcher = Matcher(build_catalogue([], AWARDS, Recipe(encoder="hashing")), exhaustive=True)
    (query,) = matcher.queries(tender, as_of=day, incumbents=incumbents)
    return matcher.rank(query)


def column(found: Ranking, name: str) -> dict[str, float]:
    sirens = found.shortlist.catalogue.of_structure("siren")[found.shortlist.candidates]
    return dict(zip(map(str, sirens), found.shortlist.columns[name].tolist(), strict=True))


def test_the_code_and_the_place_of_one_award_count_together() -> None:
    cpv = column(ranking(), "cpv")
    kilometres = 6371.0 * math.radians(0.9)
    # the same code 100 km away, or one of the same division on the spot
    assert cpv[GARDENER] == pytest.approx(max(1.0 * math.exp(-kilometres / 150), 0.35), rel=1e-3)
    assert cpv[CLEANER] == 0.0
    nowhere = column(ranking(replace(ASKED, buyer=Buyer(), lots=(replace(LOT, places=()),))), "cpv")
    assert nowhere[GARDENER] == pytest.approx(1.0 * 0.3)


def test_the_nearest_award_and_the_share_in_the_department() -> None:
    found = ranking()
    assert column(found, "reach") == pytest.approx({GARDENER: 1.0, CLEANER: 1.0})
    assert column(found, "department") == {GARDENER: 1 / (2 + 1), CLEANER: 1 / (1 + 1)}


def test_the_best_pieces_count_less_and_less() -> None:
    found = ranking()
    query = found.shortlist.query
    words = found.shortlist.catalogue.index("words").compare(query.words, query.vector, None)
    own = np.sort(words[found.shortlist.known("award") & (found.shortlist.owner == 0)])[::-1] / words.max()
    assert column(found, "words")[GARDENER] == pytest.approx(own[0] + 0.5 * own[1], rel=1e-5)
    assert column(found, "words")[GARDENER] > column(found, "words")[CLEANER]


def test_who_works_for_the_buyer_counts_only_where_it_is_asked_for() -> None:
    plain, asked = ranking(), ranking(incumbents=True)
    assert set(column(plain, "holder").values()) == {0.0}
    held = column(asked, "holder")
    assert held[GARDENER] == 0.0 and 0.5 <= held[CLEANER] <= 1.0
    before, after = (dict(one.sirens(9)) for one in (plain, asked))
    assert after[CLEANER] > before[CLEANER] and after[GARDENER] == pytest.approx(before[GARDENER])


def test_an_award_counts_from_the_day_after() -> None:
    before, after = (ranking(day=date(2025, 1, day)) for day in (1, 2))
    assert np.nanmax([*column(before, "cpv").values(), 0.0]) == 0.0 < column(after, "cpv")[GARDENER]
    assert after.sirens(9)[0][0] == GARDENER


def test_the_first_is_told_with_its_contract() -> None:
    matcher = Matcher(build_catalogue([], AWARDS, Recipe(encoder="hashing")), exhaustive=True)
    (answer,) = matcher.match(ASKED, groups=0, as_of=date(2026, 1, 1)).lots
    assert answer.matches[0].structure.siren == GARDENER
    told = " ".join(sentences(answer.matches[0].reasons))
    assert "a déjà remporté un marché" in told and "« Tonte des pelouses »" in told


GARDEN = "Entretien d'espaces verts, tonte, taille de haies"
NANTERRE = Place(label="Nanterre", postcode="92000")


@pytest.fixture(scope="module")
def gardens() -> Matcher:
    facts = ({"turnover": 1_200_000.0}, {"turnover": 60_000.0}, {}, {"headcount": 4})
    numbered = enumerate(facts, 1)
    firms = (made.structure(n, f"Jardins {n}", GARDEN, place=NANTERRE, **own) for n, own in numbered)
    return made.matcher_over(firms)


def asked() -> float:
    """How many times the yearly amount a buyer may ask today."""
    rule = law.turnover_ceiling(date.today())
    assert rule is not None and rule.value is not None
    return rule.value


def need(**lot: object) -> Tender:
    return made.need("tonte des pelouses et taille des haies", NANTERRE, **lot)


def shown(matcher: Matcher, tender: Tender) -> dict[int, Match]:
    return {int(m.structure.siren): m for m in matcher.match(tender, groups=0).lots[0].matches}


def said(match: Match, code: str) -> tuple[float, str]:
    reason = next(reason for reason in match.reasons if reason.code == code)
    return reason.contribution, reason.text


def test_a_small_turnover_stands_below_a_large_one_and_the_reason_says_both_sums(gardens: Matcher) -> None:
    matches = shown(gardens, need(amount=240_000.0, amount_period="total", duration_months=24.0))
    assert matches[1].rank < matches[2].rank
    assert said(matches[1], "capacity")[0] == 0.0  # more than may be asked for 120,000 euros a year
    cost, text = said(matches[2], "capacity")
    assert cost == pytest.approx(2.0 * 60_000 / (asked() * 120_000) - 2.0)
    assert "60\u202f000 €" in text and "120\u202f000 €" in text and "groupement" in text


def test_an_unknown_turnover_costs_nothing_and_is_stated(gardens: Matcher) -> None:
    matches = shown(gardens, need(amount=240_000.0, amount_period="year"))
    unknown = "chiffre d'affaires et effectif inconnus : capacité à vérifier"
    assert said(matches[3], "capacity") == (0.0, unknown)
    cost, text = said(matches[4], "capacity")  # four people: about 180,000 euros
    assert cost == pytest.approx(2.0 * 180_000 / (asked() * 240_000) - 2.0)
    assert "estimé d'après l'effectif" in text


@pytest.mark.parametrize("lot", [{}, {"amount": 90_000.0, "currency": "USD"}])
def test_without_an_amount_in_euros_nothing_is_compared(gardens: Matcher, lot: dict[str, object]) -> None:
    told = {said(match, "capacity") for match in shown(gardens, need(**lot)).values()}
    assert told == {(0.0, "montant du lot inconnu : capacité non comparée")}


def test_a_closed_lot_is_no_lesser_lead(gardens: Matcher) -> None:
    today = datetime.combine(date.today(), datetime.min.time(), tzinfo=UTC)
    deadlines = (today + timedelta(days=days) for days in (45, 3, -2))
    open_, late, closed = (shown(gardens, need(deadline=at)) for at in deadlines)
    for number, match in open_.items():
        assert late[number].score == closed[number].score == match.score
        assert late[number].rank == closed[number].rank == match.rank
