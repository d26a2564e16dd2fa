"""Names of a register and of sources as people write them."""

import pytest

from matcher.reference.naming import as_written, source_name
from records import cases


@pytest.mark.parametrize(("registered", "written"), cases("names in capitals"))
def test_capitals_become_a_name_and_initials_stay(registered: str, written: str) -> None:
    assert as_written(registered) == written


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
