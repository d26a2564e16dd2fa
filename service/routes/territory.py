"""The territory desk: map, potential of a need, hours, facilitators, a meeting day, a report."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Path, Query, Request, Response, UploadFile
from pydantic import Field

from matcher import codec
from matcher.records import facilitators
from matcher.reference.identifiers import IDENTITY
from matcher.territory import choropleth, hours, ledger, meeting, potential
from matcher.territory.areas import place_of, somewhere
from matcher.territory.counts import trades_of
from service import desk, wire
from service.access import BuyerKey, Operator, Reader, store_of
from service.schemas import Euros, In, Months, PlaceName, PotentialIn, Rate
from service.snapshot import snapshot_of

router = APIRouter(tags=["territory"])
LEDGER = "The ledger: CSV with SIRET, montant, année."


class MapFileQuery(desk.MapQuery):
    measure: Literal["gap", "needs", "likely", "plausible", "to_ask", "state"] = "gap"


@router.get("/territory/map", response_model=desk.DeskAnswer)
def map_(request: Request, who: Reader, asked: Annotated[desk.MapQuery, Query()]) -> Response:
    made = desk.covered(snapshot_of(request), desk.desk_of(request), asked)
    values = {name: made.values(name) for name in ("needs", "gap")}
    zones = [
        {"code": area.code, "label": area.label}
        | {name: of_area[area.code] or 0 for name, of_area in values.items()}
        | {"facilitator": made.facilitators[area.code]}
        for area in made.areas
    ]
    cells = [
        {"zone": cell.area.code, "trade": cell.trade, "label": cell.label, "state": cell.state}
        | {"count": codec.to_json(cell.count), "needs": len(cell.needs), "calls": cell.calls, "gap": cell.gap}
        for cell in made.cells
    ]
    result: dict[str, Any] = {"zones": zones, "cells": cells, "outside": dict(made.outside)}
    result |= {"unplaced": made.unplaced, "n": made.n}
    return desk.answered(request, result, made.sources, made.on, made.facilitator)


@router.get("/territory/map.{shape}", response_class=Response)
def map_file(
    request: Request,
    who: Reader,
    shape: Annotated[Literal["svg", "png", "csv", "xlsx", "geojson", "html"], Path()],
    asked: Annotated[MapFileQuery, Query()],
) -> Response:
    made = choropleth.map_as(
        shape, desk.covered(snapshot_of(request), desk.desk_of(request), asked), asked.measure
    )
    if shape == "html":
        return wire.printable(str(made))
    if shape == "svg":
        return Response(made, media_type=choropleth.SHAPES[shape])
    return wire.attachment(made, choropleth.SHAPES[shape], f"carte.{shape}")


class HoursIn(In):
    need: str = Field(min_length=1, max_length=20_000)
    amount: Euros
    place: str = Field("", max_length=100)
    months: Months | None = None
    shares: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        default=[0.05, 0.07, 0.10], min_length=1, max_length=10
    )
    labour: Annotated[float, Field(gt=0, le=1)] | None = None
    hourly_cost: Annotated[float, Field(gt=0, le=1000)] | None = None


class OethIn(In):
    purchase: Euros
    rate: Rate | None = None
    contribution: Annotated[float, Field(ge=0, lt=1e11)] | None = None
    labour_cost: Annotated[float, Field(ge=0, lt=1e11)] | None = None
    headcount: Annotated[float, Field(ge=0, lt=1e8)] | None = None
    need: str = Field("", max_length=20_000)
    place: str = Field("", max_length=100)


@router.post("/territory/potential", response_model=desk.DeskAnswer)
def potential_(request: Request, who: Reader, asked: PotentialIn) -> Response:
    made = desk.studied(request, asked)
    named = made.lots[0].facilitator if made.lots else facilitators.named(None)
    past = [desk.similar(request, lot) for lot in made.lots]
    result = {**codec.to_json(made), "order": potential.ORDER, "past": past}
    return desk.answered(request, result, made.sources, made.on, named)


@router.post("/territory/hours", response_model=desk.DeskAnswer)
def hours_(request: Request, who: Reader, asked: HoursIn) -> Response:
    where = place_of(asked.place)
    more = asked.model_dump(exclude={"need", "place"})
    made = hours.of_need(desk.desk_of(request), asked.need, where, **more)
    return desk.answered(request, codec.to_json(made), made.sources, made.on, facilitators.named(where))


@router.post("/territory/oeth", response_model=desk.DeskAnswer)
def oeth_(request: Request, who: Reader, asked: OethIn) -> Response:
    (trades,) = trades_of([asked.need], [()])
    labour = hours.labour_of(trades) if trades else None
    made = hours.oeth(**asked.model_dump(exclude={"need", "place"}), on=date.today(), labour=labour)
    where = place_of(asked.place)
    return desk.answered(request, codec.to_json(made), made.rules, made.on, facilitators.named(where))


@router.get("/territory/facilitators", response_model=desk.DeskAnswer)
def facilitators_(request: Request, who: Reader, place: PlaceName) -> Response:
    where = somewhere(place)
    found = facilitators.of(where)
    days = (f", {f.on:%d/%m/%Y}" if f.on else "" for f in found)
    sources = (f"{f.source or 'fichier de l’exploitant'}{day}" for f, day in zip(found, days, strict=True))
    result = {"items": [codec.to_json(f) for f in found]}
    return desk.answered(request, result, tuple(dict.fromkeys(sources)), None, facilitators.named(where))


@router.get("/territory/needs", response_model=desk.DeskAnswer)
def needs_(request: Request, who: Operator, facilitator: Annotated[str, Query(max_length=100)]) -> Response:
    found = facilitators.early(store_of(request), facilitator)
    items = [{"id": t.id, "title": t.title, "buyer": t.buyer.name} for t in found]
    return desk.answered(request, {"items": items})


class ShowIn(In):
    need: str = Field(min_length=1, max_length=200)
    facilitator: str = Field(min_length=1, max_length=100)
    withdraw: bool = False


@router.post("/territory/needs", response_model=desk.DeskAnswer)
def show_need(request: Request, who: BuyerKey, asked: ShowIn) -> Response:
    facilitators.allow(store_of(request), who, asked.need, asked.facilitator, withdraw=asked.withdraw)
    return desk.answered(request, {"shown": not asked.withdraw})


class ReferralIn(In):
    facilitator: str = Field(min_length=1, max_length=100)
    subject: str = Field(min_length=1, max_length=200)
    note: str = Field("", max_length=300)


@router.post("/territory/referrals", response_model=desk.DeskAnswer)
def refer(request: Request, who: BuyerKey, asked: ReferralIn) -> Response:
    facilitators.refer(store_of(request), who.actor, asked.facilitator, asked.subject, asked.note)
    return desk.answered(request, {"recorded": True})


class GuestIn(In):
    name: str = Field(min_length=1, max_length=200)
    needs: list[Annotated[str, Field(min_length=1, max_length=2000)]] = Field(min_length=1, max_length=20)
    public: bool = False
    absent: list[Annotated[int, Field(ge=1, le=60)]] = Field(default=[], max_length=60)
    most: Annotated[int, Field(ge=0, le=60)] | None = None

    def invited(self) -> meeting.Guest:
        absent = frozenset(slot - 1 for slot in self.absent)
        return meeting.Guest(**self.model_dump() | {"needs": tuple(self.needs), "absent": absent})


class MeetingIn(In):
    theme: str = Field(min_length=1, max_length=2000)
    place: str = Field(min_length=1, max_length=100)
    on: date
    buyers: list[GuestIn] = Field(min_length=1, max_length=60)
    slots: int = Field(12, ge=1, le=24)
    minutes: int = Field(20, ge=5, le=120)
    first: str = Field("10:00", max_length=5)
    invite: int = Field(60, ge=1, le=120)
    tables: Annotated[int, Field(ge=1, le=200)] | None = None
    participants: list[Annotated[str, Field(pattern=f"^({IDENTITY})$")]] = Field(default=[], max_length=300)


@router.post("/territory/meeting", response_model=desk.DeskAnswer)
def meeting_(
    request: Request,
    who: BuyerKey,
    asked: MeetingIn,
    shape: Annotated[Literal["json", "xlsx", "ics", "html"], Query(alias="as")] = "json",
) -> Response:
    plan = asked.model_dump(exclude={"place", "buyers", "invite"})
    place, guests = somewhere(asked.place), [guest.invited() for guest in asked.buyers]
    opened = desk.desk_of(request)
    day = meeting.plan(opened, **plan, place=place, buyers=guests, most=asked.invite, seconds=20)
    if shape != "json":
        return desk.sent(meeting, day, shape, "rencontre")
    result: dict[str, Any] = {"appointments": meeting.rows(day), "notes": list(day.notes)}
    lists = {"invitations": day.invited, "pitches": day.pitches}
    result |= {name: meeting.invitations(listed) for name, listed in lists.items()}
    result |= {name: getattr(day.timetable, name) for name in ("optimal", "value", "bound")}
    return desk.answered(request, result, day.sources, None, day.facilitator)


@router.post("/territory/report", response_model=desk.DeskAnswer)
def report_(
    request: Request,
    who: BuyerKey,
    books: Annotated[list[UploadFile] | None, File(description=LEDGER)] = None,
    awards: Annotated[list[UploadFile] | None, File(description="DECP files.")] = None,
    buyer: Annotated[str, Form(max_length=20)] = "",
    year: Annotated[list[int] | None, Form()] = None,
    shape: Annotated[Literal["json", "xlsx", "html"], Query(alias="as")] = "json",
) -> Response:
    made = desk.reported(request, who, books or [], awards or [], buyer, year or [])
    if shape != "json":
        return desk.sent(ledger, made, shape, "rapport")
    return desk.answered(request, codec.to_json(made), made.sources, made.on, made.facilitator)
