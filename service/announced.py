"""Declarations to the exchange: on a known notice alone, told to whom they complete and to its buyer."""

import secrets
from collections.abc import Collection, Mapping
from typing import Any

from fastapi import Request

from matcher.domain import Structure, Tender
from matcher.outreach import alerts, letters, post
from matcher.outreach.sourcing import questions
from matcher.reading.procedure import closing
from matcher.records import exchange, feedback
from matcher.records.keys import Bearer
from matcher.reference.text import clean, shorten
from service.access import store_of
from service.page import render
from service.settings import mail_transport
from service.snapshot import Snapshot

AGREES = "Accord pour répondre ensemble. Rôle : {role}. Part : {part}. {then}"
ANSWER = "Dites les vôtres par « S'accorder », sous cette annonce."
SHEET = "Votre groupement et son récapitulatif sont sous votre annonce."
WITHDRAWN = "L'annonce est retirée : le groupement convenu avec vous n'existe plus."
TOLD = 5  # members told of one declaration, those it completes most
MOST = 3  # mails of declarations to one of them in a day
MESSAGES = 12  # mails of the exchange to one of them in a day, those that members write included


def known(snapshot: Snapshot | None, siret: str) -> Structure | None:
    return snapshot.catalogue.known(siret) if snapshot else None


def name_of(snapshot: Snapshot | None, siret: str) -> str:
    structure = known(snapshot, siret)
    return render.called(structure) if structure else render.siret(siret)


def notice(request: Request, notice_id: str) -> Tender | None:
    snapshot = request.app.state.serving.current
    found: Tender | None = snapshot.by_id.get(notice_id) if snapshot else None
    return found


def is_buyer_of(request: Request, who: Bearer, notice_id: str) -> bool:
    """Does this key speak for the buyer of a notice: its author here, or one whose SIREN the notice names?"""
    if "operator" in who.scopes:
        return True
    if "buyer" not in who.scopes:
        return False
    tender = notice(request, notice_id)
    siren = tender.buyer.id[:9] if tender else ""
    named = len(siren) == 9 and any(siret.startswith(siren) for siret in who.sirets)
    return named or feedback.of_buyer(store_of(request), notice_id, who.actor)


def buyer_of(request: Request, who: Bearer) -> exchange.BuyerOf:
    return lambda notice_id: is_buyer_of(request, who, notice_id)


def declare(request: Request, who: Bearer, **facts: Any) -> exchange.Offer:
    """Declare, and mail those whom it completes, once each, and the buyer where its author allows it."""
    tender = notice(request, facts["notice_id"])
    facts["deadline"] = facts.get("deadline") or (closing(tender) if tender else None)
    offer = exchange.declare(store_of(request), who, tender=tender, **facts)
    store, snapshot = store_of(request), request.app.state.serving.current
    between = exchange.distances(snapshot.catalogue) if snapshot else None
    found = exchange.suggest(
        store, who, offer.siret, notice_id=offer.notice_id, kilometres=between, n=TOLD, record=False
    )
    members = {
        one.offer.siret
        for one in found
        if offer.visibility == "members" or one.offer.siret in (facts.get("named") or ())
    }
    texts = {"Apporte": offer.brings, "Cherche": offer.seeks}
    said = "\n".join(f"{name} : {text}" for name, text in texts.items() if text)
    buyers = {tender.buyer.id[:14]: tender.contact.email} if offer.buyer_may_see and tender else {}
    about = (offer.siret, offer.id, offer.notice_id)
    _tell(request, about, members, said, buyers=buyers, name=offer.id, most=MOST)
    return offer


def write(request: Request, who: Bearer, identifier: str, other: str, text: str) -> None:
    """Write about a declaration, and mail what is written to whom it is for."""
    to, about = exchange.write(store_of(request), who, identifier, other, text)
    _tell(request, (who.sirets[0], identifier, about), [to], clean(text))


def agree(request: Request, who: Bearer, identifier: str, other: str, role: str, part: str) -> bool:
    """Agree with the author of another declaration, and mail it what one said; did it agree too?"""
    store = store_of(request)
    to, about = exchange.agree(store, who, identifier, other, role, part)
    both = to in {member.siret for member in exchange.group(store, who, identifier)}
    told = AGREES.format(role=role, part=clean(part), then=SHEET if both else ANSWER)
    _tell(request, (who.sirets[0], identifier, about), [to], told)
    return both


def withdraw(request: Request, who: Bearer, identifier: str) -> None:
    """Withdraw a declaration, and mail those who were in its group."""
    group, about = exchange.withdraw(store_of(request), who, identifier)
    _tell(request, (who.sirets[0], identifier, about), group, WITHDRAWN)


def _tell(
    request: Request,
    about: tuple[str, str, str],
    members: Collection[str],
    said: str,
    *,
    buyers: Mapping[str, str] | None = None,
    name: str = "",
    most: int = MESSAGES,
) -> None:
    """Queue what an author says `about` itself, a declaration and a notice to members, who get a link, and to buyers.

    `most` of them leave a day to each; `name` is that of letters which leave once.
    """
    author, declaration, notice_id = about
    state, store, tender = request.app.state, store_of(request), notice(request, notice_id)
    snapshot, base = state.serving.current, state.settings.public_url.rstrip("/")
    to = {siret: alerts.address_of(store, snapshot.catalogue, siret) for siret in members} if snapshot else {}
    to |= buyers or {}
    by, title = name_of(snapshot, author), " ".join((tender.title if tender else notice_id).split())
    name = name or f"{declaration}|{secrets.token_hex(8)}"
    reached = questions.outcomes(store, to)
    with store.writing() as connection:
        for siret in (siret for siret, outcome in reached.items() if outcome == "queued"):
            if post.count_today(connection, "exchange", siret) >= most:
                continue
            link = f"{base}/structure/{siret}/bourse" if siret in members else ""
            transport = mail_transport(state.settings)
            facts = {"author": by, "title": title, "said": said, "link": link}
            subject, once = shorten(title, 120), f"{name}|{siret}"
            letter = letters.letter("announcement", subject, to[siret], transport, once, **facts)
            post.queue(store, connection, letter, kind="exchange", siret=siret, record_id=declaration)
    state.mailer.wake()
