"""What a hostile visitor may not do: take all the work, all the memory, another's session, or an answer without its headers."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from service.app import create_app
from service.problems import Refused
from service.routes.jobs import KEPT_OF_ONE, MOST_OF_ONE, Jobs

from matcher.reading import files
from matcher.reading.sources import Record
from matcher.records import keys
from matcher.records.store import Store
from pages_client import SIRET, PagesClient, holding, signed_in
from records import cases
from service import access, connections, limits, observability
from serving import listening, settings_of, until

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
PUBLIC = "https://maillage.example"


Make = Callable[..., FastAPI]


@pytest.fixture
def make(plain_sample: Path, tmp_path: Path) -> Make:
    """Makes a service with these settings."""
    return lambda **more: create_app(settings_of(plain_sample, tmp_path, **more))


@pytest.fixture
def client(make: Make) -> Iterator[TestClient]:
    with PagesClient(make(max_lots=3), raise_server_exceptions=False) as found:
        yield found


def audited(client: TestClient) -> list[Any]:
    """The audit trail of a service."""
    with Store.open(client.app.state.settings.store) as store, store.reading() as connection:  # type: ignore[attr-defined]
        return list(connection.exec_driver_sql("SELECT actor, action, subject FROM audit"))


def lots(count: int) -> str:
    return "".join(f"Lot {n} : tonte de la pelouse {n}. " for n in range(1, count + 1))


def test_lots_and_fields_of_a_request_are_bounded_and_lots_may_be_named(client: TestClient) -> None:
    refused = client.post("/v1/match", json={"need": lots(9)})
    assert refused.status_code == 413 and "`lots`" in refused.json()["detail"]
    some = client.post("/v1/match", json={"need": lots(9), "lots": ["2", "7"], "groups": 0})
    assert [lot["lot"]["number"] for lot in some.json()["lots"]] == ["2", "7"]
    body = "{" + ",".join(f'"k{n}":0' for n in range(600_000)) + "}"
    answer = client.post("/v1/match", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 413 and "fields" in answer.json()["detail"]


def test_work_past_its_deadline_is_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with TestClient(make(deadline=1)) as client:
        matcher = client.app.state.serving.get().matcher  # type: ignore[attr-defined]
        plain, calls = type(matcher).rank, list[int]()
        slow = lambda *a, **k: (calls.append(1), time.sleep(0.4), plain(*a, **k))[2]  # noqa: E731
        monkeypatch.setattr(type(matcher), "rank", slow)
        answer = client.post("/v1/match", json={"need": lots(30), "groups": 0})
        assert answer.status_code == 503 and "too long" in answer.json()["detail"]
        begun = -1
        while begun != len(calls):  # the work itself ends too, and holds no turn to its last lot
            begun = len(calls)
            time.sleep(1.5)
        assert len(calls) < 30
        assert client.get("/v1/structures").status_code == 200


def test_reads_find_a_thread_while_all_turns_are_taken(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with TestClient(make(threads=1)) as client, ThreadPoolExecutor(6) as pool:
        matcher, hold, begun = client.app.state.serving.get().matcher, threading.Event(), threading.Event()  # type: ignore[attr-defined]
        plain = type(matcher).rank
        held = lambda *a, **k: (begun.set(), hold.wait(10), plain(*a, **k))[2]  # noqa: E731
        monkeypatch.setattr(type(matcher), "rank", held)
        for _ in range(6):
            pool.submit(client.post, "/v1/match", json={"need": "tonte"})
        assert begun.wait(5)
        assert client.get("/v1/structures").status_code == 200  # would wait for ever behind them
        hold.set()


def test_one_visitor_who_fills_the_queue_keeps_nobody_else_waiting() -> None:
    async def ask() -> list[str]:
        turns, served = limits.Turns(2, most=20, most_of_one=12), list[str]()

        async def work(caller: str) -> None:
            await turns.take(caller, 5)
            served.append(caller)
            await asyncio.sleep(0.001)
            turns.give(caller)

        flood = [asyncio.create_task(work("flood")) for _ in range(20)]
        await asyncio.sleep(0)
        refused = [task for task in flood if task.done() and isinstance(task.exception(), TimeoutError)]
        assert len(refused) == 7, "one at work, for the last place is another's, and twelve waiting of one"
        late = [asyncio.create_task(work("other")) for _ in range(3)]
        await asyncio.gather(*flood, *late, return_exceptions=True)
        await turns.take("last", 0.1)
        with pytest.raises(TimeoutError):
            await turns.take("last", 0.01)
        await turns.take("next", 0.1)  # a wait that ended leaves nothing behind
        gone = asyncio.create_task(turns.take("gone", 5))
        await asyncio.sleep(0)
        gone.cancel()
        turns.give("last")  # at the very moment at which the one that waits leaves
        await turns.take("gone", 0.1)
        return served

    served = asyncio.run(ask())
    assert served.count("flood") == 13
    assert max(n for n, caller in enumerate(served) if caller == "other") < 7


def test_files_read_for_long_keep_no_question_waiting(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, hold = threading.Semaphore(0), threading.Event()

    def read(data: bytes, name: str) -> Iterator[Record]:
        reading.release()
        hold.wait(30)
        yield from ()

    with TestClient(make(deadline=60)) as client, ThreadPoolExecutor(99) as pool:
        monkeypatch.setattr(files, "read_upload", read)
        file = {"file": ("avis.xml", b"<a/>")}
        sent = range(limits.LONG_ONES + 4)
        uploads = [pool.submit(client.post, "/v1/match/file", files=file) for _ in sent]
        assert reading.acquire(timeout=10)
        # a search of the pages is a form that may bring a file: this one brings none
        asked = [client.post("/v1/match", json={"need": "tonte"}), client.get("/territoire/facilitateurs"),
                 client.post("/acheteur", data={"need": "", "csrf": "-"}, files={"file": ("", b"")})]  # fmt: skip
        waiting = sum(not upload.done() for upload in uploads)
        hold.set()
    assert waiting == len(uploads), "the files were still being read"
    assert [answer.status_code < 500 for answer in asked] == [True] * 3


BROUGHT = [
    (b'{"need": "tonte"}', "heavy"),
    (b'{"notice": "' + b"a" * limits.LONG + b'"}', "long"),
    (b'Content-Disposition: form-data; name="file"; filename="a.pdf"\r\n', "long"),
    (b'Content-Disposition: form-data; name="file"; filename=""\r\n', "heavy"),
]


def test_what_a_request_asks_and_brings_decides_whom_it_waits_for() -> None:
    for lane, routes in cases("lanes of routes"):
        for route in routes.split():
            assert limits.lane_of({"method": "GET", "path": route}, b"") == lane, route
    for body, lane in BROUGHT:
        assert limits.lane_of({"method": "POST", "path": "/v1/match"}, body) == lane, body[:80]


@pytest.mark.parametrize(
    "text",
    [{"objet": "Tonte. " * 800}, {"lots": [{"title": "a", "description": "b"}], "objet": "a " * 3_000}],
)
def test_a_title_that_no_notice_has_is_refused(client: TestClient, text: dict[str, Any]) -> None:
    head = {"dataset": "boamp", "idweb": "26-1", "nature": "APPEL_OFFRE"}
    notice = head | {"dateparution": "2026-11-20"} | text
    answer = client.post("/v1/match", json={"notice": notice})
    assert answer.status_code == 422 and "5,000 characters" in answer.json()["detail"]


def test_requests_of_a_caller_are_counted_over_a_moving_window(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda: now))
    rate = limits.Rate("3/minute")
    for _ in range(3):
        assert rate.wait("one") == 0
        rate.count("one")
        now += 10
    assert rate.wait("one") == 30 and rate.wait("other") == 0
    now += 30
    assert rate.wait("one") == 0


def test_jobs_are_bounded_by_owner_and_bytes() -> None:
    jobs, hold = Jobs(1), threading.Event()
    for _ in range(MOST_OF_ONE):
        jobs.start("one", [1], lambda item: {"waited": hold.wait(5)})
    with pytest.raises(Refused):
        jobs.start("one", [1], lambda item: {})
    other = jobs.start("two", [1], lambda item: {})
    hold.set()
    until(lambda: other.state != "running")
    for _ in range(3 * KEPT_OF_ONE):
        job = jobs.start("one", ["x"], lambda item: {"text": item * 1000})
        until(lambda: job.state != "running")  # noqa: B023
    assert sum(j.owner == "one" for j in jobs._jobs.values()) <= KEPT_OF_ONE
    assert job.page(0, 5) == [{"text": "x" * 1000}] and job.bytes < 100
    jobs.close()


def test_visitors_without_a_key_or_with_made_up_ones_are_told_apart_by_their_address(make: Make) -> None:
    app = make(read="open")
    with TestClient(app, client=("203.0.113.1", 1)) as one:
        job = one.post("/v1/jobs", json={"items": [{"need": "tonte", "n": 1}]}).json()["id"]
        assert one.get(f"/v1/jobs/{job}").status_code == 200
        assert TestClient(app, client=("203.0.113.2", 1)).get(f"/v1/jobs/{job}").status_code == 404
    with TestClient(make(rate="10/minute")) as client:
        heads = ({"X-API-Key": f"mlg_{n}_x"} for n in range(14))
        asked = [client.get("/v1/places?q=a", headers=head).status_code for head in heads]
        assert asked[-4:] == [429] * 4
        assert client.get("/v1/health", headers=holding(client, "read")).status_code == 200


def test_sign_out_ends_the_session_everywhere(make: Make) -> None:
    shared = {"public_url": PUBLIC, "read": "key", "secret": "of both services" * 3}
    page, other = (PagesClient(make(**shared), PUBLIC, headers={"accept": "text/html"}) for _ in range(2))
    with page, other:
        signed_in(page, "buyer")
        set_cookie = next(c for c in page.cookies.jar if c.name.startswith("__Host-"))
        stolen = {"cookie": f"__Host-maillage={set_cookie.value}"}
        assert set_cookie.secure and other.get("/acheteur/fiches", headers=stolen).status_code == 200
        left = page.post("/deconnexion", data={}, follow_redirects=False)
        assert left.headers["clear-site-data"] == '"cache", "storage"'
        page.cookies.clear()
        assert page.get("/acheteur/fiches", headers=stolen).status_code == 401
        time.sleep(2 * page.app.state.settings.reload_seconds + 1)  # type: ignore[attr-defined]
        other.cookies.clear()
        assert other.get("/acheteur/fiches", headers=stolen).status_code == 401
    assert {"auth.sign-in", "session.end"} <= {row.action for row in audited(page)}


def test_an_idle_session_ends_and_a_used_one_goes_on(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with PagesClient(make(read="key"), headers={"accept": "text/html"}) as page:
        secret = holding(page, "buyer")["X-API-Key"]
        page.post("/connexion", data={"key": secret})
        now = time.time()
        monkeypatch.setattr(access, "time", SimpleNamespace(time=lambda: now))
        for _ in range(3):
            now += access.IDLE_SECONDS - 60
            assert page.get("/acheteur/fiches").status_code == 200
        now += access.IDLE_SECONDS + 1
        assert page.get("/acheteur/fiches").status_code == 401
        page.post("/connexion", data={"key": secret})
        for _ in range(7):  # used, but not beyond its twelve hours
            now += access.IDLE_SECONDS - 60
            last = page.get("/acheteur/fiches").status_code
        assert last == 401


def test_session_cookies_are_of_this_site_and_hidden_from_scripts(make: Make) -> None:
    with TestClient(make(public_url=PUBLIC), PUBLIC) as page:
        given = page.get("/connexion", headers={"accept": "text/html"}).headers["set-cookie"].lower()
        assert page.request("TRACE", "/connexion").status_code == 405
    rules = set(given.replace(" ", "").split(";"))
    assert given.startswith("__host-") and {"httponly", "secure", "path=/", "samesite=lax"} <= rules


def test_another_name_reads_nothing_here_and_is_refused_where_there_is_a_public_one(make: Make) -> None:
    with TestClient(make(), client=("127.0.0.1", 1), base_url="http://127.0.0.1:8000") as here:
        assert here.get("/v1/structures").status_code == 200
        # a name pointed at this machine
        assert here.get("/v1/structures", headers={"host": "evil.example"}).status_code == 401
    with TestClient(make(public_url=PUBLIC), PUBLIC, client=("127.0.0.1", 1)) as client:
        bare = client.get("/v1/structures", headers={"host": "127.0.0.1:8000"})
        assert bare.status_code == 401  # as a proxy asks that hands nothing on
        assert client.get("/v1/health").headers["strict-transport-security"]
        assert client.get("/v1/health", headers={"host": "evil.example"}).status_code == 400


ODD: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/v1/match/file", {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=x; charset=unicode_escape"}}),
    ("POST", "/connexion", {"content": b"csrf=%ED%A0%80&key=a", "headers": {"content-type": "application/x-www-form-urlencoded"}}),
    ("GET", "/v1/structures", {"headers": {"x-api-key": "mlg_a\x00b_c"}}),
    ("POST", "/v1/match", {"content": b'{"need": "a\\u0000b"}', "headers": {"content-type": "application/json"}}),
    ("POST", "/v1/match", {"content": b'{"notice":' + b"[" * 60_000 + b"]" * 60_000 + b"}", "headers": {"content-type": "application/json"}}),
    ("POST", "/v1/exchange", {"json": {"siret": "00010001600013", "notice_id": "a", "brings": "b", "deadline": "9999-12-31T23:59:59-12:00"}}),
    ("POST", "/structure/00010001600013/offres", {"data": {"offer": "[" * 50_000, "csrf": "x"}}),
    ("POST", "/v1/match/file", {"files": {"file": ("a\x00.xml", b"<a/>")}}),
    ("GET", "/v1/notices/%00", {}),
    ("GET", "/v1/places?q=%00", {}),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ODD)))
def test_an_odd_request_is_no_fault_and_has_its_headers(client: TestClient, number: int) -> None:
    method, path, more = ODD[number]
    key = holding(client, "operator", "buyer", "structure:00010001600013")["X-API-Key"]
    more = {**more, "headers": {"x-api-key": key, **more.get("headers", {})}}
    answer = client.request(method, path, **more)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_an_internal_error_has_its_headers_too(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.app.state.serving, "get", lambda: 1 / 0)  # type: ignore[attr-defined]
    answer = client.get("/v1/structures")
    assert answer.status_code == 500 and answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_readiness_asks_the_store(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client.app.state.warmed.wait()  # type: ignore[attr-defined]
    assert client.get("/v1/health/readiness").status_code == 200
    path = Path(client.app.state.settings.store.removeprefix("sqlite:///"))  # type: ignore[attr-defined]
    with Store.open(f"sqlite:///{path}"):
        pass
    client.get("/v1/health/readiness")
    for file in path.parent.glob("store.sqlite*"):
        file.write_bytes(b"no database" * 100)
    client.app.state.store = None  # type: ignore[attr-defined]
    answer = client.get("/v1/health/readiness")
    assert answer.status_code == 503 and str(path.parent) not in answer.text


def test_idle_connections_and_slow_bodies_are_cut(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.5)
    post = b"POST /v1/match HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n{"
    answers = {b"": b"", b"GET / HTTP/1.1\r\nHost: loc": b"", post: b" 408 "}
    answers |= {b"\x16\x03\x01\r\n\r\n": b" 400 "}
    with listening(make(), **connections.SERVER | {"log_level": "critical"}) as port:
        for sent, wanted in answers.items():
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(sent)
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
                assert wanted in answer[:20] and (not wanted or b"x-content-type-options" in answer), sent


def test_logs_hold_the_route_and_never_what_an_address_holds(
    client: TestClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("service"), "propagate", True)
    with caplog.at_level("DEBUG", "service"):
        for path in (
            f"/q/record/{SIRET}/SECRET-1", "/m/digest/SECRET-1", "/revendication/SECRET-1", "/SECRET-1", "/v1/structures?q=SECRET-1",
            f"/v1/structures/{SIRET}/opportunities.atom?token=SECRET-1",
        ):  # fmt: skip
            client.get(path, headers={"X-API-Key": "mlg_SECRET-1_x"})
            client.post(path, json={"need": "SECRET-1"})
    records = (record for record in caplog.records if record.name.startswith("service"))
    lines = list(map(observability.JsonFormatter().format, records))
    assert len(lines) >= 12 and "/q/{" in "".join(lines)
    assert not [line for line in lines if "SECRET-1" in line]


def test_a_refusal_is_logged_with_who_asked_but_without_the_address(
    client: TestClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(client.app.state.settings.store) as store:  # type: ignore[attr-defined]
        bearer = keys.prove(store, key := keys.create(store, ["read"]))
    monkeypatch.setattr(logging.getLogger("service"), "propagate", True)
    with caplog.at_level("INFO", "service"):
        client.post("/v1/sourcing", json={"need": "pain"}, headers={"x-api-key": key})
        for made_up in ("mlg_one_x", "mlg_two_x"):
            client.get("/v1/structures", headers={"x-api-key": made_up})
        client.get("/v1/structures")
    lines = {vars(record)["id"]: record for record in caplog.records if record.name == "service.request"}
    asked = [getattr(record, "by", "") for record in lines.values()]
    assert asked[0] == bearer.actor and asked[3] == ""
    assert asked[1] == asked[2] and asked[1].startswith("address:") and "testclient" not in asked[1]


def test_a_refused_key_is_in_the_audit_trail_without_the_key(client: TestClient) -> None:
    client.get("/v1/structures", headers={"X-API-Key": "mlg_made_up"})
    client.post("/connexion", data={"key": "mlg_made_up"}, headers={"accept": "text/html"})
    rows = audited(client)
    refused = [row for row in rows if row.action == "auth.refuse"]
    assert len(refused) == 2 and all(row.actor.startswith("address:") for row in refused)
    assert "mlg_made_up" not in str(rows)
