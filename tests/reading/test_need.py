"""A need in a buyer's own words: its place typed, read in it, or asked back."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

import made
from matcher.commands import match as command
from matcher.domain import BadInput, Filters, Place, Zone
from matcher.learned import asks
from matcher.matching.engine import Matcher
from matcher.reading.need import free_text_tender, reservation_unread, typed_need
from matcher.reference import toponyms
from records import cases

SEVERAL = Path(__file__).parents[1] / "data" / "several_needs.csv"
GARDEN = "Entretien d'espaces verts, tonte, taille de haies"


@pytest.fixture(scope="module")
def west() -> Matcher:
    towns = {"Rennes": "35000", "Nantes": "44000", "Marseille": "13001", "Saint-Malo": "35400"}
    zones = {3: Zone(regions=("53",)), 4: Zone(departments=("44",))}
    named = enumerate("Rennes Nantes Nantes Rennes Marseille Saint-Malo".split(), 1)
    facts = {n: {"place": Place(label=at, postcode=towns[at]), "zone": zones.get(n)} for n, at in named}
    return made.matcher_over(made.structure(n, f"Structure {n}", GARDEN, **own) for n, own in facts.items())


def test_those_of_a_region_come_first_and_a_typed_place_is_not_attributed_to_the_buyer(west: Matcher) -> None:
    tender = free_text_tender("tonte et taille de haies", toponyms.asked("Bretagne"))
    order = [siren[-1] for siren, _ in west.rank(west.queries(tender)[0]).sirens(10)]
    assert set(order[:3]) == {"1", "3", "6"} and order.index("5") > 2
    for where in ("Saint-Malo", "62220 Cavron-Saint-Martin", "Plaine Commune"):
        tender = free_text_tender("tonte et taille de haies", toponyms.asked(where))
        filters = Filters(radius_km=1000)
        for match in west.match(tender, 10, filters=filters, groups=0).lots[0].matches:
            assert not any("déduit de l'acheteur" in reason.text for reason in match.reasons)


@pytest.mark.parametrize("where", ["35", "Ille-et-Vilaine", "Bretagne", "Bretagne, Normandie"])
def test_no_kilometres_are_reported_from_the_centre_of_a_department(west: Matcher, where: str) -> None:
    tender = free_text_tender("tonte et taille de haies", toponyms.asked(where))
    matches = west.match(tender, 10, groups=2).lots[0].matches
    assert matches
    for match in matches:
        assert match.distance_km is None
        assert not any(" km" in r.text and "d'ordinaire" not in r.text for r in match.reasons), match.reasons


def test_the_command_asks_a_homonym_back(tmp_path: Path) -> None:
    for need, place in (("tonte", "Saint-Denis"), ("tonte à Saint-Denis", "")):
        with pytest.raises(BadInput, match=r"Saint-Denis \(93\)"):  # a sentence, and exit 2
            command.run(need=need, place=place, catalogue=tmp_path)


def test_nine_typed_needs_in_ten_are_cut_as_their_author_would() -> None:
    rows = list(csv.DictReader(SEVERAL.read_text(encoding="utf-8").splitlines()))
    right = {row["text"]: len(typed_need(row["text"]).lots) == int(row["lots"]) for row in rows}
    rightly = [(right[row["text"]], row["lots"] == "1") for row in rows]
    one, several = ([fits for fits, single in rightly if single is alone] for alone in (True, False))
    print(f"of one thing {sum(one)} of {len(one)}, of several {sum(several)} of {len(several)}")
    assert sum(one) >= 0.9 * len(one), [text for text, fits in right.items() if not fits]
    assert sum(one + several) >= 0.9 * len(rows), [text for text, fits in right.items() if not fits]


@pytest.mark.parametrize(("stated",), cases("needs that are reserved"))
def test_what_a_need_is_reserved_to_is_no_need_of_its_own(stated: str) -> None:
    tender = typed_need(f"entretien des espaces verts, {stated}")
    (lot,) = tender.lots
    assert lot.reservation is not None and lot.reservation.who
    assert not reservation_unread(tender)


def test_a_need_cut_keeps_every_word_and_states_a_trade_for_each_lot() -> None:
    lots = typed_need("réparation et location de vélos, ménage du cabinet, tonte de la pelouse, Colmar").lots
    expected = ["réparation et location de vélos", "ménage du cabinet", "tonte de la pelouse, Colmar"]
    assert [lot.title for lot in lots] == expected
    assert [lot.trades for lot in lots] == [("cycles",), ("nettoyage",), ("espaces-verts",)]


def test_a_need_given_as_a_file_is_told_how_to_give_it() -> None:
    command = [sys.executable, "-m", "matcher.cli", "match", "tonte à Nanterre"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 2 and told.stdout == ""
    assert told.stderr.count("\n") == 1 and '--need "tonte à Nanterre"' in told.stderr


def test_one_purchase_keeps_the_trade_of_each_lot_and_whom_it_is_reserved_to() -> None:
    words = "Lot 1 : nettoyage des locaux de deux écoles. Lot 2 : tonte et taille des haies du cimetière"
    tender = typed_need(words, whole=True)
    asked = asks.of_lot(tender.lots[0], tender)
    assert {part.trade for part in asked.parts} == {"nettoyage", "espaces-verts"}
    tender = typed_need("prestation traiteur réservée ESAT, petits déjeuners pour 60 personnes", whole=True)
    assert tender.lots[0].reservation is not None and tender.lots[0].reservation.who
