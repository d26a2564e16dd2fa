"""The path of a tender: time, law, additivity, filters, one bidder, and an honest nobody."""

import itertools
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from pytest import MonkeyPatch

import made
from matcher import domain
from matcher.catalogue import files
from matcher.catalogue.files import load_catalogue, save_catalogue
from matcher.catalogue.filters import allowed_mask
from matcher.domain import Award, Filters, Offer, Place, Reservation, Structure, Tender
from matcher.lab import evaluation
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.matching.ranking import interleave
from matcher.outreach.sourcing import record
from matcher.reading.need import free_text_tender, typed_need

NANTERRE = Place(label="Nanterre", postcode="92000")
GARDEN = "Entretien d'espaces verts, tonte, taille de haies"


def need(text: str, place: Place | None = NANTERRE, **lot: object) -> Tender:
    return made.need(text, place, **lot)


def structure(number: int, kind: str, town: str, text: str, **more: object) -> Structure:
    return made.structure(number, f"Structure {number}", text, kind=kind, place=Place(label=town), **more)


@pytest.fixture(scope="module")
def small() -> Matcher:
    zoned = (Offer(id="8#1", title=GARDEN, zone=domain.Zone(departments=("92",))),)
    listed = [
        structure(1, "ACI", "Nanterre", GARDEN),
        structure(2, "ESAT", "Nanterre", GARDEN),
        structure(3, "EI", "Lyon", GARDEN),
        structure(4, "EI", "Nanterre", "Nettoyage de bureaux et de vitres"),
        structure(5, "EI", "Nanterre", "", naf="8899B"),
        structure(6, "EI", "Nanterre", GARDEN, active=False),
        structure(7, "EI", "Marseille", GARDEN, zone=None),
        replace(structure(8, "EA", "Lille", GARDEN), offers=zoned),
    ]
    return made.matcher_over(listed)


def test_the_right_trade_near_comes_first_and_a_poor_entry_stands_below(small: Matcher) -> None:
    asked = need("entretien des espaces verts")
    ranking = [siren for siren, _ in small.rank(small.queries(asked)[0]).sirens(10)]
    assert ranking[0] in ("000000001", "000000002")
    assert "000000005" in ranking, "a name and 8899B must still be found in its place"
    assert ranking.index("000000001") < ranking.index("000000005")
    assert ranking.index("000000001") < ranking.index("000000003"), "near before far"
    assert ranking.index("000000008") < ranking.index("000000003"), "a declared zone counts like nearness"


def test_what_is_shown_stands_where_the_trade_is_served_from(small: Matcher) -> None:
    shown = small.match(need("entretien des espaces verts"), 10, groups=0).lots[0].matches
    assert {m.structure.siret[:9] for m in shown} >= {"000000001", "000000002", "000000008"}
    assert "000000004" not in {m.structure.siret[:9] for m in shown}, "known for another trade"
    # Lyon, Marseille for Nanterre
    assert not {m.structure.siret[:9] for m in shown} & {"000000003", "000000007"}
    brest = need("entretien des espaces verts", Place(label="Brest", postcode="29200"))
    alone = small.match(brest, 10, groups=0)
    lot = alone.lots[0]
    assert not any(m.level == "likely" for m in lot.matches), "nobody of the trade stands near Brest"
    assert lot.considered == 8 and lot.likely == 0


def test_a_firm_known_by_its_awards_alone_is_not_counted_as_examined() -> None:
    garden = structure(1, "EI", "Nanterre", "Entretien d'espaces verts, tonte, taille de haies")
    firm = domain.Holder(id="99999999900014", name="Parcs et Jardins SA")
    won = Award(uid="a", title="Entretien des espaces verts", notified=date(2025, 1, 1), holders=(firm,))
    matcher, asked = made.matcher_over([garden], [won]), need("entretien des espaces verts")
    assert len(matcher.catalogue) == 2
    lot = matcher.match(asked, 10, groups=0).lots[0]
    assert [m.structure.siret for m in lot.matches] == [garden.siret] and lot.considered == 1
    kept = record.search(matcher, asked).lots[0]
    assert [m.structure.siret for m in kept.matches] == [garden.siret] and kept.considered == 1


def test_a_wider_radius_shows_structures_within_it_with_a_warning_that_they_are_far(small: Matcher) -> None:
    far = Filters(radius_km=900)
    wide = small.match(need("entretien des espaces verts"), 10, filters=far, groups=0).lots[0]
    found = {m.structure.siret[:9]: m for m in wide.matches}
    assert "000000007" in found, "Marseille for Nanterre"
    assert found["000000007"].level == "plausible", "to be asked whether it comes"
    assert any("plus loin" in reason.text for reason in found["000000007"].reasons)
    assert found["000000001"].rank < found["000000007"].rank


