"""Places in needs as people type them: two sets by two authors who had seen no code, and the signs one by one."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from matcher.domain import Place
from matcher.reference import places, toponyms, typed_places

DATA = Path(__file__).parents[1] / "data"
WHOLE = {
    "75": "75056",
    "69": "69123",
    "13": "13055",
}  # of arrondissements, where the set names the whole town


def codes(found: tuple[Place, ...]) -> set[str]:
    return {place.commune or place.department or place.region or "" for place in found}


def town(code: str) -> str:
    known = places.commune(code)
    twofold = known is not None and "Arrondissement" in known.name
    return WHOLE[code[:2]] if twofold else code


def wanted(kind: str, place: str) -> set[str]:
    return {place} if kind == "department" else codes(toponyms.asked(place))


@pytest.mark.parametrize("name", ["places_typed.csv", "places_typed_2.csv"])
def test_places_are_found_as_people_type_them_and_none_invented(name: str) -> None:
    right: dict[str, list[bool]] = {}
    for row in csv.DictReader((DATA / name).read_text(encoding="utf-8").splitlines()):
        try:
            found = {town(code) for code in codes(typed_places.mentioned(row["text"]))}
        except toponyms.Homonyms:
            found = {"?"}
        right.setdefault(row["kind"], []).append(found == wanted(row["kind"], row["place"]))
    shares = {kind: sum(each) / len(each) for kind, each in right.items()}
    assert shares["commune"] >= 0.85 and shares["department"] >= 0.95 and shares["region"] == 1.0, shares
    assert shares["none"] >= 0.85, shares  # what is left: products named after towns ("savon de Marseille")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("taille de haies à Vienne", {"38544"}), ("taille de haies dans la Vienne", {"86"}),
        ("repas pour les collèges du Doubs", {"25"}),  # a commune of that name lies in it
        ("Die, Drôme : murs en pierre", {"26113"}), ("pose de rideaux en tulle", set()),
        ("tonte du 12 au 15 juin", set()), ("tonte dans le 12", {"12"}), ("12000 plis à distribuer", set()),
        ("ménage de la rue de Lyon", set()), ("peinture du collège Saint-Exupéry", set()),
        ("façade nord à repeindre", set()), ("vélos à réparer, Pantin et Bobigny", {"93055", "93008"}),
    ],
)  # fmt: skip
def test_a_name_that_is_also_a_word_needs_a_sign(text: str, expected: set[str]) -> None:
    assert codes(typed_places.mentioned(text)) == expected


def test_a_homonym_is_asked_back() -> None:
    with pytest.raises(toponyms.Homonyms):
        typed_places.mentioned("stands pour un salon à Saint-Denis")
    (found,) = typed_places.mentioned("stands pour un salon à Saint-Denis, Seine-Saint-Denis")
    assert found.commune == "93066" and found.inferred
