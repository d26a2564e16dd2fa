"""Partners of a structure; explanations of its rank; exposure."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import Field

from matcher.partners import partners as partners_
from matcher.reference.identifiers import IDENTITY
from service import schemas, wire
from service.access import Reader
from service.asked import filters, take
from service.router import Router

router = Router(tags=["match"])


class Partner(schemas.Out):
    structure: schemas.StructureBrief
    kind: str
    score: float
    adds: list[str]
    tasks: list[str]
    reasons: list[schemas.ReasonOut]
    warnings: list[schemas.WarningOut]
    past: list[str] = Field(description="What past awards say of the two, in French.")
    confirm: bool = Field(description="Plausible rather than likely for what it would take.")
    distance_km: schemas.Number = None


class PartnersOut(schemas.Out):
    notice: schemas.NoticeOut
    alone: list[str] = Field(description="Ids of the lots, or of needs of a lot (LOT#TRADE), that it covers.")
    lacking: list[str]
    nobody: list[str] = Field(description="What it lacks and no partner is known for, in French.")
    barred: dict[str, str] = Field(description="Lot -> why it may not answer there, in French.")
    size: str = Field(
        description="Why one alone is too small, in French; empty where size is not what is missing."
    )
    partners: list[Partner] = Field(description="Structures of the social economy, by what they add.")
    firms: list[Partner] = Field(
        description="Ordinary firms in reach, for what no structure is likely to take."
    )
    subcontracting: list[Partner]
    versions: dict[str, str]


class PartnersIn(schemas.Asked):
    siret: schemas.Siret
    lot: schemas.Short | None = None


class WhyIn(schemas.Asked):
    siret: schemas.Siret


class Why(schemas.Out):
    lot: schemas.LotOut
    state: str = Field(
        description="filtered, denied, not-retrieved, other-place, ineligible, closed, below-floor or ranked."
    )
    sentence: str = Field(validation_alias="text")
    rank: int | None = None
    match: schemas.MatchOut | None = None


EXAMPLE = schemas.example(
    "sample", "A notice of the sample", siret="00010001600013", notice_id="26-130101", n=5
)


@router.post(
    "/partners", summary="Partners for a structure on a need or a notice", response_model=PartnersOut
)
def partners(request: Request, who: Reader, asked: Annotated[PartnersIn, EXAMPLE]) -> Response:
    snapshot = request.app.state.serving.get()
    matcher, structure = snapshot.under(asked.recipe), snapshot.structure(asked.siret)
    taken = take(asked, snapshot, request.app.state.settings)
    found = partners_.partners(
        matcher,
        structure,
        taken.tender,
        asked.lot,
        asked.n,
        filters=filters(asked.filters),
        earlier=list(snapshot.notices.values()) if taken.tender.awards else (),
    )
    out = PartnersOut.of(found, notice=wire.notice(found.tender), versions=matcher.versions)
    return wire.send(request, out)


@router.post(
    "/explain", summary="Why a structure has its rank, or is not in the list", response_model=list[Why]
)
def explain(request: Request, who: Reader, asked: Annotated[WhyIn, EXAMPLE]) -> list[Why]:
    snapshot = request.app.state.serving.get()
    matcher = snapshot.under(asked.recipe)
    taken = take(asked, snapshot, request.app.state.settings)
    return [Why.of(each) for each in matcher.why(asked.siret, taken.tender, filters=filters(asked.filters))]


@router.get(
    "/explain", summary="The same for an indexed notice, for one lot or all", response_model=list[Why]
)
def explained(
    request: Request,
    who: Reader,
    siret: Annotated[str, Query(pattern=rf"^(?:{IDENTITY})$")],
    notice_id: Annotated[str, Query(max_length=200)],
    lot: Annotated[str | None, Query(max_length=200, description="Number or id of one lot.")] = None,
) -> list[Why]:
    snapshot = request.app.state.serving.get()
    return [Why.of(each) for each in snapshot.matcher.why(siret, snapshot.notice(notice_id), lot)]


@router.get("/exposure", summary="Exposure of structures over the indexed notices, and lots without a lead")
def exposure(request: Request, who: Reader) -> dict[str, Any]:
    from service.page.operator import exposure as measured

    snapshot = request.app.state.serving.get()
    found = dict(snapshot.once("exposure", lambda: measured(snapshot)))
    found["nobody"] = [
        {"notice": tender.id, "lot": lot.id, "title": lot.title} for tender, lot in found["nobody"]
    ]
    found["top"] = [{"siret": s.siret, "name": s.name, "shown": count} for s, count in found["top"]]
    return {**found, "versions": snapshot.matcher.versions}
