"""What a buyer says of a structure stays apart from what the structure says: it lifts no refusal and teaches nothing unless it is theirs to say."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from service.app import create_app
from sqlalchemy import select

from matcher.records import feedback, keys
from matcher.records.store import Store, now
from matcher.records.tables import Feedback, Notice
from serving import settings_of

SIRET, BUYER, OTHER = "00010001600013", "21930055500010", "21750001600019"
NEED, LOT = "need-1", ""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'store.sqlite'}") as opened:
        yield opened


@pytest.fixture
def client(store: Store, tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(settings_of(tmp_path / "none", tmp_path))) as found:
        yield found


def words(store: Store) -> list[str]:
    return list(store.ask(select(Feedback.verb)).scalars())


def refused(store: Store) -> frozenset[str]:
    with store.reading() as connection:
        return feedback.refusals(connection).of([NEED], LOT)


def say(client: TestClient, key: str, verb: str) -> int:
    body = {"siret": SIRET, "notice_id": NEED, "lot_id": LOT, "verb": verb}
    return client.post("/v1/feedback", json=body, headers={"X-API-Key": key}).status_code


def test_a_buyer_says_who_won_of_a_notice_of_its_own_alone(store: Store, client: TestClient) -> None:
    structure = keys.create(store, [f"structure:{SIRET}"])
    own, other = keys.create(store, ["buyer"]), keys.create(store, ["buyer", f"structure:{OTHER}"])
    author = keys.prove(store, own).actor
    row = {"id": NEED, "owner": author, "fingerprint": "", "tender": {}, "seen_at": now()}
    with store.writing() as connection:
        store.put(connection, Notice, [row])
    assert say(client, structure, "declined") == 200 and refused(store) == {SIRET}
    before = words(store)
    assert say(client, other, "won") == 403 and say(client, structure, "won") == 403
    for verb in ("interested", "submitted", "declined"):  # words of the structure alone
        assert say(client, other, verb) == say(client, own, verb) == 403
    assert refused(store) == {SIRET} and words(store) == before
    assert say(client, own, "won") == 200
    assert refused(store) == {SIRET}, "a buyer's word lifts no refusal"
