"""Webhooks: what concerns a key is sent to the address that it registered, signed, and tried again until it is taken.

Signatures are those of Standard Webhooks.  An event is a row, written in the transaction of its cause or, of a night, found in what
the night wrote: a process that is killed loses none, and sends one twice under the same id at worst.
"""

import base64
import hashlib
import hmac
import json
import logging
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Path, Request
from pydantic import Field, HttpUrl
from sqlalchemy import ColumnElement, Connection, Row, delete, func, or_, select, update

from matcher.domain import BadInput, Forbidden, NotFound, __version__
from matcher.outreach import links
from matcher.reading.sync._guard import Fetcher, Refused, public
from matcher.records import keys
from matcher.records.keys import Bearer
from matcher.records.store import Store, alone, now
from matcher.records.tables import Delivery, Digest, Key, Webhook
from service.access import Reader, store_of
from service.routes.jobs import Job
from service.schemas import In, Out
from service.settings import LOOPBACK

router = APIRouter(tags=["webhooks"])
log = logging.getLogger("service")
#: Event -> the scope of the keys that are told of it, "structure" being any structure:SIRET.
EVENTS: Mapping[str, str] = {"job.finished": "read", "search.joined": "buyer", "lots.announced": "structure"}
Data = Mapping[str, Any]
MOST = 10  # webhooks of one key
# seconds after each try that failed; then it is given up
WAITS = (5, 300, 1_800, 7_200, 18_000, 36_000, 72_000)
SECONDS = 10.0  # for an answer
AT_ONCE = 50  # deliveries of one turn
SHOWN = 20  # deliveries of a webhook that are listed
NOT_YOURS = "no webhook {!r} of yours"
DAYS = 7  # for which what a night announced is looked for
ANNOUNCED = ("ready", "sending", "sent", "no-address")  # states of digests that nobody holds back
#: Of an item of a digest: what a program needs.
LOT = "notice_id lot_id kind level title buyer place published deadline url cpv reasons".split()


def may(who: Bearer, event: str) -> bool:
    """Is this key told of such an event?"""
    scope = EVENTS[event]
    return scope == "read" or (bool(who.sirets) if scope == "structure" else who.may(scope))


def secret(webhook: str) -> str:
    """The secret of a webhook (Standard Webhooks), made of its id by the key that signs links."""
    return "whsec_" + base64.b64encode(links.token("webhook", webhook).encode()).decode()


def signed(webhook: str, delivery: str, body: str) -> dict[str, str]:
    """The headers of a delivery."""
    moment = str(int(now().timestamp()))
    key = base64.b64decode(secret(webhook).removeprefix("whsec_"))
    proof = hmac.new(key, f"{delivery}.{moment}.{body}".encode(), hashlib.sha256).digest()
    headers = {"Content-Type": "application/json", "User-Agent": f"maillage/{__version__}"}
    headers |= {"webhook-id": delivery, "webhook-timestamp": moment}
    return headers | {"webhook-signature": "v1," + base64.b64encode(proof).decode()}


def check(url: HttpUrl, hosts: Sequence[str]) -> None:
    """Raises BadInput for an address to which nothing may be sent.

    This machine may be asked by http where the operator names it with its port; others by https, and at public addresses.
    """
    host = f"{url.host}:{url.port}"
    if url.scheme != "https" and url.host not in LOOPBACK:
        raise BadInput("a webhook is an https address")
    if url.username or url.password or url.fragment:
        raise BadInput("a webhook has neither a password nor a fragment in its address")
    if host.removesuffix(":443") not in hosts:
        raise BadInput(f"no webhook may be sent to {host} here: ask the operator (MATCHER_WEBHOOK_HOSTS)")


WebhookId = Annotated[str, Path(max_length=64)]
Event = Literal["job.finished", "search.joined", "lots.announced"]


class WebhookIn(In):
    url: Annotated[HttpUrl, Field(max_length=500)]
    events: list[Event] = Field([], max_length=10)


class DeliveryOut(Out):
    id: str
    event: str
    status: Literal["ready", "sent", "failed"]
    tries: int
    outcome: str
    due: datetime
    created_at: datetime


class Queued(Out):
    id: str


class Registered(Queued):
    url: str
    events: list[str]
    created_at: datetime


class WebhookMade(Registered):
    secret: str


