"""Several sources, one structure: what is joined, what must stay apart, and where each field comes from."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from matcher.domain import Offer, Place, Structure
from matcher.reading.merge import merge
from matcher.reference.identifiers import name_identity

#: Invented numbers that belong to nobody: their SIREN begins with 000.
ONE, MOVED, OTHER = "00000011700010", "00000011700028", "00000022400014"
METZ = Place(label="Metz", commune="57463", postcode="57000", department="57")
NANTES = Place(label="Nantes", commune="44109", postcode="44000", department="44")


def structure(siret: str = ONE, **changes: Any) -> Structure:
    base: dict[str, Any] = {"name": "Les Ateliers du Lac", "kind": "ESAT", "place": METZ, "source": "a.csv"}
    return Structure(siret=siret, **{**base, **changes})


def offer(title: str, **changes: Any) -> Offer:
    return Offer(id="x", title=title, **changes)


def test_one_siret_of_two_sources_is_one_structure_with_the_offers_of_both() -> None:
    one = structure(offers=(offer("Blanchisserie"), offer("Reliure")), phone="0100000000", networks=("A",))
    said = offer("blanchisserie"), offer("Nous lavons.", nature="description")
    two = structure(source="b.json", offers=said, website="https://x.example", networks=("B",))
    (merged,), _ = merge([one, two])
    assert [o.title for o in merged.offers] == ["Nous lavons.", "Blanchisserie", "Reliure"]
    assert len({o.id for o in merged.offers}) == 3
    assert (merged.phone, merged.website, merged.networks) == ("0100000000", "https://x.example", ("A", "B"))
    assert (merged.provenance["phone"], merged.provenance["website"]) == ("a.csv", "b.json")
    assert merged.source == "a.csv + b.json"


def test_the_latest_word_counts_and_says_its_day() -> None:
    old = structure(phone="1", updated=date(2020, 1, 1), website="https://old.example")
    new = structure(phone="2", updated=date(2024, 5, 6), source="b.csv")
    for order in ([old, new], [new, old]):
        (merged,), _ = merge(order)
        assert (merged.phone, merged.website) == ("2", "https://old.example")
        assert merged.provenance["phone"] == "b.csv, 2024-05-06"
        assert merged.provenance["website"] == "a.csv, 2020-01-01"
        assert merged.updated == date(2024, 5, 6)


def test_who_looked_last_tells_whether_it_is_open_and_the_open_siret_stands() -> None:
    edited = structure(active=True, checked=date(2023, 1, 1), updated=date(2025, 1, 1))
    looked = structure(active=False, checked=date(2024, 9, 9), source="register")
    (merged,), _ = merge([edited, looked])
    assert (merged.active, merged.checked) == (False, date(2024, 9, 9))
    assert merged.provenance["active"].startswith("register")
    closed = structure(ONE, active=False, checked=date(2024, 1, 1))
    open_ = structure(MOVED, active=True, source="b.csv", checked=date(2024, 1, 1))
    (merged,), _ = merge([closed, open_])
    assert (merged.siret, merged.predecessors) == (MOVED, (ONE,))


def test_two_kinds_under_one_siret_stay_two_and_both_learn_from_the_register() -> None:
    register = structure(kind="ASSO", naf="8810C", active=True, source="register")
    merged = merge([structure(kind="ACI"), structure(kind="AI", source="b.csv"), register])[0]
    assert [(s.kind, s.naf, s.active) for s in merged] == [("ACI", "8810C", True), ("AI", "8810C", True)]


@pytest.mark.parametrize("kind", ["", "ESS", "SCOP"])
def test_a_legal_form_gives_way_to_what_the_structure_does(kind: str) -> None:
    formal = structure(kind=kind, source="b.csv", flags=("kind-missing",))
    (merged,), _ = merge([formal, structure(kind="EI")])
    assert (merged.kind, merged.flags) == ("EI", ())


def test_a_moved_siret_follows_its_successor_even_through_a_chain() -> None:
    third = "00000011700036"
    moved = structure(MOVED, predecessors=(ONE,), source="b.csv")
    (merged,), _ = merge([structure(ONE), moved, structure(third, predecessors=(MOVED,), source="c.csv")])
    assert (merged.siret, set(merged.predecessors)) == (third, {ONE, MOVED})
    (stated,), _ = merge([structure(MOVED, predecessors=(ONE,), source="b.csv"), structure(ONE)])
    assert (stated.siret, stated.predecessors) == (MOVED, (ONE,))


def test_a_circle_of_successors_and_an_open_predecessor_join_nothing() -> None:
    later = structure(MOVED, predecessors=(ONE,), source="b.csv", name="Y")
    for earlier in ({"predecessors": (MOVED,)}, {"active": True}):
        assert len(merge([structure(ONE, name="X", **earlier), later])[0]) == 2


def test_one_siren_one_name_one_town_reported_by_two_sources_is_one() -> None:
    (found,), _ = merge([structure(ONE), structure(MOVED, name="ASSOC LES ATELIERS DU LAC", source="b.csv")])
    assert (found.siret, found.predecessors) == (ONE, (MOVED,))


OTHERS: tuple[dict[str, Any], ...] = (
    {"source": "a.csv"},  # one list names both: two places
    *({"place": place} for place in (NANTES, Place())),
    *({"name": name} for name in ("Les Ateliers de la Seille", "Les Ateliers du Lac 2")),
    *({"kind": "EA"}, {"brand": "Blanchisserie"}, {"active": True}, {"siret": OTHER}),
)


@pytest.mark.parametrize("changes", OTHERS)
def test_other_workshops_kinds_towns_and_bidders_stay_apart(changes: dict[str, Any]) -> None:
    first = structure(ONE, brand="Imprimerie", active=True)
    second = structure(**{"siret": MOVED, "source": "b.csv", **changes})
    assert len(merge([first, second])[0]) == 2


def test_what_the_register_hides_stays_hidden() -> None:
    town = Place(commune="57463", department="57")
    mine = structure(address="1 rue du Test", place=replace(town, latitude=49.1, longitude=6.1))
    hidden = {"name": "[nom non diffusible]", "flags": ("partial-diffusion",), "place": town}
    register = structure(source="register", updated=date(2025, 1, 1), **hidden)
    (merged,), _ = merge([mine, register])
    assert merged.name == "Les Ateliers du Lac"
    assert (merged.address, merged.place.latitude, merged.place.commune) == ("", None, "57463")


def test_offers_without_a_name_go_to_their_structure_or_are_set_aside() -> None:
    nameless = {"name": "", "place": Place(), "flags": ("offers-only", "place-unknown")}
    jobs = structure(offers=(offer("Pliage"),), **nameless)
    (merged,), _ = merge([structure(), jobs])
    assert ([o.title for o in merged.offers], merged.flags, merged.place) == (["Pliage"], (), METZ)
    alone, (orphan,) = merge([jobs])
    assert alone == ()
    assert "read them with the list that names it" in orphan.reason


def test_a_finess_number_is_an_identity_until_the_siret_is_found() -> None:
    alone = structure("F570000015", phone="0100000000", flags=("no-siret",))
    (kept,), _ = merge([alone])
    assert kept.siret == kept.siren == "F570000015"
    known = structure(source="b.csv", predecessors=("F570000015",))
    (one,), _ = merge([alone, known])
    assert (one.siret, one.phone) == (ONE, "0100000000")


def test_a_name_in_a_commune_joins_the_only_siret_of_it() -> None:
    place, at = structure().place, name_identity(structure().name, structure().place.commune)
    alone = structure(at, phone="0100000000", flags=("no-siret",))
    (one,), _ = merge([alone, structure(source="b.csv", name="ASSOC ATELIERS LAC")])
    assert (one.siret, one.phone) == (ONE, "0100000000") and place.commune
    two = merge([alone, structure(source="b.csv"), structure(OTHER, source="b.csv")])[0]
    assert {each.siret for each in two} == {ONE, OTHER, at}
    elsewhere = structure(OTHER, source="b.csv", place=Place(commune="57672", department="57"))
    assert {each.siret for each in merge([alone, structure(source="b.csv"), elsewhere])[0]} == {ONE, OTHER}
    for name in (f"{alone.name} (Papillons)", " ".join(reversed(alone.name.split()))):
        (same,), _ = merge([replace(alone, name=name), structure(source="b.csv")])
        assert same.siret == ONE
    wide = structure(name_identity(alone.name, "57"), place=Place(department="57"), flags=("no-siret",))
    assert [each.siret for each in merge([alone, wide])[0]] == [at]


@pytest.mark.parametrize(
    ("others", "left"),
    [
        ([], {ONE}),
        ([structure("000000117-0002", name="Le Fournil")], {ONE, "000000117-0001", "000000117-0002"}),
        ([structure(MOVED, source="b.csv", name="Le Fournil", place=NANTES)], {ONE, MOVED}),
        ([structure("000000117-0003", name="Le Fournil", place=NANTES)], {ONE, "000000117-0003"}),
    ],
    ids=["alone", "two of one town", "the SIRET of the town", "none in the department"],
)
def test_a_siren_joins_the_siret_of_its_town(others: list[Structure], left: set[str]) -> None:
    alone = structure("000000117-0001", name="Autre enseigne", phone="0100000000", flags=("no-siret",))
    merged = merge([alone, structure(source="b.csv"), *others])[0]
    assert {one.siret for one in merged} == left
    assert {one.siren for one in merged} == {"000000117"}


def test_an_association_known_by_its_number_joins_the_only_siret_of_it() -> None:
    alone = structure("W570000015", kind="ASSO")
    listed = structure(source="b.csv", kind="ASSO", rna="W570000015")
    assert [one.siret for one in merge([alone, listed])[0]] == [ONE]
    other = structure(MOVED, source="b.csv", kind="ASSO", rna="W570000015", name="Autre", place=NANTES)
    assert {one.siret for one in merge([alone, listed, other])[0]} == {ONE, MOVED, "W570000015"}


def test_namesakes_of_a_department_without_numbers_are_one_house() -> None:
    def at(town: str, commune: str, name: str) -> Structure:
        place = Place(label=town, commune=commune, department="57")
        return structure(name_identity(name, commune), name=name, place=place)

    first = at("Metz", "57463", "Les Ateliers du Grand Chêne (Fédération 57)")
    again, other = (at("Thionville", "57672", f"Les Ateliers du {x} Chêne") for x in ("Grand", "Petit"))
    assert [one.siret for one in merge([first, again])[0]] == [first.siret]
    assert len(merge([first, other])[0]) == 2
