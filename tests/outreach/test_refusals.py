"""What a mail server's refusals do: an address that does not exist is suppressed, a block silences nobody."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pytest import MonkeyPatch

import night as n
from mail_server import MailServer
from matcher.domain import BadInput, NotFound
from matcher.outreach import alerts, delivery, links, review, transport
from matcher.outreach.rules import Rules
from matcher.outreach.work import _opened
from matcher.records import feedback
from matcher.records.store import Store
from matcher.records.tables import Letter
from records import cases


@pytest.fixture
def store(tmp_path: Path, monkeypatch: MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("MATCHER_MAIL_SECRET", "a secret of the tests")
    with Store.open(f"sqlite:///{tmp_path / 'store.sqlite'}") as opened:
        yield opened


@pytest.mark.parametrize(("reply", "nobody"), cases("refusals of mail"))
def test_only_an_address_that_does_not_exist_is_one_to_suppress(reply: str, nobody: bool) -> None:
    assert transport.nobody_there(reply) is nobody


@pytest.mark.parametrize("reply", ["550 5.7.1 blocked by a list", "552 5.2.2 box full", "451 4.7.1 later"])
def test_a_block_stops_and_loses_nothing(reply: str, store: Store, folder: Path, smtp: MailServer) -> None:
    rules = Rules(smtp=smtp.url)
    catalogue = _opened(str(folder)).catalogue
    summary = n.night(store, folder, n.tender("a"))
    assert summary.digests > transport.MANY
    smtp.reply = lambda _: reply
    sent = delivery.deliver(store, catalogue, rules, at=n.MOMENT)
    assert smtp.asked == transport.MANY and sent.trouble and reply in sent.stopped
    assert not transport.suppressed(store)
    smtp.reply = lambda _: "250 OK"
    n.night(store, folder, n.tender("a"), day=1)
    again = delivery.deliver(store, catalogue, rules, at=n.MOMENT + timedelta(days=1))
    assert again["sent"] == summary.digests and not again.trouble
    figures, states = review.night(store, n.MOMENT + timedelta(days=1))
    assert states["sent"] == summary.digests and figures["suppressed"] == 0
    assert figures["failed"] == (0 if reply.startswith("4") else transport.MANY)


def test_a_suppressed_address_is_listed_and_lifted(store: Store, folder: Path, smtp: MailServer) -> None:
    rules = Rules(smtp=smtp.url)
    catalogue = _opened(str(folder)).catalogue
    summary = n.night(store, folder, n.tender("a"))
    smtp.reply = lambda _: "550 5.1.1 no such user"
    sent = delivery.deliver(store, catalogue, rules, at=n.MOMENT)
    # each is of its address, so none stops the others
    assert sent["failed"] == summary.digests and sent.trouble
    rows = transport.suppressed(store)
    assert {row["address"] for row in rows} >= {"tonte0@example.org"} and "no such user" in rows[0]["said"]
    with pytest.raises(NotFound):
        transport.lift(store, ["tonte0@example.org", "nobody@example.org"])
    assert transport.lift(store, ["tonte0@example.org", n.siret(101)]) == 2
    smtp.reply = lambda _: "250 OK"
    n.night(store, folder, day=1)
    assert delivery.deliver(store, catalogue, rules, at=n.MOMENT + timedelta(days=1))["sent"] == 2


# --------------------------------------------------------------------------- what a structure may answer


@pytest.mark.parametrize("scope, denied", [("lot", set()), ("like", {"cpv:77310"}), ("trade", {"cpv:773"})])
def test_a_refusal_bears_on_what_was_chosen(scope: str, denied: set[str], store: Store, folder: Path) -> None:
    one = n.told(store, folder, n.tender("a", "tonte"))[n.siret(100)]
    offered = dict(links.scopes(store, one)[0])
    assert list(offered) == ["lot", "like", "trade"] and "(1 lot en 6 mois)" in offered["like"]
    links.act(store, one["id"], links.token(one["id"]), 1, "declined", "not-our-trade", scope)
    with store.reading() as connection:
        refusals = feedback.refusals(connection)
    assert refusals.of(["a"], "a-1") == {n.siret(100)}
    assert set(refusals.skills.get(n.siret(100), ())) == denied


def test_alerts_and_questions_stop_apart(store: Store, folder: Path) -> None:
    alerts.stop(store, n.siret(100), "questions")
    alerts.stop(store, n.siret(101), "alerts")
    alerts.stop(store, n.siret(102))
    n.night(store, folder, n.tender("a"))
    assert n.siret(100) in n.mails(store) and not {n.siret(101), n.siret(102)} & {*n.mails(store)}
    asked = {n.siret(100 + i): f"tonte{i}@example.org" for i in range(3)}
    assert transport.unreachable(store, asked) == {n.siret(100), n.siret(102)}


def test_what_identifies_no_structure_changes_no_mail(store: Store) -> None:
    refused = (lambda: alerts.pause(store, "12", n.MOMENT.date()), lambda: alerts.choose(store, "12", "off"))
    for record in refused:
        with pytest.raises(BadInput, match="invalid SIRET '12'"):
            record()


def test_a_pause_ends_by_itself_and_what_is_open_is_told_then(store: Store, folder: Path) -> None:
    alerts.pause(store, n.siret(100), (n.MOMENT + timedelta(days=2)).date())
    n.night(store, folder, n.tender("a"))
    n.night(store, folder, day=1)
    assert n.siret(100) not in n.mails(store) and n.siret(101) in n.mails(store)
    assert [item["notice_id"] for item in n.told(store, folder, day=2)[n.siret(100)]["items"]] == ["a"]


def test_a_letter_queued_twice_under_one_name_is_one_letter(store: Store, tmp_path: Path) -> None:
    sender = {"base_url": "https://maillage.example", "sender": "Maillage <m@maillage.example>"}
    post = Rules(**sender, outbox=tmp_path / "out")

    def question(name: str) -> bool:
        told = {"message": "Bonjour", "link": "https://maillage.example/q", "reply_to": "b@ville.example"}
        told |= {"siret": n.siret(1), "record_id": "r"}
        before = delivery.waiting(store, Letter)
        with store.writing() as connection:
            to = "a@structure.example"
            delivery.queue(store, connection, post, "question", "Tonte", to, name, **told)
        return delivery.waiting(store, Letter) != before

    assert question("r|1") and not question("r|1")
    assert question("r|2")
    assert delivery.drain(store, post) == {"outbox": 2}
    assert not question("r|1"), "nor again once it has left"
    assert not delivery.drain(store, post)
    assert len(list((tmp_path / "out").glob("*.eml"))) == 2
    assert question("r|3")
    (claimed,) = delivery.waiting(store, Letter)
    delivery.claim(store, Letter, claimed, "a@structure.example", "")
    with pytest.raises(transport.LostConnection):  # who claims it second must not send it
        delivery.claim(store, Letter, claimed, "a@structure.example", "")