class WebhookOut(Registered):
    deliveries: list[DeliveryOut]


@router.post("/webhooks", status_code=201)
def register(request: Request, who: Reader, asked: WebhookIn) -> WebhookMade:
    """An https address of a host that the operator allows (`MATCHER_WEBHOOK_HOSTS`).  The `secret` signs each event."""
    check(asked.url, request.app.state.settings.webhook_hosts)
    store = store_of(request)
    if keys.held(store, who.id) is None:
        raise Forbidden("a webhook belongs to a key: ask with X-API-Key")
    if unheard := [event for event in asked.events if not may(who, event)]:
        scope = EVENTS[unheard[0]]
        raise Forbidden(f"a key with the scope {scope} is told of {unheard[0]}: ask the operator")
    told: list[str] = [*dict.fromkeys(asked.events)] or [event for event in EVENTS if may(who, event)]
    id = secrets.token_hex(12)
    row: Data = {"id": id, "key_id": who.id, "url": str(asked.url), "events": told, "created_at": now()}
    with store.writing(who.actor, "webhook.create", id) as connection:
        mine = select(func.count()).select_from(Webhook).where(Webhook.key_id == who.id)
        if connection.execute(mine).scalar_one() >= MOST:
            raise BadInput(f"a key has {MOST} webhooks at most: delete one")
        store.put(connection, Webhook, [row])
    return WebhookMade(**row, secret=secret(id))


@router.get("/webhooks")
def listing(request: Request, who: Reader) -> list[WebhookOut]:
    mine = select(Webhook.__table__).where(Webhook.key_id == who.id).order_by(Webhook.created_at)
    last = select(Delivery.__table__).order_by(Delivery.created_at.desc(), Delivery.id).limit(SHOWN)
    with store_of(request).reading() as connection:
        hooks = connection.execute(mine).mappings().all()
        sent = [connection.execute(last.where(Delivery.webhook_id == row["id"])).mappings() for row in hooks]
        made = ([DeliveryOut(**each) for each in listed] for listed in sent)
        return [WebhookOut(**row, deliveries=each) for row, each in zip(hooks, made, strict=True)]


@router.delete("/webhooks/{webhook_id}", status_code=204)
def remove(request: Request, who: Reader, webhook_id: WebhookId) -> None:
    with store_of(request).writing(who.actor, "webhook.delete", webhook_id) as connection:
        if not connection.execute(delete(Webhook).where(*_mine(who, webhook_id))).rowcount:
            raise NotFound(NOT_YOURS.format(webhook_id))


@router.post("/webhooks/{webhook_id}/test", status_code=202)
def test(request: Request, who: Reader, webhook_id: WebhookId) -> Queued:
    store = store_of(request)
    with store.writing() as connection:
        if connection.execute(select(Webhook.id).where(*_mine(who, webhook_id))).first() is None:
            raise NotFound(NOT_YOURS.format(webhook_id))
        data = {"webhook": webhook_id}
        id = _queue(store, connection, webhook_id, "webhook.test", data, secrets.token_hex(8))
    request.app.state.webhooks.wake()
    return Queued(id=id)


def _mine(who: Bearer, webhook: str) -> tuple[ColumnElement[bool], ...]:
    return Webhook.id == webhook, Webhook.key_id == who.id


def tell(store: Store, connection: Connection, owner: str, event: str, data: Data, cause: str) -> None:
    """Queue an event for the webhooks of an owner, in the transaction of its cause; a cause is one event."""
    for webhook, bearer in _of_event(store, event):
        if bearer.actor == owner:
            _queue(store, connection, webhook.id, event, data, cause)


def job_finished(app: FastAPI, job: Job) -> None:
    """Tell the owner of a job that it ended."""
    store: Store | None = app.state.store
    if store is not None:
        data = {"id": job.id, "state": job.state, "done": len(job.answers), "total": job.total}
        with store.writing() as connection:
            tell(store, connection, job.owner, "job.finished", data, job.id)
        app.state.webhooks.wake()


