"""The store: migrated, idempotent, pruned and backed up."""

import gzip
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pytest import MonkeyPatch
from sqlalchemy import select, update

from matcher.domain import BadInput, StaleArtefact, StoreUnavailable
from matcher.records import personal, self_declared, tables
from matcher.records import store as store_
from matcher.records.store import HEAD, Store
from matcher.records.tables import Base, Claim, Declaration, Feedback, Found, Notice, SourcingEvent
from matcher.records.tables import Sourcing as Record
from records import cases

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SIRET = "12345678200010"
WON = {"siret": SIRET, "notice_id": "26-1", "lot_id": "", "verb": "won", "at": NOW}


def notice(identifier: str = "26-1", **facts: Any) -> dict[str, Any]:
    return {"id": identifier, "fingerprint": "f", "tender": {"title": "é"}, "seen_at": NOW, **facts}


def declaration(**facts: Any) -> dict[str, Any]:
    given = {"id": "d1", "siret": SIRET, "notice_id": "26-1", "lot_id": "", "brings": "tonte", "seeks": ""}
    given |= {"contact": "Anne@example.org", "visibility": "members", "buyer_may_see": False, "named": []}
    dates = dict.fromkeys(("deadline", "created_at", "updated_at"), NOW)
    return {**given, **dates, **facts}


def test_a_new_store_stands_at_the_newest_migration_and_equals_the_tables(store: Store) -> None:
    assert store.version() == HEAD
    with store.reading() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def test_a_store_of_the_last_release_is_migrated_with_its_rows(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as old:
        old.executescript((Path(__file__).parents[1] / "data" / "store_0_2_0.sql").read_text("utf-8"))
    with Store.open(f"sqlite:///{tmp_path / 'store.sqlite'}") as store, store.reading() as connection:
        assert store.version() == HEAD
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        told = connection.execute(select(tables.Announcement.notice_id, tables.Announcement.digest_id)).all()
        assert told == [("26-1", "d")]
        (seen,) = connection.execute(select(Notice.catalogue, Notice.changes, Notice.source)).all()
        # sixteen digits, a hyphen, and the hash of nothing that changed
        assert seen == ("aaaaaaaaaaaaaaaa-4f53cda18c2baa0c", [], "")


def test_two_processes_that_create_the_store_at_once_create_it_once(store_url: str) -> None:
    code = "import sys; from matcher.records.store import Store; print(Store.open(sys.argv[1]).version())"
    command = [sys.executable, "-c", code, store_url]
    racing = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate(timeout=60)[0].strip() for process in racing] == [HEAD] * 3


def test_a_store_of_a_version_that_is_not_known_is_refused_with_the_remedy(store: Store) -> None:
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StaleArtefact, match=r"upgrade maillage, open an old store with 0\.2\.0"):
        store.migrate()


