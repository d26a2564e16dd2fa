"""What a correction or a cancellation withdraws (two hundred sentences of buyers: `test_reading_tables.py`)."""

from dataclasses import replace

import pytest

from matcher.domain import Lot, Tender
from matcher.reading import cancellation, procedure
from records import cases

LOTS = (Lot(id="a", title="Tonte", number="1"), Lot(id="b", title="Taille", number="Lot n°2"))
CALL = Tender(id="1", format="boamp", title="Espaces verts", lots=LOTS)


@pytest.mark.parametrize(("change", "nature", "gone"), cases("corrections that withdraw"))
def test_a_correction_withdraws_what_its_text_says(change: str, nature: str, gone: list[str]) -> None:
    told = Tender(id="2", format="boamp", title="Rectificatif", nature="correction", change=change)
    correction = cancellation.settled(told)
    assert correction.nature == nature
    assert procedure.effective(CALL, [correction])[1] == set(gone)


def test_a_cancellation_by_its_form_withdraws_all_unless_it_names_lots() -> None:
    cancelled = Tender(id="2", format="boamp", title="Annulation", nature="cancellation")
    assert procedure.effective(CALL, [cancellation.settled(cancelled)])[1] == {"a", "b"}
    named = cancellation.settled(replace(cancelled, change="Lot 1 : sans suite."))
    assert procedure.effective(CALL, [named])[1] == {"a"}
