"""Contracts that end soon: a reminder to source for buyers, time to form a group for structures."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import AliasPath, Field

from matcher.matching import renewals as renewals_
from service import schemas, wire
from service.access import Reader
from service.router import Router
from service.routes.structures import Limit, Offset

router = Router(tags=["notices"])


class HolderOut(schemas.Named):
    siret: str = Field(validation_alias="id")


class RenewalOut(schemas.Out):
    id: str
    title: str
    buyer: str = Field(validation_alias=AliasPath("buyer", "name"))
    buyer_id: str = Field(validation_alias=AliasPath("buyer", "id"))
    holders: list[HolderOut]
    cpv: str
    place: schemas.PlaceWords
    amount: schemas.Number
    notified: date
    months: float
    ends: date
    source: str


class RenewalPage(schemas.Page):
    note: str = renewals_.NOTE
    items: list[RenewalOut]


@router.get(
    "/renewals",
    summary="Contracts that end in 3 to 18 months, with their holders as published; `siret` keeps those of its trade",
    response_model=RenewalPage,
)
def listing(
    request: Request, who: Reader, offset: Offset = 0, limit: Limit = 20,
    buyer: Annotated[str, Query(pattern=r"^([0-9]{9}|[0-9]{14})?$", description="SIREN or SIRET.")] = "",
    department: Annotated[str, Query(pattern=r"^(\d{2,3}|2[AB])?$")] = "",
    cpv: Annotated[str, Query(pattern=r"^[0-9]{0,8}$", description="Prefix.")] = "",
    siret: Annotated[str, Query(pattern=r"^([0-9]{14})?$", description="Of a structure.")] = "",
    after: Annotated[float, Query(ge=0, le=120)] = renewals_.SOONEST,
    before: Annotated[float, Query(ge=0, le=120)] = renewals_.LATEST,
) -> Response:  # fmt: skip
    found = request.app.state.serving.get().renewals(siret, buyer, department, cpv, after, before)
    return wire.send(request, RenewalPage(
        total=len(found), offset=offset, limit=limit, items=[RenewalOut.of(one) for one in found[offset : offset + limit]],
    ))  # fmt: skip
