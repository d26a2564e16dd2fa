"""One lot, one answer, to the last digit: alone or among others, first or last, in a list, in a night, behind a filter."""

import gc
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from matcher.catalogue.build import build_catalogue
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.files import load_catalogue, save_catalogue
from matcher.domain import LotAnswer, Match, Tender
from matcher.lab import synth
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.outreach.work import Task, match_tasks

N = 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue too large to compare every row, so that lots are answered by a shortlist."""
    where = tmp_path_factory.mktemp("paths") / "catalogue"
    save_catalogue(build_catalogue(synth.structures(4_000), (), recipes.named("default")), where)
    return where


@pytest.fixture(scope="module")
def tenders() -> list[Tender]:
    return list(synth.tenders(12, lots=2.0, seed=5))


def told(match: Match) -> tuple[Any, ...]:
    """All that is shown of a match."""
    offer = match.offer.id if match.offer else ""
    ranked = (match.rank, match.score, match.probability, match.level)
    return (match.structure.siret, *ranked, match.distance_km, offer, match.reasons)


def shown(answers: tuple[LotAnswer, ...]) -> dict[str, list[tuple[Any, ...]]]:
    return {answer.lot.id: [told(match) for match in answer.matches] for answer in answers}


def test_a_lot_has_one_answer_alone_or_among_others(folder: Path, tenders: list[Tender]) -> None:
    first, last = Matcher.load(folder), Matcher.load(folder)
    together = {t.id: shown(first.match(t, N, groups=0).lots) for t in tenders}
    for tender in reversed(tenders):
        for lot in tender.lots:
            alone = last.match(replace(tender, lots=(lot,)), N, groups=0)
            assert shown(alone.lots)[lot.id] == together[tender.id][lot.id], lot.title
    assert sum(len(rows) for lots in together.values() for rows in lots.values()) > 50


def test_a_night_has_one_answer_whatever_it_is_given_with(folder: Path, tenders: list[Tender]) -> None:
    tasks = [Task(id=t.id, tender=t, key="", excluded={}) for t in tenders]
    together = dict(match_tasks(str(folder), tasks, N, 0.5))
    assert together == dict(match_tasks(str(folder), [task], N, 0.5)[0] for task in reversed(tasks))
    matcher = Matcher.load(folder)
    for tender in tenders:
        matches = (m for answer in matcher.match(tender, N, groups=0).lots for m in answer.matches)
        listed = {(m.lot.id, m.structure.siret): (m.score, m.probability) for m in matches}
        for row in together[tender.id]:
            if (pair := (row["lot_id"], row["siret"])) in listed:
                assert (row["score"], row["probability"]) == listed[pair]


def test_a_catalogue_goes_when_nobody_holds_it(folder: Path, tenders: list[Tender]) -> None:
    """A service that takes up a new catalogue must not hold two until a search for cycles comes by."""
    gc.collect()
    gc.disable()
    try:
        catalogue: Catalogue | None = load_catalogue(folder)
        assert catalogue is not None
        answer = Matcher(catalogue).match(tenders[0], N, groups=3)
        gone = weakref.ref(catalogue)
        catalogue = None
        assert answer.lots and gone() is None
    finally:
        gc.enable()
