"""A source is told by the name that people know it by."""

import pytest

from matcher.reference.naming import source_name


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ("siae_2021.jsonl", "Les emplois de l’inclusion"),
        ("dossier/emplois.json", "Les emplois de l’inclusion"),
        ("ted:123456-2024/1", "Avis d’attribution (TED)"),
        ("annuaire du réseau.xlsx", "annuaire du réseau"),
        ("la structure elle-même", "la structure elle-même"),
        ("", ""),
    ],
)
def test_a_source_goes_by_its_name(stored: str, told: str) -> None:
    assert source_name(stored) == told
