"""Facilitators of a place, and the unpublished needs that their buyers show them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import Field

from matcher import codec
from matcher.records import facilitators
from matcher.territory.areas import somewhere
from service.access import BuyerKey, Operator, Reader, store_of
from service.desk import DeskAnswer, answered
from service.router import Router
from service.schemas import In, PlaceName

router = Router(tags=["territory"])


@router.get(
    "/territory/facilitators",
    summary="The facilitators of a place, the most local first",
    response_model=DeskAnswer,
)
def facilitators_(request: Request, who: Reader, place: PlaceName) -> Response:
    where = somewhere(place)
    found = facilitators.of(where)
    sources = (
        f"{f.source or 'fichier de l’exploitant'}{f', {f.on:%d/%m/%Y}' if f.on else ''}" for f in found
    )
    items = [codec.to_json(f) for f in found]
    return answered(
        request, {"items": items}, tuple(dict.fromkeys(sources)), date.today(), facilitators.named(where)
    )


@router.get(
    "/territory/needs",
    summary="Unpublished needs that their buyers show to a facilitator",
    response_model=DeskAnswer,
)
def needs_(request: Request, who: Operator, facilitator: Annotated[str, Query(max_length=100)]) -> Response:
    found = facilitators.early(store_of(request), facilitator)
    items = [{"id": t.id, "title": t.title, "buyer": t.buyer.name} for t in found]
    return answered(request, {"items": items}, (), date.today())


class ShowIn(In):
    need: str = Field(min_length=1, max_length=200)
    facilitator: str = Field(min_length=1, max_length=100)
    withdraw: bool = False


@router.post(
    "/territory/needs",
    summary="Let a facilitator see your unpublished need early, or take that back",
    response_model=DeskAnswer,
)
def show_need(request: Request, who: BuyerKey, asked: ShowIn) -> Response:
    facilitators.allow(store_of(request), who, asked.need, asked.facilitator, withdraw=asked.withdraw)
    return answered(request, {"shown": not asked.withdraw}, (), date.today())


class ReferralIn(In):
    facilitator: str = Field(min_length=1, max_length=100)
    subject: str = Field(min_length=1, max_length=200)
    note: str = Field("", max_length=300)


@router.post(
    "/territory/referrals",
    summary="Record that a notice or a need was referred to a facilitator",
    response_model=DeskAnswer,
)
def refer(request: Request, who: BuyerKey, asked: ReferralIn) -> Response:
    facilitators.refer(store_of(request), who.actor, asked.facilitator, asked.subject, asked.note)
    return answered(request, {"recorded": True}, (), date.today())
