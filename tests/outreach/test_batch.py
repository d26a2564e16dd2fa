"""The nightly run: incremental, idempotent, resumable, alone, and honest when its source is down."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest import MonkeyPatch
from sqlalchemy import select

import night as n
import terminal
from matcher.domain import Place
from matcher.outreach import batch, cluster
from matcher.outreach.rules import Rules
from matcher.reading.sync import _client
from matcher.records.store import Store, alone
from matcher.records.tables import Found, Notice
from replay_server import serving

ROOT = Path(__file__).resolve().parents[2]


def matched(store: Store) -> dict[str, Any]:
    return {row.id: row.matched_at for row in store.ask(select(Notice.id, Notice.matched_at))}


def pairs(store: Store, notice: str) -> set[str]:
    return set(store.ask(select(Found.siret).where(Found.notice_id == notice)).scalars())


def test_only_what_is_new_or_changed_is_matched_again(store: Store, folder: Path) -> None:
    first, second = n.tender("a"), n.tender("b", "menage")
    assert n.night(store, folder, first, second).matched == 2
    assert n.night(store, folder, first, second, day=1).matched == 0
    changed = replace(second, lots=(replace(second.lots[0], description="repas livrés"),))
    summary = n.night(store, folder, first, changed, day=2)
    assert (summary.matched, summary.changed, summary.new, summary.seen) == (1, 1, 0, 1)
    assert matched(store)["a"] == n.MOMENT and matched(store)["b"] == n.MOMENT + timedelta(days=2)


def test_a_changed_catalogue_matches_what_is_open_again(store: Store, folder: Path, tmp_path: Path) -> None:
    n.night(store, folder, n.tender("open"), n.tender("short", deadline=n.MOMENT + timedelta(hours=20)))
    again = n.catalogue(tmp_path / "again", list(reversed(n.structures())))
    assert n.night(store, again).matched == 0, "the same data, built again"
    other = n.catalogue(tmp_path / "other", n.structures(each=9))
    assert n.night(store, other, day=1).matched == 1
    assert n.siret(108) in pairs(store, "open") and n.siret(108) not in pairs(store, "short")


def test_since_leaves_older_notices_out(store: Store, folder: Path) -> None:
    options = batch.Options(rules=Rules(floor=0.0005), since=n.MOMENT.date())
    old, new = n.tender("old"), n.tender("new", published=n.MOMENT.date())
    assert batch.run(store, folder, [old, new], options, moment=n.MOMENT).read == 1
    assert set(matched(store)) == {"new"}


def test_departments_left_out_of_a_night_wait_until_they_are_asked(store: Store, folder: Path) -> None:
    far = n.tender("far", buyer=replace(n.BUYER, place=Place(department="93")))
    far = replace(far, lots=(replace(far.lots[0], places=(Place(label="Brest", department="29"),)),))
    region = replace(n.tender("region"), lots=(replace(far.lots[0], id="r", places=(Place(region="11"),)),))
    for departments, notices in (("93",), 2), (("93", "29"), 1), ((), 0):
        options = batch.Options(rules=Rules(floor=0.0005), departments=frozenset(departments))
        done = batch.run(store, folder, [n.tender("near"), far, region], options, moment=n.MOMENT)
        assert (done.read, done.matched) == (3, notices)


def test_a_rehearsal_says_the_same_and_writes_nothing(store: Store, folder: Path) -> None:
    before = store.counts()
    options = batch.Options(rules=Rules(floor=0.0005))
    told = batch.rehearse(store, folder, [n.tender("a")], options, moment=n.MOMENT)
    assert store.counts() == before
    real = batch.run(store, folder, [n.tender("a")], options, moment=n.MOMENT)
    counts = attrgetter("matched", "matches", "digests", "told")
    assert counts(told) == counts(real)


def test_a_second_batch_at_once_is_asked_to_wait(store: Store, folder: Path) -> None:
    with alone(store, "batch", "another batch"), pytest.raises(batch.Busy):
        n.night(store, folder, n.tender("a"))
    assert n.night(store, folder, n.tender("a")).matched == 1


def test_two_processes_give_what_one_gives(folder: Path, tmp_path: Path) -> None:
    tenders = [n.tender(f"p{i}", *list(n.TRADES)[: 1 + i % 3]) for i in range(6)]
    found = []
    for jobs in (1, 2):
        store = Store.open(f"sqlite:///{tmp_path}/{jobs}.sqlite")
        options = batch.Options(rules=Rules(floor=0.0005), jobs=jobs)
        batch.run(store, folder, tenders, options, moment=n.MOMENT)
        with store.reading() as connection:
            columns = (Found.notice_id, Found.lot_id, Found.siret, Found.rank, Found.score, Found.detail)
            found.append([tuple(row) for row in connection.execute(select(*columns).order_by(*columns[:3]))])
        store.close()
    assert found[0] and found[0] == found[1]


def test_a_worker_gets_the_catalogue_once(folder: Path, tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    def run(function: Any, *given: Any, **_: Any) -> dict[str, Any]:
        """As two workers of one machine do, where the folder does not exist."""
        (tmp_path / "its").mkdir(exist_ok=True)
        told = function(*("nowhere" if each == str(folder) else each for each in given))
        return {f"tcp://127.0.0.1:{port}": told for port in (1, 2)}

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "its"))
    monkeypatch.setattr(cluster, "PART", 10_000)
    client: Any = SimpleNamespace(run=run)
    assert [cluster.publish(client, folder) for _ in range(2)] == [1, 0]
    (its,) = (tmp_path / "its").iterdir()
    names = [sorted(path.relative_to(at) for path in at.rglob("*")) for at in (folder, its)]
    assert (
        names[0] == names[1]
        and (its / "manifest.json").read_bytes() == (folder / "manifest.json").read_bytes()
    )


@pytest.mark.slow
def test_killed_at_random_instants_it_ends_as_if_undisturbed() -> None:
    pytest.importorskip("aiosmtpd", reason="aiosmtpd is not installed: pip install aiosmtpd")
    command = [sys.executable, str(ROOT / "tests" / "bench" / "kill_batch.py"), "--kills", "5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["kills"] >= 5 and told["digests_a_round"] > 10


# ---------------------------------------------------------------------------------------- the command


def command(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    store = f"sqlite:///{tmp_path}/s.sqlite"
    names = {"MATCHER_STORE": store, "MATCHER_MAIL_SECRET": "a secret of the tests"}
    return terminal.command(*arguments, cwd=tmp_path, **names)


def test_the_command_tells_a_source_that_is_down_from_nothing_new(folder: Path, tmp_path: Path) -> None:
    page = str(ROOT / "data" / "sample" / "boamp_page_1.json")
    where = ("--catalogue", str(folder))
    run = ("batch", page, *where, *"--at 2026-11-24T09:00 --outbox out --format jsonl".split())
    first = command(tmp_path, *run, "--report", "report.html")
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert told["new"] > 5 and told["matched"] > 5
    assert len(list((tmp_path / "out").glob("*.eml"))) == told.get("sent", 0) == told["digests"]
    assert "<svg" in (tmp_path / "report.html").read_text()
    again = command(tmp_path, *run)
    assert again.returncode == 0 and "nothing new" in again.stderr
    assert json.loads(again.stdout)["digests"] == 0
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "page.json").write_text('{"total_count": 0, "results": []}')
    down = command(tmp_path, "batch", "empty", *where, "--at", "2026-11-25T09:00")
    assert down.returncode == batch.SOURCE_DOWN and "source down" in down.stderr
    stale = command(tmp_path, *run[:4], "--at", "2026-12-29T09:00")
    assert stale.returncode == batch.SOURCE_DOWN and "source stale" in stale.stderr
    assert "Traceback" not in first.stderr + again.stderr + down.stderr + stale.stderr


def test_sync_fetches_and_matches(folder: Path, tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    page = json.loads((ROOT / "data" / "sample" / "boamp_page_1.json").read_text(encoding="utf-8"))
    today = datetime.now(UTC)
    with serving() as publisher:
        monkeypatch.setenv("MATCHER_BOAMP_URL", f"{publisher.url}/boamp")
        published = {"dateparution": today.date().isoformat()}
        publisher.notices = [record | published for record in page["results"]]
        run = ("batch", "--sync", "--to", "fetched", "--catalogue", str(folder), "--format", "jsonl")
        first = command(tmp_path, *run)
        assert "records fetched" in first.stderr and "Traceback" not in first.stderr
        told = json.loads(first.stdout)
        assert told["read"] == len(publisher.notices) and told["new"] == told["read"]
        again = command(tmp_path, *run)
        assert again.returncode == 0 and json.loads(again.stdout)["new"] == 0
    monkeypatch.setattr(_client, "ATTEMPTS", 1)  # nobody answers: what is there is matched, by another store
    down = terminal.command(*run, cwd=tmp_path, MATCHER_STORE=f"sqlite:///{tmp_path}/other.sqlite")
    assert down.returncode == batch.SOURCE_DOWN and "source down" in down.stderr
    assert json.loads(down.stdout)["new"] == told["new"]


def test_wrong_usage_gets_one_sentence_and_status_two(folder: Path, tmp_path: Path) -> None:
    page = str(ROOT / "data" / "sample" / "boamp_page_1.json")
    for arguments in ("nowhere", f"{folder} --since soon", f"{folder} --at x"):
        done = command(tmp_path, "batch", page, "--catalogue", *arguments.split())
        assert done.returncode == 2 and done.stderr.strip().count("\n") == 0, done.stderr
    nothing = command(tmp_path, "batch", "--catalogue", str(folder))
    assert nothing.returncode == 2 and "--sync" in nothing.stderr
