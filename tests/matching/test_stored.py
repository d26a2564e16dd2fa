"""What is read in texts and names is stored with a catalogue: the same answers, without reading again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytest import MonkeyPatch

from matcher.catalogue.build import build_catalogue, update_catalogue
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.files import load_catalogue, save_catalogue
from matcher.lab import synth
from matcher.matching import declared, evidence, recipes, stored, trades
from matcher.matching.engine import Matcher

NEED = next(iter(synth.tenders(1, seed=5)))


@pytest.fixture(scope="module")
def built() -> Catalogue:
    return build_catalogue(list(synth.structures(300)), [], recipes.named("default"))


@pytest.fixture(scope="module")
def folder(built: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("stored") / "catalogue"
    save_catalogue(built, place, lambda fresh: stored.save(built, fresh))
    return place


@pytest.fixture
def unread(monkeypatch: MonkeyPatch) -> None:
    """Nothing may be read in this process, and nothing is remembered from before."""
    monkeypatch.setattr(declared, "_last", {})

    def refuse(*_: object) -> None:
        raise AssertionError("a text or a name was read again")

    monkeypatch.setattr(declared, "_read", refuse)
    monkeypatch.setattr(trades, "of_name", refuse)


@pytest.mark.usefixtures("unread")
def test_a_stored_catalogue_answers_without_reading(folder: Path) -> None:
    answer = Matcher.load(folder).match(NEED, 5, groups=0)
    assert answer.lots[0].considered


def test_and_answers_the_same(built: Catalogue, folder: Path) -> None:
    def told(matcher: Matcher) -> list[object]:
        matches = (m for lot in matcher.match(NEED, 10, groups=0).lots for m in lot.matches)
        return [(m.structure, m.score, m.reasons) for m in matches]

    fresh, kept = Matcher(built), Matcher.load(folder)
    assert told(fresh) == told(kept) != [] and fresh.versions == kept.versions


def test_an_update_reads_only_what_it_brings(folder: Path, monkeypatch: MonkeyPatch) -> None:
    held = Matcher.load(folder).catalogue
    rows = np.flatnonzero(held.nature_mask(("offer",)))[:1]
    one = held.structure(int(held.owners[rows[0]]))
    changed = replace(one, offers=(replace(one.offers[0], title="Ramonage de cheminées", text=""),))
    fresh = update_catalogue(held, [changed])
    cuts: list[str] = []
    cut = declared.cut
    monkeypatch.setattr(declared, "cut", lambda text: cuts.append(text) or cut(text))
    pieces = declared.of(fresh)
    assert cuts == ["Ramonage de cheminées"]
    row = fresh.row(one.siret)
    assert [pieces.text(slot) for slot in pieces.spans.of(row)] == cuts
    rows = np.flatnonzero(fresh.nature_mask(declared.DECLARED))
    whole = declared._encoded(fresh.encoder, [fresh.text(i) for i in rows])
    assert set(whole[1][0].to_pylist()) == set(pieces.words.to_pylist())


def test_readings_of_other_models_are_not_used(folder: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(declared, "_last", {})
    made_by = stored._fingerprint(load_catalogue(folder))
    monkeypatch.setattr(stored, "CODE", stored.CODE[1:])
    assert stored._fingerprint(load_catalogue(folder)) != made_by  # another code is another reading
    catalogue = load_catalogue(folder)
    stored.adopt(catalogue)
    cuts: list[str] = []
    monkeypatch.setattr(declared, "cut", lambda text: cuts.append(text) or {text: text})
    assert len(declared.of(catalogue).words) == len(cuts) > 0
    evidence.read_names(catalogue)  # answered by reading
    assert len(catalogue.answers("trades")[1]) == len(catalogue.coded("name")[1])
