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


class Carrier(BaseModel):
    structure: schemas.StructureBrief
    way: str
    distance_km: float | None = None


class Opening(BaseModel):
    notice: str
    lot: schemas.LotOut
    state: str
    firms: list[Firm]
    hours: float | None
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
            Opening(
                notice=one.notice, lot=wire.lot(one.lot), state=one.state,
                firms=[Firm(siret=f.siret, name=f.name) for f in one.firms], hours=wire.number(one.hours), passage=one.passage,
                case=one.case,
                carriers=[
                    Carrier(structure=wire.brief(m.structure), way=subcontracting.way(m.structure, one.lot), distance_km=wire.number(m.distance_km))
                    for m in one.carriers
                ],
                warnings=[wire.warning(w) for w in one.warnings],
            )
            for one in found
        ],
    )  # fmt: skip
    return wire.send(request, out)