def test_what_goes_by_post_or_wire_comes_from_afar(small: Matcher) -> None:
    site = "Création d'un site internet accessible, développement web, référencement"
    sweeps = structure(2, "EI", "Rouen", "Nettoyage de bureaux")
    far = made.matcher_over([structure(1, "EI", "Rouen", site), sweeps])
    wired = far.match(need("création du site internet de la ville"), 5, groups=0).lots[0].matches
    assert [m.structure.siret[:9] for m in wired] == ["000000001"]
    assert not any("plus loin" in reason.text for reason in wired[0].reasons)
    swept = far.match(need("nettoyage des bureaux de la mairie"), 5, groups=0).lots[0]
    assert not any(m.level == "likely" for m in swept.matches), "a cleaner does not come from Rouen"


def test_who_may_not_answer_stands_after_all_who_may(small: Matcher) -> None:
    reserved = need("entretien des espaces verts", reservation=Reservation(articles=("L2113-12",)))
    ranking = small.rank(small.queries(reserved)[0])
    of_all = small.catalogue.of_structure("kind")[ranking.shortlist.candidates]
    kinds = [str(of_all[i]) for i in ranking.order]
    may = [kind in ("ESAT", "EA") for kind in kinds]
    assert may == sorted(may, reverse=True)
    shown = small.match(reserved, 10, groups=0).lots[0].matches
    assert {m.structure.kind for m in shown if m.eligible} == {"ESAT", "EA"}


@pytest.mark.parametrize(
    "said",
    ["{}, marché réservé aux ESAT et EA", "{} (lot réservé, article L. 2113-12)", "Réservé ESAT/EA : {}", ""],
)
def test_kinds_ticked_an_article_set_and_a_reservation_typed_give_one_list(small: Matcher, said: str) -> None:
    words, place = "entretien des espaces verts", Place(postcode="93500")

    def listed(text: str, **filters: tuple[str, ...]) -> list[tuple[str, float]]:
        lot = small.match(typed_need(text, [place]), 50, filters=Filters(**filters), groups=0).lots[0]
        return [(m.structure.siret, m.probability) for m in lot.matches]

    ticked = listed(words, kinds=("ESAT", "EA"))
    assert ticked == (listed(said.format(words)) if said else listed(words, articles=("L2113-12",)))
    assert ticked and len(ticked) < len(listed(words))


def test_an_unstated_article_admits_both_fields_and_a_closed_establishment_is_stated(small: Matcher) -> None:
    reserved = need("entretien des espaces verts", reservation=Reservation())
    match = small.match(reserved, 1, groups=0).lots[0].matches[0]
    assert match.eligible is True
    assert any("article non précisé" in reason.text for reason in match.reasons)
    found = small.why("00000000600014", need("entretien des espaces verts"))[0]
    assert found.state == "closed"
    active = Filters(active_only=True)
    open_only = small.match(need("entretien des espaces verts"), 10, filters=active, groups=0)
    assert "000000006" not in [m.structure.siren for m in open_only.lots[0].matches]