def look(store: Store) -> None:
    """Queue what nights announced to structures; the webhooks of keys that have ended are deleted."""
    ended = select(Key.id).where(or_(Key.revoked_at.is_not(None), Key.expires_at <= now()))
    if store.ask(gone := select(Webhook.id).where(Webhook.key_id.in_(ended))).first():
        with store.writing() as connection:
            connection.execute(delete(Webhook).where(Webhook.id.in_(gone)))
    for webhook, bearer in _of_event(store, "lots.announced"):
        since = max(webhook.created_at, now() - timedelta(days=DAYS))
        announced = select(Digest.id).where(Digest.addressee.in_(bearer.sirets), Digest.created_at > since)
        queued = set(store.ask(select(Delivery.id).where(Delivery.webhook_id == webhook.id)).scalars())
        for id in store.ask(announced.where(Digest.status.in_(ANNOUNCED))).scalars().all():
            if _id(webhook.id, "lots.announced", id) not in queued:
                with store.writing() as connection:
                    content = connection.execute(select(Digest.content).where(Digest.id == id)).scalar_one()
                    lots = [{name: item.get(name) for name in LOT} for item in content["items"]]
                    data = {"siret": content["addressee"], "day": content["day"], "lots": lots}
                    _queue(store, connection, webhook.id, "lots.announced", data, id)


def _of_event(store: Store, event: str) -> Iterator[tuple[Row[Any], Bearer]]:
    """The webhooks that are told of an event, with their keys."""
    for row in store.ask(select(Webhook.__table__)).all():
        bearer = keys.held(store, row.key_id)
        if bearer and event in row.events and may(bearer, event):
            yield row, bearer


def _id(webhook: str, event: str, cause: str) -> str:
    return "msg_" + hashlib.sha256(f"{webhook}|{event}|{cause}".encode()).hexdigest()[:32]


def _queue(store: Store, connection: Connection, webhook: str, event: str, data: Data, cause: str) -> str:
    moment, id = now(), _id(webhook, event, cause)
    body = json.dumps({"type": event, "timestamp": moment.isoformat(), "data": data}, ensure_ascii=False)
    row = {"id": id, "webhook_id": webhook, "event": event, "body": body, "status": "ready", "tries": 0}
    row |= {"outcome": "", "due": moment, "created_at": moment}
    store.put(connection, Delivery, [row], keep=tuple(name for name in row if name != "id"))
    return id


def drain(store: Store, hosts: Sequence[str]) -> Counter[str]:
    """Send what is due, to one that does not take it no more in this turn; counts by outcome, "more" where some is left.

    Raises Busy where another process is sending.
    """
    counts: Counter[str] = Counter()
    due = select(Delivery.__table__, Webhook.url).join(Webhook).where(Delivery.status == "ready")
    due = due.where(Delivery.due <= now()).order_by(Delivery.due, Delivery.id).limit(AT_ONCE)
    if not store.ask(due).first():
        return counts
    resting: set[str] = set()
    with alone(store, "webhooks", "webhooks are being sent by another process"):
        rows = store.ask(due).all()
        for row in rows:
            if row.webhook_id in resting:
                continue
            why = _refused(row, hosts)
            if why:
                resting.add(row.webhook_id)
            status = "sent" if not why else "ready" if row.tries < len(WAITS) else "failed"
            wait = timedelta(seconds=WAITS[row.tries] if status == "ready" else 0)
            values = {"status": status, "tries": row.tries + 1, "outcome": why[:300], "due": now() + wait}
            with store.writing() as connection:
                connection.execute(update(Delivery).where(Delivery.id == row.id).values(values))
                if status == "failed":
                    store.audit(
                        connection, "service", "webhook.give-up", row.webhook_id, {"delivery": row.id}
                    )
                    log.warning("a webhook is given up", extra={"webhook": row.webhook_id, "why": why[:300]})
            counts[status] += 1
        counts["more"] = int(len(rows) == AT_ONCE)
    return counts


def _refused(row: Row[Any], hosts: Sequence[str]) -> str:
    """Why a delivery was not taken; "" where it was."""
    url = HttpUrl(row.url)
    may_reach = (lambda address: ip_address(address).is_loopback) if url.host in LOOPBACK else public
    try:
        check(url, hosts)
        with Fetcher(pause=0, seconds=SECONDS, may=may_reach) as fetcher:
            status = fetcher.post(str(url), row.body.encode(), signed(row.webhook_id, row.id, row.body))
    except (BadInput, Refused) as error:
        return str(error)
    return "" if 200 <= status < 300 else f"{url.host} answered {status}"
