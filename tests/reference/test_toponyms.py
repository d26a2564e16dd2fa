"""Places named in words: what people type, what notices say, what buyers are called."""

from typing import Any

import pytest

from bench import read
from matcher.domain import Buyer, Lot, Place, Tender
from matcher.reading.need import spot
from matcher.reading.sources import decp
from matcher.reference import places, toponyms
from records import cases


def codes(found: tuple[Place, ...]) -> list[str | None]:
    return [place.commune or place.grouping or place.department or place.region for place in found]


def test_a_region_is_no_hamlet_and_stands_for_its_departments() -> None:
    (bretagne,) = toponyms.asked("Bretagne")
    assert bretagne.commune is None and bretagne.latitude is None
    assert places.departments_within(bretagne) == ("22", "29", "35", "56")


@pytest.mark.parametrize(("typed", "choices"), cases("homonyms"))
def test_a_homonym_is_asked_back_and_each_choice_names_one_place(typed: str, choices: list[str]) -> None:
    with pytest.raises(toponyms.Homonyms) as refused:
        toponyms.asked(typed)
    assert set(choices) <= set(refused.value.choices)
    assert all(choice in str(refused.value) for choice in choices)
    taken = [codes(toponyms.asked(choice)) for choice in refused.value.choices]
    assert all(len(one) == 1 for one in taken)
    assert len({one[0] for one in taken}) == len(taken)


def test_the_rest_of_the_text_settles_a_homonym() -> None:
    mainland = """Nettoyage du siège, 93200|Nettoyage, dans le 93|tonte en Seine-Saint-Denis
        écoles de Saint-Denis et d'Aubervilliers"""
    for commune, needs in {"93066": mainland, "97411": "repas livrés à La Réunion|tonte (974)"}.items():
        for need in needs.replace("\n", "|").split("|"):
            assert codes(toponyms.asked("Saint-Denis", need.strip())) == [commune], need
    with pytest.raises(toponyms.Homonyms, match="Saint-Denis"):
        toponyms.mentioned("Nettoyage des locaux à Saint-Denis")


def lot_at(*stated: Place, title: str = "Entretien des espaces verts", buyer: Buyer | None = None):  # type: ignore[no-untyped-def]
    lot = Lot(id="1", title=title, places=stated)
    tender = Tender(id="t", format="boamp", title=title, buyer=buyer or Buyer(), lots=(lot,))
    return toponyms.of_lot(toponyms.placed(lot, tender), tender)


def test_what_is_stated_goes_before_the_text_and_the_text_before_the_buyers_town() -> None:
    buyer = Buyer(name="Ville de Rennes")
    found, deduced = lot_at(Place(commune="35288"), title="Tonte à Cancale", buyer=buyer)
    assert codes(found) == ["35288"] and not deduced
    small = places.locate(Place(commune="62220"))  # a village without coordinates of its own
    assert lot_at(small) == ((small,), False)
    title = "Tonte sur la commune de Cancale"
    found, deduced = lot_at(Place(department="35"), title=title, buyer=Buyer(name="Ville de Rennes"))
    assert codes(found) == ["35049"] and not deduced
    found, deduced = lot_at(Place(department="35"), buyer=Buyer(name="Ville de Saint-Malo"))
    assert codes(found) == ["35288"] and deduced and found[0].inferred
    elsewhere, deduced = lot_at(Place(department="29"), buyer=Buyer(name="Ville de Saint-Malo"))
    assert codes(elsewhere) == ["29"] and not deduced, "a work in another department is not at the town hall"


def test_a_place_that_is_stated_to_be_wide_or_abroad_is_not_the_buyers_town() -> None:
    buyer = Buyer(name="SNCF", place=Place(commune="93066", department="93"))
    wide = (Place(label="Toute la France.", country="FR"), Place(label="Région Île-de-France.", region="11"))
    for place in (*wide, Place(label="Conakry", country="FR", nuts="00")):
        found, deduced = lot_at(place, buyer=buyer)
        assert [one.commune for one in found] == [None] and not deduced, place.label
    found, _ = lot_at(Place(department="93"), buyer=buyer)
    assert codes(found) == ["93066"]


def test_a_title_names_the_area_stated_or_a_place_without_a_word_before_it() -> None:
    for title, place in (("Accueil, région Bretagne, secteur ouest", None), ("Accueil du public", "35288")):
        buyer = Buyer(name="L'Emploi", place=Place(commune="35288"))
        found, _ = lot_at(Place(nuts="FRH"), title=title, buyer=buyer)
        assert found[0].commune == place, title
    title = "Concours, collège les Amandeirets Châteauneuf les Martigues référence 12"
    found, _ = lot_at(title=title, buyer=Buyer(id="22130001500247", name="Département des Bouches-du-Rhône"))
    assert codes(found) == ["13026"]


def test_a_lot_without_place_is_at_its_buyers_whose_commune_settles_five_digits() -> None:
    found, deduced = lot_at(buyer=Buyer(id="21930066700019"))
    assert codes(found) == ["93066"] and deduced
    nowhere, _ = lot_at()
    assert codes(nowhere) == [None]
    assert decp.place_of_decp("62220", "Code commune", buyer_id="21620215000017").commune == "62215"


