"""What is new, for a feed reader: open notices, and the opportunities of a structure, as Atom (RFC 4287)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from itertools import islice
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Query, Request, Response

from matcher.domain import Tender
from matcher.outreach import links
from matcher.outreach.digest_formats import Entry, feed
from matcher.records.keys import Bearer
from matcher.reference.french import hour_stated
from matcher.reference.text import fold, shorten
from service import schemas, wire
from service.access import identify, same
from service.problems import Refused
from service.router import Router
from service.routes.structures import SiretPath
from service.snapshot import snapshot_of

router = Router(tags=["feeds"])
MEDIA = "application/atom+xml"
MOST = 200
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "An Atom feed.", "content": {MEDIA: {"schema": {"type": "string"}}}}
}


def feed_reader(
    request: Request,
    token: Annotated[
        str, Query(max_length=64, description="The token that the pages give for this feed.")
    ] = "",
) -> Bearer:
    """A reader, or the holder of this feed's token: feed readers send no key."""
    who = identify(request)
    if not who.scopes and not same(links.token("feed", request.url.path), token):
        raise Refused(
            401, "a key, or the token of this feed, is needed: take the address that the pages give"
        )
    return who


Reader = Annotated[Bearer, Depends(feed_reader)]


@router.get("/notices.atom", response_class=Response, responses=RESPONSES)
def notices(
    request: Request,
    who: Reader,
    since: Annotated[date | None, Query(description="Published on that day or later.")] = None,
    q: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Ids are stable: a reader shows each notice once."""
    snapshot, words = snapshot_of(request), fold(q).split()
    found = (
        t
        for t in snapshot.answerable()
        if (since is None or (t.published is not None and t.published >= since))
        and all(
            word in fold(" ".join((t.title, t.buyer.name, *(lot.title for lot in t.lots)))) for word in words
        )
    )
    entries = [
        (t, f"notice:{quote(t.id)}", f"{t.title} ({t.buyer.name})" if t.buyer.name else t.title, _about(t))
        for t in islice(found, MOST)
    ]
    title = f"Avis à répondre{f' : {q}' if q.strip() else ''}"
    return _send(request, f"notices:{quote(q)}", title, entries)


@router.get("/structures/{siret}/opportunities.atom", response_class=Response, responses=RESPONSES)
def opportunities(
    request: Request,
    who: Reader,
    siret: SiretPath,
    since: Annotated[date | None, Query(description="Published on that day or later.")] = None,
) -> Response:
    """Those to answer alone or with a partner; the newest first."""
    snapshot = snapshot_of(request)
    structure = snapshot.catalogue.structure(snapshot.catalogue.row(siret))
    wanted = [
        o
        for o in snapshot.opportunities(siret)
        if o.part != "watch"
        and (since is None or (o.tender.published is not None and o.tender.published >= since))
    ]
    wanted.sort(key=lambda o: (o.tender.published or date.min, o.tender.id, o.lot.number), reverse=True)
    entries = [
        (
            o.tender,
            f"lot:{quote(o.tender.id)}:{quote(o.lot.id)}",
            f"{o.lot.title} ({o.tender.buyer.name or 'acheteur non précisé'})",
            " ; ".join([*o.why, _about(o.tender)]),
        )
        for o in wanted[:MOST]
    ]
    name = structure.brand or structure.name
    return _send(request, f"structure:{structure.siret}", f"Marchés pour {name}", entries)


def _about(tender: Tender) -> str:
    several = f"{len(tender.lots)} lots" if len(tender.lots) > 1 else "1 lot"
    if tender.deadline is None:
        return several
    hour = f"{tender.deadline: %H:%M}" if hour_stated(tender.deadline) else ""
    return f"{several} ; date limite : {tender.deadline:%d/%m/%Y}{hour}"


def _send(request: Request, id: str, title: str, told: Sequence[tuple[Tender, str, str, str]]) -> Response:
    """The feed of (notice, id, title, summary), with an ETag."""
    snapshot, site = snapshot_of(request), request.app.state.settings.public_url.rstrip("/")
    newest = max((tender.published for tender, *_ in told if tender.published), default=None)
    entries = (
        Entry(
            f"urn:maillage:{own}",
            shorten(name, 250),
            _instant(tender.published or newest or snapshot.loaded_at.date()),
            shorten(summary, 1500),
            schemas.safe_url(tender.url) or f"{site}/acheteur?avis={quote(tender.id)}",
        )
        for tender, own, name, summary in told
    )
    updated = _instant(newest) if newest else snapshot.loaded_at.isoformat(timespec="seconds")
    body = feed(f"urn:maillage:{id}", title, updated, entries, f"{site}{request.url.path}")
    return wire.send_tagged(request, body, MEDIA)


def _instant(day: date) -> str:
    return datetime.combine(day, time(), UTC).isoformat()
