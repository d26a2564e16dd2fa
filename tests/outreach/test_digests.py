"""Digests: few, once, inert, stopped at a word; and mail that leaves through a real server, never twice."""

import csv
import email
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from email import policy
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pytest import MonkeyPatch
from service.app import create_app
from service.settings import Settings
from sqlalchemy import insert, select, update

import night as n
from mail_server import MailServer
from matcher.domain import BadInput, Condition, NotFound, Place
from matcher.matching.engine import Matcher
from matcher.outreach import delivery, digests, letters, review, transport
from matcher.outreach import links as links_
from matcher.outreach.changes import WAVES
from matcher.outreach.digest_formats import FORMS
from matcher.outreach.rules import Rules
from matcher.records import feedback
from matcher.records.store import Busy, Store
from matcher.records.tables import Digest, Letter, Notice, Run
from matcher.reference.french import PARIS
from night import mails


@pytest.fixture
def store(tmp_path: Path, monkeypatch: MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("MATCHER_MAIL_SECRET", "a secret of the tests")
    opened = Store.open(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield opened
    opened.close()


def lots(content: dict[str, Any]) -> list[tuple[str, str]]:
    return [(item["notice_id"], item["kind"]) for item in content["items"]]


def test_those_of_the_trade_come_first_with_reasons_and_the_documents(store: Store, folder: Path) -> None:
    told = n.told(store, folder, n.tender("a", "tonte"), wave=1)
    assert {n.siret(100 + i) for i in range(8)} <= set(told), "all at once: a public notice has no waves"
    first = told[n.siret(100)]
    (item,) = first["items"]
    assert item["title"] == "Entretien des espaces verts"
    assert item["documents_url"] == "https://example.org/dossier/a"
    assert item["reasons"]
    assert abs(sum(c["contribution"] for c in item["contributions"]) - item["score"]) < 1e-6
    assert first["versions"]["recipe"] == "default" and first["versions"]["ranker"]
    chances = {s: c["items"][0]["probability"] for s, c in told.items()}
    others = {n.siret(trade + i) for trade in (200, 300) for i in range(8)}
    assert chances[n.siret(100)] > max((chance for s, chance in chances.items() if s in others), default=0)


def test_lots_of_one_notice_that_differ_in_little_are_one_card(store: Store, folder: Path) -> None:
    content = n.told(store, folder, n.tender("a", "tonte"))[n.siret(100)]
    (item,) = content["items"]
    named = {k: {"lot_id": f"a-{k}", "lot": f"Lot {k}", "title": f"Secteur {k}"} for k in (2, 3)}
    more = [item | facts | {"place": f"Ville {k}"} for k, facts in named.items()]
    apart = item | {"lot_id": "a-4", "lot": "Lot 4", "title": "Secteur 4"}
    apart["reservation"] = "Lot réservé (L2113-13)"
    whole = content | {"items": [item, *more, apart], "link": "https://example.org/d/x"}
    text, html = (digests.rendered(whole, form).decode() for form in ("text", "html"))
    for written in (text, html):
        assert written.count("Du même avis, pour vous aussi") == 1 == written.count("Pourquoi vous")
        assert all(written.count(f"Secteur {k}") == 1 for k in (2, 3, 4)) and "Ville 3" in written
        assert written.count("Lot réservé (L2113-13)") == 1  # said of the lot that it is true of
    assert [f"#{k}" in html for k in (1, 2, 3, 4)] == [True] * 4


def test_no_more_than_the_cap_a_day_and_the_rest_follows(store: Store, folder: Path) -> None:
    n.night(store, folder, *(n.tender(f"t{i}") for i in range(5)), cap=2)
    n.night(store, folder, cap=2, day=1)
    n.night(store, folder, cap=2, day=2)
    days = [mails(store, day)[n.siret(100)] for day in range(3)]
    assert [len(content["items"]) for content in days] == [2, 2, 1]
    assert [content["left"] for content in days] == [3, 1, 0]
    seen = [item["notice_id"] for content in days for item in content["items"]]
    assert sorted(seen) == [f"t{i}" for i in range(5)]


def test_a_notice_of_many_like_lots_takes_one_place_of_the_cap(store: Store, folder: Path) -> None:
    many, apart = n.tender("a", *["tonte"] * 9), n.tender("b", "tonte", "tonte")
    visit = Condition(code="visit", label="Visite obligatoire")
    apart = replace(apart, lots=(apart.lots[0], replace(apart.lots[1], conditions=(visit,))))
    told = n.told(store, folder, many, apart, n.tender("c"), cap=3)[n.siret(100)]
    held = Counter(item["notice_id"] for item in told["items"])
    assert held == {"a": 9, "b": 2, "c": 1} and told["left"] == 0


def test_a_notice_is_announced_once_read_again_or_published_twice(store: Store, folder: Path) -> None:
    first, again = (n.night(store, folder, n.tender("boamp-1", reference="2026-TONTE")) for _ in range(2))
    assert first.digests > 0 and (again.digests, again.told, again.source) == (0, 0, "nothing new")
    twin = replace(n.tender("ted-9", reference="2026-TONTE", format="ted"), title="SERVICES BOAMP-1")
    summary = n.night(store, folder, twin, day=1)
    assert summary.twins == 1 and summary.digests == 0


def test_a_correction_is_announced_only_if_it_changes_something(store: Store, folder: Path) -> None:
    n.night(store, folder, n.tender("a"))
    assert n.night(store, folder, n.correction("a-c1", "a"), day=1).digests == 0
    later = n.MOMENT + timedelta(days=30)
    content = n.told(store, folder, n.correction("a-c2", "a", deadline=later), day=2)[n.siret(100)]
    assert lots(content) == [("a", "correction")]
    assert "24 décembre 2026" in content["items"][0]["changes"][0]
    assert "15 décembre 2026" in content["items"][0]["changes"][0]
    assert n.night(store, folder, day=3).digests == 0


def test_each_correction_says_what_is_new_and_that_once(store: Store, folder: Path) -> None:
    n.night(store, folder, n.tender("a"))
    visit, both = "Lire : la visite est obligatoire.", "Lire : le lot est réservé."
    n.night(store, folder, n.correction("a-c1", "a", change=visit), day=1)
    assert mails(store, 1)[n.siret(100)]["items"][0]["changes"] == [visit]
    # published elsewhere too, and followed by another
    again, then = n.correction("a-c2", "a", change=visit), n.correction("a-c3", "a", change=both)
    assert n.told(store, folder, again, then, day=2)[n.siret(100)]["items"][0]["changes"] == [both]
    assert n.night(store, folder, n.correction("a-c4", "a", change=both), day=3).digests == 0


def test_what_can_be_answered_stands_before_what_is_to_be_prepared(store: Store, folder: Path) -> None:
    n.night(store, folder, n.tender("a", nature="prior"), n.tender("b"))
    told = [[item["prior"] for item in content["items"]] for content in mails(store).values()]
    assert told and all(one == [False, True] for one in told)


def test_a_call_that_follows_a_prior_notice_is_told_as_new(store: Store, folder: Path) -> None:
    prior = n.tender("p", nature="prior", folder="one procedure", deadline=None)
    (item,) = n.told(store, folder, prior)[n.siret(100)]["items"]
    text = digests.rendered(mails(store)[n.siret(100)], "text").decode()
    assert item["prior"] and "Rien à remettre encore" in text and "répondre seule" not in text
    assert mails(store)[n.siret(100)]["subject"].startswith("1 lot à préparer")
    n.night(store, folder, prior, n.tender("c", folder="one procedure"), day=1)
    assert lots(mails(store, 1)[n.siret(100)]) == [("c", "notice")]


def test_a_cancelled_lot_is_told_by_itself_and_the_others_stay_open(store: Store, folder: Path) -> None:
    call = n.tender("a", "tonte", "tonte")
    assert {item["lot_id"] for item in n.told(store, folder, call)[n.siret(100)]["items"]} == {"a-1", "a-2"}
    content = n.told(store, folder, call, n.correction("a-x", "a", cancels=("2",)), day=1)[n.siret(100)]
    assert [(item["lot_id"], item["kind"]) for item in content["items"]] == [("a-2", "cancellation")]
    assert content["subject"].startswith("1 lot annulé :") and "Première date limite" not in content["intro"]
    shown = digests.current(store, _held(folder), n.siret(100), at=n.MOMENT + timedelta(days=1))
    assert [item["lot_id"] for item in shown["items"]] == ["a-1"]


@pytest.mark.parametrize("clock", [time(), time.max])  # of a day without an hour
def test_every_form_says_what_a_reader_needs(store: Store, folder: Path, clock: time) -> None:
    day = datetime.combine(n.MOMENT.date() + timedelta(days=21), clock, PARIS)
    one = n.tender("a", procedure="Procédure adaptée", deadline=day, url="https://acheteur.example/")
    place = Place(label="Voir II.1.3)", department="93")
    one = replace(one, lots=(replace(one.lots[0], places=(place,)),))
    content = n.told(store, folder, one)[n.siret(100)]
    for form in ("text", "html", "atom", "icalendar"):
        written = digests.rendered(content, form).decode().replace("\r\n ", "").replace("\\,", ",")
        for words in ("Procédure adaptée", "heure non précisée", "Commune de Montreuil", "Seine-Saint-Denis"):
            assert words in written, (form, words)
        assert "II.1.3" not in written and "acheteur.example" not in written


def test_a_cancellation_is_announced_once_to_those_who_had_the_notice(store: Store, folder: Path) -> None:
    told = set(n.told(store, folder, n.tender("a")))
    n.night(store, folder, n.correction("a-x", "a", nature="cancellation"), day=1)
    assert {s: lots(c) for s, c in mails(store, 1).items()} == {s: [("a", "cancellation")] for s in told}
    assert n.night(store, folder, day=2).digests == 0


def test_what_was_declined_never_comes_back_after_a_move(store: Store, folder: Path, tmp_path: Path) -> None:
    old = n.siret(100)
    feedback.record(store, old, "a", "a-1", "declined", reason="too-far")
    n.night(store, folder, n.tender("a"))
    assert old not in mails(store) and n.siret(101) in mails(store)
    new = {"siret": n.siret(900), "predecessors": (old,)}
    moved = [replace(s, **new) if s.siret == old else s for s in n.structures()]
    elsewhere = n.catalogue(tmp_path / "moved", moved)
    other = Store.open(f"sqlite:///{tmp_path / 'other.sqlite'}")
    feedback.record(other, old, "a", "a-1", "declined")
    n.night(other, elsewhere, n.tender("a"))
    assert n.siret(900) not in mails(other) and n.siret(101) in mails(other)
    other.close()


def test_the_last_word_counts_and_not_our_trade_keeps_the_trade_away(store: Store, folder: Path) -> None:
    feedback.record(store, n.siret(100), "a", "a-1", "declined")
    feedback.record(store, n.siret(100), "a", "a-1", "interested")
    feedback.record(store, n.siret(101), "b", "b-1", "declined", reason="not-our-trade", cpv="77310000")
    n.night(store, folder, n.tender("a"))
    assert n.siret(100) in mails(store) and n.siret(101) not in mails(store)


def test_nothing_after_the_deadline(store: Store, folder: Path, tmp_path: Path) -> None:
    soon = n.tender("a", deadline=n.MOMENT + timedelta(hours=5))
    assert n.told(store, folder, soon)
    late = Store.open(f"sqlite:///{tmp_path / 'late.sqlite'}")
    n.night(late, folder, soon, day=1)
    assert not mails(late)
    after = n.MOMENT + timedelta(hours=6)
    sent = delivery.deliver(store, _held(folder), Rules(outbox=tmp_path / "out"), at=after)
    assert set(sent) == {"cancelled"} and not list((tmp_path / "out").glob("*.eml"))
    late.close()


def _held(folder: Path) -> Any:
    return Matcher.load(folder).catalogue


# ------------------------------------------------------------------------------------------ brakes


def _states(store: Store) -> set[str]:
    return set(store.ask(select(Digest.status)).scalars())


def test_hold_waits_for_the_operator_who_sees_a_sample(store: Store, folder: Path, tmp_path: Path) -> None:
    summary = n.night(store, folder, n.tender("a"), hold=True)
    assert summary.held and _states(store) == {"held"}
    assert not delivery.deliver(store, _held(folder), Rules(outbox=tmp_path))
    seen = review.sample(store, 3)
    assert len(seen) == 3 and all(content["items"] for content in seen)
    assert review.decide(store, "ready") == summary.digests
    sent = delivery.deliver(store, _held(folder), Rules(outbox=tmp_path), at=n.MOMENT)
    assert sent["sent"] == summary.digests


def test_three_times_the_usual_volume_is_held(store: Store, folder: Path, tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'new.sqlite'}") as new:
        assert n.night(new, folder, n.tender("a"), first_volume=3).held == "first"
    with store.writing() as connection:
        for i, volume in enumerate((4, 5, 6)):
            at = n.MOMENT - timedelta(days=9 - i)
            row = {"id": f"r{i}", "started_at": at, "finished_at": at, "state": {"digests": volume}}
            store.put(connection, Run, [row])
    n.night(store, folder, n.tender("a"), brake=100)
    assert _states(store) == {"ready"}
    with store.writing() as connection:
        connection.execute(update(Digest).values(status="sent"))
    held = n.night(store, folder, n.tender("b", "menage"), day=1, brake=1.01)
    assert held.digests > 5
    assert held.held == "volume"
    assert "far more than usual" in "\n".join(held.sentences())
    assert "held" in _states(store)


def test_a_new_catalogue_or_model_never_mails_the_old(store: Store, folder: Path, tmp_path: Path) -> None:
    n.night(store, folder, n.tender("a"))
    more = n.catalogue(tmp_path / "more", n.structures(each=12))
    summary = n.night(store, more, n.tender("a"), day=1)
    assert summary.matched == 1 and summary.digests == 0
    content = digests.current(store, _held(more), n.siret(111), at=n.MOMENT + timedelta(days=1))
    assert lots(content) == [("a", "notice")]  # who asks sees it
    assert n.siret(111) in n.told(store, more, n.tender("b"), day=2)  # and the next new notice reaches it


def test_an_unpublished_need_goes_out_in_waves_until_enough_show_interest(store: Store, folder: Path) -> None:
    need = n.tender("need", "tonte", confidential=True, flags=(WAVES,))
    assert not n.told(store, folder, need)  # nobody owns it yet: a confidential need is told to nobody
    with store.writing() as connection:
        connection.execute(update(Notice).values(owner="buyer-7"))
    first = n.told(store, folder, day=1, wave=3, enough=2)
    assert len(first) == 3 and all(lots(c) == [("need", "wave")] for c in first.values())
    ranks = sorted(c["items"][0]["rank"] for c in first.values())
    for s in list(first)[:1]:
        feedback.record(store, s, "need", "need-1", "interested")
    second = n.told(store, folder, day=2, wave=3, enough=2)
    assert len(second) == 3 and not set(second) & set(first)
    assert max(ranks) < min(c["items"][0]["rank"] for c in second.values())
    feedback.record(store, next(iter(second)), "need", "need-1", "interested")
    assert not n.told(store, folder, day=3, wave=3, enough=2)
    assert not digests.current(store, _held(folder), n.siret(100), at=n.MOMENT)["items"]
    told = digests.of_buyer(store, "buyer-7", _held(folder), at=n.MOMENT)
    (lot,) = told["items"][0]["lots"]
    assert (lot["told"], lot["interested"]) == (6, 2) and len(told["items"][0]["names"]) == 2


# ------------------------------------------------------------------------------------------- forms

BASE = "https://maillage.example.org"
HOSTILE = '=HYPERLINK("http://x")<script>alert(1)</script>\r\nBcc: all@example.org'


@pytest.fixture
def hostile(store: Store, folder: Path) -> dict[str, Any]:
    one = n.tender("a", title=HOSTILE, documents_url="javascript:alert(1)")
    one = replace(one, lots=(replace(one.lots[0], title=HOSTILE + one.lots[0].title),))
    return n.told(store, folder, one)[n.siret(100)] | {"subject": HOSTILE}


def test_every_form_is_read_back_and_inert(hostile: dict[str, Any]) -> None:
    from icalendar import Calendar
    from lxml import etree
    from openpyxl import load_workbook

    made = {form: digests.rendered(hostile, form) for form in FORMS}
    assert set(made) == {"atom", "csv", "html", "icalendar", "json", "text", "xlsx"}
    assert b"<script" not in made["html"] and b"javascript:" not in made["html"]
    rows = list(csv.reader(io.StringIO(made["csv"].decode("utf-8-sig")), delimiter=";"))
    assert len(rows) == 2 and rows[1][2].startswith("'=")
    sheet = load_workbook(io.BytesIO(made["xlsx"])).active
    cell = sheet.cell(2, 3)
    assert cell.data_type == "s" and str(cell.value).startswith("=HYPERLINK") and cell.quotePrefix
    feed = etree.fromstring(made["atom"])
    ids = [e.text for e in feed.iterfind("{*}entry/{*}id")]
    assert len(ids) == len(set(ids)) == 1 and not feed.findall(".//{*}script")
    assert not any("javascript" in (link.get("href") or "") for link in feed.iterfind(".//{*}link"))
    (event,) = Calendar.from_ical(made["icalendar"]).walk("VEVENT")
    assert event.decoded("dtstart") == datetime.fromisoformat(hostile["items"][0]["deadline"])
    assert json.loads(made["json"])["items"] == hostile["items"]


def test_a_mail_carries_what_it_must_and_no_header_is_smuggled_in(hostile: dict[str, Any]) -> None:
    rules = Rules(base_url=BASE, sender="Maillage <a@example.org>", reply_to="b@example.org")
    raw = letters.message(hostile, "x@example.org", rules).as_bytes()
    read = email.message_from_bytes(raw, policy=policy.default)
    assert read["Bcc"] is None
    assert str(read["From"]) == "Maillage <a@example.org>"
    assert str(read["Reply-To"]) == "b@example.org"
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"{BASE}/m/{hostile['id']}/" in read["List-Unsubscribe"]
    assert f"List-Unsubscribe: <{BASE}/m/".encode() in raw  # as it is: mail programs decode no words here
    kinds = [part.get_content_type() for part in read.walk()]
    assert {"text/plain", "text/html", "text/calendar"} <= set(kinds)
    assert "15 décembre" in read.get_body(("plain",)).get_content()


@pytest.mark.parametrize("address", ["a@b", "a@b.fr\nBcc: c@d.fr", "a b@c.fr", "é@b.fr", ""])
def test_what_is_no_address_gets_no_mail(address: str, hostile: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        letters.message(hostile, address, Rules())


# --------------------------------------------------------------------------------------------- SMTP


@pytest.fixture
def post(smtp: MailServer) -> MailServer:
    """A server that refuses one address for good and one for now."""
    refused = {"tonte1": "550 5.1.1 no such user", "tonte2": "451 4.7.1 try again later"}
    smtp.reply = lambda address: refused.get(address.partition("@")[0], "250 OK")
    return smtp


def test_mail_leaves_a_real_server_once_and_bounces(store: Store, folder: Path, post: MailServer) -> None:
    summary = n.night(store, folder, n.tender("a"))
    rules, held = Rules(smtp=post.url), _held(folder)
    with pytest.raises(BadInput, match="stay ready"):
        delivery.deliver(store, held, Rules(smtp="smtp://127.0.0.1:9"), at=n.MOMENT)
    assert _states(store) == {"ready"}
    assert delivery.deliver(store, held, rules, at=n.MOMENT.replace(hour=3))["waiting"] == summary.digests
    assert not post.received  # not at three in the morning
    sent = delivery.deliver(store, held, rules, at=n.MOMENT)
    assert sent == {"sent": summary.digests - 2, "failed": 1, "waiting": 1}
    again = delivery.deliver(store, held, rules, at=n.MOMENT)
    assert again == {"waiting": 1}  # once; the one refused for now is tried again
    ids = [str(message["Message-ID"]) for _, message in post.received]
    assert len(ids) == len(set(ids)) == summary.digests - 2
    _, message = next(m for m in post.received if m[0] == ["tonte0@example.org"])
    assert "Entretien des espaces verts" in message.get_body(("plain",)).get_content()
    assert "é" in message.get_body(("html",)).get_content()
    n.night(store, folder, n.tender("b", "tonte"), day=1)
    delivery.deliver(store, held, rules, at=n.MOMENT + timedelta(days=1))
    of_the_day = select(Digest.addressee, Digest.status).where(Digest.day == date(2026, 11, 25))
    states = dict(store.ask(of_the_day).all())
    assert states[n.siret(101)] == "no-address" and states[n.siret(100)] == "sent"


def test_a_delivery_report_stops_the_address(store: Store, folder: Path, tmp_path: Path) -> None:
    raw = (
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\nContent-Type: text/plain\n\nno\n"
        b"--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n"
        b"Final-Recipient: rfc822; tonte0@example.org\nAction: failed\nStatus: 5.1.1\n\n"
        b"Final-Recipient: rfc822; tonte3@example.org\nAction: delayed\nStatus: 4.4.1\n\n--x--\n"
    )
    # never written to: anybody can write a report
    assert transport.returned(store, raw) == transport.Returned(unknown=["tonte0@example.org"])
    n.night(store, folder, n.tender("z", "tonte"), day=-1)
    delivery.deliver(store, _held(folder), Rules(outbox=tmp_path), at=n.MOMENT - timedelta(days=1))
    assert transport.returned(store, raw) == transport.Returned(stopped=["tonte0@example.org"])
    with store.writing() as connection:  # a letter counts as a mail does
        letter = {"id": "l", "kind": "account", "siret": "", "address": "Lettre@example.org"}
        connection.execute(insert(Letter).values(**letter, created_at=n.MOMENT))
    reported = transport.returned(store, raw.replace(b"tonte0", b"lettre"))
    assert reported == transport.Returned(stopped=["lettre@example.org"])
    n.night(store, folder, n.tender("a"))
    sent = delivery.deliver(store, _held(folder), Rules(outbox=tmp_path), at=n.MOMENT)
    assert sent["no-address"] == 1 and not (tmp_path / f"{mails(store)[n.siret(100)]['id']}.eml").exists()


def test_one_bad_address(store: Store, tmp_path: Path, post: MailServer, monkeypatch: MonkeyPatch) -> None:
    listed = [replace(s, email="a..b@c.fr") if s.siret == n.siret(103) else s for s in n.structures()]
    folder = n.catalogue(tmp_path / "odd", listed)
    summary = n.night(store, folder, n.tender("a"))
    sent = delivery.deliver(store, _held(folder), Rules(smtp=post.url), at=n.MOMENT)
    assert sent["no-address"] == 1 and sent["sent"] == summary.digests - 3 == len(post.received)
    # whatever goes wrong with the text of one, the others leave
    n.night(store, folder, n.tender("b"), day=1)
    whole = delivery.message

    def broken(content: Any, to: str, rules: Rules) -> Any:
        if to == "tonte4@example.org":
            raise UnicodeError("a text that cannot be encoded")
        return whole(content, to, rules)

    monkeypatch.setattr(delivery, "message", broken)
    sent = delivery.deliver(store, _held(folder), Rules(smtp=post.url), at=n.MOMENT + timedelta(days=1))
    assert sent["failed"] == 1 and sent["sent"] >= 3
    (failed,) = [m for m in delivery.listed(store, ["failed"]) if m["address"] == "tonte4@example.org"]
    assert "cannot be encoded" in failed["said"]


def test_doubtful_mails_are_settled_one_by_one_by_address(store: Store, folder: Path, tmp_path: Path) -> None:
    n.night(store, folder, n.tender("a"))
    for number in (100, 101):  # the dot was sent, and the answer never came
        id = mails(store)[n.siret(number)]["id"]
        delivery.claim(store, Digest, id, f"tonte{number - 100}@example.org", "354 go ahead")
    rows = delivery.doubtful(store)
    states = sorted((r["address"], r["who"], r["said"], r["state"]) for r in rows)
    assert states == [(f"tonte{i}@example.org", n.siret(100 + i), "354 go ahead", "sending") for i in (0, 1)]
    assert all(r["claimed_at"] and "lot" in r["what"] for r in rows)
    with pytest.raises(NotFound):
        delivery.settle(store, ["tonte0@example.org", "nobody@example.org"], sent=True)
    assert delivery.settle(store, ["TONTE0@example.org"], sent=True) == 1
    assert [r["who"] for r in delivery.doubtful(store)] == [n.siret(101)]
    assert delivery.settle(store, [n.siret(101)], sent=False) == 1
    assert {r["who"]: r["state"] for r in delivery.listed(store)}[n.siret(101)] == "ready"


def test_two_senders_at_once_send_each_mail_once(store: Store, folder: Path, post: MailServer) -> None:
    summary = n.night(store, folder, n.tender("a"))
    held, rules = _held(folder), Rules(smtp=post.url)

    def send(_: int) -> int:
        try:
            return delivery.deliver(store, held, rules, at=n.MOMENT)["sent"]
        except Busy:
            return 0

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(send, range(4))) == summary.digests - 2
    assert len(post.received) == summary.digests - 2


@pytest.mark.parametrize(
    ("hour", "weekday", "may"),
    [(3, 24, False), (8, 24, True), (18, 24, True), (19, 24, False), (10, 28, False)],
)
def test_sending_hours_are_paris_working_hours(hour: int, weekday: int, may: bool) -> None:
    assert Rules().may_leave(datetime(2026, 11, weekday, hour, 30, tzinfo=PARIS)) is may


# ------------------------------------------------------------------------------------- asking, telling


def test_a_buyer_learns_numbers_of_a_public_notice_and_no_names(store: Store, folder: Path) -> None:
    n.night(store, folder, n.tender("a", "tonte", "menage"))
    feedback.record(store, n.siret(100), "a", "a-1", "interested")
    feedback.record(store, n.siret(101), "a", "a-1", "declined", reason="too-big")
    told = digests.of_buyer(store, n.BUYER.id, _held(folder), at=n.MOMENT)
    first = told["items"][0]
    assert (first["lots"][0]["interested"], first["lots"][0]["declined"]) == (1, 1)
    assert first["lots"][0]["told"] >= 8
    assert first["reasons"] == ["trop gros pour nous (1)"] and first["names"] == []
    for form in ("text", "html"):
        assert b"Atelier" not in digests.rendered(told, form)
    with pytest.raises(NotFound):
        digests.of_buyer(store, "999999999", at=n.MOMENT)


def test_the_operators_report_has_plots_and_leaves_unpublished_needs_out(store: Store, folder: Path) -> None:
    summary = n.night(store, folder, n.tender("a", "tonte", "menage"), n.tender("need", confidential=True))
    with store.writing() as connection:
        connection.execute(update(Notice).where(Notice.id == "need").values(owner="buyer-7"))
    page = review.of_run(store, summary.run)
    assert page.count("<svg") == 4 and "http-equiv" not in page and 'src="http' not in page
    facts = review.gathered(store, summary.run)
    assert dict(facts["departments"]) == {"93": 2}
    assert {name[:10] for name, _ in facts["trades"]} == {"77 Espaces", "90 Assaini"}
    with pytest.raises(NotFound):
        review.of_run(store, "none")


def test_opening_a_link_changes_nothing_its_buttons_act(store: Store, folder: Path, tmp_path: Path) -> None:
    """A client that fetches every link of a mail, like a scanner, changes nothing; a POST unsubscribes at once."""
    content = n.told(store, folder, n.tender("a"))[n.siret(100)]
    message = letters.message(content, "x@example.org", Rules(base_url=BASE))
    page = message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    links = set(re.findall(rf"{BASE}(/[^\s\">#]*)", f"{message['List-Unsubscribe']} {page}"))
    assert len(links) == 2
    url = store.engine.url.render_as_string(hide_password=False)
    with TestClient(create_app(Settings(catalogue=folder, store=url))) as client:
        client.headers["accept"] = "text/html"
        before = store.counts()
        for link in sorted(links) * 2:
            answer = client.get(link)
            assert answer.status_code == 200 and "Entretien des espaces verts" in answer.text
        assert store.counts() == before
        for wrong in ("0" * 32, links_.token("other"), "é" * 32):
            assert client.get(f"/m/{content['id']}/{wrong}").status_code == 403
        base = next(link for link in links if not link.endswith("unsubscribe"))
        form = {"item": "1", "verb": "declined", "reason": "too-far"}
        assert "ne vous sera plus proposé" in client.post(base, data=form).text
        client.cookies.clear()  # a mail program posts without any session
        answer = client.post(base + "/unsubscribe", data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    with store.reading() as connection:
        assert feedback.refusals(connection).of(["a"], "a-1") == {n.siret(100)}
    # what was composed before does not leave either
    sent = delivery.deliver(store, _held(folder), Rules(outbox=tmp_path), at=n.MOMENT)
    assert sent["cancelled"] == 1 and not (tmp_path / f"{content['id']}.eml").exists()
    n.night(store, folder, n.tender("b", "tonte"), day=1)
    assert n.siret(100) not in mails(store, 1) and n.siret(101) in mails(store, 1)
    assert store.counts()["feedback"] == 1 and store.counts()["unsubscription"] == 1
