"""The exchange, feedback on lots, and profiles that structures write themselves.

Declarations are on a known notice alone, and told to whom they complete and to its buyer; the pages make them here too.
"""

import secrets
from collections.abc import Collection, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from matcher import codec
from matcher.domain import Forbidden, Structure, Tender
from matcher.outreach import alerts, delivery
from matcher.outreach.sourcing import questions
from matcher.reading.procedure import closing
from matcher.records import exchange, feedback, self_declared, worked
from matcher.records.keys import Bearer
from matcher.reference.identifiers import IDENTITY
from matcher.reference.text import clean, shorten
from service import access, schemas
from service.access import Member, StructureKey, store_of
from service.idempotency import once
from service.page import render
from service.routes.structures import SiretPath
from service.schemas import AgreementIn, MessageIn
from service.settings import mail_transport
from service.snapshot import Snapshot

router = APIRouter(tags=["exchange"])
Listed = list[dict[str, Any]]
DeclarationId = Annotated[str, Path(max_length=64)]
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


def announce(request: Request, who: Bearer, **facts: Any) -> exchange.Offer:
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


def send(request: Request, who: Bearer, identifier: str, other: str, text: str) -> None:
    """Write about a declaration, and mail what is written to whom it is for."""
    to, about = exchange.write(store_of(request), who, identifier, other, text)
    _tell(request, (who.sirets[0], identifier, about), [to], clean(text))


def accept(request: Request, who: Bearer, identifier: str, other: str, role: str, part: str) -> bool:
    """Agree with the author of another declaration, and mail it what one said; did it agree too?"""
    store = store_of(request)
    to, about = exchange.agree(store, who, identifier, other, role, part)
    both = to in {member.siret for member in exchange.group(store, who, identifier)}
    told = AGREES.format(role=role, part=clean(part), then=SHEET if both else ANSWER)
    _tell(request, (who.sirets[0], identifier, about), [to], told)
    return both


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
            if delivery.count_today(connection, "exchange", siret) >= most:
                continue
            link = f"{base}/structure/{siret}/bourse" if siret in members else ""
            transport = mail_transport(state.settings)
            facts = {"author": by, "title": title, "said": said, "link": link}
            facts |= {"siret": siret, "record_id": declaration}
            named = (shorten(title, 120), to[siret], f"{name}|{siret}")
            delivery.queue(store, connection, transport, "exchange", *named, **facts)
    state.mailer.wake()


@router.get("/exchange")
def listing(
    request: Request,
    who: Member,
    notice_id: Annotated[str | None, Query(max_length=200)] = None,
    mine: bool = False,
) -> Listed:
    buys = buyer_of(request, who)
    found = exchange.listing(store_of(request), who, notice_id=notice_id, mine=mine, buyer_of=buys)
    return [codec.to_json(one) for one in found]


@router.post("/exchange", status_code=201)
def declare(request: Request, who: StructureKey, asked: schemas.DeclarationIn) -> Response:
    return once(request, who, lambda: codec.to_json(announce(request, who, **asked.model_dump())), 201)


@router.post("/exchange/{declaration_id}/agreement")
def agree(request: Request, who: StructureKey, declaration_id: DeclarationId, asked: AgreementIn) -> Listed:
    accept(request, who, declaration_id, asked.other, asked.role, asked.part)
    return group(request, who, declaration_id)


@router.get("/exchange/{declaration_id}/group")
def group(request: Request, who: StructureKey, declaration_id: DeclarationId) -> Listed:
    return [codec.to_json(one) for one in exchange.group(store_of(request), who, declaration_id)]


@router.post("/exchange/{declaration_id}/messages")
def write(request: Request, who: StructureKey, declaration_id: DeclarationId, asked: MessageIn) -> Listed:
    send(request, who, declaration_id, asked.siret, asked.text)
    return messages(request, who, declaration_id)


@router.get("/exchange/{declaration_id}/messages")
def messages(request: Request, who: StructureKey, declaration_id: DeclarationId) -> Listed:
    return [codec.to_json(one) for one in exchange.messages(store_of(request), who, declaration_id)]


