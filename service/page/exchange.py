"""The exchange on the pages: announcements with names, texts, lots and contacts, and their withdrawal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from matcher.domain import BadInput, MatcherError, Structure
from matcher.records import exchange
from matcher.records.keys import Bearer
from service import access
from service.access import store_of
from service.page import fields, render
from service.page.visitor import Reader, StructureOwner
from service.router import Router
from service.snapshot import Snapshot

router = Router()


@dataclass(frozen=True, slots=True)
class Announcement:
    """A declaration with the names of its structure, notice and lot."""

    offer: exchange.Offer
    structure: Structure | None
    title: str  # of the notice
    lot: str  # its title; "" for the whole notice
    reasons: tuple[str, ...] = ()
    km: float | None = None
    seen: int = 0  # how many have seen one's own announcement

    @property
    def name(self) -> str:
        return render.called(self.structure) if self.structure else render.siret(self.offer.siret)


def announced(snapshot: Snapshot, offer: exchange.Offer, **facts: Any) -> Announcement:
    tender = snapshot.notices.get(offer.notice_id)
    lot = next((each for each in tender.lots if each.id == offer.lot_id), None) if tender else None
    title = tender.title if tender else f"Avis {offer.notice_id}"
    return Announcement(offer, _known(snapshot, offer.siret), title, lot.title if lot else "", **facts)


def _known(snapshot: Snapshot, siret: str) -> Structure | None:
    try:
        return snapshot.structure(siret)
    except MatcherError:
        return None


def own(request: Request, who: Bearer) -> list[Announcement]:
    """One's own announcements, in any state, with how many saw them."""
    snapshot, store = request.app.state.serving.get(), store_of(request)
    return [
        announced(snapshot, o, seen=len({v["viewer"] for v in exchange.viewers(store, who, o.id)}))
        for o in exchange.listing(store, who, mine=True)
    ]


def others(request: Request, who: Bearer, siret: str, notice_id: str | None = None) -> list[Announcement]:
    """Others' announcements: those that complete one's own first, with why, then the rest."""
    snapshot, store = request.app.state.serving.get(), store_of(request)
    between = exchange.distances(snapshot.catalogue)
    found = exchange.suggest(store, who, siret, notice_id=notice_id, kilometres=between)
    first = {
        s.offer.id: announced(snapshot, s.offer, reasons=s.reasons, km=_km(s.distance_km)) for s in found
    }
    listed = exchange.listing(store, who, notice_id=notice_id)
    rest = [o for o in listed if o.siret not in who.sirets and o.id not in first]
    return [*first.values(), *(announced(snapshot, o, km=_km(between(siret, o.siret))) for o in rest[:40])]


def _km(value: float) -> float | None:
    return None if value != value else value


@router.get("/structure/{siret}/bourse")
def show(request: Request, siret: str, who: Reader, contact: str = "") -> Response:
    """The exchange as this structure sees it."""
    access.own(who, siret)
    return _page(request, siret, who, "")


def _page(
    request: Request, siret: str, who: Bearer, done: str, address: tuple[str, str] = ("", "")
) -> Response:
    structure = request.app.state.serving.get().structure(siret)
    return render.page(
        request,
        "exchange.html",
        structure=structure,
        own=own(request, who),
        others=others(request, who, siret),
        done=done,
        address=address,
    )


@router.post("/structure/{siret}/bourse/{identifier}")
def act(
    request: Request,
    siret: str,
    identifier: str,
    who: StructureOwner,
    faire: fields.Word = "",
) -> Response:
    """Withdraw, delete one's address, or see the address of another (which is recorded)."""
    store = store_of(request)
    if faire == "retirer":
        exchange.withdraw(store, who, identifier)
        return _page(request, siret, who, "Votre annonce est retirée, et son adresse effacée.")
    if faire == "oublier":
        exchange.forget_contact(store, who, identifier)
        return _page(request, siret, who, "L'adresse de votre annonce est effacée.")
    if faire == "contact":
        return _page(request, siret, who, "", (identifier, exchange.contact(store, who, identifier)))
    raise BadInput("Choisissez de retirer l'annonce, d'effacer son adresse ou de voir un contact.")
