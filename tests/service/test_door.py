"""What comes in and what goes out: odd characters, numbers and heads, races, costs that anybody may cause, and what is told of the inside."""

import itertools
import socket
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from service.app import create_app
from service.page import account, fields
from service.settings import Settings
from sqlalchemy import event, func, select, update

from matcher.commands import mcp
from matcher.domain import Answer, BadInput, Buyer, Lot, Tender
from matcher.outreach import links
from matcher.outreach.sourcing import exports, questions, record
from matcher.outreach.transport import erase_mails
from matcher.records import facilitators, feedback, keys, self_declared
from matcher.records.store import Store, now
from matcher.records.tables import Alert, Audit, Feedback, Letter, Notice, Sourcing, WorkedHours
from matcher.reference.deadline import TooLong
from matcher.reference.forking import ForkServer
from pages_client import SIRET, PagesClient, kept, reference, signed_in, token
from service import connections, limits
from serving import listening, settings_of, until

NUL = "\0"
JSON = {"content-type": "application/json"}
NEED = Tender(id="n", format="need", title="Tonte", buyer=Buyer(), lots=(Lot(id="n-1", title="Tonte"),))
ANSWER = Answer(tender=NEED, lots=(), consortia=(), versions={"data": "1"})
WORD = {"siret": SIRET, "notice_id": "after", "verb": "interested"}


