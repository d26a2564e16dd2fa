"""Names of a register as people write them."""

from __future__ import annotations

import pytest

from matcher.reference.naming import as_written


@pytest.mark.parametrize(
    ("registered", "written"),
    [
        ("ASS LES JARDINS DE LA VIE", "Association les Jardins de la Vie"),
        ("ESAT APF 93", "ESAT APF 93"),
        ("SCOP TRAVAIL ET VIE", "SCOP Travail et Vie"),
        ("ADAPEI DU VAL D'OISE", "ADAPEI du Val d'Oise"),
        ("RÉGIE DE QUARTIER", "Régie de Quartier"),
        ("Chez Nous BTP", "Chez Nous BTP"),
        ("", ""),
    ],
)
def test_capitals_become_a_name_and_initials_stay(registered: str, written: str) -> None:
    assert as_written(registered) == written
