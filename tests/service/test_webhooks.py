"""Webhooks: to allowed hosts alone, signed, tried again until taken or given up, and none is lost with a process."""

import base64
import hashlib
import hmac
import http.server
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest import MonkeyPatch
from service.routes import webhooks
from service.settings import Settings
from sqlalchemy import select

import night
from matcher.domain import BadInput
from matcher.outreach.states import move
from matcher.records import keys
from matcher.records.store import Store
from matcher.records.tables import Audit, Delivery, Digest, Webhook
from pages_client import OTHER, SIRET
from records import cases
from service import app as application
from serving import as_documented, at_work, serving, until


class Receiver:
    """A server of this machine: what it was sent; `replies` are the statuses that it gives first, then 204."""

    def __init__(self) -> None:
        self.replies: list[int] = []
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.hold = threading.Event()
        self.hold.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.received.append(({k.lower(): v for k, v in self.headers.items()}, body))
                outer.hold.wait(20)
                self.send_response(outer.replies.pop(0) if outer.replies else 204)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}/maillage"

    def events(self) -> list[dict[str, Any]]:
        """What was received, each as the schema of the API says."""
        return [as_documented(json.loads(body)) for _, body in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    with at_work(made.server):
        yield made
        made.hold.set()


@pytest.fixture
def settings(plain_sample: Path, tmp_path: Path, receiver: Receiver, monkeypatch: MonkeyPatch) -> Settings:
    monkeypatch.setenv("MATCHER_MAIL_SECRET", "a secret of the tests")
    store = f"sqlite:///{tmp_path / 'store.sqlite'}"
    hosts = (receiver.host, "hooks.example.org", "localhost")
    return Settings(catalogue=plain_sample, store=store, log_level="ERROR", webhook_hosts=hosts)


def holder(store: Store, *scopes: str) -> tuple[str, keys.Bearer]:
    """A new key, and its holder."""
    return (secret := keys.create(store, scopes)), keys.prove(store, secret)


def registered(store: Store, who: keys.Bearer, url: str, event: str) -> None:
    """A webhook of an event since before the night of the tests."""
    row = {"id": "hook", "key_id": who.id, "url": url, "events": [event]}
    with store.writing() as connection:
        store.put(connection, Webhook, [row | {"created_at": night.MOMENT - timedelta(days=1)}])


def told(store: Store, who: keys.Bearer) -> None:
    with store.writing() as connection:
        webhooks.tell(store, connection, who.actor, "job.finished", {}, "a cause")


def signature(secret: str, headers: dict[str, str], body: bytes) -> str:
    """As who receives computes it from the documentation of Standard Webhooks."""
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def test_a_key_is_told_of_its_jobs_by_signed_requests_that_are_tried_again(
    settings: Settings, store: Store, receiver: Receiver, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "AGAIN", 0.05)
    monkeypatch.setattr(webhooks, "WAITS", (0, 0))
    secret, _ = holder(store, "read")
    receiver.replies = [503]
    with (
        serving(settings) as address,
        httpx.Client(base_url=f"{address}/v1", headers={"x-api-key": secret}) as client,
    ):
        made = client.post("/webhooks", json={"url": receiver.url})
        assert made.status_code == 201 and made.json()["events"] == ["job.finished"]
        job = client.post("/jobs", json={"items": [{"need": "tonte", "n": 1}]}).json()
        until(lambda: len(receiver.received) == 2)
        ids = {headers["webhook-id"] for headers, _ in receiver.received}
        assert len(ids) == 1  # of one event, however often it is sent
        for headers, body in receiver.received:
            assert headers["webhook-signature"] == signature(made.json()["secret"], headers, body)
            assert abs(int(headers["webhook-timestamp"]) - time.time()) < 30
        data = {"id": job["id"], "state": "done", "done": 1, "total": 1}
        event = receiver.events()[1]
        assert (event["type"], event["data"]) == ("job.finished", data)
        assert datetime.fromisoformat(event["timestamp"])
        until(lambda: client.get("/webhooks").json()[0]["deliveries"][0]["status"] == "sent")
        hook = client.get("/webhooks").json()[0]
        assert "secret" not in hook and hook["deliveries"][0]["tries"] == 2
        receiver.replies = [500, 302, 404]
        test = client.post(f"/webhooks/{made.json()['id']}/test")
        assert test.status_code == 202
        until(lambda: client.get("/webhooks").json()[0]["deliveries"][0]["status"] == "failed")
        given_up = client.get("/webhooks").json()[0]["deliveries"][0]
        assert (given_up["id"], given_up["tries"]) == (test.json()["id"], 3)
        assert given_up["outcome"] == "127.0.0.1 answered 404"
        assert "webhook.give-up" in store.ask(select(Audit.action)).scalars().all()
        other, _ = holder(store, "read")
        path = f"/webhooks/{made.json()['id']}"
        assert client.get("/webhooks", headers={"x-api-key": other}).json() == []
        assert client.post(f"{path}/test", headers={"x-api-key": other}).status_code == 404
        assert client.delete(path, headers={"x-api-key": other}).status_code == 404
        assert client.delete(path).status_code == 204 and client.get("/webhooks").json() == []
        anybody = httpx.post(f"{address}/v1/webhooks", json={"url": receiver.url})
        assert anybody.status_code == 403 and "X-API-Key" in anybody.json()["detail"]


@pytest.mark.parametrize(("url", "why"), cases("addresses that no event leaves for"))
def test_no_event_leaves_for_an_address_that_is_not_allowed(settings: Settings, url: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        webhooks.check(webhooks.HttpUrl(url), settings.webhook_hosts)
    webhooks.check(webhooks.HttpUrl("https://hooks.example.org/in?a=1"), settings.webhook_hosts)
    with pytest.raises(BadInput, match="ask the operator"):
        webhooks.check(webhooks.HttpUrl("https://hooks.example.org/"), ())


def test_no_inner_network_is_asked(store: Store, settings: Settings, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.0.0.1", 443))])
    _, who = holder(store, "read")
    registered(store, who, "https://hooks.example.org/", "job.finished")
    told(store, who)
    assert webhooks.drain(store, settings.webhook_hosts) == {"ready": 1, "more": 0}
    (delivery,) = store.ask(select(Delivery.__table__)).all()
    assert delivery.outcome == "hooks.example.org is not on the public internet"
    assert delivery.due - delivery.created_at >= timedelta(seconds=webhooks.WAITS[0])
    assert webhooks.drain(store, settings.webhook_hosts) == {}  # it is not due yet


KILLED = """
import sys
from matcher.records.store import Store
from service.routes import webhooks
with Store.open(sys.argv[1]) as store:
    webhooks.drain(store, [sys.argv[2]])
"""


def test_a_killed_delivery_is_sent_again(store: Store, settings: Settings, receiver: Receiver) -> None:
    _, who = holder(store, "read")
    registered(store, who, receiver.url, "job.finished")
    told(store, who)
    receiver.hold.clear()
    command = [sys.executable, "-c", KILLED, str(settings.store), receiver.host]
    with subprocess.Popen(command) as process:
        until(lambda: len(receiver.received) == 1)
        process.kill()
    receiver.hold.set()
    assert webhooks.drain(store, settings.webhook_hosts)["sent"] == 1
    assert webhooks.drain(store, settings.webhook_hosts) == {}
    first, second = ({k: h[k] for k in ("webhook-id", "content-length")} for h, _ in receiver.received)
    assert first == second


def test_a_structure_is_told_of_what_its_nights_announced_once_it_is_released(
    store: Store, settings: Settings, receiver: Receiver, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "DAYS", 36_500)  # the night of this town was long ago, or is to come
    both = zip(night.structures(2), (SIRET, OTHER), strict=False)
    listed = [replace(each, siret=siret) for each, siret in both]
    _, who = holder(store, f"structure:{SIRET}")
    registered(store, who, receiver.url, "lots.announced")
    night.night(store, night.catalogue(tmp_path / "catalogue", listed), night.tender("26-1"), hold=True)
    webhooks.look(store)
    assert webhooks.drain(store, settings.webhook_hosts) == {}
    with store.writing() as connection:
        assert move(connection, "ready", Digest.status == "held") == 2
    webhooks.look(store)
    webhooks.look(store)
    assert webhooks.drain(store, settings.webhook_hosts)["sent"] == 1
    (event,) = receiver.events()
    assert (event["type"], event["data"]["siret"]) == ("lots.announced", SIRET)
    (lot,) = event["data"]["lots"]
    assert (lot["notice_id"], lot["lot_id"], lot["kind"]) == ("26-1", "26-1-1", "notice")
    assert lot["buyer"] == "Commune de Montreuil" and lot["reasons"]
    keys.revoke(store, who.id)
    webhooks.look(store)
    assert store.ask(select(Webhook.id)).all() == [] == store.ask(select(Delivery.id)).all()
