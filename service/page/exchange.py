"""The exchange on the pages: partners for a notice, declarations with names, lots and contacts, their withdrawal."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from matcher.domain import BadInput, NotFound
from matcher.matching.groups.consortium import task_label
from matcher.partners import partners
from matcher.records import exchange, worked
from matcher.records.keys import Bearer
from matcher.records.store import Store
from service import access, schemas, wire
from service.access import store_of
from service.page import fields, render
from service.page.render import Facts
from service.page.visitor import Mine, Reader, SeesStructures
from service.routes import exchange as routes
from service.routes.exchange import buyer_of, known, name_of
from service.snapshot import Snapshot, snapshot_of

router = APIRouter()
NONE = ("", "")
MESSAGE = "Votre message est noté, et envoyé par courriel si une adresse est connue."
AGREED = "Votre accord est noté : le groupement se voit quand l'autre dit le sien."
TOGETHER = "Vous êtes d'accord : votre groupement se voit sous votre annonce."
NO_GROUP = "Personne ne s'est encore accordé avec vous : il n'y a pas de groupement à télécharger."


def announced(snapshot: Snapshot, offer: exchange.Offer, **facts: Any) -> Facts:
    """A declaration with the names of its structure, notice and lot, "" for the whole notice; and what is told besides.

    `reasons` why it completes one's own, `km`; of one's own how many have `seen` it, its `group` and who is `waiting`;
    `said`, see `_said`.
    """
    tender = snapshot.by_id.get(offer.notice_id)
    lot = next((each for each in tender.lots if each.id == offer.lot_id), None) if tender else None
    names: Facts = {"structure": known(snapshot, offer.siret), "name": name_of(snapshot, offer.siret)}
    names |= {"title": tender.title if tender else f"Avis {offer.notice_id}", "lot": lot.title if lot else ""}
    return {"offer": offer, "reasons": (), "km": None, **names, **facts}


Said = dict[str, tuple[str, tuple[exchange.Said, ...]]]


def _said(snapshot: Snapshot, store: Store, who: Bearer, offer: exchange.Offer) -> Said:
    """What was written about a declaration: SIRET of who is not its author -> its name, the messages."""
    messages: dict[str, tuple[exchange.Said, ...]] = {}
    for one in exchange.messages(store, who, offer.id):
        messages[one.other] = (*messages.get(one.other, ()), one)
    return {other: (name_of(snapshot, other), told) for other, told in messages.items()}


def own(request: Request, who: Bearer) -> list[Facts]:
    """One's own announcements, in any state, with how many saw them."""
    snapshot, store = snapshot_of(request), store_of(request)

    def shown(offer: exchange.Offer) -> Facts:
        seen = len({v["viewer"] for v in exchange.viewers(store, who, offer.id)})
        agreed: dict[str, Any] = {
            name: tuple((name_of(snapshot, m.siret), m) for m in told(store, who, offer.id))
            for name, told in (("group", exchange.group), ("waiting", exchange.waiting))
        }
        return announced(snapshot, offer, seen=seen, said=_said(snapshot, store, who, offer), **agreed)

    return list(map(shown, exchange.listing(store, who, mine=True)))


def others(request: Request, who: Bearer, siret: str, notice_id: str | None = None) -> list[Facts]:
    """Others' announcements: those that complete one's own first, with why, then the rest."""
    snapshot, store = snapshot_of(request), store_of(request)
    between = exchange.distances(snapshot.catalogue)
    found = exchange.suggest(store, who, siret, notice_id=notice_id, kilometres=between)
    shown = [announced(snapshot, s.offer, reasons=s.reasons, km=schemas.number(s.distance_km)) for s in found]
    first = {one["offer"].id for one in shown}
    listed = exchange.listing(store, who, notice_id=notice_id)
    rest = [o for o in listed if o.siret not in who.sirets and o.id not in first]
    shown += [announced(snapshot, o, km=schemas.number(between(siret, o.siret))) for o in rest[:40]]
    return [one | {"said": _said(snapshot, store, who, one["offer"])} for one in shown]


@router.get("/structure/{siret}/bourse")
def show(request: Request, siret: str, who: Reader, contact: str = "") -> Response:
    """The exchange as this structure sees it."""
    access.own(who, siret)
    return _page(request, siret, who)


def _page(
    request: Request, siret: str, who: Bearer, done: str = "", address: Sequence[str] = NONE
) -> Response:
    structure = snapshot_of(request).structure(siret)
    listed: dict[str, Any] = {"own": own(request, who), "others": others(request, who, siret)}
    return render.page(request, "exchange.html", structure=structure, done=done, address=address, **listed)


#: What a member does with a declaration, as it is typed.
ACT = fields.form(faire=40, autre=40, role=40, part=2000, texte=4000, heures=40)


