"""Being told of the structures that become ones to call for a kept search: by a feed, or by mail."""

import logging
import secrets
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Request, Response
from sqlalchemy import delete, func, select, update

from matcher.domain import BadInput, Match, MatcherError
from matcher.outreach import delivery, links
from matcher.outreach.digest_formats import Entry, feed
from matcher.records.store import now
from matcher.records.tables import Alert, Search
from service import wire
from service.access import identify, store_of
from service.page import fields, render
from service.page.buyer import answer_of
from service.page.lots import line
from service.page.render import Facts
from service.page.visitor import Buyer, CheckedForm, Searcher
from service.problems import Refused
from service.routes import feeds, webhooks
from service.settings import mail_transport
from service.snapshot import snapshot_of

router = APIRouter()
log = logging.getLogger("service")
MOST = 30  # alerts of one buyer
AT_ONCE = 5  # searches asked again in one go: those that wait follow


def to_call(request: Request, reference: str) -> tuple[str, list[Match]]:
    """The title of a kept search and its structures to call, each once."""
    _, found, answer = answer_of(request, reference)
    listed = (m for each in answer.lots for m in each.matches if m.level != "plausible")
    return found.tender.title, list({m.structure.siret: m for m in listed}.values())


@router.get("/acheteur/alerte/{reference}.atom")
def alert(request: Request, who: feeds.Reader, reference: str) -> Response:
    """The structures to call of a kept search, as a feed: a reader tells of those that join them."""
    title, listed = to_call(request, reference)
    site = request.app.state.settings.public_url.rstrip("/")
    opened = snapshot_of(request).loaded_at.isoformat(timespec="seconds")
    id = f"urn:maillage:search:{quote(reference)}"

    def entry(match: Match) -> Entry:
        one = match.structure
        name = f"{render.called(one)} ({one.kind}, {render.town(one.place)})"
        updated = f"{one.updated}T00:00:00+00:00" if one.updated else opened
        address = f"{site}/acheteur/structure/{one.siret}"
        return Entry(f"{id}:{one.siret}", name, updated, line(match).trade or "à appeler", address)

    body = feed(id, f"À appeler : {title}", opened, map(entry, listed), f"{site}{request.url.path}")
    return wire.send_tagged(request, body, feeds.MEDIA)


@router.get("/acheteur/alerte/{reference}")
def choose(request: Request, who: Searcher, reference: str) -> Response:
    return _page(request, reference, *to_call(request, reference))


def _page(
    request: Request, reference: str, title: str, listed: list[Match], done: str = "", **values: Any
) -> Response:
    path = f"/acheteur/alerte/{reference}.atom"
    stream = f"{quote(path)}?token={links.token('feed', path)}"
    shown: dict[str, Any] = {"title": title, "count": len(listed), "reference": reference, "feed": stream}
    shown |= {"buys": identify(request).may("buyer"), "done": done}
    return render.page(request, "alert.html", **shown, **values)


@router.post("/acheteur/alerte/{reference}")
def ask(
    request: Request, who: Buyer, form: CheckedForm, reference: str, address: fields.Line = ""
) -> Response:
    """Mail an address of those that become ones to call: a buyer's alone, who answers for it."""
    store, snapshot = store_of(request), snapshot_of(request)
    title, listed = to_call(request, reference)
    try:
        to = fields.address(address, needed=True)
        row: Facts = {"id": secrets.token_urlsafe(16), "search": reference, "owner": who.actor, "address": to}
        row |= {"told": [m.structure.siret for m in listed], "data": snapshot.matcher.versions["data"]}
        with store.writing(who.actor, "alert", reference) as connection:
            connection.execute(delete(Alert).where(Alert.search == reference, Alert.address == to))
            mine = select(func.count()).select_from(Alert).where(Alert.owner == who.actor)
            if connection.execute(mine).scalar_one() >= MOST:
                raise BadInput(f"{MOST} alertes au plus : arrêtez-en une par le lien d'un de ses messages")
            store.put(connection, Alert, [row])
    except BadInput as error:
        wrong = fields.problems_of(error, "address")
        return _page(request, reference, title, listed, problems=wrong, typed=address)
    noted = f"C'est noté : {to} recevra un courriel quand une structure s'ajoute."
    return _page(request, reference, title, listed, noted)


@router.get("/acheteur/alerte/{reference}/fin/{id}")
def ending(request: Request, reference: str, id: str) -> Response:
    return render.page(request, "alert_end.html", ended=False)


@router.post("/acheteur/alerte/{reference}/fin/{id}")
def end(request: Request, form: CheckedForm, reference: str, id: str) -> Response:
    """Stop an alert: whoever has a mail of it may."""
    with store_of(request).writing() as connection:
        connection.execute(delete(Alert).where(Alert.id == id, Alert.search == reference))
    return render.page(request, "alert_end.html", ended=True)


def look(app: FastAPI) -> None:
    """Ask the searches of alerts again on another catalogue, and queue a mail of who joined."""
    store, snapshot = app.state.store, app.state.serving.current
    if store is None or snapshot is None:
        return
    data, request = snapshot.matcher.versions["data"], Request({"type": "http", "app": app, "headers": []})
    site = app.state.settings.public_url.rstrip("/")
    for row in store.ask(select(Alert.__table__).where(Alert.data != data).limit(AT_ONCE)).mappings().all():
        search = quote(row["search"])
        try:
            title, listed = to_call(request, row["search"])
        except (MatcherError, Refused) as error:  # its notice is gone, or it can no longer be read
            log.warning("an alert ends", extra={"why": str(error)[:300]})
            with store.writing() as connection:
                connection.execute(delete(Alert).where(Alert.id == row["id"]))
            continue
        fresh = [m.structure for m in listed if m.structure.siret not in row["told"]]
        values = {"told": [*row["told"], *(one.siret for one in fresh)], "data": data}
        with store.writing() as connection:
            connection.execute(update(Alert).where(Alert.id == row["id"]).values(values))
            connection.execute(update(Search).where(Search.id == row["search"]).values(at=now()))
            if fresh:
                joined = [{"siret": one.siret, "name": one.name} for one in fresh]
                told = {"search": row["search"], "title": title, "url": f"{site}/acheteur/r/{search}"}
                told |= {"joined": joined}
                webhooks.tell(store, connection, row["owner"], "search.joined", told, f"{row['id']}|{data}")
                names = [f"{render.called(one)} ({render.town(one.place)})" for one in fresh]
                end = f"{site}/acheteur/alerte/{search}/fin/{row['id']}"
                to, facts = row["address"], {"names": names, "link": told["url"], "end": end}
                transport, once = mail_transport(app.state.settings), f"{row['id']}|{data}"
                delivery.queue(store, connection, transport, "alert", title, to, once, **facts)
