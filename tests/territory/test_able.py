"""The desk of a territory says of a structure what a search says: one judgement in every place of the product."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from matcher.catalogue.build import build_catalogue
from matcher.domain import Lot, Offer, Place, Reservation, Structure, Tender
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.matching.ranking import LIKELY, PLAUSIBLE
from matcher.partners.opportunities import opportunities
from matcher.partners.partners import partners
from matcher.territory import coverage, hours, meeting, potential
from matcher.territory.supply import Supply

ON = date(2026, 11, 24)
PLACES = {"Angers": "49007", "Laval": "53130", "Lille": "59350"}
SAYS = (
    "Entretien d'espaces verts : tonte, taille de haies, débroussaillage",
    "Nettoyage de bureaux et de vitres, entretien de locaux",
    "Travaux de peinture intérieure",
    "Collecte et tri de déchets recyclables, ressourcerie",
    "",
)


def structure(number: int, town: str, says: str, kind: str = "EI", **facts: object) -> Structure:
    siret = f"{900000000 + number}00001"
    offers = (
        (Offer(id=f"{siret}#1", title=says[:60], text=says, nature="offer", source="directory"),)
        if says
        else ()
    )
    given = {
        "place": Place(commune=PLACES[town]),
        "offers": offers,
        "source": "directory",
        "active": True,
        **facts,
    }
    return Structure(**{"siret": siret, "name": f"Structure {number}", "kind": kind, **given})  # type: ignore[arg-type]


DIRECTORY = tuple(
    structure(10 * t + 5 * k + s, town, says, kind)
    for t, town in enumerate(PLACES)
    for k, kind in enumerate(("EI", "EA"))
    for s, says in enumerate(SAYS)
)


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    recipe = recipes.named("default")
    return Matcher(build_catalogue(DIRECTORY, (), recipe), recipe)


@pytest.fixture(scope="module")
def supply(matcher: Matcher) -> Supply:
    return Supply(matcher.catalogue, on=ON)


def need(*lots: Lot) -> Tender:
    return Tender(id="b", format="need", title="Besoin", lots=lots, published=ON)


def lot(title: str, town: str = "Angers", **facts: object) -> Lot:
    given = {"id": "b-1", "number": "1", "places": (coverage.somewhere(PLACES[town]),), **facts}
    return Lot(title=title, **given)  # type: ignore[arg-type]


def listed(matcher: Matcher, asked: Lot, level: int) -> set[str]:
    ranking = matcher.rank(matcher.queries(need(asked))[0])
    rows = ranking.shortlist.candidates[ranking.levels >= level]
    return {matcher.catalogue.structure(int(row)).siret for row in rows}


@pytest.mark.parametrize("town", PLACES)
@pytest.mark.parametrize("trade", ["nettoyage", "espaces-verts", "peinture", "collecte-dechets"])
def test_the_map_calls_whom_a_search_of_the_trade_there_calls(
    matcher: Matcher, supply: Supply, trade: str, town: str
) -> None:
    levels = supply.levels((trade,), coverage.somewhere(PLACES[town]))
    for level in (LIKELY, PLAUSIBLE):
        found = {s.siret for s, own in zip(supply.structures, levels, strict=True) if own >= level}
        assert found == listed(matcher, lot(supply.labels[trade], town), level)
    assert (levels == LIKELY).any(), "somebody there says it"


def test_a_trade_that_is_denied_counts_for_nothing(supply: Supply) -> None:
    best = supply.levels(("nettoyage",))
    i = int(np.argmax(best))
    denied = Supply(supply.catalogue, on=ON)
    denied.__dict__["_denied"] = {supply.structures[i].siret: {"nettoyage"}}
    assert best[i] == LIKELY and denied.levels(("nettoyage",))[i] < PLAUSIBLE


def test_a_zone_with_structures_to_ask_first_alone_is_fragile_and_one_of_other_trades_blank() -> None:
    recipe = recipes.named("default")
    asked = coverage.Wanted(
        id="1",
        title="Tonte",
        trades=("espaces-verts",),
        place=coverage.somewhere("49007"),
        on=ON,
        origin="avis",
    )

    def cell(*structures: Structure) -> coverage.Cell:
        supply = Supply(build_catalogue(structures, (), recipe), on=ON)
        return coverage.cover(supply, [asked], [coverage.department("49")], trades=asked.trades).cells[0]

    district = structure(1, "Angers", "", "ACI", name="Régie de quartier d'Angers")
    silent = cell(district, replace(district, siret="90000000200001"))
    assert (silent.able.possible, silent.able.to_check, silent.state) == (0, 2, "fragile")
    other = cell(structure(3, "Angers", "Blanchisserie, repassage", "EA"))
    assert (other.able.possible, other.able.to_check, other.state) == (0, 0, "blanche")


@pytest.mark.parametrize("title", ["Nettoyage des bureaux de la mairie", "Tonte et taille des haies du parc"])
def test_the_potential_counts_whom_the_list_calls(matcher: Matcher, supply: Supply, title: str) -> None:
    asked = lot(title, amount=80_000.0)
    (found,) = potential.potential(matcher, need(asked), supply, amount=80_000.0).lots
    answer = matcher.match(need(asked), 10, groups=0).lots[0]
    assert answer.likely and found.facts.everyone.possible == answer.likely
    assert found.facts.everyone.to_check == answer.plausible
    eligible = [m for m in answer.matches if m.level == "likely" and m.structure.kind == "EA"]
    assert found.facts.within["L2113-12"].possible == len(eligible)
    reserved = replace(asked, reservation=Reservation(articles=("L2113-12",)))
    (kept,) = potential.potential(matcher, need(reserved), supply, amount=80_000.0).lots
    assert kept.facts.within["L2113-13"].possible, "what another article would open is still counted"


def test_of_a_lot_of_two_trades_those_who_do_each_are_counted(matcher: Matcher, supply: Supply) -> None:
    asked = lot("Nettoyage des locaux et entretien des espaces verts")
    (found,) = potential.potential(matcher, need(asked), supply).lots
    assert len(found.facts.by_need) == 2 and all(found.facts.by_need.values())
    assert found.facts.whole is not None and found.facts.whole <= min(found.facts.by_need.values())


def test_hours_are_served_by_those_to_call_and_a_meeting_invites_those_shown(
    matcher: Matcher, supply: Supply
) -> None:
    place = coverage.somewhere("49007")
    made = hours.plan(supply, amount=400_000.0, trades=("nettoyage",), place=place)
    called = listed(matcher, lot(supply.labels["nettoyage"]), LIKELY)
    assert made.serving and {c.siret for c in made.serving} <= called
    table = meeting.relevances(matcher, supply, [("nettoyage de bureaux", place)])
    worth = {s.siret for s, value in zip(supply.structures, table[:, 0], strict=True) if value > 0}
    assert worth == listed(matcher, _typed(matcher, "nettoyage de bureaux", place), PLAUSIBLE)


def _typed(matcher: Matcher, words: str, place: Place) -> Lot:
    from matcher.reading.need import free_text_tender

    return free_text_tender(words, place).lots[0]


# ------------------------------------------------------------------------------------ partners and groups


def test_a_group_takes_for_each_trade_whom_the_judgement_calls_for_it(matcher: Matcher) -> None:
    asked = need(lot("Nettoyage des locaux et entretien des espaces verts"))
    team = matcher.match(asked, 5, groups=1).consortia[0]
    says = {task: m.structure.offers for m in team.members for task in m.lots}
    assert set(says) == {"b-1#nettoyage", "b-1#espaces-verts"}
    assert "Nettoyage" in says["b-1#nettoyage"][0].text
    assert "espaces verts" in says["b-1#espaces-verts"][0].text


def test_an_unknown_trade_fills_no_gap_and_that_nobody_is_known_is_stated() -> None:
    recipe = recipes.named("default")
    cleaner, silent = structure(1, "Angers", SAYS[1]), structure(2, "Angers", "")
    alone = Matcher(build_catalogue([cleaner, silent], (), recipe), recipe)
    asked = need(lot("Nettoyage des locaux et entretien des espaces verts"))
    found = partners(alone, cleaner, asked)
    assert found.alone == ("b-1#nettoyage",) and found.lacking == ("b-1#espaces-verts",)
    assert not [p for p in found.partners if "b-1#espaces-verts" in p.tasks]
    assert len(found.nobody) == 1 and "aucun partenaire connu pour" in found.nobody[0]
    assert alone.match(asked, 5, groups=1).consortia[0].uncovered == ("b-1#espaces-verts",)


def test_a_partner_takes_the_part_that_is_missing(matcher: Matcher) -> None:
    cleaner = next(s for s in DIRECTORY if s.offers and s.offers[0].text == SAYS[1])
    asked = need(lot("Nettoyage des locaux et entretien des espaces verts"))
    found = partners(matcher, cleaner, asked)
    filling = [p for p in found.partners if "b-1#espaces-verts" in p.tasks]
    assert filling and not found.nobody
    assert all(p.structure.offers[0].text == SAYS[0] for p in filling)


def test_a_lot_of_a_billion_is_never_recommended_to_one_alone(matcher: Matcher) -> None:
    cleaner = next(s for s in DIRECTORY if s.offers and s.offers[0].text == SAYS[1])
    asked = need(lot("Nettoyage des locaux", amount=1e9, amount_period="year"))
    asked = replace(asked, format="boamp", nature="call")
    found = opportunities(matcher, cleaner, [asked])
    assert [o.part for o in found] in (["watch"], ["with-partner"])
    assert any("capacité à vérifier" in said for said in found[0].why)


def test_an_opportunity_has_the_level_of_the_list(matcher: Matcher) -> None:
    lots = [
        replace(lot(title, town), id=f"{n}-{town}", number=str(n))
        for n, title in enumerate(("Nettoyage des locaux", "Tonte des pelouses", "Travaux de peinture"))
        for town in PLACES
    ]
    asked = replace(need(*lots), format="boamp", nature="call")
    for one in DIRECTORY[:10]:
        told = {o.lot.id: o.match.level for o in opportunities(matcher, one, [asked])}
        for each in lots:
            shown = one.siret in listed(matcher, each, PLAUSIBLE)
            assert (each.id in told) == shown
            if shown:
                called = one.siret in listed(matcher, each, LIKELY)
                assert told[each.id] == ("likely" if called else "plausible")
