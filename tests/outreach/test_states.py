"""The states of a digest: as drawn, and such that every lot reaches everyone once, whatever fails on the way."""

import contextlib
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from pytest import MonkeyPatch
from sqlalchemy import select

import night as n
from databases import schema
from matcher.outreach import alerts, delivery, review, states, transport
from matcher.outreach.rules import Rules
from matcher.outreach.work import _opened
from matcher.records.store import Store
from matcher.records.tables import Announcement, Digest

ROOT = Path(__file__).resolve().parents[2]
WHO = tuple(n.siret(100 + i) for i in range(3))  # all for the same trade; the last has no address at first
REPLIES = {
    "taken": ("sent", "250 OK"),
    "later": ("waiting", "451 4.7.1 try again later"),
    "full": ("failed", "552 5.2.2 mailbox full"),
    "blocked": ("failed", "550 5.7.1 blocked using a list"),
    "nobody": ("bounced", "550 5.1.1 no such user"),
}


def test_the_documentation_draws_the_moves_that_the_program_makes() -> None:
    page = (ROOT / "docs" / "batch.md").read_text(encoding="utf-8")
    drawn = re.findall(r"^ +([\w-]+) --> ([\w-]+)", page, re.M)
    moves = {(state, to) for state, following in states.MOVES.items() for to in following}
    assert {pair for pair in drawn if "*" not in pair} == moves and len(drawn) == len(moves)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    listed = [one for one in n.structures() if one.siret in WHO]
    listed[2] = replace(listed[2], email="")
    return n.catalogue(tmp_path_factory.mktemp("states") / "catalogue", listed)


class Night(RuleBasedStateMachine):
    """Nights, a mail server of changing mood, kills, and an operator; at the end all is well, and everyone has had every lot."""

    folder: Path
    open_store: Any

    def __init__(self) -> None:
        super().__init__()
        self.store: Store = self.open_store()
        self.catalogue = _opened(str(self.folder)).catalogue
        self.day = self.notices = 0
        self.given: list[Any] = []
        self.received: Counter[tuple[str, str]] = Counter()  # (SIRET, notice) -> times that a mail was taken
        self.excused: Counter[tuple[str, str]] = Counter()  # times that it may be sent again
        self.dropped: set[tuple[str, str]] = set()

    def _items(self, *which: Any) -> Iterator[tuple[str, str]]:
        for content in self.store.ask(select(Digest.content).where(*which)).scalars():
            yield from ((content["addressee"], item["notice_id"]) for item in content["items"])

    @rule(held=st.booleans())
    def night(self, held: bool) -> None:
        self.day, self.notices = self.day + 1, self.notices + 1
        deadline = n.MOMENT + timedelta(days=400)
        self.given.append(n.tender(f"t{self.notices}", "tonte", deadline=deadline))
        n.night(self.store, self.folder, *self.given, day=self.day, hold=held)

    @rule(mood=st.sampled_from(sorted(REPLIES)), killed_at=st.integers(0, 6))
    def send(self, mood: str, killed_at: int) -> None:
        self._send(mood, killed_at)

    def _send(self, mood: str, killed_at: int = 99) -> None:
        calls = 0

        def way(mail: Any, claim: Any) -> tuple[str, str]:
            nonlocal calls
            calls += 1
            if calls > killed_at:
                raise KeyboardInterrupt  # before the claim
            state, said = REPLIES[mood]
            if state == "sent":
                claim("354 go ahead")
                name = str(mail["Message-ID"]).strip("<>").partition("@")[0]
                self.received.update(self._items(Digest.id == name))
                if calls == killed_at:
                    raise KeyboardInterrupt  # after the dot
            return state, said

        with MonkeyPatch.context() as patch:
            patch.setattr(transport, "leaving", lambda *_: contextlib.nullcontext(way))
            with contextlib.suppress(KeyboardInterrupt):
                rules, at = Rules(smtp="smtp://x", weekend=True), n.MOMENT + timedelta(days=self.day)
                delivery.deliver(self.store, self.catalogue, rules, at=at)

    @rule(good=st.booleans(), cancel=st.booleans())
    def review(self, good: bool, cancel: bool) -> None:
        if cancel and good:
            self.dropped |= set(self._items(Digest.status == "held"))
        if cancel:
            review.decide(self.store, "dropped" if good else "cancelled")
        else:
            review.decide(self.store, "ready")

    @precondition(lambda self: delivery.doubtful(self.store))
    @rule(sent=st.booleans())
    def settle(self, sent: bool) -> None:
        if not sent:
            self.excused.update(self._items(Digest.status == "sending"))
        delivery.settle(self.store, [row["id"] for row in delivery.doubtful(self.store)], sent)

    @rule(status=st.sampled_from(["5.1.1", "5.7.1", "5.2.2"]), who=st.sampled_from([0, 1]))
    def report(self, status: str, who: int) -> None:
        sent = (Digest.addressee == WHO[who], Digest.status == "sent")
        with self.store.reading() as connection:
            newest = select(Digest.id).where(*sent).order_by(Digest.sent_at.desc()).limit(1)
            last = connection.execute(newest).scalar()
        if last:
            self.excused.update(self._items(Digest.id == last))
        raw = (
            "Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\n"
            "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n"
            f"Final-Recipient: rfc822; tonte{who}@example.org\nAction: failed\nStatus: {status}\n\n--x--\n"
        )
        transport.returned(self.store, raw.encode())

    def teardown(self) -> None:
        alerts.choose(self.store, WHO[2], "daily", "third@example.org")
        if stopped := transport.suppressed(self.store):
            transport.lift(self.store, [row["address"] for row in stopped])
        review.decide(self.store, "ready")
        if rows := delivery.doubtful(self.store):
            delivery.settle(self.store, [row["id"] for row in rows], True)
        self._send("taken")
        while self.notices:  # at most five cards a night
            self.day += 1
            if not n.night(self.store, self.folder, *self.given, day=self.day).digests:
                break
            self._send("taken")
        for pair in ((who, tender.id) for who in WHO for tender in self.given):
            times = self.received[pair]
            assert times or pair in self.dropped, f"{pair} never arrived"
            assert times <= 1 + self.excused[pair], f"{pair} arrived {times} times"
        with self.store.reading() as connection:
            told = select(Announcement.digest_id).join(Digest).where(Digest.status.in_(states.LOST))
            assert not connection.execute(told).first()
        self.store.close()


def _try(folder: Path, open_store: Any, examples: int) -> None:
    machine = type("Night", (Night,), {"folder": folder, "open_store": staticmethod(open_store)})
    same = {"derandomize": True, "database": None, "phases": (Phase.generate,)}  # the same steps in every run
    unhurried = {"deadline": None, "suppress_health_check": list(HealthCheck)}
    wanted = settings(max_examples=examples, stateful_step_count=12, **same, **unhurried)
    run_state_machine_as_test(machine, settings=wanted)


def test_every_lot_reaches_everyone_once_whatever_fails(folder: Path) -> None:
    def open_store() -> Store:
        home = tempfile.mkdtemp(prefix="maillage-")
        store = Store.open(f"sqlite:///{home}/store.sqlite")
        close = store.close
        store.close = lambda: (close(), shutil.rmtree(home, ignore_errors=True))  # type: ignore[method-assign]
        return store

    _try(folder, open_store, 8)


@pytest.mark.postgres
def test_every_lot_reaches_everyone_once_on_postgresql(folder: Path, postgres: str) -> None:
    _try(folder, lambda: Store.open(schema(postgres)), 3)
