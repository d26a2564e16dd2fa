"""Places named in words: what people type, what notices say, what buyers are called."""

import pytest

from bench import read
from matcher.domain import BadInput, Buyer, Lot, Place, Tender
from matcher.reading.need import spot
from matcher.reading.sources import decp
from matcher.reference import places, toponyms
from records import cases


def codes(found: tuple[Place, ...]) -> list[str | None]:
    return [place.commune or place.grouping or place.department or place.region for place in found]


@pytest.mark.parametrize(("typed", "expected"), cases("places typed in a field"))
def test_a_place_is_understood_as_people_type_it(typed: str, expected: list[str]) -> None:
    found = toponyms.asked(typed)
    assert codes(found) == expected
    assert all(place.label for place in found)


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


def test_an_unknown_place_is_refused_and_named() -> None:
    with pytest.raises(BadInput, match="Zzyzx"):
        toponyms.asked("Pantin, Zzyzx")


@pytest.mark.parametrize(("text", "within", "expected"), cases("places in a text"))
def test_the_place_is_read_in_a_text(text: str, within: list[str], expected: list[str]) -> None:
    found = toponyms.mentioned(text, within)
    assert codes(found) == expected
    assert all(place.inferred for place in found)


def test_a_list_that_ends_with_a_department_names_all_its_towns() -> None:
    assert codes(toponyms.mentioned("Paris 14ème et Montrouge (92)", ["75", "92"])) == ["75114", "92049"]


def test_a_homonym_in_a_text_is_not_chosen() -> None:
    with pytest.raises(toponyms.Homonyms, match="Saint-Denis"):
        toponyms.mentioned("Nettoyage des locaux à Saint-Denis")


def lot_at(*stated: Place, title: str = "Entretien des espaces verts", buyer: Buyer | None = None):  # type: ignore[no-untyped-def]
    lot = Lot(id="1", title=title, places=stated)
    tender = Tender(id="t", format="boamp", title=title, buyer=buyer or Buyer(), lots=(lot,))
    return toponyms.of_lot(toponyms.placed(lot, tender), tender)


def test_the_buyers_town_is_the_place_where_only_its_department_is_stated() -> None:
    found, deduced = lot_at(Place(department="35"), buyer=Buyer(name="Ville de Saint-Malo"))
    assert codes(found) == ["35288"] and deduced and found[0].inferred
    elsewhere, deduced = lot_at(Place(department="29"), buyer=Buyer(name="Ville de Saint-Malo"))
    assert codes(elsewhere) == ["29"] and not deduced, "a work in another department is not at the town hall"


def test_what_the_text_says_goes_before_the_buyers_town() -> None:
    title = "Tonte sur la commune de Cancale"
    found, deduced = lot_at(Place(department="35"), title=title, buyer=Buyer(name="Ville de Rennes"))
    assert codes(found) == ["35049"] and not deduced


def test_what_is_stated_goes_before_everything() -> None:
    buyer = Buyer(name="Ville de Rennes")
    found, deduced = lot_at(Place(commune="35288"), title="Tonte à Cancale", buyer=buyer)
    assert codes(found) == ["35288"] and not deduced
    small = places.locate(Place(commune="62220"))  # a village without coordinates of its own
    assert lot_at(small) == ((small,), False)


@pytest.mark.parametrize(("label", "department", "expected"), cases("labels that name communes"))
def test_a_place_in_words_names_its_communes(label: str, department: str, expected: list[str]) -> None:
    buyer = Buyer(name="Ville de Cannes" if department == "06" else "Ville de Lyon")
    found, _ = lot_at(Place(label=label, department=department), buyer=buyer)
    assert codes(found) == expected


def test_a_place_that_is_stated_to_be_wide_or_abroad_is_not_the_buyers_town() -> None:
    buyer = Buyer(name="SNCF", place=Place(commune="93066", department="93"))
    wide = (Place(label="Toute la France.", country="FR"), Place(label="Région Île-de-France.", region="11"))
    for place in (*wide, Place(label="Conakry", country="FR", nuts="00")):
        found, deduced = lot_at(place, buyer=buyer)
        assert [one.commune for one in found] == [None] and not deduced, place.label
    found, _ = lot_at(Place(department="93"), buyer=buyer)
    assert codes(found) == ["93066"]


@pytest.mark.parametrize(("label", "nuts", "name", "expected"), cases("places wider than a town"))
def test_only_a_town_narrows_what_is_wide(label: str, nuts: str, name: str, expected: str | None) -> None:
    buyer = Buyer(name=name, place=Place(commune="29232" if nuts == "FRH02" else "35288"))
    found, deduced = lot_at(Place(label=label, nuts=nuts), buyer=buyer)
    assert codes(found) == [expected] and deduced == (expected == "35288")


def test_a_title_that_names_the_area_stated_is_not_narrowed_to_the_seat() -> None:
    for title, place in (("Accueil, région Bretagne, secteur ouest", None), ("Accueil du public", "35288")):
        buyer = Buyer(name="L'Emploi", place=Place(commune="35288"))
        found, _ = lot_at(Place(nuts="FRH"), title=title, buyer=buyer)
        assert found[0].commune == place, title


def test_a_long_name_in_the_title_is_a_place_without_a_word_before_it() -> None:
    title = "Concours, collège les Amandeirets Châteauneuf les Martigues référence 12"
    found, _ = lot_at(title=title, buyer=Buyer(id="22130001500247", name="Département des Bouches-du-Rhône"))
    assert codes(found) == ["13026"]


def test_a_lot_without_place_is_at_its_buyers() -> None:
    found, deduced = lot_at(buyer=Buyer(id="21930066700019"))
    assert codes(found) == ["93066"] and deduced
    nowhere, _ = lot_at()
    assert codes(nowhere) == [None]


def test_the_buyers_own_commune_settles_what_five_digits_mean() -> None:
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


@pytest.mark.parametrize(("label", "department", "commune"), cases("towns written oddly"))
def test_towns_written_oddly_are_found(label: str, department: str | None, commune: str | None) -> None:
    found = places.locate(Place(label=label, department=department))
    assert found.commune == commune
    assert department is None or found.department == department


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


def test_a_place_is_no_guess_among_several_that_resemble_it() -> None:
    with pytest.raises(toponyms.Homonyms, match=r"Boulogne-Billancourt \(92\), Boulogne-sur-Mer \(62\)"):
        toponyms.asked("Boulogn")


@pytest.mark.parametrize(
    ("typed", "hint"),
    [("Clermont Xy", r"is it Clermont \(60\), Clermont-Ferrand \(63\)\?"), ("Cler Xy", "check the spelling")],
)
def test_of_an_unknown_name_the_towns_that_it_begins_with_are_offered(typed: str, hint: str) -> None:
    with pytest.raises(toponyms.UnknownPlace, match=hint):
        toponyms.asked(typed)


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
