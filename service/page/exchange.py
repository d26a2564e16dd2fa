"""The exchange on the pages: announcements with names, texts, lots and contacts, and their withdrawal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from fastapi import Form, Request, Response

from matcher.domain import BadInput, MatcherError, NotFound, Structure
from matcher.records import exchange, worked
from matcher.records.keys import Bearer
from matcher.records.store import Store
from service import access, wire
from service.access import store_of
from service.announced import buyer_of, write
from service.page import fields, render
from service.page.visitor import Reader, StructureOwner
from service.router import Router
from service.snapshot import Snapshot, snapshot_of

router = Router()
NONE = ("", "")
MESSAGE = "Votre message est noté, et envoyé par courriel si une adresse est connue."
AGREED = "Votre accord est noté : le groupement se voit quand l'autre dit le sien."
NO_GROUP = "Personne ne s'est encore accordé avec vous sur cette annonce : il n'y a pas de fiche."
#: Who does what in a group, for the DC1.
SHEET = """GROUPEMENT : QUI FAIT QUOI (à reporter dans le DC1 ; information, non un acte)

Avis {offer.notice_id} : {about.title}
Acheteur : {buyer}
Lot : {lot}
Réponse avant le {offer.deadline:%d/%m/%Y}
Forme proposée : conjoint

{parts}

À vérifier ensemble : prix de chaque part, pouvoirs donnés au mandataire, assurances, lot réservé ou non.
"""


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
    group: tuple[tuple[str, exchange.Agreed], ...] = ()  # who agreed with each other, with roles and parts
    said: Mapping[str, tuple[str, tuple[exchange.Said, ...]]] = field(default_factory=dict)  # see `_said`

    @property
    def name(self) -> str:
        return render.called(self.structure) if self.structure else render.siret(self.offer.siret)


def announced(snapshot: Snapshot, offer: exchange.Offer, **facts: Any) -> Announcement:
    tender = snapshot.notices.get(offer.notice_id)
    lot = next((each for each in tender.lots if each.id == offer.lot_id), None) if tender else None
    title = tender.title if tender else f"Avis {offer.notice_id}"
    return Announcement(offer, _known(snapshot, offer.siret), title, lot.title if lot else "", **facts)


def _name(snapshot: Snapshot, siret: str) -> str:
    structure = _known(snapshot, siret)
    return render.called(structure) if structure else render.siret(siret)


Said = dict[str, tuple[str, tuple[exchange.Said, ...]]]


def _said(snapshot: Snapshot, store: Store, who: Bearer, offer: exchange.Offer) -> Said:
    """What was written about a declaration: the SIRET of who is not its author -> its name, and the messages."""
    messages: dict[str, tuple[exchange.Said, ...]] = {}
    for one in exchange.messages(store, who, offer.id):
        messages[one.other] = (*messages.get(one.other, ()), one)
    return {other: (_name(snapshot, other), told) for other, told in messages.items()}


def _known(snapshot: Snapshot, siret: str) -> Structure | None:
    try:
        return snapshot.structure(siret)
    except MatcherError:
        return None


def own(request: Request, who: Bearer) -> list[Announcement]:
    """One's own announcements, in any state, with how many saw them."""
    snapshot, store = snapshot_of(request), store_of(request)

    def shown(offer: exchange.Offer) -> Announcement:
        seen = len({v["viewer"] for v in exchange.viewers(store, who, offer.id)})
        group = tuple((_name(snapshot, m.siret), m) for m in exchange.group(store, who, offer.id))
        return announced(snapshot, offer, seen=seen, group=group, said=_said(snapshot, store, who, offer))

    return list(map(shown, exchange.listing(store, who, mine=True)))


def others(request: Request, who: Bearer, siret: str, notice_id: str | None = None) -> list[Announcement]:
    """Others' announcements: those that complete one's own first, with why, then the rest."""
    snapshot, store = snapshot_of(request), store_of(request)
    between = exchange.distances(snapshot.catalogue)
    found = exchange.suggest(store, who, siret, notice_id=notice_id, kilometres=between)
    shown = [announced(snapshot, s.offer, reasons=s.reasons, km=_km(s.distance_km)) for s in found]
    first = {one.offer.id for one in shown}
    listed = exchange.listing(store, who, notice_id=notice_id)
    rest = [o for o in listed if o.siret not in who.sirets and o.id not in first]
    shown += [announced(snapshot, o, km=_km(between(siret, o.siret))) for o in rest[:40]]
    return [replace(one, said=_said(snapshot, store, who, one.offer)) for one in shown]


