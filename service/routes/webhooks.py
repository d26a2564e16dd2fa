"""Webhooks of a key: where it has its events sent."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import Field, HttpUrl

from service import webhooks
from service.access import Reader, store_of
from service.schemas import In, Out

router = APIRouter(tags=["webhooks"])
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
    webhooks.check(asked.url, request.app.state.settings.webhook_hosts)
    made = webhooks.register(store_of(request), who, asked.url, asked.events)
    return WebhookMade(**made, secret=webhooks.secret(made["id"]))


@router.get("/webhooks")
def listing(request: Request, who: Reader) -> list[WebhookOut]:
    return [WebhookOut(**row) for row in webhooks.listed(store_of(request), who)]


@router.delete("/webhooks/{webhook_id}", status_code=204)
def remove(request: Request, who: Reader, webhook_id: WebhookId) -> None:
    webhooks.remove(store_of(request), who, webhook_id)


@router.post("/webhooks/{webhook_id}/test", status_code=202)
def test(request: Request, who: Reader, webhook_id: WebhookId) -> Queued:
    made = webhooks.test(store_of(request), who, webhook_id)
    request.app.state.webhooks.wake()
    return Queued(id=made)