def test_what_is_no_place_is_taken_for_none() -> None:
    # "Trifouilly" is three letters from "Rouilly", "Nulleville" two from "Boulleville", the first among them
    none = "Zorglubville|Zorglubville-sur-Mer|Trifouilly|Nulleville|A|Centre hospitalier de Zorglubville"
    for typed in none.split("|"):
        with pytest.raises(toponyms.UnknownPlace):
            toponyms.asked(typed)


@pytest.mark.parametrize(
    ("name", "town"),
    [("Evry", "Évry-Courcouronnes"), ("Noyal", "Noyal-Châtillon-sur-Seiche"), ("Vire", "Vire Normandie"), ("Viré", "Viré")],
)  # fmt: skip
def test_the_town_that_people_call_so_is_meant_before_a_far_smaller_village(name: str, town: str) -> None:
    for places_read in (toponyms.asked(name), spot(f"ménage à {name}")):
        assert [place.label for place in places_read] == [town]
    assert toponyms.spelt(name) == (name == town)  # what is taken for another is told


@pytest.mark.parametrize(("name", "town"), cases("names of several towns"))
def test_a_name_that_several_towns_go_by_is_asked_back(name: str, town: str) -> None:
    for meant, words in ((toponyms.asked, name), (spot, f"ménage à {name}")):
        with pytest.raises(toponyms.Homonyms, match=town):
            meant(words)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("78 Yvelines - 95 Val d'Oise", {("78", None), ("95", None)}),
        ("92-Hauts de Seine", {("92", None)}),
        ("Ivry. Villejuif.", {("94", "94041"), ("94", "94076")}),
    ],
)
def test_a_label_stands_before_the_buyers_seat(label: str, expected: set[tuple[str, str | None]]) -> None:
    buyer = Buyer(name="Ville de Paris", place=Place(label="Paris", commune="75056"))
    found, deduced = lot_at(Place(label=label, region="11"), title="Nettoyage", buyer=buyer)
    assert {(place.department, place.commune) for place in found} == expected and not deduced


def test_a_label_of_departments_stands_where_no_field_does() -> None:
    lot = Lot(id="1", title="Nettoyage", places=(Place(label="78 Yvelines - 95 Val d'Oise"),))
    buyer = Buyer(name="Ville de Paris", place=Place(label="Paris", commune="75056"))
    tender = Tender(id="t", format="ted", title="Marché", buyer=buyer, lots=(lot,))
    assert {place.department for place in toponyms.placed(lot, tender).places} == {"78", "95"}


@pytest.mark.parametrize(
    ("words", "error", "told"),
    [
        ("Pantin, Zzyzx", toponyms.UnknownPlace, "Zzyzx"),
        ("Boulogn", toponyms.Homonyms, r"Boulogne-Billancourt \(92\), Boulogne-sur-Mer \(62\)"),
        ("Clermont Xy", toponyms.UnknownPlace, r"is it Clermont \(60\), Clermont-Ferrand \(63\)\?"),
        ("Cler Xy", toponyms.UnknownPlace, "check the spelling"),
    ],
)
def test_what_is_not_one_place_is_told_with_what_it_may_be(words: str, error: Any, told: str) -> None:
    with pytest.raises(error, match=told):
        toponyms.asked(words)


@pytest.mark.parametrize("name", ["places_typed.csv", "places_typed_2.csv"])
def test_places_are_found_as_people_type_them_and_none_invented(name: str) -> None:
    right, total = read.places_read(read.rows(name))
    shares = {kind: right[kind] / many for kind, many in total.items()}
    assert shares["commune"] >= 0.85 and shares["department"] >= 0.95 and shares["region"] == 1.0, shares
    assert shares["none"] >= 0.85, shares  # what is left: products named after towns ("savon de Marseille")


@pytest.mark.parametrize(
    "text", ["ménage en Vexin", "taille dans le Perche", "tonte, Grand Paris Sud", "salon à Saint-Denis"]
)
def test_a_region_around_several_towns_and_a_homonym_are_asked_back(text: str) -> None:
    with pytest.raises(toponyms.Homonyms):
        toponyms.typed(text)


def test_a_homonym_is_settled_by_its_department() -> None:
    (found,) = toponyms.typed("stands pour un salon à Saint-Denis, Seine-Saint-Denis")
    assert found.commune == "93066" and found.inferred


def test_the_field_of_places_knows_the_same_names() -> None:
    assert codes(toponyms.asked("sud Ardèche")) == ["07"] and codes(toponyms.asked("Maurienne")) == ["73248"]
    with pytest.raises(toponyms.Homonyms) as asked:
        toponyms.asked("Grand Paris Sud")
    assert asked.value.choices == (
        "Grand Paris Sud Est Avenir (94)",
        "Communauté d'agglomération Grand Paris Sud Seine Essonne Sénart (91)",
    )
    with pytest.raises(toponyms.Homonyms) as asked:
        toponyms.asked("Beaumont")
    assert all("Beaumont" in choice for choice in asked.value.choices)  # and not Beaumes
    # a village does not compete with the town of its very name, unless the need is of its department
    assert codes(toponyms.asked("Valence")) == ["26362"]
    assert codes(toponyms.asked("Valence", "tonte dans le Tarn-et-Garonne")) == ["82186"]
