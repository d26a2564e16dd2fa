"""The exchange, feedback on lots, and profiles that structures write themselves."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from matcher import codec
from matcher.domain import Forbidden
from matcher.records import exchange, feedback, self_declared, worked
from matcher.reference.identifiers import IDENTITY
from service import access, announced, schemas
from service.access import Member, StructureKey, store_of
from service.idempotency import once
from service.routes.structures import SiretPath
from service.schemas import AgreementIn, MessageIn

router = APIRouter(tags=["exchange"])
Listed = list[dict[str, Any]]
DeclarationId = Annotated[str, Path(max_length=64)]


@router.get("/exchange")
def listing(
    request: Request,
    who: Member,
    notice_id: Annotated[str | None, Query(max_length=200)] = None,
    mine: bool = False,
) -> Listed:
    buys = announced.buyer_of(request, who)
    found = exchange.listing(store_of(request), who, notice_id=notice_id, mine=mine, buyer_of=buys)
    return [codec.to_json(one) for one in found]


@router.post("/exchange", status_code=201)
def declare(request: Request, who: StructureKey, asked: schemas.DeclarationIn) -> Response:
    return once(
        request, who, lambda: codec.to_json(announced.declare(request, who, **asked.model_dump())), 201
    )


@router.post("/exchange/{declaration_id}/agreement")
def agree(request: Request, who: StructureKey, declaration_id: DeclarationId, asked: AgreementIn) -> Listed:
    announced.agree(request, who, declaration_id, asked.other, asked.role, asked.part)
    return group(request, who, declaration_id)


@router.get("/exchange/{declaration_id}/group")
def group(request: Request, who: StructureKey, declaration_id: DeclarationId) -> Listed:
    return [codec.to_json(one) for one in exchange.group(store_of(request), who, declaration_id)]


@router.post("/exchange/{declaration_id}/messages")
def write(request: Request, who: StructureKey, declaration_id: DeclarationId, asked: MessageIn) -> Listed:
    announced.write(request, who, declaration_id, asked.siret, asked.text)
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
    announced.withdraw(request, who, declaration_id)


@router.get("/exchange/{declaration_id}/contact")
def contact(request: Request, who: Member, declaration_id: DeclarationId) -> dict[str, str]:
    buys = announced.buyer_of(request, who)
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
    snapshot = request.app.state.serving.current
    tender = snapshot.by_id.get(asked.notice_id) if snapshot else None
    if asked.verb == "won" and not announced.is_buyer_of(request, who, asked.notice_id):
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
