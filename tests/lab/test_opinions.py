"""What users say changes the ranker a little, in the right direction, and never the law or a private need."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import night as n
from matcher import codec
from matcher.domain import BadInput
from matcher.lab.training import opinions
from matcher.matching.engine import Matcher
from matcher.matching.rankers._additive import AdditiveRanker
from matcher.records import feedback
from matcher.records.store import Store, now
from matcher.records.tables import Notice
from terminal import command

FAR, NEAR = (
    n.siret(101),
    n.siret(100),
)  # of the same trade and words: in Paris, and in the notice's department


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return n.catalogue(tmp_path_factory.mktemp("opinions") / "catalogue")


def told(store: Store, number: int, better: str, worse: str, owner: str = "") -> None:
    tender = n.tender(f"t{number}")
    with store.writing() as connection:
        row = {
            "id": tender.id,
            "fingerprint": tender.id,
            "owner": owner,
            "tender": codec.to_json(tender),
            "seen_at": now(),
        }
        store.put(connection, Notice, [row])
    feedback.record(store, better, tender.id, tender.lots[0].id, "interested", position=1)
    feedback.record(store, worse, tender.id, tender.lots[0].id, "declined", position=2)


def test_who_is_far_and_interested_makes_nearness_weigh_less_and_the_reverse_more(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    matcher = Matcher.load(folder)
    for number in range(40):
        told(store, number, better=FAR, worse=NEAR)
    by = opinions.learn(store, matcher, tmp_path / "ours.json")
    assert by["place"] < 0.9
    assert by["reservation"] == 1.0
    for number in range(40):  # the last word of a pair counts
        feedback.record(store, FAR, f"t{number}", f"t{number}-1", "declined", position=1)
        feedback.record(store, NEAR, f"t{number}", f"t{number}-1", "interested", position=2)
    again = opinions.learn(store, matcher, tmp_path / "ours.json")
    assert again["place"] > by["place"] and again["place"] >= 1.0


def test_the_stretched_file_is_a_ranker_whose_parts_are_those_times_the_factors(folder: Path) -> None:
    matcher = Matcher.load(folder)
    ranking = matcher.rank(matcher.queries(n.tender("x"))[0])
    by = {"place": 0.5, "meaning": 2.0}
    rescaled = AdditiveRanker(opinions.rescaled(matcher.ranker.data, by))
    for name, part in rescaled.contributions(ranking.shortlist).items():
        assert part == pytest.approx(ranking.contributions[name] * by.get(name, 1.0), abs=1e-4)


def test_a_private_need_teaches_nothing_and_too_few_opinions_are_stated(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    for number in range(60):
        told(store, number, better=FAR, worse=NEAR, owner="buyer:one" if number > 3 else "")
    assert {pair.lot for pair in opinions.pairs(store, Matcher.load(folder))} == {
        f"t{i} t{i}-1" for i in range(4)
    }
    with pytest.raises(BadInput, match="only 4 lots"):
        opinions.learn(store, Matcher.load(folder), tmp_path / "ours.json")


def test_the_command_writes_a_ranker_file_and_shows_what_changed(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    for number in range(30):
        told(store, number, better=FAR, worse=NEAR)
    out = tmp_path / "ours.json"
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    done = command("train", "ranker", "--opinions", url, "--catalogue", str(folder), "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "place" in done.stdout
    assert json.loads(out.read_text(encoding="utf-8"))["opinions"]["lots"] == 30