FILTERS: dict[str, dict[str, object]] = {
    "kinds": {"kinds": ("ACI", "ESAT")},
    "departments": {"departments": ("93", "75")},
    "radius": {"radius_km": 15},
    "phrases": {"phrases": ("nettoyage",)},
    "articles": {"articles": ("L2113-12",)},
    "active": {"active_only": True},
    "excluded": {"excluded": ("000100016",)},
    "sirets": {"sirets": ("00010001600013",)},
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_gives_the_unfiltered_order_less_those_filtered(matcher: Matcher, name: str) -> None:
    filters = Filters(**FILTERS[name])  # type: ignore[arg-type]
    tender = need("nettoyage de locaux et entretien d'espaces verts", Place(postcode="93100"))
    everything = matcher.rank(matcher.queries(tender)[0])
    narrowed = matcher.rank(matcher.queries(tender, filters=filters)[0])
    allowed = allowed_mask(matcher.catalogue, filters, everything.shortlist.query.places)
    assert allowed is not None and 0 < allowed.sum() < len(allowed)
    whole, kept = (
        dict(zip(one.shortlist.candidates.tolist(), one.scores.tolist(), strict=True))
        for one in (everything, narrowed)
    )
    assert kept == pytest.approx({row: score for row, score in whole.items() if allowed[row]}, abs=1e-5)


def test_a_shortlist_loses_nothing_to_be_shown(matcher: Matcher, monkeypatch: MonkeyPatch) -> None:
    exact = Matcher(matcher.catalogue, exhaustive=True)
    monkeypatch.setattr("matcher.matching.search.COMPARED", 0)
    for text in ("traiteur pour un séminaire", "entretien des espaces verts", "collecte de papier de bureau"):
        tender = need(text, Place(postcode="75012"))
        some, all_ = (m.match(tender, 5, groups=0).lots[0].matches for m in (matcher, exact))
        assert [m.structure.siret for m in some] == [m.structure.siret for m in all_]


def test_by_the_clause_there_is_still_an_answer(matcher: Matcher) -> None:
    works = need("Construction d'un viaduc autoroutier à haubans", Place(postcode="93100"), cpv=("45221111",))
    answer = matcher.match(works, groups=0).lots[0]
    assert answer.by_clause
    assert {m.structure.kind for m in answer.by_clause} & {"AI", "ETTI", "GEIQ", "EATT", "EITI"}


def test_an_unknown_structure_or_lot_is_named(matcher: Matcher) -> None:
    with pytest.raises(domain.NotFound, match="check the SIRET"):
        matcher.why("99999999999999", need("nettoyage"))
    known = str(matcher.catalogue.of_structure("siret")[0])
    with pytest.raises(domain.NotFound, match="its lots are 1"):
        matcher.why(known, need("nettoyage"), lot="12")


@pytest.mark.parametrize("text", ["", "   ", "123 456", "x" * 2_000_000])
def test_a_need_that_says_nothing_or_far_too_much(text: str) -> None:
    with pytest.raises(domain.BadInput):
        free_text_tender(text)


def test_lots_are_merged_by_interleaving() -> None:
    merged = interleave([[("a", 9.0), ("b", 8.0)], [("c", 5.0), ("a", 4.0)]], 3)
    assert [siren for siren, _ in merged] == ["a", "c", "b"]
    assert [score for _, score in merged] == sorted((score for _, score in merged), reverse=True)


def test_an_index_of_another_model_is_refused(matcher: Matcher, tmp_path: Path) -> None:
    save_catalogue(matcher.catalogue, tmp_path / "c")
    manifest = tmp_path / "c" / "manifest.json"
    data = json.loads(manifest.read_text())
    data = {**data, "encoder": "another"}
    manifest.write_text(json.dumps({**data, "checksum": files._own(data)}))
    with pytest.raises(domain.StaleArtefact, match="encoded by model another"):
        load_catalogue(tmp_path / "c")
    with pytest.raises(domain.NotFound, match="matcher index"):
        load_catalogue(tmp_path / "nothing")


def test_questions_set_bad_lines_aside(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    good = {"query_id": "a", "notice": {"objet": "nettoyage"}}
    lines = ['{"query_id": "x"', json.dumps(good), json.dumps(good), "[]", '{"query_id":"b","notice":{}}']
    path.write_text("\n".join(lines))
    rejected: list = []
    asked = list(evaluation.questions(path, rejected))
    assert [q.id for q in asked] == ["a"]
    assert len(rejected) == 4
    assert all(bad.reason for bad in rejected)


def alike(*more: Structure) -> Matcher:
    """A matcher over twenty structures that differ by their SIRET alone, and others."""
    twenty = (made.structure(number, "Structure", GARDEN, place=NANTERRE) for number in range(11, 31))
    return made.matcher_over([*twenty, *more])


def test_near_equals_take_turns_from_lot_to_lot_and_clear_differences_do_not() -> None:
    matcher, day = alike(), date(2026, 11, 30)

    def order(need: str, apart: float, day: date = day) -> list[int]:
        (query,) = matcher.queries(free_text_tender(need, NANTERRE))
        ranking = matcher.rank(query)
        scores = apart * np.arange(len(ranking.scores))[::-1]
        given = replace(ranking, scores=scores, order=np.argsort(-scores))
        return list(matcher.rotated(given, day).order)

    needs = [f"tonte et taille de haies du parc {name}" for name in ("nord", "sud", "est", "ouest")]
    assert len({order(need, 0.005)[0] for need in needs}) > 1
    # the same search, the same list
    assert order(needs[0], 0.005) == order(needs[0], 0.005, date(2026, 12, 1))
    assert all(order(need, 5.0) == list(range(20)) for need in needs)


def test_equals_stand_in_an_order_of_each_lot_and_not_in_that_of_their_siret() -> None:
    matcher = alike()

    def order(need: str) -> list[str]:
        (lot,) = matcher.match(free_text_tender(need, NANTERRE), 20, groups=0).lots
        assert len({round(match.score, 9) for match in lot.matches}) == 1 and len(lot.matches) == 20
        return [match.structure.siret for match in lot.matches]

    first, second = order("tonte et taille de haies"), order("tonte et taille de haies du parc")
    assert first not in (sorted(first), second) and first == order("tonte et taille de haies")
    assert sum(a < b for a, b in itertools.pairwise(first)) < 15


def test_near_equals_take_turns_from_day_to_day_only_when_asked_and_it_is_recorded() -> None:
    far = made.structure(40, "Structure", GARDEN, place=Place(label="Pontoise"))
    still = alike(far)
    turning = Matcher(still.catalogue, recipes.named("rotating"))
    days, asked = [date(2026, 3, day) for day in range(1, 21)], made.need("tonte", NANTERRE)

    def order(matcher: Matcher, day: date) -> tuple[str, ...]:
        answer = matcher.match(asked, 21, as_of=day, groups=0)
        return tuple(match.structure.siren for match in answer.lots[0].matches)

    assert len({order(still, day) for day in days}) == 1
    lists = [order(turning, day) for day in days]
    assert lists[0] == order(turning, days[0])  # the same all day long
    assert len({each[0] for each in lists}) > 5  # many are first in their turn
    assert {each[-1] for each in lists} == {far.siren}  # who is worse is never turned to the front
    said = ["rotation" in matcher.match(asked, 1, groups=0).versions for matcher in (turning, still)]
    assert said == [True, False]