def _km(value: float) -> float | None:
    return None if value != value else value


@router.get("/structure/{siret}/bourse")
def show(request: Request, siret: str, who: Reader, contact: str = "") -> Response:
    """The exchange as this structure sees it."""
    access.own(who, siret)
    return _page(request, siret, who)


def _page(
    request: Request, siret: str, who: Bearer, done: str = "", address: tuple[str, str] = NONE
) -> Response:
    structure = snapshot_of(request).structure(siret)
    listed: dict[str, Any] = {"own": own(request, who), "others": others(request, who, siret)}
    return render.page(request, "exchange.html", structure=structure, done=done, address=address, **listed)


@router.post("/structure/{siret}/bourse/{identifier}")
def act(
    request: Request,
    siret: str,
    identifier: str,
    who: StructureOwner,
    faire: fields.Word = "",
    autre: fields.Word = "",
    role: fields.Word = "",
    part: fields.Sentences = "",
    texte: Annotated[str, Form(max_length=4000)] = "",
    heures: fields.Word = "",
) -> Response:
    """Withdraw, delete one's address, see the address of another (which is recorded), write to its author, or agree with it."""
    store = store_of(request)
    if faire == "retirer":
        exchange.withdraw(store, who, identifier)
        return _page(request, siret, who, "Votre annonce est retirée, et son adresse effacée.")
    if faire == "oublier":
        exchange.forget_contact(store, who, identifier)
        return _page(request, siret, who, "L'adresse de votre annonce est effacée.")
    if faire == "contact":
        address = exchange.contact(store, who, identifier)
        return _page(request, siret, who, address=(identifier, address))
    if faire == "ecrire":
        write(request, who, identifier, autre or siret, texte)
        return _page(request, siret, who, MESSAGE)
    if faire == "accord":
        exchange.agree(store, who, identifier, autre, role, part)
        return _page(request, siret, who, AGREED)
    if faire == "gagne":
        hours = fields.number(heures, "Heures promises : écrivez un nombre, 400 par exemple, ou rien.")
        worked.won(store, who, identifier, hours)
        return render.go("/heures")
    raise BadInput("Choisissez de retirer l'annonce, d'effacer son adresse ou de voir un contact.")


@router.get("/structure/{siret}/bourse/{identifier}/groupement.txt")
def sheet(request: Request, siret: str, identifier: str, who: Reader) -> Response:
    """The sheet of a group, to be downloaded: who does what, as each member said, for the DC1."""
    access.own(who, siret)
    snapshot, store = snapshot_of(request), store_of(request)
    members = exchange.group(store, who, identifier)
    (offer,) = [o for o in exchange.listing(store, who, mine=True) if o.id == identifier]
    if not members:
        raise NotFound(NO_GROUP)
    about, tender = announced(snapshot, offer), snapshot.notices.get(offer.notice_id)
    named = (
        (f"{m.role.capitalize()} : {_name(snapshot, m.siret)}, SIRET {m.siret}", m.part) for m in members
    )
    facts = {"buyer": tender.buyer.name if tender else "à préciser", "lot": about.lot or "tout l’avis"}
    facts["parts"] = "\n".join(f"{name}\n  Part : {part}" for name, part in named)
    text = SHEET.format(offer=offer, about=about, **facts)
    return wire.attachment(text, "text/plain; charset=utf-8", "groupement.txt")


@router.get("/acheteur/bourse")
def of_buyer(request: Request, who: Reader, avis: fields.Asked) -> Response:
    """What structures let the buyer of a notice see; nothing for anybody else."""
    snapshot, store = snapshot_of(request), store_of(request)
    tender = snapshot.notice(avis)
    buys = buyer_of(request, who)
    may = buys(avis)
    listed = exchange.listing(store, who, notice_id=avis, buyer_of=buys) if may else ()
    others = [announced(snapshot, offer) for offer in listed]
    return render.page(request, "exchange_buyer.html", tender=tender, may=may, others=others)