@pytest.mark.parametrize(("address",), cases("addresses that are no store"))
def test_a_wrong_address_gets_one_sentence_without_password(address: str, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_STORE", address or "sqlite:////proc/none/store.sqlite")
    with pytest.raises((BadInput, StoreUnavailable)) as error:
        self_declared.exists()  # what is read first where a night or an index is made
        Store.open()
    assert "\n" not in str(error.value) and "hunter2" not in str(error.value)


def test_the_same_row_twice_is_one_row_and_the_last_word_counts(store: Store) -> None:
    with store.writing() as connection:
        store.put(connection, Notice, [notice()])
        rows = [notice(fingerprint="a"), notice(fingerprint="g", seen_at=NOW + timedelta(1))]
        store.put(connection, Notice, rows, keep=("seen_at",))
    (row,) = store.ask(select(Notice.__table__)).mappings()
    assert row["fingerprint"] == "g" and row["seen_at"] == NOW and row["tender"] == {"title": "é"}


def test_a_failed_transaction_and_a_time_without_zone_leave_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.writing() as connection:
        store.put(connection, Notice, [notice()])
        raise RuntimeError
    with pytest.raises(Exception, match="zone"), store.writing() as connection:
        store.put(connection, Notice, [notice(seen_at=datetime(2026, 1, 1))])
    assert store.counts()["notice"] == 0


def test_what_is_older_than_its_retention_goes_and_the_rest_stays(store: Store) -> None:
    with store.writing() as connection:
        deadlines = {"old": NOW, "new": NOW + timedelta(days=800), "undated": None}
        store.put(connection, Notice, [notice(id, deadline=at) for id, at in deadlines.items()])
        match = {"lot_id": "1", "siret": SIRET, "rank": 1, "score": 1.0, "probability": 0.5}
        match |= {"detail": {}, "versions": {}, "at": NOW + timedelta(days=800)}
        store.put(connection, Found, [{**match, "notice_id": "old"}, {**match, "notice_id": "new"}])
    gone = store.prune(NOW + timedelta(days=731))
    assert gone["notice"] == 1 and gone.keys() == tables.RETENTION.keys()
    counts = store.counts()
    assert counts["notice"] == 2 and counts["match"] == 1  # what hangs on a notice goes with it


def fill(store: Store) -> None:
    with store.writing() as connection:
        store.put(connection, Declaration, [declaration()])
        store.put(connection, Feedback, [WON])
        claim = {"id": "c", "siret": SIRET, "address": "anne@example.org", "status": "asked"}
        store.put(connection, Claim, [claim | {"token_hash": "h", "created_at": NOW, "expires_at": NOW}])
        record = {"id": "r", "owner": "key:a", "need": {}, "filters": {}, "answer": {}, "versions": {}}
        store.put(connection, Record, [{**record, "created_at": NOW}])
        event = {"record_id": "r", "number": 1, "kind": "contacted", "siret": SIRET, "at": NOW}
        sealed = {"payload": {"to": "Anne"}, "salt": "s", "commitment": "c", "seal": "x"}
        store.put(connection, SourcingEvent, [event | sealed])
        store.unsubscribe(connection, SIRET, "one-click")


def test_a_backup_of_either_store_restores_the_same_rows_into_the_other(store: Store, tmp_path: Path) -> None:
    first, last = (Store.open(f"sqlite:///{tmp_path / name}") for name in ("first", "last"))
    fill(first)
    with first.writing() as connection:
        for _ in range(3):
            first.audit(connection, "operator", "test")
    for source, target in ((first, store), (store, last)):
        written = source.backup(path := tmp_path / "backup.jsonl.gz")
        assert target.restore(path) == written == sum(target.counts().values())
        assert personal.export(target, SIRET) == personal.export(source, SIRET) != {}
        with target.writing() as connection:
            target.audit(connection, "operator", "after")  # the sequence goes on after what was restored
        with pytest.raises(BadInput, match="not empty"):
            target.restore(path)
    assert last.counts()["audit"] == 5
    first.close()
    last.close()


def test_a_broken_backup_restores_nothing(store: Store, tmp_path: Path) -> None:
    fill(store)
    whole = tmp_path / "b.gz"
    store.backup(whole)
    target = Store.open(f"sqlite:///{tmp_path / 'target.sqlite'}")
    for content in (b"", b"not gzip", whole.read_bytes()[:-40], gzip.compress(b'{"maillage": "other"}\n')):
        broken = tmp_path / "broken.gz"
        broken.write_bytes(content)
        with pytest.raises(BadInput):
            target.restore(broken)
        assert sum(target.counts().values()) == 0
    target.close()


def test_the_default_store_is_a_file_under_the_home(monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MATCHER_STORE", raising=False)
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path / "home"))
    assert store_.default_url() == f"sqlite:///{tmp_path / 'home' / 'store.sqlite'}"
    store = Store.open()
    with store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    store.close()


def test_a_connection_in_use_when_its_store_closes_is_closed_too(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'late.sqlite'}")
    with store.reading() as connection:
        held = connection.connection.dbapi_connection
        store.close()
    assert held is not None
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        held.execute("SELECT 1")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "reason",
    ["a\0b", "half \ud800 of one", {"deep": "\ud800"}],
    ids=["NUL", "surrogate", "surrogate in JSON"],
)
def test_a_text_that_one_database_would_refuse_is_refused_by_both(store: Store, reason: Any) -> None:
    row = notice(tender=reason) if isinstance(reason, dict) else notice(owner=reason)
    with pytest.raises(BadInput, match="take"), store.writing() as connection:
        store.put(connection, Notice, [row])
    if isinstance(reason, str):
        with pytest.raises(BadInput), store.reading() as connection:
            connection.execute(select(Notice.id).where(Notice.id == reason))
    assert store.counts()["notice"] == 0


def test_a_text_longer_than_its_column_and_a_number_beyond_any_are_refused_by_both(store: Store) -> None:
    with pytest.raises(BadInput, match="200 at most"), store.writing() as connection:
        store.put(connection, Notice, [notice("x" * 201)])
    with pytest.raises(BadInput), store.writing() as connection:
        store.put(connection, Feedback, [WON | {"position": 10**30}])
    assert store.counts()["notice"] == store.counts()["feedback"] == 0


def test_an_update_may_look_for_several_rows() -> None:
    with Store.open("sqlite://") as store, store.writing() as connection:
        several = update(Claim).where(Claim.id.in_(["a", "b"])).values(name="x")
        assert connection.execute(several).rowcount == 0
