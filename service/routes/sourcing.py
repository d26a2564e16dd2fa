"""Sourcing records of a buyer: keep, read, contact, note answers, verify, replay, export."""

from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from matcher.domain import Answer, Filters
from matcher.matching.engine import Matcher
from matcher.outreach.sourcing import exports, record
from service import schemas, sourcing, wire
from service.access import BuyerKey, store_of
from service.asked import filters, take
from service.idempotency import once
from service.snapshot import snapshot_of

router = APIRouter(tags=["sourcing"])
Format = Annotated[str, Path(max_length=8)]
RecordId = Annotated[str, Path(max_length=64)]


@router.post("/sourcing", status_code=201)
def keep(request: Request, who: BuyerKey, asked: schemas.SourcingIn) -> Response:
    snapshot, settings = snapshot_of(request), request.app.state.settings

    @cache
    def found() -> tuple[Matcher, Filters, Answer]:
        taken, wanted = take(asked, snapshot, settings), filters(asked.filters)
        matcher = snapshot.under(asked.recipe)
        return matcher, wanted, record.search(matcher, taken.tender, wanted)

    def do() -> dict[str, Any]:
        matcher, wanted, answer = found()
        store, recipe = store_of(request), matcher.recipe.name
        made = record.keep(store, who.actor, answer, filters=wanted, recipe=recipe, label=asked.label)
        kept = {each.lot.id: len(each.matches) for each in answer.lots}
        return {"id": made, "lines": kept, "versions": dict(answer.versions), "note": record.NOTE}

    return once(request, who, do, 201, before=found)


@router.get("/sourcing")
def listing(request: Request, who: BuyerKey) -> list[dict[str, Any]]:
    return record.listing(store_of(request), who.actor)


@router.get("/sourcing/{record_id}")
def read(request: Request, who: BuyerKey, record_id: RecordId) -> dict[str, Any]:
    return exports.to_json(record.read(store_of(request), who.actor, record_id))


@router.get("/sourcing/{record_id}/verify")
def verify(request: Request, who: BuyerKey, record_id: RecordId) -> record.Verdict:
    return record.verify(store_of(request), who.actor, record_id)


@router.get("/sourcing/{record_id}/replay")
def replay(request: Request, who: BuyerKey, record_id: RecordId) -> dict[str, Any]:
    changes = sourcing.replay(request, record.read(store_of(request), who.actor, record_id))
    return {"same": not changes, "changes": changes}


@router.post("/sourcing/{record_id}/contacts")
def contact(request: Request, who: BuyerKey, record_id: RecordId, asked: schemas.ContactIn) -> Response:
    def do() -> dict[str, Any]:
        outcomes = sourcing.contact(request, who.actor, record_id, **asked.model_dump())
        return {"contacted": outcomes.total(), "outcomes": dict(outcomes) if asked.reply_to else {}}

    return once(request, who, do, after=lambda: request.app.state.mailer.wake())


@router.post("/sourcing/{record_id}/answers")
def answer(request: Request, who: BuyerKey, record_id: RecordId, asked: schemas.AnswerIn) -> Response:
    def do() -> dict[str, Any]:
        record.report(store_of(request), who.actor, record_id, asked.siret, "answered", text=asked.text)
        return {"noted": True}

    return once(request, who, do)


@router.get("/sourcing/{record_id}/export/{format}")
def export(request: Request, who: BuyerKey, record_id: RecordId, format: Format) -> Response:
    _, content, media = sourcing.exported(request, who.actor, record_id, format)
    return wire.attachment(content, media, f"sourcing.{format}")
