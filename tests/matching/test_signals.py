"""What the signals of past awards measure, written as the formula."""

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from matcher.catalogue.build import build_catalogue
from matcher.domain import Award, Buyer, Holder, Lot, Place, Recipe, Tender
from matcher.matching.engine import Matcher
from matcher.matching.ranking import Ranking
from matcher.matching.reasons import sentences

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
