"""The exchange, the words of structures on lots, and what they say of themselves."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import select

from matcher import codec, exchange, feedback
from matcher.store import now
from matcher.tables import Profile
from service import guard, schemas
from service.guard import Member, StructureKey, store_of
from service.problems import documented
from service.repeat import once
from service.routes.structures import SiretPath

router = APIRouter(tags=["exchange"])
DeclarationId = Annotated[str, Path(max_length=64)]


@router.get("/exchange", summary="Open declarations that one may see", responses=documented())
def listing(
    request: Request,
    who: Member,
    notice_id: Annotated[str | None, Query(max_length=200)] = None,
    mine: bool = False,
) -> list[dict[str, Any]]:
    return [
        codec.to_json(o) for o in exchange.listing(store_of(request), who, notice_id=notice_id, mine=mine)
    ]


@router.post(
    "/exchange", status_code=201, summary="Say what one brings and looks for", responses=documented(404)
)
def declare(request: Request, who: StructureKey, asked: schemas.DeclarationIn) -> Response:
    snapshot = request.app.state.serving.current

    def do() -> Any:
        known = snapshot.notices.get(asked.notice_id) if snapshot else None
        data = asked.model_dump()
        data["deadline"] = asked.deadline or (known.deadline if known else None)
        return codec.to_json(exchange.declare(store_of(request), who, **data))

    return once(request, who, asked, do, 201)


@router.delete(
    "/exchange/{declaration_id}",
    status_code=204,
    summary="Take one's declaration back",
    responses=documented(404),
)
def withdraw(request: Request, who: StructureKey, declaration_id: DeclarationId) -> None:
    exchange.withdraw(store_of(request), who, declaration_id)


@router.get(
    "/exchange/{declaration_id}/contact",
    summary="Its contact address; that it was told is recorded",
    responses=documented(404),
)
def contact(request: Request, who: Member, declaration_id: DeclarationId) -> dict[str, str]:
    return {"contact": exchange.contact(store_of(request), who, declaration_id)}


@router.post("/feedback", summary="A structure's word on a lot", responses=documented(404))
def word(request: Request, who: Member, asked: schemas.FeedbackIn) -> Response:
    if "buyer" not in who.scopes or asked.verb in ("interested", "declined", "submitted"):
        guard.own(who, asked.siret)
    snapshot = request.app.state.serving.current
    tender = snapshot.notices.get(asked.notice_id) if snapshot else None
    lot = next((each for each in tender.lots if each.id == asked.lot_id), None) if tender else None

    def do() -> dict[str, Any]:
        feedback.record(
            store_of(request), asked.siret, asked.notice_id, asked.lot_id, asked.verb, reason=asked.reason,
            cpv=lot.cpv[0] if lot and lot.cpv else "", position=asked.position, shown=asked.shown, by=who.actor,
        )  # fmt: skip
        return {"recorded": True}

    return once(request, who, asked, do)


@router.get("/structures/{siret}/profile", summary="What it says of itself", responses=documented(404))
def profile(request: Request, who: StructureKey, siret: SiretPath) -> dict[str, Any]:
    guard.own(who, siret)
    with store_of(request).reading() as connection:
        facts = connection.execute(select(Profile.facts).where(Profile.siret == siret)).scalar()
    return dict(facts or {})


@router.put(
    "/structures/{siret}/profile",
    summary="Say it; taken up when the catalogue is next built",
    responses=documented(404),
)
def set_profile(request: Request, who: StructureKey, siret: SiretPath, asked: schemas.ProfileIn) -> Response:
    guard.own(who, siret)

    def do() -> dict[str, Any]:
        store, facts = store_of(request), asked.model_dump(exclude={"denied"})
        with store.writing() as connection:
            store.put(connection, Profile, [{"siret": siret, "facts": facts, "by": who.actor, "at": now()}])
            for skill in asked.denied:
                feedback.deny(store, connection, siret, skill, who.actor)
            store.audit(connection, who.actor, "profile.set", siret)
        return facts

    return once(request, who, asked, do)
