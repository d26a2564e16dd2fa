"""Sealed records: each forgery of the store is told, an erasure is not one, and parallel events do not collide."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from pytest import MonkeyPatch
from sqlalchemy import Connection, delete, insert, select, update

from matcher.domain import Answer, Buyer, Lot, Tender
from matcher.outreach.sourcing import record
from matcher.records import chain, personal
from matcher.records.store import Store
from matcher.records.tables import Sourcing, SourcingEvent, SourcingHead

OWNER, SIRET, OTHER = "key:a", "00010001600013", "00010002400014"


@pytest.fixture
def store(store_url: str, tmp_path: Any, monkeypatch: MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    with Store.open(store_url) as opened:
        yield opened


def made(store: Store) -> str:
    """A record of five events: created, two asked, an answer, an export."""
    lots = (Lot(id="need-1", title="Tonte"),)
    need = Tender(id="need", format="need", title="Tonte", buyer=Buyer(), lots=lots)
    identifier = record.keep(store, OWNER, Answer(tender=need, lots=(), consortia=(), versions={"data": "1"}))
    with store.writing() as connection:
        lines = [("contacted", SIRET, {"message": "a"}), ("contacted", OTHER, {"message": "a"})]
        lines += [("answered", SIRET, {"text": "oui", "by": "buyer"}), ("exported", "", {"format": "csv"})]
        chain.append(connection, identifier, lines)
    return identifier


def change(place: int, /, **values: Any) -> Callable[[Connection, str], None]:
    def forge(connection: Connection, identifier: str) -> None:
        here = (SourcingEvent.record_id == identifier, SourcingEvent.number == place)
        connection.execute(update(SourcingEvent).where(*here).values(values))

    return forge


def rewrite(**values: Any) -> Callable[[Connection, str], None]:
    def forge(connection: Connection, identifier: str) -> None:
        connection.execute(update(Sourcing).where(Sourcing.id == identifier).values(values))

    return forge


def cut(first: int, last: int = 99, *, head: bool = False) -> Callable[[Connection, str], None]:
    """Delete the events from one to another, with the head set back by whoever has no key, where asked."""

    def forge(connection: Connection, identifier: str) -> None:
        here = (SourcingEvent.record_id == identifier, SourcingEvent.number.between(first, last))
        connection.execute(delete(SourcingEvent).where(*here))
        if head:
            left = chain.rows(connection, identifier)
            values = {"count": len(left), "seal": left[-1]["seal"]}
            connection.execute(update(SourcingHead).values(values))

    return forge


def swapped(connection: Connection, identifier: str) -> None:
    change(2, number=99)(connection, identifier)
    change(3, number=2)(connection, identifier)
    change(99, number=3)(connection, identifier)


def recomputed(connection: Connection, identifier: str) -> None:
    """The whole chain and its head again, by whoever knows how they are made and has another key."""
    with mock.patch.object(chain, "key", lambda: b"another key of thirty-two letters"):
        before = chain.GENESIS
        for event in chain.rows(connection, identifier):
            number, kind, at = event["number"], event["kind"], event["at"]
            payload = {"text": "non", "by": "buyer"} if kind == "answered" else event["payload"]
            commitment = chain._commitment(event["salt"], event["siret"], payload)
            before = chain._seal(identifier, number, before, commitment, kind, at)
            change(number, payload=payload, commitment=commitment, seal=before)(connection, identifier)
        chain._keep_head(connection, identifier, number, before)


def invented(connection: Connection, identifier: str) -> None:
    last = dict(chain.rows(connection, identifier)[-1])
    connection.execute(insert(SourcingEvent), last | {"number": 6, "kind": "answered", "siret": OTHER})
    connection.execute(update(SourcingHead).values(count=6))


def blanked_and_said_erased(connection: Connection, identifier: str) -> None:
    """An answer blanked, with an erasure that has no seal."""
    change(4, payload=None, salt=None, siret="")(connection, identifier)
    last = dict(chain.rows(connection, identifier)[-1])
    payload = {"numbers": [4], "digest": chain.rows(connection, identifier)[0]["payload"]["digest"]}
    connection.execute(insert(SourcingEvent), last | {"number": 6, "kind": "erased", "payload": payload})


def of_another(connection: Connection, identifier: str) -> None:
    """An event of another record, seal and all."""
    others = (SourcingEvent.record_id != identifier, SourcingEvent.number == 4)
    foreign = connection.execute(select(SourcingEvent.__table__).where(*others)).mappings().one()
    names = ("payload", "salt", "siret", "commitment", "seal", "at")
    change(4, **{name: foreign[name] for name in names})(connection, identifier)


def rewritten(connection: Connection, identifier: str) -> None:
    """Another need, and the created event that would commit to it."""
    change(1, payload={"digest": hashlib.sha256(b"{}").hexdigest()})(connection, identifier)
    rewrite(need={"title": "autre"})(connection, identifier)


def moved(number: int, *, to_salt: int = 0) -> Callable[[Connection, str], None]:
    """Characters of a salt put before the SIRET, or of the SIRET put after the salt: the same commitment."""

    def forge(connection: Connection, identifier: str) -> None:
        event = chain.rows(connection, identifier)[number - 1]
        whole, cut = event["salt"] + event["siret"], 32 + (to_salt or -2)
        change(number, salt=whole[:cut], siret=whole[cut:])(connection, identifier)

    return forge


def after_erasure(forge: Callable[[Connection, str], None]) -> Callable[[Connection, str], None]:
    """The same once a person was erased from the record, with its SIRET (2 and 4) and without (3)."""

    def forged(connection: Connection, identifier: str) -> None:
        chain.erase(connection, identifier, [2, 4])
        chain.erase(connection, identifier, [3], siret=False)
        listed = chain.rows(connection, identifier)
        row = connection.execute(select(Sourcing.__table__).where(Sourcing.id == identifier)).mappings().one()
        assert chain.broken_at(listed, row, chain.head(connection, identifier), identifier) is None
        forge(connection, identifier)

    return forged


def at_another_time(connection: Connection, identifier: str) -> None:
    event = chain.rows(connection, identifier)[3]
    change(4, at=event["at"] - timedelta(days=30))(connection, identifier)


FORGERIES: dict[str, Callable[[Connection, str], None]] = {
    "last event deleted": cut(5),
    "last events deleted and the head set back": cut(3, head=True),
    "every event deleted": cut(1),
    "head deleted": lambda connection, _: connection.execute(delete(SourcingHead)),
    "answer blanked as an erasure blanks": change(4, payload=None, salt=None, siret=""),
    "answer blanked with an unsealed erasure": blanked_and_said_erased,
    "created event blanked": change(1, payload=None, salt=None),
    "created event rewritten with the need": rewritten,
    "need rewritten": rewrite(need={"title": "autre"}),
    "list rewritten": rewrite(answer={"label": "", "lots": [], "note": "autre"}),
    "versions rewritten": rewrite(versions={"data": "2"}),
    "answer rewritten": change(4, payload={"text": "non", "by": "buyer"}),
    "kind rewritten": change(4, kind="contacted"),
    "whom rewritten": change(4, siret=OTHER),
    "events in another order": swapped,
    "whole chain recomputed": recomputed,
    "event invented": invented,
    "event of another record": of_another,
    "day of the record rewritten": rewrite(created_at=datetime(2020, 1, 1, tzinfo=UTC)),
    "owner rewritten": rewrite(owner="key:b"),
    "filters rewritten": rewrite(filters={"filters": {}, "recipe": "autre"}),
    "recipe rewritten": rewrite(filters={"recipe": None, "filters": {"radius_km": 10}}),
    "versions emptied": rewrite(versions={}),
    "title of a lot rewritten": rewrite(answer={"label": "", "lots": [{"id": "need-1"}], "note": ""}),
    "label rewritten": rewrite(answer={"label": "autre", "lots": [], "note": record.NOTE}),
    "when it happened rewritten": at_another_time,
    "characters moved from the SIRET to the salt": moved(2, to_salt=2),
    "the whole SIRET moved to the salt": moved(2, to_salt=14),
    "salt of an event without a structure moved to its SIRET": moved(5),
    "created event given a SIRET": change(1, siret=SIRET),
    "export given a SIRET": change(5, siret=SIRET),
    "salt rewritten": change(2, salt="0" * 32),
    "commitment rewritten": change(2, commitment="0" * 64),
    "seal rewritten": change(2, seal="0" * 64),
    "number rewritten": change(5, number=6),
    "first event deleted": cut(1, 1),
    "an event in the middle deleted": cut(3, 3),
    "a SIRET put on an erased line": after_erasure(change(4, siret=OTHER)),
    "the SIRET that an erasure left rewritten": after_erasure(change(3, siret=SIRET)),
    "the SIRET that an erasure left blanked": after_erasure(change(3, siret="")),
    "an erased line given a payload": after_erasure(change(4, payload={"text": "non"}, salt="0" * 32)),
    "an erasure that names one line more": after_erasure(change(6, payload={"numbers": [2, 4, 5]})),
    "owner rewritten after an erasure": after_erasure(rewrite(owner="key:b")),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_detected(store: Store, name: str) -> None:
    identifier, other = made(store), made(store)
    assert record.verify(store, OWNER, identifier).holds
    with store.writing() as connection:
        FORGERIES[name](connection, identifier)
        row = connection.execute(select(Sourcing.owner).where(Sourcing.id == identifier)).scalar_one()
    assert not record.verify(store, row, identifier).holds
    if name not in ("head deleted", "event invented", "last events deleted and the head set back"):
        assert record.verify(store, OWNER, other).holds


def test_a_store_rolled_back_as_a_whole_is_detected_by_its_anchor(store: Store) -> None:
    identifier = made(store)
    with store.reading() as connection:
        before = (list(chain.rows(connection, identifier)), dict(chain.head(connection, identifier) or {}))
    record.exported(store, OWNER, identifier, "csv")
    with store.reading() as connection:
        anchor = list(chain.anchors(connection))
    assert not list(gone(store, anchor))
    with store.writing() as connection:  # a true old state, seals and head: nothing within can tell
        connection.execute(delete(SourcingEvent).where(SourcingEvent.number > len(before[0])))
        connection.execute(update(SourcingHead).values({k: before[1][k] for k in ("count", "seal", "proof")}))
    assert record.verify(store, OWNER, identifier).holds
    assert gone(store, anchor) == [identifier]


def gone(store: Store, anchor: list[tuple[str, int, str]]) -> list[str]:
    with store.reading() as connection:
        return list(chain.missing_since(connection, anchor))


def test_an_erasure_is_an_event_and_the_record_holds(store: Store) -> None:
    identifier = made(store)
    personal.erase(store, SIRET)
    verdict = record.verify(store, OWNER, identifier)
    assert verdict.holds and verdict.erased == 2
    with store.reading() as connection:
        listed = chain.events(connection, identifier)
        salts = [bool(row["salt"]) for row in chain.rows(connection, identifier)]
    assert salts == [True, False, True, False, True, True]
    assert listed[-1].kind == "erased" and listed[-1].payload and listed[-1].payload["numbers"] == [2, 4]
    assert SIRET not in str(listed) and listed[0].payload
    record.exported(store, OWNER, identifier, "csv")
    assert record.verify(store, OWNER, identifier).holds


def test_an_error_of_the_store_does_not_repeat_what_was_written(store: Store) -> None:
    identifier = made(store)
    with pytest.raises(Exception, match=r"(?i)unique|duplicate") as caught, store.writing() as connection:
        event = dict(chain.rows(connection, identifier)[3])
        connection.execute(insert(SourcingEvent), event | {"payload": {"text": "un secret"}})
    assert "un secret" not in str(caught.value)
