"""The territory desk: map, potential of a need, hours, facilitators, a meeting day, a report; what its page shares."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import date
from functools import partial
from pathlib import PurePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Path, Query, Request, Response, UploadFile
from pydantic import BaseModel, Field

from matcher import codec
from matcher.domain import Award, Match, Rejected, Tender, kinds_named
from matcher.reading import contracts
from matcher.records import facilitators, worked
from matcher.records.keys import Bearer
from matcher.records.store import Store
from matcher.reference.identifiers import IDENTITY
from matcher.territory import areas, choropleth, coverage, hours, ledger, meeting, potential
from matcher.territory.areas import place_of, somewhere
from matcher.territory.counts import Count, Desk, need_of, no_counts, trades_of
from matcher.territory.potential import Given
from service import access, wire
from service.access import BuyerKey, Operator, Reader, store_of
from service.asked import uploaded
from service.routes.exchange import buyer_of
from service.schemas import Euros, In, Months, Out, PlaceName, PotentialIn, Rate
from service.snapshot import Snapshot, snapshot_of

router = APIRouter(tags=["territory"])
Files = list[UploadFile]
FIRST = "11"  # the region that a map shows unless another is asked for
LINES = 12  # zones that a page lists


class DeskAnswer(Out):
    """An answer of the desk, with the sources of its figures and the day it was computed."""

    result: dict[str, Any]
    sources: list[str]
    facilitator: str = ""
    on: date


class MapQuery(BaseModel):
    """The part of the country that is asked for, how it is divided, the trade and the kinds of structures."""

    region: str = Field(default="", max_length=60)
    department: list[str] = Field(default_factory=list, max_length=110)
    commune: str = Field(default="", max_length=100)
    radius: float = Field(default=20.0, gt=0, le=500)
    by: Literal["departement", "epci", "commune"] = "departement"
    trade: str = Field(default="", max_length=50)
    kind: list[str] = Field(default_factory=list, max_length=30)
    n: int | None = Field(default=None, ge=1, le=100)


def desk_of(request: Request) -> Desk:
    """The engine as the desk asks it, with what the store knows, at most a minute old."""
    snapshot, store = snapshot_of(request), access.store_of(request)
    return snapshot.for_a_minute("desk", lambda: _desk(snapshot, store))


def _desk(snapshot: Snapshot, store: Store | None = None) -> Desk:
    return Desk(snapshot.matcher, store, kept=snapshot.once("counts", no_counts))


def covered(snapshot: Snapshot, opened: Desk, asked: MapQuery) -> coverage.Coverage:
    """The map of what is served."""
    wholes = areas.within(asked.region, asked.department)
    circle = (areas.circle(asked.commune, asked.radius),) if asked.commune else ()
    chosen = (*areas.divided(wholes or (() if circle else areas.region(FIRST)), asked.by), *circle)
    near = areas.departments_of(chosen)
    read = partial(coverage.in_catalogue, snapshot.catalogue, snapshot.notices, near)
    needs, kinds = snapshot.once(("needs", near), read), kinds_named(asked.kind)
    return coverage.cover(opened, needs, chosen, trade=asked.trade, kinds=kinds, n=asked.n)


Gap = tuple[coverage.Cell, list[tuple[Match, str]], list[tuple[str, str, Count]]]


def gaps(snapshot: Snapshot, opened: Desk, made: coverage.Coverage, asked: MapQuery) -> list[Gap]:
    """The zones that a page lists, with who could fill them and neighbouring trades."""

    def closed() -> list[Gap]:
        shown = made.lacking[:LINES]
        return [(cell, coverage.closers(opened, cell), coverage.neighbours(opened, cell)) for cell in shown]

    return snapshot.once(("gaps", asked.model_dump_json()), closed)


def warm(snapshot: Snapshot) -> None:
    """Count what the map shows first, before anybody asks for it."""
    opened, asked = _desk(snapshot), MapQuery(region=FIRST)
    gaps(snapshot, opened, covered(snapshot, opened, asked), asked)


def answered(
    request: Request, result: Any, sources: Sequence[str] = (), on: date | None = None, facilitator: str = ""
) -> Response:
    """The answer of a route with its sources, of today unless it says of which day."""
    facts: dict[str, Any] = {"sources": list(sources), "facilitator": facilitator, "on": on or date.today()}
    return wire.send(request, DeskAnswer(result=result, **facts))


def sent(module: Any, made: Any, shape: str, name: str, typeset: Callable[[str], str] = str) -> Response:
    """A meeting or a report as its module writes it: "xlsx", "ics", else printable HTML."""
    if shape == "xlsx":
        return wire.attachment(module.workbook(made), wire.XLSX, f"{name}.xlsx")
    if shape == "ics":
        return wire.attachment(module.calendar(made), "text/calendar", f"{name}.ics")
    return wire.printable(typeset(module.page(made)))


def studied(request: Request, asked: PotentialIn) -> potential.Potential:
    """The potential of a need in words; it is not kept."""
    tender = need_of(asked.need, areas.place_of(asked.place), asked.months)
    given = asked.model_dump(include={field.name for field in fields(Given)})
    return potential.potential(desk_of(request), tender, Given(**given), asked.n)


def similar(request: Request, found: potential.LotPotential, most: int = 8) -> list[dict[str, Any]]:
    """The newest contracts of the main trade of a lot in its department, in words."""
    snapshot, labels = snapshot_of(request), desk_of(request).labels
    where = found.lot.places[0].department if found.lot.places else None
    trade = next((name for name, label in labels.items() if label in found.trades[:1]), "")

    def alike(award: Award) -> bool:
        place = award.place.department or award.buyer.place.department
        return trade in snapshot.contract_trades.get(award.title, ())[:1] and where == place

    same = [award for award in snapshot.contracts if award.holders and alike(award)]
    return list(map(_in_words, sorted(same, key=lambda a: a.notified or date.min, reverse=True)[:most]))


def _in_words(award: Award) -> dict[str, Any]:
    """A past contract as the pages show it."""
    row = codec.flat(award, "objet=title, acheteur=buyer.name")
    row["titulaires"] = ", ".join(h.name or h.id for h in award.holders)
    row |= codec.flat(award, "offres reçues=offers_received, montant € HT=amount")
    row["réservé"] = {True: "oui", False: "non", None: "non dit"}[ledger.reserved(award)]
    return row | {"notifié le": award.notified.isoformat() if award.notified else ""}


def reported(
    request: Request, who: Bearer, books: Files, awards: Files, buyer: str, years: list[int]
) -> ledger.Report:
    """The report of files, of which nothing is kept, and of the hours that the caller may see."""
    tables = [ledger.read(file.file.read(), file.filename or "le grand livre") for file in books]
    files = ((file.file.read(), file.filename or "decp.json") for file in awards)
    records = [record for data, name in files for record in uploaded(data, name)]
    rejected = [bad for _, rows in tables for bad in rows]
    rejected += [record for record in records if isinstance(record, Rejected)]
    listed = contracts.consolidate(record for record in records if isinstance(record, Award))
    announced = [award for record in records if isinstance(record, Tender) for award in record.awards]
    return ledger.report(
        snapshot_of(request).catalogue,
        purchases=[purchase for good, _ in tables for purchase in good],
        awards=[*listed, *announced],
        buyer=buyer,
        years=tuple(years),
        rejected=[replace(bad, path=PurePath(bad.path).name) for bad in rejected],
        ledger_source=", ".join(file.filename or "" for file in books),
        lines=worked.listing(store_of(request), who, buyer_of(request, who)),
    )


LEDGER = "The ledger: CSV with SIRET, montant, année."


class MapFileQuery(MapQuery):
    measure: Literal["gap", "needs", "likely", "plausible", "to_ask", "state"] = "gap"


@router.get("/territory/map", response_model=DeskAnswer)
def map_(request: Request, who: Reader, asked: Annotated[MapQuery, Query()]) -> Response:
    made = covered(snapshot_of(request), desk_of(request), asked)
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
    return answered(request, result, made.sources, made.on, made.facilitator)


@router.get("/territory/map.{shape}", response_class=Response)
def map_file(
    request: Request,
    who: Reader,
    shape: Annotated[Literal["svg", "png", "csv", "xlsx", "geojson", "html"], Path()],
    asked: Annotated[MapFileQuery, Query()],
) -> Response:
    made = choropleth.map_as(shape, covered(snapshot_of(request), desk_of(request), asked), asked.measure)
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


@router.post("/territory/potential", response_model=DeskAnswer)
def potential_(request: Request, who: Reader, asked: PotentialIn) -> Response:
    made = studied(request, asked)
    named = made.lots[0].facilitator if made.lots else facilitators.named(None)
    past = [similar(request, lot) for lot in made.lots]
    result = {**codec.to_json(made), "order": potential.ORDER, "past": past}
    return answered(request, result, made.sources, made.on, named)


@router.post("/territory/hours", response_model=DeskAnswer)
def hours_(request: Request, who: Reader, asked: HoursIn) -> Response:
    where = place_of(asked.place)
    more = asked.model_dump(exclude={"need", "place"})
    made = hours.of_need(desk_of(request), asked.need, where, **more)
    return answered(request, codec.to_json(made), made.sources, made.on, facilitators.named(where))


@router.post("/territory/oeth", response_model=DeskAnswer)
def oeth_(request: Request, who: Reader, asked: OethIn) -> Response:
    (trades,) = trades_of([asked.need], [()])
    labour = hours.labour_of(trades) if trades else None
    made = hours.oeth(**asked.model_dump(exclude={"need", "place"}), on=date.today(), labour=labour)
    where = place_of(asked.place)
    return answered(request, codec.to_json(made), made.rules, made.on, facilitators.named(where))


@router.get("/territory/facilitators", response_model=DeskAnswer)
def facilitators_(request: Request, who: Reader, place: PlaceName) -> Response:
    where = somewhere(place)
    found = facilitators.of(where)
    days = (f", {f.on:%d/%m/%Y}" if f.on else "" for f in found)
    sources = (f"{f.source or 'fichier de l’exploitant'}{day}" for f, day in zip(found, days, strict=True))
    result = {"items": [codec.to_json(f) for f in found]}
    return answered(request, result, tuple(dict.fromkeys(sources)), None, facilitators.named(where))


@router.get("/territory/needs", response_model=DeskAnswer)
def needs_(request: Request, who: Operator, facilitator: Annotated[str, Query(max_length=100)]) -> Response:
    found = facilitators.early(store_of(request), facilitator)
    items = [{"id": t.id, "title": t.title, "buyer": t.buyer.name} for t in found]
    return answered(request, {"items": items})


class ShowIn(In):
    need: str = Field(min_length=1, max_length=200)
    facilitator: str = Field(min_length=1, max_length=100)
    withdraw: bool = False


@router.post("/territory/needs", response_model=DeskAnswer)
def show_need(request: Request, who: BuyerKey, asked: ShowIn) -> Response:
    facilitators.allow(store_of(request), who, asked.need, asked.facilitator, withdraw=asked.withdraw)
    return answered(request, {"shown": not asked.withdraw})


class ReferralIn(In):
    facilitator: str = Field(min_length=1, max_length=100)
    subject: str = Field(min_length=1, max_length=200)
    note: str = Field("", max_length=300)


@router.post("/territory/referrals", response_model=DeskAnswer)
def refer(request: Request, who: BuyerKey, asked: ReferralIn) -> Response:
    facilitators.refer(store_of(request), who.actor, asked.facilitator, asked.subject, asked.note)
    return answered(request, {"recorded": True})


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


@router.post("/territory/meeting", response_model=DeskAnswer)
def meeting_(
    request: Request,
    who: BuyerKey,
    asked: MeetingIn,
    shape: Annotated[Literal["json", "xlsx", "ics", "html"], Query(alias="as")] = "json",
) -> Response:
    plan = asked.model_dump(exclude={"place", "buyers", "invite"})
    place, guests = somewhere(asked.place), [guest.invited() for guest in asked.buyers]
    opened = desk_of(request)
    day = meeting.plan(opened, **plan, place=place, buyers=guests, most=asked.invite, seconds=20)
    if shape != "json":
        return sent(meeting, day, shape, "rencontre")
    result: dict[str, Any] = {"appointments": meeting.rows(day), "notes": list(day.notes)}
    lists = {"invitations": day.invited, "pitches": day.pitches}
    result |= {name: meeting.invitations(listed) for name, listed in lists.items()}
    result |= {name: getattr(day.timetable, name) for name in ("optimal", "value", "bound")}
    return answered(request, result, day.sources, None, day.facilitator)


@router.post("/territory/report", response_model=DeskAnswer)
def report_(
    request: Request,
    who: BuyerKey,
    books: Annotated[list[UploadFile] | None, File(description=LEDGER)] = None,
    awards: Annotated[list[UploadFile] | None, File(description="DECP files.")] = None,
    buyer: Annotated[str, Form(max_length=20)] = "",
    year: Annotated[list[int] | None, Form()] = None,
    shape: Annotated[Literal["json", "xlsx", "html"], Query(alias="as")] = "json",
) -> Response:
    made = reported(request, who, books or [], awards or [], buyer, year or [])
    if shape != "json":
        return sent(ledger, made, shape, "rapport")
    return answered(request, codec.to_json(made), made.sources, made.on, made.facilitator)
