"""What a correction or a cancellation withdraws (two hundred sentences of buyers: `test_reading_tables.py`)."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from matcher.domain import Lot, Tender
from matcher.reading import cancellation, procedure
from matcher.reading.procedure import answerable
from records import cases


@pytest.mark.parametrize(("change", "nature", "gone"), cases("corrections that withdraw"))
def test_a_correction_withdraws_what_its_text_says(change: str, nature: str, gone: list[str]) -> None:
    lots = (Lot(id="a", title="Tonte", number="1"), Lot(id="b", title="Taille", number="Lot n°2"))
    call = Tender(id="1", format="boamp", title="Espaces verts", lots=lots)
    told = Tender(id="2", format="boamp", title="Rectificatif", nature="correction", change=change)
    correction = cancellation.settled(told)
    assert correction.nature == nature
    assert procedure.effective(call, [correction])[1] == set(gone)


def test_a_cancellation_by_its_form_withdraws_all_unless_it_names_lots() -> None:
    lots = (Lot(id="a", title="Tonte", number="1"), Lot(id="b", title="Taille", number="2"))
    call = Tender(id="1", format="boamp", title="Espaces verts", lots=lots)
    cancelled = Tender(id="2", format="boamp", title="Annulation", nature="cancellation")
    assert procedure.effective(call, [cancellation.settled(cancelled)])[1] == {"a", "b"}
    named = cancellation.settled(replace(cancelled, change="Lot 1 : sans suite."))
    assert procedure.effective(call, [named])[1] == {"a"}


def test_a_correction_is_part_of_the_notice_that_it_corrects() -> None:
    """The list of a structure, the notice by its id and the night tell one deadline, and every lot."""
    before, after = datetime(2026, 12, 18, 12, tzinfo=UTC), datetime(2027, 1, 4, 12, tzinfo=UTC)
    lots = tuple(Lot(id=f"LOT-{n}", number=str(n), title=f"lot {n}", deadline=before) for n in (1, 2, 3))
    call = Tender(id="26-1", format="boamp", title="Espaces verts", lots=lots, deadline=before, nature="call")
    moved = replace(call, id="26-2", nature="correction", related=("26-1",), deadline=after, lots=lots[:1])
    moved = replace(moved, lots=(replace(lots[0], deadline=after),))
    gone = replace(call, id="26-3", nature="cancellation", related=("26-2",), cancels=("2",), lots=())
    (told,) = answerable([call, moved, gone])
    assert (told.id, told.deadline) == ("26-1", after)
    assert [(lot.number, lot.deadline) for lot in told.lots] == [("1", after), ("3", after)]
    assert [one.id for one in answerable([moved])] == ["26-2"]  # what it corrects is not known
    over = [call, replace(gone, related=("26-1",), cancels=())]
    assert answerable(over) == []
    (cancelled,) = procedure.in_force(over)  # it can still be read, as what it is
    assert (cancelled.id, cancelled.nature, cancelled.lots) == ("26-1", "cancellation", lots)
    assert procedure.by_id([cancelled])["26-3"] is cancelled
    assert "annulé (26-3)" in procedure.remark(cancelled)
    assert procedure.by_id([told])["26-2"] is told and "26-2, 26-3" in procedure.remark(told)
