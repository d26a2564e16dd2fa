"""Rows of awards as contracts: repeats, holders published apart, modifications; and what counts them once."""

import json
from datetime import date
from pathlib import Path

from tests.reading.test_sources_decp import ONE, THREE, TWO, award, holders, record

from matcher.reading import contracts, gather


def test_a_repeat_is_dropped_under_any_uid_and_lots_of_one_id_stay_apart() -> None:
    (kept,) = contracts.consolidate([award(uid="p1"), award(uid="p2"), award(uid="p1")])
    assert (kept.uid, kept.flags) == ("p1", ("repeated",))
    rows = ((1, ONE), (2, TWO))
    lots = [award(uid="u", objet=f"Lot {n}", montant=n * 100, titulaires=holders(h)) for n, h in rows]
    found = contracts.consolidate(lots)
    expected = [("u", ONE, "single"), ("u:2", TWO, "single")]
    assert [(a.uid, a.holders[0].id, a.relation) for a in found] == expected


def test_rows_that_differ_by_their_holder_alone_are_one_contract() -> None:
    alone = {"uid": "u", "typeGroupementOperateurs": "Pas de groupement"}
    rows = [award(titulaires=holders(h), **alone) for h in (ONE, TWO)]
    (whole,) = contracts.consolidate(rows)
    assert (whole.relation, len(whole.holders)) == ("framework", 2)
    (undeclared,) = contracts.consolidate([award(uid="u", titulaires=holders(h)) for h in (ONE, TWO)])
    assert (undeclared.relation, len(undeclared.holders)) == ("unknown", 2)


def test_a_framework_published_holder_by_holder_is_recognised() -> None:
    each = enumerate((ONE, TWO, THREE))
    rows = [award(uid=f"u{n}", nature="Accord-cadre", titulaires=holders(h)) for n, h in each]
    assert [a.relation for a in contracts.consolidate(rows)] == ["framework"] * 3
    # another ceiling: another lot, no framework with several holders
    rows[2] = award(uid="u2", nature="Accord-cadre", titulaires=holders(THREE), montant=5)
    assert [a.relation for a in contracts.consolidate(rows)] == ["framework", "framework", "single"]


def test_a_modification_is_no_new_win_but_its_new_holder_is_kept() -> None:
    first = award(uid="u")
    later = award(uid="u", modification_id=1, montant=20000)
    (kept,) = contracts.consolidate([first, later])
    assert (kept.amount, kept.flags) == (12345.5, ("modified",))
    successor = award(uid="u", modification_id=2, titulaires=holders(TWO))
    kept, brought = contracts.consolidate([first, later, successor])
    assert (brought.relation, [h.id for h in brought.holders], brought.uid) == ("modification", [TWO], "u:2")


def test_consolidation_is_stable_and_keeps_each_holder() -> None:
    each = enumerate((ONE, TWO, THREE) * 3)
    rows = [award(uid=f"u{n}", objet=f"Objet {n % 3}", titulaires=holders(h)) for n, h in each]
    once = contracts.consolidate(rows)
    assert [a.uid for a in contracts.consolidate(once)] == [a.uid for a in once]
    assert {h.id for a in once for h in a.holders} == {ONE, TWO, THREE}
    assert contracts.consolidate([]) == []


def test_a_file_that_repeats_a_contract_counts_it_once(tmp_path: Path) -> None:
    rows = [record(uid="a"), record(uid="b"), record(uid="c", objet="Tonte", dateNotification="2020-01-02")]
    path = tmp_path / "decp.json"
    path.write_text(json.dumps({"marches": rows}), encoding="utf-8")
    found = gather.gather([path])
    assert [(a.uid, a.notified) for a in found.awards] == [("a", date(2019, 3, 4)), ("c", date(2020, 1, 2))]
    assert any("1 row of awards of a contract that another states" in line for line in found.summary())
