"""Sourcing records as the API and the pages use them: keep a search, replay it, contact structures."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from fastapi import Request

from matcher.domain import NotFound
from matcher.outreach.alerts import address_of
from matcher.outreach.sourcing import exports, questions, record
from service.access import store_of
from service.page import facets
from service.pool import written as written_apart
from service.settings import mail_transport
from service.snapshot import snapshot_of


def replay(request: Request, found: record.Record) -> list[str]:
    """What the same search would change today, as French sentences."""
    matcher = snapshot_of(request).under(found.recipe)
    again = facets.of_answer(
        record.search(matcher, found.tender, found.filters), facets.chosen(found.narrowed, "")
    )
    return record.replay(found, again, matcher.versions)


def contact(
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
