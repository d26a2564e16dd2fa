"""What is new, for a feed reader: open notices, and the opportunities of a structure, as Atom (RFC 4287)."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from itertools import islice
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response

from matcher.domain import Tender
from matcher.outreach import links
from matcher.outreach.digest_formats import Entry, feed
from matcher.partners.opportunities import Opportunity
from matcher.records.keys import Bearer
from matcher.reference.french import hour_stated
from matcher.reference.text import fold, shorten
from service import schemas, wire
from service.access import identify, same
from service.problems import Refused
from service.routes.notices import published_since, told
from service.routes.structures import SiretPath
from service.snapshot import snapshot_of

router = APIRouter(tags=["feeds"])
MEDIA = "application/atom+xml"
MOST = 200
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "An Atom feed.", "content": {MEDIA: {"schema": {"type": "string"}}}}
}


Token = Annotated[str, Query(max_length=64, description="The token that the pages give for this feed.")]
Since = Annotated[date | None, Query(description="Published on that day or later.")]
NO_KEY = "a key, or the token of this feed, is needed: take the address that the pages give"


def feed_reader(request: Request, token: Token = "") -> Bearer:
    """A reader, or the holder of this feed's token: feed readers send no key."""
    who = identify(request)
    if not who.scopes and not same(links.token("feed", request.url.path), token):
        raise Refused(401, NO_KEY)
    return who


Reader = Annotated[Bearer, Depends(feed_reader)]


@router.get("/notices.atom", response_class=Response, responses=RESPONSES)
def notices(
    request: Request, who: Reader, since: Since = None, q: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Ids are stable: a reader shows each notice once."""
    snapshot, words = snapshot_of(request), fold(q).split()
    found = (t for t in snapshot.answerable() if published_since(t, since) and told(t, words))
    shown = ((t, f" ({t.buyer.name})" if t.buyer.name else "") for t in islice(found, MOST))
    entries = [(t, f"notice:{quote(t.id)}", t.title + buyer, _about(t)) for t, buyer in shown]
    title = f"Avis à répondre{f' : {q}' if q.strip() else ''}"
    return _send(request, f"notices:{quote(q)}", title, entries)


@router.get("/structures/{siret}/opportunities.atom", response_class=Response, responses=RESPONSES)
def opportunities(request: Request, who: Reader, siret: SiretPath, since: Since = None) -> Response:
    """Those to answer alone or with a partner; the newest first."""
    snapshot = snapshot_of(request)
    structure = snapshot.structure(siret)
    wanted = [
        o for o in snapshot.opportunities(siret) if o.part != "watch" and published_since(o.tender, since)
    ]
    wanted.sort(key=lambda o: (o.tender.published or date.min, o.tender.id, o.lot.number), reverse=True)

    def entry(o: Opportunity) -> tuple[Tender, str, str, str]:
        title = f"{o.lot.title} ({o.tender.buyer.name or 'acheteur non précisé'})"
        summary = " ; ".join([*o.why, _about(o.tender)])
        return o.tender, f"lot:{quote(o.tender.id)}:{quote(o.lot.id)}", title, summary

    entries, name = list(map(entry, wanted[:MOST])), structure.brand or structure.name
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

    def entry(tender: Tender, own: str, name: str, summary: str) -> Entry:
        address = schemas.safe_url(tender.url) or f"{site}/acheteur?avis={quote(tender.id)}"
        updated = _instant(tender.published or newest or snapshot.loaded_at.date())
        named = (f"urn:maillage:{own}", shorten(name, 250), updated)
        return Entry(*named, shorten(summary, 1500), address)

    entries = (entry(*each) for each in told)
    updated = _instant(newest) if newest else snapshot.loaded_at.isoformat(timespec="seconds")
    body = feed(f"urn:maillage:{id}", title, updated, entries, f"{site}{request.url.path}")
    return wire.send_tagged(request, body, MEDIA)


def _instant(day: date) -> str:
    return datetime.combine(day, time(), UTC).isoformat()
