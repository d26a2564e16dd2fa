"""What is new, for a feed reader: open notices, and the opportunities of a structure, as Atom (RFC 4287)."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Query, Request, Response

from matcher.domain import Tender
from matcher.outreach import links
from matcher.records.keys import Bearer
from matcher.reference.french import hour_stated
from matcher.reference.text import fold, shorten
from service import schemas, wire
from service.access import identify
from service.problems import Refused
from service.router import Router
from service.routes.structures import SiretPath

router = Router(tags=["feeds"])
ATOM = "http://www.w3.org/2005/Atom"
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
    if not who.scopes and not hmac.compare_digest(
        links.feed_token(request.url.path).encode(), token.encode()
    ):
        raise Refused(
            401, "a key, or the token of this feed, is needed: take the address that the pages give"
        )
    return who


Reader = Annotated[Bearer, Depends(feed_reader)]


@dataclass(frozen=True, slots=True)
class _Entry:
    id: str
    title: str
    link: str
    day: date | None
    summary: str


@router.get(
    "/notices.atom",
    summary="New notices that one can answer, as a feed",
    response_class=Response,
    responses=RESPONSES,
)
def notices(
    request: Request,
    who: Reader,
    since: Annotated[date | None, Query(description="Published on that day or later.")] = None,
    q: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Ids are stable: a reader shows each notice once."""
    snapshot, words = request.app.state.serving.get(), fold(q).split()
    found = (
        t
        for t in snapshot.answerable()
        if (since is None or (t.published is not None and t.published >= since))
        and all(
            word in fold(" ".join((t.title, t.buyer.name, *(lot.title for lot in t.lots)))) for word in words
        )
    )
    entries = [
        _Entry(f"urn:maillage:notice:{quote(t.id)}", _title(t), _page(request, t), t.published, _about(t))
        for t, _ in zip(found, range(MOST), strict=False)
    ]
    title = f"Avis à répondre{f' : {q}' if q.strip() else ''}"
    return _send(request, f"urn:maillage:notices:{quote(q)}", title, entries)


@router.get(
    "/structures/{siret}/opportunities.atom",
    summary="Lots that a structure could answer, as a feed",
    response_class=Response,
    responses=RESPONSES,
)
def opportunities(
    request: Request,
    who: Reader,
    siret: SiretPath,
    since: Annotated[date | None, Query(description="Published on that day or later.")] = None,
) -> Response:
    """Those to answer alone or with a partner; the newest first."""
    snapshot = request.app.state.serving.get()
    structure = snapshot.catalogue.structure(snapshot.catalogue.row(siret))
    wanted = [
        o
        for o in snapshot.opportunities(siret)
        if o.part != "watch"
        and (since is None or (o.tender.published is not None and o.tender.published >= since))
    ]
    wanted.sort(key=lambda o: (o.tender.published or date.min, o.tender.id, o.lot.number), reverse=True)
    entries = [
        _Entry(
            f"urn:maillage:lot:{quote(o.tender.id)}:{quote(o.lot.id)}", f"{o.lot.title} ({o.tender.buyer.name or 'acheteur non précisé'})",
            _page(request, o.tender), o.tender.published, " ; ".join([*o.why, _about(o.tender)]),
        )
        for o in wanted[:MOST]
    ]  # fmt: skip
    name = structure.brand or structure.name
    return _send(request, f"urn:maillage:structure:{structure.siret}", f"Marchés pour {name}", entries)


def _title(tender: Tender) -> str:
    return f"{tender.title} ({tender.buyer.name})" if tender.buyer.name else tender.title


def _about(tender: Tender) -> str:
    several = f"{len(tender.lots)} lots" if len(tender.lots) > 1 else "1 lot"
    if tender.deadline is None:
        return several
    hour = f"{tender.deadline: %H:%M}" if hour_stated(tender.deadline) else ""
    return f"{several} ; date limite : {tender.deadline:%d/%m/%Y}{hour}"


def _page(request: Request, tender: Tender) -> str:
    link = schemas.safe_url(tender.url)
    return link or f"{request.app.state.settings.public_url.rstrip('/')}/acheteur?avis={quote(tender.id)}"


def _send(request: Request, id: str, title: str, entries: Iterable[_Entry]) -> Response:
    """The feed, with an ETag."""
    from lxml import etree

    names: Any = {None: ATOM}
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap=names)

    def add(parent: Any, name: str, text: str = "", **attributes: str) -> Any:
        node = etree.SubElement(parent, f"{{{ATOM}}}{name}", {k: _plain(v) for k, v in attributes.items()})
        if text:
            node.text = _plain(text)
        return node

    listed = list(entries)
    snapshot = request.app.state.serving.get()
    newest = max((e.day for e in listed if e.day), default=None)
    add(feed, "id", id)
    add(feed, "title", title)
    add(feed, "updated", _instant(newest) if newest else snapshot.loaded_at.isoformat(timespec="seconds"))
    add(
        feed,
        "link",
        rel="self",
        href=f"{request.app.state.settings.public_url.rstrip('/')}{request.url.path}",
    )
    add(add(feed, "author"), "name", "Maillage")
    for entry in listed:
        node = add(feed, "entry")
        add(node, "id", entry.id)
        add(node, "title", shorten(entry.title, 250))
        add(node, "updated", _instant(entry.day or newest or snapshot.loaded_at.date()))
        add(node, "link", href=entry.link)
        add(node, "summary", shorten(entry.summary, 1500))
    body = bytes(etree.tostring(feed, xml_declaration=True, encoding="utf-8"))
    return wire.send_tagged(request, body, MEDIA)


def _plain(text: str) -> str:
    """The text without characters that XML forbids."""
    return "".join(c for c in text if c.isprintable() or c in "\n\t")


def _instant(day: date) -> str:
    return datetime.combine(day, time(), UTC).isoformat()
