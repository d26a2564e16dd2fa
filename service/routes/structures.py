"""Structures: search, read, and the opportunities of one."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.openapi.models import Example

from matcher.catalogue.filters import names_of, search_names
from matcher.reference.identifiers import IDENTITY
from service import schemas, wire
from service.access import Reader
from service.snapshot import snapshot_of

router = APIRouter(tags=["structures"])
OF_SAMPLE: dict[str, Example] = {"sample": {"summary": "Of the sample", "value": "00010001600013"}}
NAME: dict[str, Example] = {"name": {"summary": "A name", "value": "atelier"}}
SiretPath = Annotated[str, Path(pattern=rf"^(?:{IDENTITY})$", openapi_examples=OF_SAMPLE)]
Words = Annotated[str, Query(max_length=200, openapi_examples=NAME)]
Offset = Annotated[int, Query(ge=0, le=1_000_000)]
Limit = Annotated[int, Query(ge=1, le=200)]


@router.get("/structures", response_model=schemas.StructurePage)
def search(request: Request, who: Reader, offset: Offset = 0, limit: Limit = 20, q: Words = "") -> Response:
    catalogue = snapshot_of(request).catalogue
    rows = search_names(catalogue, q, limit=len(catalogue)) if q.strip() else list(range(len(catalogue)))
    read_as = "" if rows else names_of(catalogue).respelt(q)
    rows = search_names(catalogue, read_as, limit=len(catalogue)) if read_as else rows
    items = [schemas.StructureBrief.of(catalogue.structure(row)) for row in rows[offset : offset + limit]]
    page = schemas.StructurePage(
        total=len(rows), offset=offset, limit=limit, items=items, read_as=read_as if rows else ""
    )
    return wire.send(request, page, tagged=True)


@router.get("/structures/{siret}", response_model=schemas.StructureOut)
def structure(request: Request, who: Reader, siret: SiretPath) -> Response:
    snapshot = snapshot_of(request)
    return wire.send(request, wire.structure(snapshot.structure(siret), snapshot), tagged=True)


@router.get("/structures/{siret}/opportunities", response_model=schemas.OpportunityPage)
def opportunities(
    request: Request, who: Reader, siret: SiretPath, offset: Offset = 0, limit: Limit = 20
) -> Response:
    snapshot = snapshot_of(request)
    found = snapshot.opportunities(siret)
    shown = [(o, o.partner.structure if o.partner else None) for o in found[offset : offset + limit]]
    items = [schemas.OpportunityOut.of(o, notice=wire.notice(o.tender), partner=with_) for o, with_ in shown]
    nothing = [] if found else list(snapshot.why_nothing(snapshot.structure(siret)))
    versions = snapshot.matcher.versions
    page = schemas.OpportunityPage(
        total=len(found), offset=offset, limit=limit, items=items, nothing=nothing, versions=versions
    )
    return wire.send(request, page, tagged=True)