@router.post("/structure/{siret}/bourse/{identifier}")
def act(mine: Mine, identifier: str, act: Annotated[fields.Texts, ACT]) -> Response:
    """Withdraw, delete one's address, see another's (which is recorded), write to its author, or agree."""
    store, siret, who = mine.store, mine.siret, mine.who
    here = partial(_page, mine.request, siret, who)
    if act["faire"] == "retirer":
        routes.withdraw(mine.request, who, identifier)
        return here("Votre annonce est retirée, et son adresse effacée.")
    if act["faire"] == "oublier":
        exchange.forget_contact(store, who, identifier)
        return here("L'adresse de votre annonce est effacée.")
    if act["faire"] == "contact":
        return here(address=(identifier, exchange.contact(store, who, identifier)))
    if act["faire"] == "ecrire":
        routes.send(mine.request, who, identifier, act["autre"] or siret, act["texte"])
        return here(MESSAGE)
    if act["faire"] == "accord":
        both = routes.accept(mine.request, who, identifier, act["autre"], act["role"], act["part"])
        return here(TOGETHER if both else AGREED)
    if act["faire"] == "gagne":
        hours = fields.number(act["heures"], "Heures promises : écrivez un nombre, 400 par exemple, ou rien.")
        worked.won(store, who, identifier, hours)
        return render.go("/heures")
    raise BadInput("Choisissez de retirer l'annonce, d'effacer son adresse ou de voir un contact.")


@router.get("/structure/{siret}/bourse/{identifier}/groupement.txt")
def sheet(request: Request, siret: str, identifier: str, who: Reader) -> Response:
    """The sheet of a group, to be downloaded: who does what, as each member said, for the DC1."""
    access.own(who, siret)
    snapshot, store = snapshot_of(request), store_of(request)
    members = sorted(exchange.group(store, who, identifier), key=lambda one: one.role != "mandataire")
    (offer,) = [o for o in exchange.listing(store, who, mine=True) if o.id == identifier]
    if not members:
        raise NotFound(NO_GROUP)
    about, tender = announced(snapshot, offer), snapshot.by_id.get(offer.notice_id)
    named = [(name_of(snapshot, member.siret), member) for member in members]
    text = render.text("groupement.txt", offer=offer, about=about, tender=tender, members=named)
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


@router.get("/structure/{siret}/partenaires")
def together(request: Request, siret: str, avis: fields.Asked, who: SeesStructures) -> Response:
    return _partners(request, siret, avis, who)


def _partners(request: Request, siret: str, notice_id: str, who: Bearer, **form: Any) -> Response:
    """The partners; after an invalid declaration, with its errors."""
    snapshot = snapshot_of(request)
    structure, tender = snapshot.structure(siret), snapshot.notice(notice_id)
    found = partners.partners(snapshot.matcher, structure, tender, n=8)
    mine = structure.siret in who.sirets
    offers = others(request, who, structure.siret, tender.id) if mine else []
    shown: dict[str, Any] = {"structure": structure, "tender": tender, "mine": mine, "offers": offers}
    shown |= {"found": found, "label": lambda task: render.initial(task_label(tender, task))}
    return render.page(request, "partners.html", **shown, **form)


#: What a structure offers and looks for, as it is typed.
OFFERED = fields.form(lot_id=200, brings=2000, seeks=2000, contact=300, visible=2000, buyer=40)


@router.post("/structure/{siret}/bourse")
def declare(mine: Mine, notice_id: fields.Name, typed: Annotated[fields.Texts, OFFERED]) -> Response:
    """Declare what one offers and looks for; a new declaration replaces the former."""
    request, siret, who = mine.request, mine.siret, mine.who
    snapshot_of(request).notice(notice_id)
    empty = "Dites ce que vous apportez ou ce que vous cherchez : les deux sont vides."
    try:
        read = fields.checked(
            contact=lambda: fields.address(typed["contact"]) or None,
            visible=lambda: _sirets(typed["visible"]),
            brings=lambda: fields.words(typed["brings"] + typed["seeks"], empty, 1),
        )
        facts: Facts = {name: typed[name] for name in ("lot_id", "brings", "seeks")}
        facts |= {"visibility": "named" if read["visible"] else "members", "named": read["visible"]}
        facts |= {"contact": read["contact"], "buyer_may_see": bool(typed["buyer"])}
        routes.announce(request, who, siret=siret, notice_id=notice_id, **facts)
    except BadInput as error:
        problems = fields.problems_of(error, "brings")
        return _partners(request, siret, notice_id, who, problems=problems, typed=typed)
    return render.go(f"/structure/{quote(siret)}/bourse#annonces")


def _sirets(text: str) -> list[str]:
    """The SIRETs of a text, with or without spaces in them.  Raises BadInput."""
    named = [re.sub(r"\s", "", word) for word in re.split(r"[,;\n]+", text) if word.strip()]
    found = [siret for word in named for siret in ([word[i : i + 14] for i in range(0, len(word), 14)])]
    if wrong := [siret for siret in found if not re.fullmatch(r"[0-9]{14}", siret)]:
        raise BadInput(f"« {wrong[0][:20]} » n'est pas un SIRET : quatorze chiffres.")
    return found
