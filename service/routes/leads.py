"""Lots with hours of insertion, the firms that owe them, and the structures that could be asked."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import BaseModel, Field

from matcher.domain import BadInput, Tender
from matcher.partners import subcontracting
from service import schemas, wire
from service.access import Reader
from service.asked import uploaded
from service.router import Router

router = Router(tags=["match"])


class Firm(schemas.Named):
    pass


class Carrier(schemas.Out):
    structure: schemas.StructureBrief
    way: str
    distance_km: schemas.Number = None


class Opening(schemas.Out):
    notice: str
    lot: schemas.LotOut
    state: str
    firms: list[Firm]
    hours: schemas.Number
    passage: str
    case: str
    carriers: list[Carrier]
    warnings: list[schemas.WarningOut]


class LeadsOut(BaseModel):
    notices: list[schemas.NoticeOut] = Field(description="Those asked about.")
    leads: list[Opening]
    versions: dict[str, str]


class LeadsIn(schemas.In):
    notice: str | dict[str, Any] | list[Any] | None = None
    notice_id: schemas.Short | None = None
    lot: schemas.Short | None = None
    n: Annotated[int, Field(ge=1, le=50)] = 5


Asked = Annotated[LeadsIn, schemas.example("indexed", "An indexed notice", notice_id="26-130101")]


@router.post(
    "/leads",
    summary="From an award or a big lot with hours: which firm owes them, and who could be asked",
    response_model=LeadsOut,
)
def leads(request: Request, who: Reader, asked: Asked) -> Response:
    snapshot = request.app.state.serving.get()
    if (asked.notice is None) == (asked.notice_id is None):
        raise BadInput("give exactly one of notice, notice_id")
    if asked.notice_id is not None:
        tenders = [snapshot.notice(asked.notice_id)]
    else:
        text = asked.notice if isinstance(asked.notice, str) else json.dumps(asked.notice, ensure_ascii=False)
        tenders = [r for r in uploaded(text.encode("utf-8", "replace")) if isinstance(r, Tender)]
        if not tenders:
            raise BadInput("no notice of a known format (BOAMP, eForms, TED, DECP) was recognised")
    known = list(snapshot.notices.values())
    found = subcontracting.openings(snapshot.matcher, tenders, earlier=known, n=asked.n, lot=asked.lot)
    out = LeadsOut(
        versions=snapshot.matcher.versions, notices=[wire.notice(each) for each in tenders],
        leads=[
            Opening.of(one, carriers=[Carrier.of(m, way=subcontracting.way(m.structure, one.lot)) for m in one.carriers])
            for one in found
        ],
    )  # fmt: skip
    return wire.send(request, out)
