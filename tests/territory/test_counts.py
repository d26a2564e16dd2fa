"""The desk of a territory says of a structure what a search says: one judgement in every place of the product."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

import made
from matcher.domain import Filters, Lot, Place, Structure, Tender
from matcher.matching.engine import Matcher
from matcher.matching.ranking import LIKELY, PLAUSIBLE
from matcher.partners.opportunities import UNSURE, opportunities, why_nothing
from matcher.reading.need import sized_need, typed_need
from matcher.reference import toponyms
from matcher.territory import areas, coverage, meeting, potential
from matcher.territory.counts import Count, Desk, need_of

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
    given = {"place": Place(commune=PLACES[town]), "active": True, "kind": kind}
    name = str(facts.pop("name", f"Structure {number}"))
    return made.structure(f"{900000000 + number}00001", name, says, **given | facts)


DIRECTORY = tuple(
    structure(10 * t + 5 * k + s, town, says, kind)
    for t, town in enumerate(PLACES)
    for k, kind in enumerate(("EI", "EA"))
    for s, says in enumerate(SAYS)
)


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return made.matcher_over(DIRECTORY)


@pytest.fixture(scope="module")
def desk(matcher: Matcher) -> Desk:
    return Desk(matcher, on=ON)


def need(*lots: Lot) -> Tender:
    return Tender(id="b", format="need", title="Besoin", lots=lots, published=ON)


def lot(title: str, town: str = "Angers", **facts: object) -> Lot:
    given = {"id": "b-1", "number": "1", "places": (areas.somewhere(PLACES[town]),), **facts}
    return Lot(title=title, **given)  # type: ignore[arg-type]


def listed(matcher: Matcher, asked: Lot | Tender, level: int) -> set[str]:
    ranking = matcher.rank(matcher.queries(asked if isinstance(asked, Tender) else need(asked))[0])
    rows = ranking.shortlist.candidates[ranking.levels >= level]
    return {matcher.catalogue.structure(int(row)).siret for row in rows}


def area(town: str, radius_km: float | None = None) -> areas.Area:
    code = PLACES[town]
    return areas.Area(code=code, label=town, words=code, place=areas.somewhere(code), radius_km=radius_km)


def zones() -> list[areas.Area]:
    departments = (areas.department(code) for code in ("49", "53", "59"))
    return [*map(area, PLACES), *departments, area("Angers", 120.0)]


def test_every_count_is_that_of_the_list_of_the_trade_there(matcher: Matcher, desk: Desk) -> None:
    asked = [(trade, zone) for trade in desk.labels for zone in zones()]
    called = 0
    for trade, zone in asked:
        count = desk.in_area(trade, zone)
        tender = typed_need(desk.labels[trade], toponyms.asked(zone.words), whole=True)
        answer = matcher.match(tender, 1_000, groups=0, filters=Filters(radius_km=zone.radius_km)).lots[0]
        by_level = [sum(m.level == level for m in answer.matches) for level in ("likely", "plausible")]
        levels = [count.likely, count.plausible]
        assert levels == [answer.likely, answer.plausible] == by_level, (trade, zone.label)
        assert sum(count.kinds.values()) == count.likely
        assert sum(count.kinds_to_check.values()) == count.plausible
        (lot,) = potential.potential(desk, tender).lots
        if zone.radius_km is None:
            assert lot.count == count, (trade, zone.label)
        called += count.likely
    assert len(asked) >= 300 and called >= 20


def test_a_reservation_counts_those_of_the_list_who_may_answer(matcher: Matcher, desk: Desk) -> None:
    count = desk.in_area("nettoyage", area("Angers"))
    asked = need_of("nettoyage et propreté", area("Angers").place)
    listed = matcher.match(asked, 1_000, groups=0).lots[0].matches
    for article, kinds in (("L2113-12", {"EA"}), ("L2113-13", {"EI"}), ("L2113-14", {"EA", "EI"})):
        may = [m for m in listed if m.structure.kind in kinds]
        own = count.under(article, ON)
        assert own.likely == sum(m.level == "likely" for m in may) and own.likely
        assert own.plausible == sum(m.level == "plausible" for m in may)


def test_a_zone_of_other_trades_is_blank_and_one_with_some_to_check_is_not() -> None:
    given = {"trades": ("espaces-verts",), "place": areas.somewhere("49007"), "on": ON, "origin": "avis"}
    asked = coverage.Need(id="1", title="Tonte", **given)

    def cell(*structures: Structure) -> coverage.Cell:
        small = Desk(made.matcher_over(structures), on=ON)
        return coverage.cover(small, [asked], [areas.department("49")], trade="espaces-verts").cells[0]

    district = structure(1, "Angers", "", "ACI", name="Régie de quartier d'Angers")
    silent = cell(district, replace(district, siret="90000000200001"))
    assert (silent.count.likely, silent.count.plausible, silent.state) == (0, 2, "à vérifier")
    other = cell(structure(3, "Angers", "Blanchisserie, repassage", "EA"))
    assert (other.count.likely, other.count.plausible, other.state, other.gap) == (0, 0, "blanche", 1)
    assert replace(other, count=Count(to_ask=4)).state == "à interroger"
    assert replace(other, count=Count(likely=1), n=3).state == "fragile"
    assert replace(other, count=Count(likely=3), n=3).state == "couverte"


def test_an_amount_counts_in_the_list_as_in_the_potential(matcher: Matcher, desk: Desk) -> None:
    tender = need(lot("Nettoyage des bureaux de la mairie"))
    (small, large) = (
        potential.potential(desk, tender, potential.Given(amount=amount)).lots[0].count
        for amount in (2e4, 2e7)
    )
    (listed,) = matcher.match(sized_need(tender, 2e7), 1_000, groups=0).lots
    assert (small.plausible, small.to_ask) != (large.plausible, large.to_ask)
    assert (large.likely, large.plausible, large.to_ask) == (listed.likely, listed.plausible, listed.to_ask)
    assert need_of("nettoyage des écoles de Laval (53)", None).lots[0].places[0].commune == "53130"


def test_a_trade_named_alone_has_no_size_and_is_one_that_structures_have() -> None:
    maker = structure(1, "Angers", "Sous-traitance industrielle, montage, câblage", "ESAT")
    # silent, at the edge of the department
    elsewhere = structure(2, "Angers", "", "ESAT", place=Place(commune="49328"))
    small = Desk(made.matcher_over((maker, elsewhere)), on=ON)
    assert small.in_area("industrie", area("Angers")).likely == 1
    whole = small.in_area("industrie", areas.department("49"))
    assert whole.likely == 1 and whole.plausible + whole.to_ask == 1
    assert whole.only(lambda kind: kind == "EA").to_ask == 0


def test_who_could_fill_a_gap_is_told_with_its_distance(desk: Desk) -> None:
    far = areas.department("72")  # between Angers and Laval
    need = coverage.Need(
        id="1", title="Tonte", trades=("espaces-verts",), place=areas.somewhere("72181"), on=ON, origin="avis"
    )
    (cell,) = coverage.cover(desk, [need], [far], trade="espaces-verts").cells
    found = coverage.closers(desk, cell)
    assert found
    assert {match.structure.offers[0].text for match, _ in found if match.structure.offers} <= {SAYS[0]}
    assert any(f"à {match.distance_km:.0f} km" in why for match, why in found if match.distance_km)


def test_of_a_lot_of_two_trades_those_who_do_each_are_counted(desk: Desk) -> None:
    asked = lot("Nettoyage des locaux et entretien des espaces verts")
    (found,) = potential.potential(desk, need(asked)).lots
    assert len(found.facts.by_need) == 2 and all(found.facts.by_need.values())


def test_works_are_known_by_their_words_so_that_no_duty_is_false(desk: Desk) -> None:
    def duties(title: str, amount: float) -> list[str]:
        given = potential.Given(amount=amount)
        made = potential.potential(desk, need(lot(title)), given)
        return [duty.code for duty in made.lots[0].advised.duties]

    assert "social-condition" not in duties("Construction d'un gymnase", 4_000_000)
    assert "social-condition" in duties("Construction d'un gymnase", 6_000_000)
    assert "social-condition" in duties("Nettoyage des bureaux de la mairie", 300_000)


def test_hours_are_carried_by_those_of_the_list(matcher: Matcher, desk: Desk) -> None:
    asked = lot("Nettoyage des bureaux de la mairie", amount=400_000.0)
    (found,) = potential.potential(desk, need(asked)).lots
    called = listed(matcher, asked, LIKELY)
    carriers = found.hours.carriers if found.hours else ()
    own = {c.siret for c in carriers if c.reason == "à appeler pour le lot lui-même"}
    assert own and own <= called
    assert set(found.facts.carriers) >= {f"Structure {int(siret[:9]) - 900000000} (EI)" for siret in own}


def test_a_meeting_invites_those_shown_or_those_who_come(matcher: Matcher, desk: Desk) -> None:
    place = areas.somewhere("49007")
    rows, relevance = meeting.pool(desk, [("nettoyage de bureaux", place)])
    worth = {str(siret) for siret in matcher.catalogue.sirets[rows]}
    typed = typed_need("nettoyage de bureaux", (place,), whole=True)
    assert worth == listed(matcher, typed, PLAUSIBLE) and (relevance.max(axis=1) > 0).all()
    come = [s.siret for s in DIRECTORY[:4]]
    guest = meeting.Guest(name="Ville", needs=("nettoyage de bureaux",))
    asked = {"theme": "propreté", "place": place, "on": ON, "buyers": [guest]}
    day = meeting.plan(desk, **asked, slots=4, participants=come)
    assert [one.structure.siret for one in day.invited] == come


def test_a_lot_of_a_billion_is_never_recommended_to_one_alone(matcher: Matcher) -> None:
    cleaner = next(s for s in DIRECTORY if s.offers and s.offers[0].text == SAYS[1])
    asked = need(lot("Nettoyage des locaux", amount=1e9, amount_period="year"))
    asked = replace(asked, format="boamp", nature="call")
    assert "alone" not in [o.part for o in opportunities(matcher, cleaner, [asked])]


@pytest.mark.parametrize(
    ("number", "facts", "told"),
    [
        (11, {}, UNSURE),  # farther than its trade goes
        (1, {"amount": 30_000_000.0, "amount_period": "year"}, UNSURE),  # its size and what it is for
        (1, {"flags": ("concession",)}, "watch"),
    ],
)
def test_a_line_to_watch_names_the_one_thing_to_verify(number: int, facts: dict[str, Any], told: str) -> None:
    known, one = (
        made.matcher_over(tuple(replace(one, turnover=300_000.0) for one in DIRECTORY)),
        DIRECTORY[number],
    )
    of_lot = {name: fact for name, fact in facts.items() if name != "flags"}
    call = {"format": "boamp", "nature": "call", "flags": facts.get("flags", ())}
    asked = [replace(need(lot("Entretien de locaux", **of_lot)), **call)]
    found = opportunities(known, one, asked)
    assert [line.part for line in found] == (["watch"] if told == "watch" else [])
    assert found or any(why.startswith(told) for why in why_nothing(known, one, asked))
