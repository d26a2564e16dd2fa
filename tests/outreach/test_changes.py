"""A change is the source's: an upgrade of the program tells nobody anything, and a correction says what changed."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest import MonkeyPatch

import night as n
from matcher.domain import ANSWERABLE, Clause, Place, Reservation, Tender
from matcher.outreach import changes, intake
from matcher.reading import files
from matcher.records.store import Store
from matcher.records.tables import Digest

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
EACH = 25  # notices of each format


def opened(paths: list[Path]) -> list[Tender]:
    """Some notices of each format, open for three weeks, in the town of the structures."""
    count: Counter[str] = Counter()
    found = []
    for tender in files.read(paths, walked=True):
        if isinstance(tender, Tender) and tender.nature in ANSWERABLE and count[tender.format] < EACH:
            count[tender.format] += 1
            due = n.MOMENT + timedelta(days=21)
            here = (Place(label="Montreuil", department="93"),)
            lots = tuple(replace(lot, deadline=None, places=here) for lot in tender.lots)
            published = n.MOMENT.date()
            id = f"{tender.format}-{tender.id}"
            apart = {"deadline": due, "published": published, "folder": "", "related": ()}
            found.append(replace(tender, id=id, lots=lots, **apart))
    return found


def read_otherwise(tender: Tender) -> Tender:
    """The same publication as another version of the program reads it."""
    lots = tuple(
        replace(
            lot,
            title=f"{lot.title} ",
            description=f"{lot.description} (lu autrement)",
            amount=(lot.amount or 0) + 1,
            clauses=(*lot.clauses, Clause(passage="lue depuis")),
            reservation=lot.reservation or Reservation(articles=("L2113-13",)),
        )
        for lot in tender.lots
    )
    return replace(tender, lots=lots, change="lu autrement", deadline=tender.deadline)


def upgraded(store: Store, folder: Path, tenders: list[Tender], tmp_path: Path, patch: MonkeyPatch) -> None:
    assert tenders and all(tender.source_hash for tender in tenders)
    first = n.night(store, folder, *tenders, cap=1000)
    assert first.digests and first.told
    patch.setattr(files, "reader", lambda *_: "the next version")
    newer = n.catalogue(tmp_path / "newer", n.structures(each=9))
    again = n.night(store, newer, *map(read_otherwise, tenders), day=1, cap=1000)
    assert again.matched and (again.digests, again.changed, again.new) == (0, 0, 0)


def test_upgrades_mail_nothing(store: Store, folder: Path, tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    upgraded(store, folder, opened([SAMPLE]), tmp_path, monkeypatch)


@pytest.mark.shared
def test_upgrades_of_real_files(folder: Path, shared: Path, tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    tenders = opened([shared / "notices"])
    assert len({tender.format for tender in tenders}) > 1
    with Store.open(f"sqlite:///{tmp_path}/store.sqlite") as store:
        upgraded(store, folder, tenders, tmp_path, monkeypatch)


def test_a_change_after_an_upgrade_is_told(store: Store, folder: Path, monkeypatch: MonkeyPatch) -> None:
    first = replace(n.tender("a"), source_hash="as published")
    n.night(store, folder, first)
    monkeypatch.setattr(files, "reader", lambda *_: "the next version")
    n.night(store, folder, read_otherwise(first), day=1)
    deadline = n.MOMENT + timedelta(days=30)
    later = replace(read_otherwise(first), source_hash="published anew", deadline=deadline)
    (item,) = n.told(store, folder, later, day=2)[n.siret(100)]["items"]
    assert item["kind"] == "correction"
    assert item["changes"] == ["date limite : 24 décembre 2026 à 9 h 00 (avant : 15 décembre 2026 à 9 h 00)"]
    assert n.night(store, folder, later, day=3).digests == 0


def test_what_both_programs_read_alike_is_told(store: Store, folder: Path, monkeypatch: MonkeyPatch) -> None:
    first = replace(n.tender("a"), source_hash="as published")
    n.night(store, folder, first)
    monkeypatch.setattr(files, "reader", lambda *_: "the next version")
    anew = replace(read_otherwise(first), source_hash="published anew", change="")
    assert n.night(store, folder, anew, day=1).digests == 0
    moved = replace(anew, source_hash="again", deadline=n.MOMENT + timedelta(days=30))
    n.night(store, folder, moved, day=2)
    assert [item["kind"] for item in n.mails(store, 2)[n.siret(100)]["items"]] == ["correction"]


FIELDS: dict[str, tuple[Any, str]] = {
    "amount": (45_000.0, "montant : 45 000 € au total (avant : non précisé)"),
    "duration_months": (24.0, "durée en mois : 24 (avant : non précisé)"),
    "places": ((Place(label="Bagnolet", department="93"),), "lieu : Bagnolet (avant : Montreuil)"),
    "reservation": (Reservation(articles=("L2113-13",)), "réservation : L2113-13 (avant : non précisé)"),
    "description": (
        "tonte des pelouses et taille des haies. Visite le 3 décembre.",
        "description : « Visite le 3 décembre. »",
    ),
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_correction_says_in_one_line_what_the_source_changed(field: str, folder: Path) -> None:
    value, said = FIELDS[field]
    before = n.tender("a")
    lots = (replace(before.lots[0], **{field: value}),)
    found = changes.between((before, frozenset()), (replace(before, lots=lots), frozenset()), n.MOMENT)
    (line,) = changes.sentences(found)
    assert line.replace("\xa0", " ").replace("\u202f", " ") == said


def test_what_went_and_came_back_is_no_change(store: Store, folder: Path) -> None:
    first = replace(n.tender("a"), source_hash="1")
    dear = replace(first, lots=(replace(first.lots[0], amount=9_000.0),), source_hash="2")
    n.night(store, folder, first)
    with store.writing() as connection:  # the structure has had no mail of the first change
        connection.execute(Digest.__table__.update().values(status="sent"))
    summary = intake.Summary(run="", started="", versions={})
    intake.take(store, [dear], None, n.MOMENT + timedelta(hours=1), summary)
    assert n.night(store, folder, replace(first, source_hash="3"), day=1).digests == 0


def test_a_file_is_read_once_by_a_program(store: Store, tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    page = json.loads((SAMPLE / "boamp_page_1.json").read_text(encoding="utf-8"))
    (tmp_path / "in").mkdir()
    target = tmp_path / "in" / "page.json"
    target.write_text(json.dumps(page))
    first = intake.read(store, [tmp_path / "in"], n.MOMENT)
    intake.remember(store, first)
    again = intake.read(store, [tmp_path / "in"], n.MOMENT)
    assert first.tenders and (again.tenders, again.known) == ([], len(first.tenders))
    assert again.known_rejected == len(first.rejected)
    page["results"].pop()
    target.write_text(json.dumps(page))
    assert len(intake.read(store, [tmp_path / "in"], n.MOMENT).tenders) == len(first.tenders) - 1
    target.write_text(json.dumps(page | {"results": page["results"][:1]}))
    monkeypatch.setattr(files, "reader", lambda *_: "the next version")
    assert intake.read(store, [tmp_path / "in"], n.MOMENT).tenders
