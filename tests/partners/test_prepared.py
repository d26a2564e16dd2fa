"""Lots read when a catalogue is built: the same opportunities, without reading them again."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue
from matcher.domain import Lot, Place, Tender
from matcher.lab import synth
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.partners.opportunities import Opportunity, opportunities, save_lots, stored_lots
from matcher.reference import toponyms

EVER = datetime(1970, 1, 1, tzinfo=UTC)
NOTICES = list(synth.tenders(40, seed=3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("prepared") / "catalogue"
    built = build_catalogue(list(synth.structures(120))[90:], [], recipes.named("default"))
    save_catalogue(built, place, lambda fresh: save_lots(Matcher(built), NOTICES, fresh))
    return place


def found(matcher: Matcher, notices: list[Tender]) -> list[Opportunity]:
    structures = map(matcher.catalogue.structure, range(len(matcher.catalogue)))
    return [one for structure in structures for one in opportunities(matcher, structure, notices, now=EVER)]


def test_the_same_opportunities_without_reading(folder: Path, monkeypatch: MonkeyPatch) -> None:
    kept, read = Matcher.load(folder), Matcher.load(folder)
    read.catalogue.derived = {}
    expected = found(read, NOTICES)

    before, again = toponyms.of_lot, set()

    def counted(lot: Lot, tender: Tender) -> tuple[tuple[Place, ...], bool]:
        again.add(lot.id.partition("#")[0])
        return before(lot, tender)

    monkeypatch.setattr(toponyms, "of_lot", counted)
    assert expected
    assert found(kept, NOTICES) == expected
    with_partners = {one.lot.id for one in expected if one.part != "alone"}
    assert again <= with_partners, "the place of a lot for which no partner is sought was read again"


def test_a_lot_that_changed_is_read(folder: Path) -> None:
    matcher = Matcher.load(folder)
    tender = NOTICES[0]
    changed = replace(tender.lots[0], title="Ramonage de cheminées")
    lots = stored_lots(matcher.catalogue)
    assert lots.query(matcher.catalogue, tender, tender.lots[0]) is not None
    assert lots.query(matcher.catalogue, tender, changed) is None


def test_lots_read_by_other_models_are_not_used(folder: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr("matcher.matching.stored.fingerprint", lambda catalogue: "other models")
    matcher = Matcher.load(folder)
    assert stored_lots(matcher.catalogue).query(matcher.catalogue, NOTICES[0], NOTICES[0].lots[0]) is None