@router.post("/exchange/{declaration_id}/won", status_code=204)
def won(
    request: Request,
    who: StructureKey,
    declaration_id: DeclarationId,
    promised: Annotated[float | None, Query(ge=0, le=worked.MOST, description="Hours of one's part.")] = None,
) -> None:
    worked.won(store_of(request), who, declaration_id, promised)


@router.delete("/exchange/{declaration_id}", status_code=204)
def withdraw(request: Request, who: StructureKey, declaration_id: DeclarationId) -> None:
    # those who were in its group are mailed
    members, notice_id = exchange.withdraw(store_of(request), who, declaration_id)
    _tell(request, (who.sirets[0], declaration_id, notice_id), members, WITHDRAWN)


@router.get("/exchange/{declaration_id}/contact")
def contact(request: Request, who: Member, declaration_id: DeclarationId) -> dict[str, str]:
    buys = buyer_of(request, who)
    return {"contact": exchange.contact(store_of(request), who, declaration_id, buys)}


@router.delete("/exchange/{declaration_id}/contact", status_code=204)
def forget_contact(request: Request, who: StructureKey, declaration_id: DeclarationId) -> None:
    exchange.forget_contact(store_of(request), who, declaration_id)


@router.get("/exchange/{declaration_id}/viewers")
def viewers(request: Request, who: StructureKey, declaration_id: DeclarationId) -> Listed:
    return list(exchange.viewers(store_of(request), who, declaration_id))


@router.get("/exchange/suggestions")
def suggestions(
    request: Request,
    who: StructureKey,
    siret: Annotated[str, Query(pattern=rf"^(?:{IDENTITY})$")],
    notice_id: Annotated[str | None, Query(max_length=200)] = None,
    reach_km: Annotated[float, Query(gt=0, le=1500)] = 100.0,
    n: Annotated[int, Query(ge=1, le=100)] = 10,
) -> Listed:
    snapshot = request.app.state.serving.current
    between = exchange.distances(snapshot.catalogue) if snapshot else None
    found = exchange.suggest(
        store_of(request), who, siret, notice_id=notice_id, kilometres=between, reach_km=reach_km, n=n
    )
    return [codec.to_json(one) for one in found]


@router.post("/feedback")
def give_feedback(request: Request, who: Member, asked: schemas.FeedbackIn) -> Response:
    if "buyer" not in who.scopes or asked.verb in feedback.OF_STRUCTURES:
        access.own(who, asked.siret)
    tender = notice(request, asked.notice_id)
    if asked.verb == "won" and not is_buyer_of(request, who, asked.notice_id):
        raise Forbidden("only the buyer of this notice may say who won it: ask with a key of its SIRET")
    lot = next((each for each in tender.lots if each.id == asked.lot_id), None) if tender else None

    def do() -> dict[str, Any]:
        cpv = lot.cpv[0] if lot and lot.cpv else ""
        feedback.record(store_of(request), **asked.model_dump(), cpv=cpv, by=who.actor)
        return {"recorded": True}

    def after() -> None:
        if asked.reason == feedback.NOT_OUR_TRADE:
            request.app.state.serving.apply_denials(store_of(request))

    return once(request, who, do, after=after)


@router.get("/structures/{siret}/profile")
def profile(request: Request, who: StructureKey, siret: SiretPath) -> dict[str, Any]:
    access.own(who, siret)
    found = self_declared.read(store_of(request), siret)
    facts = {name: value for name, value in found.facts.items() if name not in self_declared.SETTINGS}
    return {**facts, "denied": list(found.denied), "at": found.at}


@router.put("/structures/{siret}/profile")
def set_profile(request: Request, who: StructureKey, siret: SiretPath, asked: schemas.ProfileIn) -> Response:
    access.own(who, siret)

    def do() -> dict[str, Any]:
        facts = asked.model_dump(mode="json", exclude={"denied"})
        written = self_declared.write(store_of(request), siret, facts, who.actor, asked.denied)
        return {**facts, "offers": written.facts["offers"], "denied": list(written.denied)}

    return once(request, who, do, after=lambda: request.app.state.serving.apply_denials(store_of(request)))