@pytest.fixture
def memory(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.sqlite'}"


Door = Callable[..., AbstractContextManager[PagesClient]]


@pytest.fixture
def door(hedges: Path, memory: str, tmp_path: Path) -> Door:
    """Opens the service with these settings, its pages signed in with a key of these scopes."""

    @contextmanager
    def opened(*scopes: str, store: str = memory, **more: Any) -> Iterator[PagesClient]:
        given = settings_of(hedges, tmp_path, store=store, **more)
        with PagesClient(create_app(given), raise_server_exceptions=False) as page:
            if scopes:
                signed_in(page, *scopes)
            yield page

    return opened


def test_odd_characters_in_forms_are_no_fault_of_either_store(door: Door, store_url: str) -> None:
    scopes = ("buyer", "operator", f"structure:{SIRET}")
    forms = {
        "/connexion": ("key",), "/connexion/lien": ("address",), f"/structure/{SIRET}/revendiquer": ("name", "role", "reason"),
        f"/structure/{SIRET}/offres": ("title", "text", "retirer"), f"/structure/{SIRET}/fiche": ("description", "phone", "website"),
        f"/structure/{SIRET}/metier": ("skill",), f"/structure/{SIRET}/alertes": ("address",), "/acheteur": ("need", "place"),
        "/acheteur/favoris": ("siret",), f"/structure/{SIRET}/ecarter": ("reason", "avis"), "/acheteur/fiches/x/contacter": ("message",),
    }  # fmt: skip
    with door(*scopes, store=store_url) as page:
        claimed = {"name": "Aline", "role": "gérante", "address": "a@b.example", "need": "haies"}
        claimed["csrf"] = token(page.get("/connexion").text)
        sent = [(path, name) for path, names in forms.items() for name in names]
        for (path, name), odd in itertools.product(sent, (f"a{NUL}b", "x" * 250, "=1+1", "é" * 4000)):
            parts = {k: (None, v) for k, v in {**claimed, name: odd}.items()}
            answer = page.post(path, files=parts, follow_redirects=False)
            assert answer.status_code < 500, (path, name, odd[:9], answer.text[:300])
        head = {"content-type": "multipart/form-data; boundary=x; charset=unicode_escape"}
        body = b'--x\r\nContent-Disposition: form-data; name="need"\r\n\r\n\\ud800\r\n--x--\r\n'
        assert page.post("/acheteur", content=body, headers=head).status_code == 415


def test_a_name_longer_than_its_column_is_refused_in_french(door: Door) -> None:
    with door() as page:
        asked = {"name": "x" * 201, "role": "gérante", "address": "a@b.example"}
        answer = page.post(f"/structure/{SIRET}/revendiquer", data=asked, headers={"accept": "text/html"})
        assert answer.status_code == 422 and "200 caractères au plus" in answer.text
        whole = page.post(f"/structure/{SIRET}/revendiquer", data=asked | {"name": "x" * 200})
        assert whole.status_code == 200


def test_half_a_character_is_refused_and_a_whole_one_is_not(door: Door) -> None:
    with door() as page:
        for need, status in (
            ('"tonte \\ud800"', 400), ('"\\udc00 tonte"', 400), ('"\\ud83d\\ude00\\ud83d tonte"', 400),
            ('"tonte \\ud83d\\ude00"', 200), ('"tonte \\\\ud800"', 200), ('"tonte \\\\\\ud800"', 400),
        ):  # fmt: skip
            answer = page.post("/v1/match", content=f'{{"need": {need}}}', headers=JSON)
            assert answer.status_code == status, (need, answer.text[:200])


def test_a_notice_nested_deep_has_an_idempotency_key_like_any_other(door: Door, memory: str) -> None:
    with door() as page:
        with Store.open(memory) as store:
            head = {"X-API-Key": keys.create(store, ["buyer"]), "Idempotency-Key": "k", **JSON}
        body = '{"notice": ' + '{"a": ' * 253 + "1" + "}" * 254
        assert page.post("/v1/sourcing", content=body, headers=head).status_code < 500


@pytest.mark.parametrize("text", ["inf", "nan", "-Infinity", "1e999"])
def test_a_number_in_a_form_is_a_finite_one(text: str) -> None:
    with pytest.raises(BadInput, match="nombre"):
        fields.number(text, "un nombre")
    assert fields.number("1 000,5 €", "un nombre") == 1000.5


def test_a_link_to_an_address_with_a_bar_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    assert account._proved(account._token("a|b@ville.example"))[0] == "a|b@ville.example"


def test_what_is_answered_503_is_not_done(door: Door, memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Store.audit

    def slow(*given: Any, **more: Any) -> None:
        time.sleep(1.3)
        plain(*given, **more)

    with door(deadline=1) as page, Store.open(memory) as store:
        head = {"X-API-Key": keys.create(store, [f"structure:{SIRET}"])}
        said = {"siret": SIRET, "notice_id": "n", "verb": "interested"}
        monkeypatch.setattr(Store, "audit", slow)
        answer = page.post("/v1/feedback", json=said, headers=head)
        assert answer.status_code == 503 and "nothing of it was written" in answer.json()["detail"]
        time.sleep(1)
        assert store.counts()["feedback"] == 0
        monkeypatch.setattr(Store, "audit", plain)
        # a second is little on a busy machine
        assert any(page.post("/v1/feedback", json=said, headers=head).status_code == 200 for _ in range(20))
        assert store.counts()["feedback"] == 1


def test_an_export_given_up_is_not_sealed(door: Door, memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(_: Any) -> bytes:
        raise TooLong("too late")

    with door("buyer") as page, Store.open(memory) as store:
        address = kept(page, need="taille de haies")
        monkeypatch.setitem(exports.FORMATS, "xlsx", (late, "x"))
        assert page.get(f"{address}/export.xlsx").status_code == 503
        assert page.get(f"{address}/export.csv").status_code == 200
        owner = store.ask(select(Sourcing.owner)).scalar_one()
        events = record.read(store, owner, address.rpartition("/")[2]).events
        assert [e.payload for e in events if e.kind == "exported"] == [{"format": "csv"}]


def test_of_what_ten_write_at_once_by_other_forms_nothing_is_lost(door: Door, store_url: str) -> None:
    with door("buyer", f"structure:{SIRET}", store=store_url) as page:
        at = kept(page)
        searches = [reference(page, need=f"taille de {n} haies à Pantin") for n in range(10)]
        own = {"contract": "M1", "month": "2026-05", "category": "RSA", "siret": SIRET}
        forms: dict[str, Any] = {
            f"/structure/{SIRET}/metier": lambda n: {"skill": f"cpv:77{n}"},
            f"{at}/noter": lambda n: {"siret": SIRET, "fait": "called", "text": f"appel {n}"},
            "/acheteur/fiches": lambda n: {"de": searches[n]},
            f"/acheteur/alerte/{searches[0]}": lambda n: {"address": f"achats{n}@v.example"},
            "/heures": lambda n: own | {"hours": str(10 + n), "contract": f"M{n}"},
            f"/structure/{SIRET}/offres": lambda n: {"title": f"Texte {n}"},
            f"/structure/{SIRET}/fiche": lambda n: {"description": f"Texte {n}"},
            f"/structure/{SIRET}/alertes": lambda n: {"frequency": ("daily", "weekly")[n % 2]},
        }

        def send(number: int, path: str) -> int:
            return page.post(path, data=forms[path](number), follow_redirects=False).status_code

        with ThreadPoolExecutor(10) as pool:
            sent = [pool.submit(send, n, path) for n in range(10) for path in forms]
        assert {one.result() for one in sent} == {200, 303}
        serving = page.app.state.serving  # type: ignore[attr-defined]
        with Store.open(store_url) as store, store.reading() as connection:
            assert len(feedback.denied(connection)[SIRET]) == 10 == len(serving._denied[SIRET])
            (owner,) = connection.execute(select(Sourcing.owner).distinct()).scalars()
            for table in (Alert, WorkedHours):
                assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 10
        with Store.open(store_url) as store:
            assert len(self_declared.read(store, SIRET).facts["offers"]) == 10
            identifier = at.rpartition("/")[2]
            called = [e.payload for e in record.read(store, owner, identifier).events if e.kind == "called"]
            assert sorted(str(each["text"]) for each in called) == [f"appel {n}" for n in range(10)]
            assert record.verify(store, owner, identifier).holds and len(record.listing(store, owner)) == 11


def test_facilitators_changed_at_once_are_all_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    first = facilitators.put({"name": "Ancien", "territory": "Pantin (93)"})
    with ThreadPoolExecutor(10) as pool:
        made = [pool.submit(facilitators.put, {"name": f"PLIE {n}", "territory": "93"}) for n in range(9)]
        pool.submit(facilitators.remove, first.id).result()
        assert {one.result().name for one in made} == {one.name for one in facilitators.read()[0]}


def test_replies_in_a_race_are_limited(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    identifier = record.keep(store, "key:a", ANSWER)
    with store.writing() as connection:
        record.chain.append(connection, identifier, [("prepared", SIRET, {"message": "m"})])
    proof = links.question_link("", identifier, SIRET).rpartition("/")[2]
    interest = next(iter(questions.INTERESTS))

    def reply(number: int) -> bool:
        try:
            questions.reply(store, identifier, SIRET, proof, interest, f"réponse {number}")
        except BadInput:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(reply, range(10))) == questions.MOST_ANSWERS
    assert record.verify(store, "key:a", identifier).holds


def test_the_latest_word_counts_where_clocks_go_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    feedback.record(store, SIRET, "n", verb="interested", by=SIRET)
    yesterday = now() - timedelta(days=1)
    monkeypatch.setattr(feedback, "now", lambda: yesterday)
    feedback.record(store, SIRET, "n", verb="declined", by=SIRET)
    with store.reading() as connection:
        assert feedback.refusals(connection).of(["n"], "") == {SIRET}
    assert [feedback.take_back(store, SIRET, "n", "", by) for by in ("", "operator")] == [True, False]
    with store.reading() as connection:
        assert not feedback.refusals(connection).of(["n"], "")
        actors = select(Audit.actor).where(Audit.action == "feedback:taken-back")
        assert {*connection.execute(actors).scalars()} == {f"structure:{SIRET}", "operator"}
    # a buyer overwrites no word of its own
    for by, reason in ((SIRET, "par téléphone"), ("key:buyer", "jamais")):
        feedback.record(store, SIRET, "m", verb="contacted", by=by, reason=reason)
    said = store.ask(select(Feedback.by, Feedback.reason).where(Feedback.notice_id == "m")).all()
    assert said == [(SIRET, "par téléphone")]


def test_letters_to_one_address_are_few_whoever_it_is(door: Door, memory: str) -> None:
    with door(buyer_domains=("ville.example",)) as page, Store.open(memory) as store:
        for domain in ("ville.example", "ailleurs.example"):
            answers = [page.post("/connexion/lien", data={"address": f"a@{domain}"}) for _ in range(7)]
            assert [a.status_code for a in answers] == [200] * 5 + [429] * 2
            assert answers[5].headers["retry-after"]
        others = ({"address": f"x{n}@a.example"} for n in range(30))
        more = [page.post("/connexion/lien", data=other).status_code for other in others]
        assert more.count(200) == 10  # of this network twenty in all
        assert set(store.ask(select(Letter.address)).scalars()) == {"a@ville.example"}


def test_of_letters_asked_at_once_none_passes_the_last(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = limits.Rate.wait

    def slow(rate: limits.Rate, caller: str) -> float:
        found = plain(rate, caller)
        time.sleep(0.05 * (caller == "a@ville.example"))
        return found

    monkeypatch.setattr(limits.Rate, "wait", slow)
    with door() as page, ThreadPoolExecutor(10) as pool:
        page.get("/connexion")  # the session that all ten are of
        data = {"address": "a@ville.example"}
        sent = [pool.submit(page.post, "/connexion/lien", data=data) for _ in range(10)]
        assert sorted(one.result().status_code for one in sent) == [200] * 5 + [429] * 5


def test_claims_of_a_visitor_are_few_and_refused_together(door: Door, memory: str) -> None:
    with door("operator") as page, Store.open(memory) as store:
        asked = {"name": "Aline", "role": "gérante"}
        path = f"/structure/{SIRET}/revendiquer"
        many = [page.post(path, data=asked | {"address": f"a{n}@b.example"}).status_code for n in range(8)]
        assert many == [200] * 5 + [429] * 3
        for n in range(4):
            account.ask(store, SIRET, "", name="x", role="y", address=f"z{n}@b.example")
        assert "Refuser les 9 demandes" in page.get("/exploitant").text
        page.post("/exploitant/demandes", data={})
        assert account.waiting(store) == []


def test_without_a_key_no_contact_is_shown_and_metrics_are_the_operators(door: Door, memory: str) -> None:
    with door(read="key") as page:
        shown = page.get(f"/structure/{SIRET}/revendiquer").text
        assert "01 99 00 10" not in shown and "a@allees.example" not in shown and "… 47" in shown
    with door(read="open", public_url="https://maillage.example") as page, Store.open(memory) as store:
        away = {"x-forwarded-for": "203.0.113.9", "host": "maillage.example"}
        assert page.get("/v1/metrics", headers=away).status_code == 403
        operator = {"X-API-Key": keys.create(store, ["operator"])}
        assert page.get("/v1/metrics", headers=away | operator).status_code == 200


def test_records_are_bounded_by_owner_and_those_of_nobody_go_after_a_month(store: Store) -> None:
    for _ in range(record.MOST_OF_ANYBODY):
        record.keep(store, "session:a", ANSWER)
    with pytest.raises(BadInput, match="20 listes"):
        record.keep(store, "session:a", ANSWER)
    record.keep(store, "key:a", ANSWER)
    with store.writing() as connection:
        connection.execute(update(Sourcing).values(created_at=now() - timedelta(days=31)))
    assert store.prune()["sourcing"] == record.MOST_OF_ANYBODY and store.counts()["sourcing"] == 1


def test_bad_keys_from_an_address_do_not_lock_its_good_one(door: Door, memory: str) -> None:
    with door(read="key") as page, Store.open(memory) as store:
        good = {"X-API-Key": keys.create(store, ["buyer"])}
        made_up = ({"X-API-Key": f"mlg_{n:012d}_x"} for n in range(33))
        bad = [page.get("/v1/sourcing", headers=head).status_code for head in made_up]
        assert bad == [401] * 30 + [429] * 3
        assert page.get("/v1/sourcing", headers=good).status_code == 200
        assert store.counts()["audit"] == 31  # refusals beyond are not written


def asked(port: int, *parts: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            return connection.recv(65536)
        except ConnectionError:
            return b"cut"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


def test_a_head_without_end_is_refused_and_a_long_body_is_not_taken_for_one() -> None:
    with listening(hello, **connections.SERVER) as port:
        lines = (b"X-%d: %s\r\n" % (n, b"y" * 8000) for n in range(60))
        assert asked(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n", *lines)[:12] in (b"HTTP/1.1 431", b"cut")
        one = asked(port, b"GET / HTTP/1.1\r\nX: ", *[b"y" * 60_000] * 20)
        assert one[:12] in (b"HTTP/1.1 431", b"cut")
        body = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 400000\r\n\r\n" + b"z" * 400_000
        assert b" 200 " in asked(port, body)[:20]


def test_connections_of_one_network_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_OF_ONE", 3)
    monkeypatch.setattr(connections, "LOCAL", frozenset())
    with listening(hello, **connections.SERVER) as port:
        held = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(3)]
        time.sleep(0.2)
        get = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        assert asked(port, get) in (b"", b"cut")
        for each in held:
            each.close()
        time.sleep(0.2)
        assert b" 200 " in asked(port, get)


def test_tools_over_http_have_the_same_limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MATCHER_MAX_BODY", "10000")
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    client = TestClient(mcp._guarded(hello))
    assert client.post("/mcp", content=b"x" * 20_000).status_code == 413
    assert client.post("/mcp", content=b"{}").headers["x-content-type-options"] == "nosniff"
    with listening(mcp._guarded(hello), **connections.SERVER) as port:
        assert asked(port, b"POST /mcp HTTP/1.1\r\nHost: loc") == b""  # cut


def test_small_bodies_come_in_while_others_hold_the_room(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HELD", 0)
    with door() as page:
        assert page.post("/v1/match", json={"need": "tonte"}).status_code == 200
        assert page.post("/v1/match", json={"need": "tonte " * 12_000}).status_code == 503


def test_the_process_that_reads_files_of_strangers_knows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    names = "MATCHER_SECRET MATCHER_STORE MATCHER_SEAL_KEY PGPASSWORD AWS_SECRET_ACCESS_KEY"
    for name in names.split():
        monkeypatch.setenv(name, "secret")
    server = ForkServer("matcher.reading.child")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        server.fork(b"", theirs.fileno())
    assert server.process is not None
    environment = Path(f"/proc/{server.process.pid}/environ")
    until(lambda: bool(environment.read_bytes()))  # a program that is just being started shows none
    shown = environment.read_bytes()
    server.close()
    assert b"secret" not in shown and b"PATH=" in shown


def test_mails_dropped_as_files_go_with_the_person(tmp_path: Path) -> None:
    from email.message import EmailMessage

    own = f"SIRET {SIRET}"
    mails = (("a", "anne@b.example", "x"), ("b", "joanne@b.example", "x"), ("c", "z@b.example", own))
    for name, to, text in mails:
        mail = EmailMessage()
        mail["To"], mail["Subject"] = to, "é" * 80
        mail.set_content(text + " é" * 200)
        (tmp_path / f"{name}.eml").write_bytes(mail.as_bytes())
    assert erase_mails(tmp_path, "Anne@b.example") == 1 and erase_mails(tmp_path, SIRET) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["b.eml"]
    assert erase_mails(tmp_path / "none", SIRET) == 0


def test_a_buyer_says_who_won_of_a_notice_of_its_own_alone(door: Door, memory: str) -> None:
    def say(key: str, verb: str) -> int:
        body = {"siret": SIRET, "notice_id": "need-1", "lot_id": "", "verb": verb}
        return client.post("/v1/feedback", json=body, headers={"X-API-Key": key}).status_code

    def told() -> tuple[list[str], frozenset[str]]:
        with store.reading() as connection:
            refused = feedback.refusals(connection).of(["need-1"], "")
        return list(store.ask(select(Feedback.verb)).scalars()), refused

    with door() as client, Store.open(memory) as store:
        structure = keys.create(store, [f"structure:{SIRET}"])
        own, other = keys.create(store, ["buyer"]), keys.create(store, ["buyer", "structure:21750001600019"])
        row = {"id": "need-1", "owner": keys.prove(store, own).actor, "fingerprint": "", "tender": {}}
        with store.writing() as connection:
            store.put(connection, Notice, [{**row, "seen_at": now()}])
        assert say(structure, "declined") == 200
        before = told()
        assert before[1] == {SIRET} and say(other, "won") == say(structure, "won") == 403
        for verb in ("interested", "submitted", "declined"):  # words of the structure alone
            assert say(other, verb) == say(own, verb) == 403
        assert told() == before and say(own, "won") == 200
        assert told()[1] == {SIRET}, "a buyer's word lifts no refusal"


@pytest.mark.parametrize(
    ("pragma", "mended", "why"),
    [("query_only=1", "query_only=0", "read-only"), ("max_page_count=1", "max_page_count=1000000", "full")],
)
def test_what_cannot_be_recorded_is_reported(tmp_path: Path, pragma: str, mended: str, why: str) -> None:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    given = Settings(catalogue=tmp_path / "none", store=url, log_level="ERROR")
    with Store.open(url) as store:
        head = {"X-API-Key": keys.create(store, [f"structure:{SIRET}"]), "Idempotency-Key": "k"}
    with TestClient(create_app(given)) as service:
        store = service.app.state.store
        state = [pragma]

        @event.listens_for(store.engine, "checkout")
        def _limited(raw: object, *_: object) -> None:
            raw.execute(f"PRAGMA {state[0]}")  # type: ignore[attr-defined]

        big = {**WORD, "reason": "x" * 900}
        words = [({**big, "notice_id": f"n{i}"}, {**head, "Idempotency-Key": f"k{i}"}) for i in range(40)]
        many = [service.post("/v1/feedback", json=word, headers=key) for word, key in words]
        assert {a.status_code for a in many} <= {200, 503}, many[0].text
        refused = [answer for answer in many if answer.status_code == 503]
        assert refused, "all were recorded"
        assert "try again" in refused[-1].json()["detail"] and why not in refused[-1].text
        assert str(tmp_path) not in refused[-1].text
        assert refused[-1].headers["Retry-After"]
        state[0] = mended
        assert store.counts()["feedback"] == store.counts()["once"] == 40 - len(refused)
        assert service.post("/v1/feedback", json=WORD, headers=head).status_code == 200
        assert store.counts()["feedback"] == 41 - len(refused)


def test_the_files_of_a_store_are_of_their_owner_alone(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'store.sqlite'}") as store:
        keys.create(store, ["buyer"])
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600} and "store.sqlite-wal" in modes


@pytest.mark.parametrize(
    "where",
    [f"sqlite:////{path}/store.sqlite" for path in ("proc/nowhere", "etc/hostname")]
    + ["postgresql://someone:hunter2@127.0.0.1:9/none"],
)
def test_who_asks_is_not_told_where_a_store_is_that_does_not_open(where: str, tmp_path: Path) -> None:
    if where.startswith("postgresql"):
        pytest.importorskip("psycopg")
    given = Settings(catalogue=tmp_path / "none", store=where, log_level="ERROR")
    with TestClient(create_app(given), raise_server_exceptions=False) as service:
        head, page = {"X-API-Key": "mlg_a_b"}, {"Accept": "text/html"}
        answers = [service.get("/v1/exchange", headers=head), service.get("/acheteur/fiches", headers=page)]
        answers.append(service.post("/v1/feedback", json=WORD, headers=head))
    for answer in answers:
        assert answer.status_code == 503, answer.text
        inner = "/proc /etc hunter2 someone 127.0.0.1:9 MATCHER_STORE"
        assert not any(word in answer.text for word in inner.split())


SEARCH = {"need": "taille de haies", "place": "Pantin"}


def test_of_requests_that_race_on_two_services_one_makes_the_record(hedges: Path, store_url: str) -> None:
    with Store.open(store_url) as store:
        head = {"X-API-Key": keys.create(store, ["buyer"])}
        given = settings_of(hedges, hedges, store=store_url)
        with TestClient(create_app(given)) as one, TestClient(create_app(given)) as other:
            for service in (one, other):  # routes are built at the first request
                assert service.get("/v1/sourcing", headers=head).json() == []

            def post(turn: int, key: str) -> Any:
                service = (one, other)[turn % 2]
                return service.post("/v1/sourcing", json=SEARCH, headers={**head, "Idempotency-Key": key})

            with ThreadPoolExecutor(8) as pool:
                for number in range(4):
                    answers = list(pool.map(post, range(8), [f"k{number}"] * 8))
                    assert {a.status_code for a in answers} == {201}
                    assert len({a.json()["id"] for a in answers}) == 1
                    assert sum("idempotency-replayed" in a.headers for a in answers) == 7
        assert store.counts()["sourcing"] == store.counts()["once"] == 4


def test_failed_work_leaves_nothing(hedges: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(store_url) as store:
        head = {"X-API-Key": keys.create(store, ["buyer"]), "Idempotency-Key": "k"}
        app = create_app(settings_of(hedges, hedges, store=store_url))
        with TestClient(app, raise_server_exceptions=False) as service:
            whole = record.keep

            def halfway(*given: Any, **more: Any) -> str:
                whole(*given, **more)
                raise RuntimeError("the process ends here")

            monkeypatch.setattr(record, "keep", halfway)
            assert service.post("/v1/sourcing", json=SEARCH, headers=head).status_code == 500
            assert store.counts()["sourcing"] == store.counts()["once"] == 0
            monkeypatch.setattr(record, "keep", whole)
            assert service.post("/v1/sourcing", json=SEARCH, headers=head).status_code == 201
        assert store.counts()["sourcing"] == 1
