"""Hours done after the award: who writes and sees them, and how a table of them is read and added up."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from matcher.console import csv_text
from matcher.domain import BadInput, Forbidden, NotFound, Tender
from matcher.records import exchange, keys, worked
from matcher.records.store import Store
from matcher.records.tables import Declaration
from matcher.records.worked import Worked
from matcher.territory import ledger
from papers import workbook
from sheets import siret

A, B = siret(1), siret(2)
_FACTS = {"month": date(2026, 5, 1), "category": "rsa", "hours": 120.0, "promised": 400.0, "people": 3}
MAY = Worked(contract="26-1", siret=A, **_FACTS)
JUNE = replace(MAY, month=date(2026, 6, 1), hours=200.5, promised=None, people=2)
OTHER = replace(MAY, siret=B, category="young", hours=80.0, promised=100.0, people=1)


def key(store: Store, *scopes: str) -> keys.Bearer:
    return keys.prove(store, keys.create(store, scopes))


def test_a_structure_writes_its_own_hours_and_a_facilitator_those_of_all(store: Store) -> None:
    mine, other, all_ = key(store, f"structure:{A}"), key(store, f"structure:{B}"), key(store, "operator")
    worked.enter(store, mine, [MAY, JUNE])
    with pytest.raises(Forbidden):
        worked.enter(store, mine, [OTHER])
    worked.enter(store, all_, [OTHER])
    assert worked.listing(store, mine) == (MAY, JUNE) and worked.listing(store, other) == (OTHER,)
    assert set(worked.listing(store, all_)) == {MAY, JUNE, OTHER}
    buys = key(store, "buyer")
    assert worked.listing(store, buys) == ()
    assert len(worked.listing(store, buys, lambda contract: contract == "26-1")) == 3
    worked.enter(store, mine, [replace(MAY, hours=10.0)])  # the same month and people: replaced
    assert [line.hours for line in worked.listing(store, mine)] == [10.0, 200.5]


@pytest.mark.parametrize(
    "wrong",
    [{"hours": -1.0}, {"hours": 1e9}, {"month": date(2090, 1, 1)}, {"contract": ""}, {"category": "x"}],
)
def test_lines_that_cannot_be_are_refused(store: Store, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        worked.enter(store, key(store, "operator"), [replace(MAY, **wrong)])


def test_done_is_added_up_beside_what_each_promised_once() -> None:
    (one,) = ledger.contracts([MAY, JUNE, OTHER])
    assert one.done == 120 + 200.5 + 80 and one.promised == 400 + 100 and one.part == one.done / 500
    assert one.people == 3 + 1 and one.last == date(2026, 6, 1)
    assert list(one.by_structure.items()) == [(A, 320.5), (B, 80.0)]
    assert list(one.by_category.values()) == [320.5, 80.0]
    both = ledger.counted("", [MAY, replace(MAY, contract="26-2", promised=50.0)])
    assert both.promised == 450 and both.done == 240


def test_an_agreed_part_of_a_group_that_won_is_a_line_of_the_ledger(store: Store) -> None:
    mine, other = key(store, f"structure:{A}"), key(store, f"structure:{B}")
    until = datetime.now(UTC) + timedelta(days=2)
    tender = Tender(id="26-1", format="boamp", title="Écoles")
    ids = []
    for who, owner, what in ((mine, A, "tonte"), (other, B, "nettoyage")):
        given = {"notice_id": "26-1", "brings": what, "deadline": until, "tender": tender}
        ids.append(exchange.declare(store, who, siret=owner, **given).id)
    exchange.agree(store, mine, ids[0], ids[1], "mandataire", "tonte des pelouses")
    with pytest.raises(NotFound):  # the other has not agreed yet
        worked.won(store, mine, ids[0], 400.0)
    exchange.agree(store, other, ids[1], ids[0], "cotraitant", "vitres")
    with pytest.raises(BadInput):  # nothing is awarded before the deadline
        worked.won(store, mine, ids[0], 400.0)
    with store.writing() as connection:
        connection.execute(update(Declaration).values(deadline=datetime(2026, 4, 30, tzinfo=UTC)))
    worked.won(store, mine, ids[0], 400.0)
    worked.won(store, other, ids[1], None)
    worked.enter(store, mine, [replace(MAY, promised=None)])
    all_ = worked.listing(store, key(store, "operator"))
    (one,) = ledger.contracts(all_)
    assert (one.done, one.promised) == (MAY.hours, 400.0)
    assert one.parts == {A: "mandataire : tonte des pelouses", B: "cotraitant : vitres"}
    assert len(one.by_category) == 1  # what is only promised is of nobody yet
    assert ledger.read_hours(csv_text(ledger.hours_rows(all_)).encode(), "x.csv") == (list(all_), [])


def test_a_table_is_read_as_it_was_written_and_bad_lines_are_told() -> None:
    lines = [MAY, JUNE, OTHER]
    assert ledger.read_hours(csv_text(ledger.hours_rows(lines)).encode(), "heures.csv") == (lines, [])
    rows = [
        ("Mois", "Public", "Heures réalisées", "Personnes"),
        (date(2026, 5, 17), "Jeunes de moins de 26 ans", 12, 1),
        *(("mai", "RSA", 12, 1), ("05/2026", "martiens", 12, 1), ("05/2026", "DELD", "beaucoup", 1)),
    ]
    good, bad = ledger.read_hours(workbook(rows), "heures.xlsx", A, "26-1")
    assert good == [replace(MAY, category="young", hours=12.0, promised=None, people=1)]
    assert [why.reason.partition(" ")[0] for why in bad] == ["mois", "catégorie", "heures"]
    with pytest.raises(BadInput):
        ledger.read_hours(b"mois,heures\n2026-05,3\n", "heures.csv")
