"""Processes that match: they answer as the service itself does, one catalogue at a time, and one that ends is missed by nobody."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from service.app import create_app
from service.asked import Taken
from service.pool import Pool, Shared, Unavailable, written
from service.snapshot import Serving

from matcher import codec
from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue
from matcher.domain import Answer, Filters
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.outreach.sourcing import exports, record
from matcher.reading import gather
from matcher.reading.need import typed_need
from matcher.records import keys
from matcher.records.store import Store
from matcher.reference import deadline, toponyms
from service import wire
from serving import settings_of, until

SEVERAL = "Nettoyage des bureaux, espaces verts et repas de midi pour 80 personnes"
NEEDS = ("Tonte des pelouses de trois écoles", SEVERAL)
TENDERS = [typed_need(words, toponyms.asked("Pantin")) for words in NEEDS]
BODY = {"need": NEEDS[0], "place": "Pantin"}


def below(pid: int) -> set[int]:
    """The matching processes that a process has started."""
    asked = ["ps", "-ww", "--ppid", str(pid), "-o", "pid=,stat=,args="]
    listed = subprocess.run(asked, capture_output=True, text=True).stdout.splitlines()
    found = [line.split(None, 2) for line in listed]
    return {int(pid) for pid, state, args in found if "pool_child" in args and not state.startswith("Z")}


def asked(matcher: Shared, **more: Any) -> Any:
    """An answer that a process of the pool gave, and no other."""
    return codec.from_text(Answer, matcher.ask(TENDERS[0], TENDERS[0], sent=False, **more))


def build(folder: Path, sample: gather.Gathered, most: int) -> Path:
    made = build_catalogue(sample.structures[:most], sample.awards, recipes.named("default"))
    save_catalogue(made, folder)
    return folder


@pytest.fixture(scope="module")
def folder(sample: gather.Gathered, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("pool") / "catalogue", sample, 60)


@pytest.fixture(scope="module")
def client(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    given = settings_of(folder, tmp_path_factory.mktemp("s"), processes=1, reload_seconds=0.1, deadline=300)
    Store.open(given.store).close()
    with TestClient(create_app(given)) as found:
        serving: Serving = found.app.state.serving  # type: ignore[attr-defined]
        until(lambda: serving.get().matcher.pool.ready)
        yield found
    until(lambda: not below(os.getpid()))  # they end with the service


@pytest.fixture
def serving(client: TestClient) -> Serving:
    return client.app.state.serving  # type: ignore[attr-defined, no-any-return]


def test_it_answers_as_the_service_itself(serving: Serving) -> None:
    matcher = serving.get().matcher
    for tender in TENDERS:
        for more in ({}, {"n": 3, "groups": 2}, {"filters": Filters(departments=("93",)), "groups": 0}):
            here = Matcher.match(matcher, tender, **more)
            assert leaves(matcher.match(tender, **more)) == approximately(here)
    assert leaves(asked(matcher)) == approximately(Matcher.match(matcher, TENDERS[0]))


def leaves(answer: Answer) -> dict[str, Any]:
    """Every value of an answer by its path."""
    told = [("", codec.to_json(answer))]
    values: dict[str, Any] = {}
    for at, value in told:
        if isinstance(value, dict | list):
            inner = value.items() if isinstance(value, dict) else enumerate(value)
            told += [(f"{at}.{key}", each) for key, each in inner]
        else:
            values[at] = value
    return values


def approximately(answer: Answer) -> dict[str, Any]:
    """Its leaves; a processor may add the numbers of a larger table in another order (1e-8)."""
    return {
        at: pytest.approx(value, abs=1e-6) if isinstance(value, float) else value
        for at, value in leaves(answer).items()
    }


def test_denials_hold_in_every_process(serving: Serving) -> None:
    snapshot = serving.get()
    first = snapshot.matcher.match(TENDERS[0]).lots[0].matches[0].structure.siret
    other = snapshot.with_denials({first: ("trade:espaces-verts", "cpv:773", "cpv:7731")})
    found = asked(other.matcher)
    assert found == Matcher.match(other.matcher, TENDERS[0]) != asked(snapshot.matcher)
    assert first not in {match.structure.siret for match in found.lots[0].matches}


def test_what_cannot_be_answered_there_is_answered_here(serving: Serving) -> None:
    matcher = serving.get().matcher
    with pytest.raises(Exception, match="a radius needs a place"):
        nowhere = replace(TENDERS[0], lots=tuple(replace(lot, places=()) for lot in TENDERS[0].lots))
        matcher.match(nowhere, filters=Filters(radius_km=10))
    assert asked(matcher) == Matcher.match(matcher, TENDERS[0])  # it goes on


def test_one_that_is_killed_is_replaced(serving: Serving) -> None:
    matcher = serving.get().matcher
    (starter,) = below(os.getpid())
    (loaded,) = below(starter)
    (one,) = below(loaded)
    os.kill(one, signal.SIGKILL)
    until(lambda: one not in below(loaded))
    assert matcher.match(TENDERS[0]) == Matcher.match(matcher, TENDERS[0])
    until(lambda: len(below(loaded)) == 1)
    assert asked(matcher) == Matcher.match(matcher, TENDERS[0])


def test_the_service_matches_itself_where_no_process_can(serving: Serving, folder: Path) -> None:
    whole = serving.get().matcher
    elsewhere, other = Pool(serving.server, 1, folder.parent / "none"), Pool(serving.server, 1, folder)
    elsewhere.start(whole.versions)  # no catalogue
    other.start({**whole.versions, "data": "another"})
    for pool in (elsewhere, other, Pool()):
        matcher = Shared(whole.catalogue, whole.recipe, pool=pool, denied={})
        with pytest.raises(Unavailable):
            asked(matcher)
        assert matcher.match(TENDERS[0]) == Matcher.match(whole, TENDERS[0])


def test_a_new_catalogue(client: TestClient, serving: Serving, sample: gather.Gathered, folder: Path) -> None:
    (starter,) = below(os.getpid())
    before, old = client.post("/v1/match", json=BODY).json(), below(starter)
    assert before == _here(serving)
    build(folder, sample, 40)
    until(lambda: serving.swaps == 2)
    assert serving.get().matcher.pool.ready  # when it is exchanged, not after
    after = client.post("/v1/match", json=BODY).json()
    assert after["versions"] != before["versions"] and after == _here(serving)
    until(lambda: bool(old) and not old & below(starter))


def _here(serving: Serving) -> Any:
    """The same need, answered by the service itself."""
    found = Matcher.match(serving.get().matcher, TENDERS[0])
    return json.loads(wire.body(found, Taken(TENDERS[0]))[0])


def test_exports_are_the_same(client: TestClient, serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    here = {kind: write for kind, (write, _) in exports.FORMATS.items()}
    with Store.open(serving.settings.store) as store:
        secret = keys.create(store, ["buyer"])
        head, owner = {"X-API-Key": secret}, keys.prove(store, secret).actor
        kept = client.post("/v1/sourcing", json=BODY, headers=head)
        assert kept.status_code == 201, kept.text
        made = kept.json()["id"]
        monkeypatch.setattr(exports, "FORMATS", dict.fromkeys(here, (None, "x/y")))  # it writes none itself
        for kind in ("csv", "json"):
            found = record.read(store, owner, made)
            assert client.get(f"/v1/sourcing/{made}/export/{kind}", headers=head).content == here[kind](found)
        assert client.get(f"/v1/sourcing/{made}/export/xlsx", headers=head).content[:2] == b"PK"


def test_a_late_record_is_not_begun_again(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.pool._said", lambda *_: (_ for _ in ()).throw(Unavailable))
    token = deadline._UNTIL.set(time.monotonic() - 1)
    with pytest.raises(deadline.TooLong):
        written(serving.server, "csv", None)  # type: ignore[arg-type]
    deadline._UNTIL.reset(token)
