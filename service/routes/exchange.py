"""The exchange, feedback on lots, and profiles that structures write themselves."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query, Request, Response

from matcher import codec
from matcher.domain import Forbidden, Tender
from matcher.records import exchange, feedback, self_declared
from matcher.records.keys import Bearer
from matcher.reference.identifiers import IDENTITY
from service import access, schemas
from service.access import Member, StructureKey, store_of
from service.idempotency import once
from service.router import Router
from service.routes.structures import SiretPath

router = Router(tags=["exchange"])
DeclarationId = Annotated[str, Path(max_length=64)]


@router.get("/exchange", summary="Open declarations that one may see")
def listing(
    request: Request,
    who: Member,
    notice_id: Annotated[str | None, Query(max_length=200)] = None,
    mine: bool = False,
) -> list[dict[str, Any]]:
    return [
        codec.to_json(o) for o in exchange.listing(store_of(request), who, notice_id=notice_id, mine=mine)
    ]


@router.post("/exchange", status_code=201, summary="Say what one brings and looks for")
def declare(request: Request, who: StructureKey, asked: schemas.DeclarationIn) -> Response:
    snapshot = request.app.state.serving.current

    def do() -> Any:
        known = snapshot.notices.get(asked.notice_id) if snapshot else None
        data = asked.model_dump()
        data["deadline"] = asked.deadline or (known.deadline if known else None)
        return codec.to_json(exchange.declare(store_of(request), who, **data))

    return once(request, who, asked, do, 201)


@router.delete("/exchange/{declaration_id}", status_code=204, summary="Take one's declaration back")
def withdraw(request: Request, who: StructureKey, declaration_id: DeclarationId) -> None:
    exchange.withdraw(store_of(request), who, declaration_id)


@router.get("/exchange/{declaration_id}/contact", summary="Its contact address; the request is recorded")
def contact(request: Request, who: Member, declaration_id: DeclarationId) -> dict[str, str]:
    return {"contact": exchange.contact(store_of(request), who, declaration_id)}


@router.delete(
    "/exchange/{declaration_id}/contact",
    status_code=204,
    summary="Delete the address of one's own declaration",
)
def forget_contact(request: Request, who: StructureKey, declaration_id: DeclarationId) -> None:
    exchange.forget_contact(store_of(request), who, declaration_id)


@router.get("/exchange/{declaration_id}/viewers", summary="Who saw one's own declaration, and when")
def viewers(request: Request, who: StructureKey, declaration_id: DeclarationId) -> list[dict[str, Any]]:
    return list(exchange.viewers(store_of(request), who, declaration_id))


@router.get(
    "/exchange/suggestions",
    summary="Others' declarations that complete one's own, best first, with the reason",
)
def suggestions(
    request: Request,
    who: StructureKey,
    siret: Annotated[str, Query(pattern=rf"^(?:{IDENTITY})$")],
    notice_id: Annotated[str | None, Query(max_length=200)] = None,
    reach_km: Annotated[float, Query(gt=0, le=1500)] = 100.0,
    n: Annotated[int, Query(ge=1, le=100)] = 10,
) -> list[dict[str, Any]]:
    snapshot = request.app.state.serving.current
    between = exchange.distances(snapshot.catalogue) if snapshot else None
    found = exchange.suggest(
        store_of(request), who, siret, notice_id=notice_id, kilometres=between, reach_km=reach_km, n=n
    )
    return [codec.to_json(one) for one in found]


@router.post("/feedback", summary="Feedback of a structure on a lot")
def give_feedback(request: Request, who: Member, asked: schemas.FeedbackIn) -> Response:
    if "buyer" not in who.scopes or asked.verb in feedback.OF_STRUCTURES:
        access.own(who, asked.siret)
    snapshot = request.app.state.serving.current
    tender = snapshot.notices.get(asked.notice_id) if snapshot else None
    if asked.verb == "won" and not _is_buyer_of(request, who, asked.notice_id, tender):
        raise Forbidden("only the buyer of this notice may say who won it: ask with a key of its SIRET")
    lot = next((each for each in tender.lots if each.id == asked.lot_id), None) if tender else None

    def do() -> dict[str, Any]:
        feedback.record(
            store_of(request), asked.siret, asked.notice_id, asked.lot_id, asked.verb, reason=asked.reason,
            cpv=lot.cpv[0] if lot and lot.cpv else "", position=asked.position, shown=asked.shown, by=who.actor,
        )  # fmt: skip
        return {"recorded": True}

    def after() -> None:
        if asked.reason == feedback.NOT_OUR_TRADE:
            request.app.state.serving.apply_denials(store_of(request))

    return once(request, who, asked, do, after=after)


def _is_buyer_of(request: Request, who: Bearer, notice_id: str, tender: Tender | None) -> bool:
    """Does this key speak for the buyer of a notice: its author here, or one whose SIREN the notice names?"""
    if "operator" in who.scopes:
        return True
    if "buyer" not in who.scopes:
        return False
    siren = tender.buyer.id[:9] if tender else ""
    named = len(siren) == 9 and any(siret.startswith(siren) for siret in who.sirets)
    return named or feedback.of_buyer(store_of(request), notice_id, who.actor)


@router.get("/structures/{siret}/profile", summary="What it says of itself")
def profile(request: Request, who: StructureKey, siret: SiretPath) -> dict[str, Any]:
    access.own(who, siret)
    found = self_declared.read(store_of(request), siret)
    facts = {name: value for name, value in found.facts.items() if name not in self_declared.SETTINGS}
    return {**facts, "denied": list(found.denied), "at": found.at}


@router.put("/structures/{siret}/profile", summary="Write it; applied when the catalogue is next built")
def set_profile(request: Request, who: StructureKey, siret: SiretPath, asked: schemas.ProfileIn) -> Response:
    access.own(who, siret)

    def do() -> dict[str, Any]:
        facts = asked.model_dump(mode="json", exclude={"denied"})
        written = self_declared.write(store_of(request), siret, facts, who.actor, asked.denied)
        return {**facts, "offers": written.facts["offers"], "denied": list(written.denied)}

    return once(
        request, who, asked, do, after=lambda: request.app.state.serving.apply_denials(store_of(request))
    )
