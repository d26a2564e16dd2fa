"""Places in needs as people type them: two sets by two authors who had seen no code, and the signs one by one."""

import pytest

from bench import read
from matcher.domain import Place
from matcher.reference import toponyms


def codes(found: tuple[Place, ...]) -> set[str]:
    return {place.commune or place.grouping or place.department or place.region or "" for place in found}


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
    assert codes(toponyms.asked("sud Ardèche")) == {"07"} and codes(toponyms.asked("Maurienne")) == {"73248"}
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
    assert codes(toponyms.asked("Valence")) == {"26362"}
    assert codes(toponyms.asked("Valence", "tonte dans le Tarn-et-Garonne")) == {"82186"}
