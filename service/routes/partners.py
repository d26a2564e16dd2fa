"""Partners of a structure, hours of insertion and who owes them, explanations of a rank, exposure."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from matcher.domain import BadInput, Tender
from matcher.partners import partners as partners_
from matcher.partners import subcontracting
from matcher.reference.identifiers import IDENTITY
from service import schemas, wire
from service.access import Reader
from service.asked import filters, take, uploaded
from service.page.operator import exposure as measured
from service.snapshot import snapshot_of

router = APIRouter(tags=["match"])


class Partner(schemas.Out):
    structure: schemas.StructureBrief
    kind: str
    score: float
    adds: list[str]
    tasks: list[str]
    reasons: list[schemas.ReasonOut]
    warnings: list[schemas.WarningOut]
    past: list[str]
    confirm: bool
    distance_km: schemas.Number = None


class PartnersOut(schemas.Out):
    notice: schemas.NoticeOut
    alone: list[str]
    lacking: list[str]
    perhaps: list[str] = Field(default=[])
    nobody: list[str]
    ask: dict[str, list[schemas.StructureBrief]] = Field(default={})
    barred: dict[str, str]
    size: str
    outside: str = Field(default="")
    partners: list[Partner]
    firms: list[Partner]
    subcontracting: list[Partner]
    versions: dict[str, str]


class PartnersIn(schemas.Asked):
    siret: schemas.Siret
    lot: schemas.Short | None = None


class WhyIn(schemas.Asked):
    siret: schemas.Siret


class Why(schemas.Out):
    lot: schemas.LotOut
    state: str
    sentence: str = Field(validation_alias="text")
    rank: int | None = None
    match: schemas.MatchOut | None = None


@router.post("/partners", response_model=PartnersOut)
def partners(request: Request, who: Reader, asked: PartnersIn) -> Response:
    snapshot = snapshot_of(request)
    matcher, structure = snapshot.under(asked.recipe), snapshot.structure(asked.siret)
    # a need of several trades is one contract, of which each trade that the structure does not do is lacking
    taken = take(asked, snapshot, request.app.state.settings, whole=asked.lot is None)
    earlier = snapshot.notices if taken.tender.awards else ()
    wanted = filters(asked.filters)
    found = partners_.partners(
        matcher, structure, taken.tender, asked.lot, asked.n, filters=wanted, earlier=earlier
    )
    out = PartnersOut.of(found, notice=wire.notice(found.tender), versions=matcher.versions)
    return wire.send(request, out)


@router.post("/explain", response_model=list[Why])
def explain(request: Request, who: Reader, asked: WhyIn) -> list[Why]:
    snapshot = snapshot_of(request)
    matcher = snapshot.under(asked.recipe)
    taken = take(asked, snapshot, request.app.state.settings)
    return [Why.of(each) for each in matcher.why(asked.siret, taken.tender, filters=filters(asked.filters))]


@router.get("/explain", response_model=list[Why])
def explained(
    request: Request,
    who: Reader,
    siret: Annotated[str, Query(pattern=rf"^(?:{IDENTITY})$")],
    notice_id: Annotated[str, Query(max_length=200)],
    lot: Annotated[str | None, Query(max_length=200, description="Number or id of one lot.")] = None,
) -> list[Why]:
    snapshot = snapshot_of(request)
    return [Why.of(each) for each in snapshot.matcher.why(siret, snapshot.notice(notice_id), lot)]


@router.get("/exposure")
def exposure(request: Request, who: Reader) -> dict[str, Any]:
    snapshot = snapshot_of(request)
    found = dict(snapshot.once("exposure", lambda: measured(snapshot)))
    found["nobody"] = [{"notice": t.id, "lot": lot.id, "title": lot.title} for t, lot in found["nobody"]]
    found["top"] = [{"siret": s.siret, "name": s.name, "shown": count} for s, count in found["top"]]
    return {**found, "versions": snapshot.matcher.versions}


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
    notices: list[schemas.NoticeOut]
    leads: list[Opening]
    versions: dict[str, str]


class LeadsIn(schemas.In):
    notice: str | dict[str, Any] | list[Any] | None = None
    notice_id: schemas.Short | None = None
    lot: schemas.Short | None = None
    n: Annotated[int, Field(ge=1, le=50)] = 5


@router.post("/leads", response_model=LeadsOut)
def leads(request: Request, who: Reader, asked: LeadsIn) -> Response:
    snapshot = snapshot_of(request)
    if (asked.notice is None) == (asked.notice_id is None):
        raise BadInput("give exactly one of notice, notice_id")
    if asked.notice_id is not None:
        tenders = [snapshot.notice(asked.notice_id)]
    else:
        text = asked.notice if isinstance(asked.notice, str) else json.dumps(asked.notice, ensure_ascii=False)
        tenders = [r for r in uploaded(text.encode("utf-8", "replace")) if isinstance(r, Tender)]
        if not tenders:
            raise BadInput("no notice of a known format (BOAMP, eForms, TED, DECP, OCDS) was recognised")
    found = subcontracting.openings(
        snapshot.matcher, tenders, earlier=snapshot.notices, n=asked.n, lot=asked.lot
    )

    def opening(one: subcontracting.Opening) -> Opening:
        ways = ((each, subcontracting.way(each.structure, one.lot)) for each in one.carriers)
        return Opening.of(one, carriers=[Carrier.of(each, way=way) for each, way in ways])

    notices, leads_ = [wire.notice(each) for each in tenders], list(map(opening, found))
    return wire.send(request, LeadsOut(notices=notices, leads=leads_, versions=snapshot.matcher.versions))
