"""Sourcing records of a buyer: keep, read, contact, note answers, verify, replay, export; the pages do so too."""

from collections import Counter
from collections.abc import Sequence
from functools import cache, partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from matcher.domain import Answer, Filters, NotFound
from matcher.matching.engine import Matcher
from matcher.outreach.alerts import address_of
from matcher.outreach.sourcing import exports, questions, record
from service import schemas, wire
from service.access import BuyerKey, store_of
from service.asked import filters, take
from service.idempotency import once
from service.page import facets
from service.pool import written as written_apart
from service.settings import mail_transport
from service.snapshot import snapshot_of

router = APIRouter(tags=["sourcing"])


def replayed(request: Request, found: record.Record) -> list[str]:
    """What the same search would change today, as French sentences."""
    matcher = snapshot_of(request).under(found.recipe)
    again = facets.of_answer(
        record.search(matcher, found.tender, found.filters), facets.chosen(found.narrowed, "")
    )
    return record.replay(found, again, matcher.versions)


def contacted(
    request: Request, owner: str, identifier: str, sirets: Sequence[str], message: str, reply_to: str
) -> Counter[str]:
    """The same message to each, sent with the buyer's address, else "noted" alone; counts by outcome."""
    store = store_of(request)
    if not reply_to:
        return Counter(noted=record.contact(store, owner, identifier, sirets, message))
    catalogue, transport = snapshot_of(request).catalogue, mail_transport(request.app.state.settings)
    address = partial(address_of, store, catalogue)
    return questions.ask(store, owner, identifier, sirets, message, reply_to, transport, address)


def exported(request: Request, owner: str, identifier: str, format: str) -> tuple[record.Record, bytes, str]:
    """A record, its file in a format and the media type, sealed as exported.  Raises NotFound."""
    if format not in exports.FORMATS:
        raise NotFound(f"aucun export {format!r} : choisissez {', '.join(exports.FORMATS)}")
    store = store_of(request)
    found = record.read(store, owner, identifier)
    write, media = exports.FORMATS[format]
    serving = request.app.state.serving
    content = (serving.settings.processes and written_apart(serving.server, format, found)) or write(found)
    record.exported(store, owner, identifier, format)
    return found, content, media


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
    changes = replayed(request, record.read(store_of(request), who.actor, record_id))
    return {"same": not changes, "changes": changes}


@router.post("/sourcing/{record_id}/contacts")
def contact(request: Request, who: BuyerKey, record_id: RecordId, asked: schemas.ContactIn) -> Response:
    def do() -> dict[str, Any]:
        outcomes = contacted(request, who.actor, record_id, **asked.model_dump())
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
    _, content, media = exported(request, who.actor, record_id, format)
    return wire.attachment(content, media, f"sourcing.{format}")
