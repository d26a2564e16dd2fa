"""The desk of a territory: map, potential, hours, OETH, meeting day, facilitators, report."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, File, Form, Query, Request, Response, UploadFile
from fastapi import Path as Segment
from pydantic import BaseModel, Field

from matcher import codec
from matcher.console import inert
from matcher.territory import coverage, exports, facilitators, hours, ledger, meeting, potential
from matcher.territory.supply import trades_asked
from service import access, wire
from service.access import BuyerKey, Operator, Reader
from service.desk import covered, drawn, reported, studied, supply_of
from service.problems import documented
from service.schemas import Euros, Months, PlaceName, PotentialIn, _Asked

router = APIRouter(tags=["territory"])
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Said(BaseModel):
    """An answer of the desk, with the sources of its figures and the day it was computed."""

    result: dict[str, Any] = Field(description="The answer; its fields are those of `matcher.territory`.")
    sources: list[str]
    facilitator: str = Field("", description="Who is the facilitator of the place.")
    on: date


class HoursIn(_Asked):
    need: str = Field(min_length=1, max_length=20_000)
    amount: Euros
    place: str = Field("", max_length=100)
    months: Months | None = None
    shares: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        default=[0.05, 0.07, 0.10], min_length=1, max_length=10
    )
    labour: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Share of labour, instead of the table's."
    )
    hourly_cost: Annotated[float, Field(gt=0, le=1000)] | None = Field(
        None, description="Euros, instead of the table's."
    )


class OethIn(_Asked):
    purchase: Euros
    rate: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None, description="Direct employment rate; it is asked for."
    )
    contribution: Annotated[float, Field(ge=0, lt=1e11)] | None = None
    labour_cost: Annotated[float, Field(ge=0, lt=1e11)] | None = None
    headcount: Annotated[float, Field(ge=0, lt=1e8)] | None = None
    need: str = Field("", max_length=20_000)
    place: str = Field("", max_length=100, description="Its facilitator is named.")


class GuestIn(_Asked):
    name: str = Field(min_length=1, max_length=200)
    needs: list[Annotated[str, Field(min_length=1, max_length=2000)]] = Field(min_length=1, max_length=20)
    public: bool = Field(False, description="May its needs be shown to structures?")
    absent: list[Annotated[int, Field(ge=1, le=60)]] = Field(
        default=[], max_length=60, description="Slots it misses, from 1."
    )
    most: Annotated[int, Field(ge=0, le=60)] | None = None


class MeetingIn(_Asked):
    theme: str = Field(min_length=1, max_length=2000)
    place: str = Field(min_length=1, max_length=100)
    on: date
    buyers: list[GuestIn] = Field(min_length=1, max_length=60)
    slots: int = Field(12, ge=1, le=24)
    minutes: int = Field(20, ge=5, le=120)
    first: str = Field("10:00", max_length=5)
    invite: int = Field(60, ge=1, le=120)
    tables: Annotated[int, Field(ge=1, le=200)] | None = None


def sent(
    request: Request, result: Any, sources: tuple[str, ...], on: date, facilitator: str = ""
) -> Response:
    return wire.send(request, Said(result=result, sources=list(sources), facilitator=facilitator, on=on))


@router.get(
    "/territory/map",
    summary="Supply, needs and blank zones, by area and trade",
    response_model=Said,
    responses=documented(404),
)
def map_(
    request: Request,
    who: Reader,
    region: Annotated[str, Query(max_length=60)] = "",
    department: Annotated[list[str] | None, Query(max_length=110)] = None,
    commune: Annotated[str, Query(max_length=100)] = "",
    radius: Annotated[float, Query(gt=0, le=500)] = 20.0,
    trade: Annotated[list[str] | None, Query(max_length=50)] = None,
    n: Annotated[int | None, Query(ge=1, le=100)] = None,
) -> Response:
    made = covered(request, region, department or [], commune, radius, trade or [], n)
    result = {
        "zones": [
            {
                "code": a.code, "label": a.label, "lots": made.lots[a.code], "short": made.short[a.code],
                "structures": codec.to_json(made.structures[a.code]), "unknown_trade_structures": made.vague[a.code],
                "facilitator": made.facilitators[a.code],
            }
            for a in made.areas
        ],
        "cells": [{"state": c.state, **codec.to_json(c)} for c in made.cells if c.lots or c.here],
        "unplaced": made.unplaced,
        "outside": dict(made.outside),
        "unknown_trade": made.unknown_trade,
        "n": made.n,
    }  # fmt: skip
    return sent(request, result, made.sources, made.on, made.facilitator)


@router.get(
    "/territory/map.{shape}",
    summary="The same as a picture (svg), a table (csv) or a printable page (html)",
    response_class=Response,
    responses=documented(404),
)
def map_file(
    request: Request,
    who: Reader,
    shape: Annotated[Literal["svg", "csv", "html"], Segment()],
    region: Annotated[str, Query(max_length=60)] = "",
    department: Annotated[list[str] | None, Query(max_length=110)] = None,
    commune: Annotated[str, Query(max_length=100)] = "",
    radius: Annotated[float, Query(gt=0, le=500)] = 20.0,
    trade: Annotated[list[str] | None, Query(max_length=50)] = None,
    n: Annotated[int | None, Query(ge=1, le=100)] = None,
    measure: Annotated[Literal["short", "lots", "structures", "share"], Query()] = "share",
) -> Response:
    made = covered(request, region, department or [], commune, radius, trade or [], n)
    if shape == "csv":
        rows = list(made.rows())
        out = io.StringIO()
        table = csv.writer(out, lineterminator="\n")
        table.writerow(rows[0] if rows else [])
        table.writerows([inert(value) for value in row.values()] for row in rows)
        named = {"Content-Disposition": 'attachment; filename="carte.csv"'}
        return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=named)
    drawing = drawn(made, measure)
    if shape == "svg":
        return Response(drawing, media_type="image/svg+xml")
    cells = sorted(
        (c for c in made.cells if c.state in ("blanche", "fragile")), key=lambda c: (-c.short, c.area.code)
    )
    title = coverage.MEASURES[measure].capitalize()
    page = exports.page(
        "map", title=title, drawing=drawing, coverage=made, cells=cells, sources=made.sources, on=made.on
    )
    return Response(page, media_type="text/html")


POTENTIAL: dict[str, Any] = {
    "school": {
        "summary": "A small need, like needs added up",
        "value": {
            "need": "Entretien des espaces verts de trois écoles",
            "place": "Pantin",
            "amount": 45000,
            "like_needs": 0,
        },
    },
}


@router.post(
    "/territory/potential",
    summary="What a need could bring before a tender, with advice and its reasons",
    response_model=Said,
    responses=documented(404),
)
def potential_(
    request: Request, who: Reader, asked: Annotated[PotentialIn, Body(openapi_examples=POTENTIAL)]
) -> Response:
    supply = supply_of(request)
    made = studied(request, supply, asked)
    result = codec.to_json(made)
    result["order"] = potential.ORDER
    return sent(
        request,
        result,
        made.sources,
        made.on,
        made.lots[0].facilitator if made.lots else facilitators.unplaced(),
    )


HOURS: dict[str, Any] = {
    "paint": {
        "summary": "Painting a school",
        "value": {"need": "Peinture d'une école", "amount": 300000, "months": 8, "place": "93100"},
    }
}


@router.post(
    "/territory/hours",
    summary="Hours of insertion, full-time equivalents, who could carry them",
    response_model=Said,
    responses=documented(404),
)
def hours_(
    request: Request, who: Reader, asked: Annotated[HoursIn, Body(openapi_examples=HOURS)]
) -> Response:
    where = coverage.somewhere(asked.place) if asked.place.strip() else None
    trades = trades_asked(asked.need)
    row = hours.labour_of(trades)
    if asked.labour is not None or asked.hourly_cost is not None:
        row = replace(
            row,
            share=asked.labour or row.share,
            hourly_cost=asked.hourly_cost or row.hourly_cost,
            reasoning="donné par l'utilisateur",
            source="saisie",
            since=date.today(),
        )
    made = hours.plan(
        supply_of(request),
        amount=asked.amount,
        trades=trades,
        place=where,
        months=asked.months,
        labour=row,
        shares=asked.shares,
    )
    return sent(
        request,
        codec.to_json(made),
        made.sources,
        made.on,
        facilitators.named(where) if where else facilitators.unplaced(),
    )


OETH: dict[str, Any] = {
    "esat": {
        "summary": "A purchase from an ESAT",
        "value": {"purchase": 20000, "rate": 0.025, "contribution": 15000, "need": "espaces verts"},
    }
}


@router.post(
    "/territory/oeth",
    summary="What a purchase from an EA or ESAT takes off the contribution",
    response_model=Said,
    responses=documented(),
)
def oeth_(request: Request, who: Reader, asked: Annotated[OethIn, Body(openapi_examples=OETH)]) -> Response:
    trades = trades_asked(asked.need)
    made = hours.oeth(
        asked.purchase, asked.rate, on=date.today(), contribution=asked.contribution, labour_cost=asked.labour_cost,
        labour=hours.labour_of(trades) if trades else None, headcount=asked.headcount,
    )  # fmt: skip
    where = coverage.somewhere(asked.place) if asked.place.strip() else None
    named = facilitators.named(where) if where else facilitators.unplaced()
    return sent(request, codec.to_json(made), made.rules, made.on, named)


MEETING: dict[str, Any] = {
    "day": {"summary": "Two buyers, six slots", "value": {
        "theme": "propreté et espaces verts", "place": "93100", "on": "2026-12-15", "slots": 6, "invite": 8,
        "buyers": [{"name": "Ville A", "needs": ["nettoyage des écoles"], "public": True}, {"name": "Hôpital B", "needs": ["entretien des espaces verts"]}]}},
}  # fmt: skip


@router.post(
    "/territory/meeting",
    summary="A meeting day: invitations, pitches, timetable; JSON, or ?as=xlsx, ics, html",
    response_model=Said,
    responses=documented(404),
)
def meeting_(
    request: Request,
    who: BuyerKey,
    asked: Annotated[MeetingIn, Body(openapi_examples=MEETING)],
    shape: Annotated[Literal["json", "xlsx", "ics", "html"], Query(alias="as")] = "json",
) -> Response:
    supply = supply_of(request)
    buyers = [
        meeting.Guest(
            name=g.name,
            needs=tuple(g.needs),
            public=g.public,
            absent=frozenset(slot - 1 for slot in g.absent),
            most=g.most,
        )
        for g in asked.buyers
    ]
    day = meeting.plan(
        request.app.state.serving.get().matcher, supply, theme=asked.theme, place=coverage.somewhere(asked.place), buyers=buyers, on=asked.on,
        slots=asked.slots, minutes=asked.minutes, first=asked.first, most=asked.invite, tables=asked.tables, store=supply.store, seconds=20,
    )  # fmt: skip
    if shape == "xlsx":
        return Response(
            meeting.workbook(day),
            media_type=XLSX,
            headers={"Content-Disposition": 'attachment; filename="rencontre.xlsx"'},
        )
    if shape == "ics":
        return Response(
            meeting.calendar(day),
            media_type="text/calendar",
            headers={"Content-Disposition": 'attachment; filename="rencontre.ics"'},
        )
    if shape == "html":
        return Response(meeting.page(day), media_type="text/html")
    result = {
        "appointments": meeting.rows(day), "invitations": meeting.invitations(day.invited), "pitches": meeting.invitations(day.pitches),
        "notes": list(day.notes), "optimal": day.timetable.optimal, "value": day.timetable.value, "bound": day.timetable.bound,
    }  # fmt: skip
    return sent(request, result, day.sources, date.today(), day.facilitator)


@router.get(
    "/territory/facilitators",
    summary="The facilitators of a place, the most local first",
    response_model=Said,
    responses=documented(),
)
def facilitators_(request: Request, who: Reader, place: PlaceName) -> Response:
    where = coverage.somewhere(place)
    found = facilitators.of(where)
    sources = tuple(
        dict.fromkeys(
            f"{f.source or 'fichier de l’exploitant'}{f', {f.on:%d/%m/%Y}' if f.on else ''}" for f in found
        )
    )
    return sent(
        request,
        {"items": [codec.to_json(f) for f in found]},
        sources,
        date.today(),
        facilitators.named(where),
    )


@router.get(
    "/territory/needs",
    summary="Unpublished needs that their buyers show to a facilitator",
    response_model=Said,
    responses=documented(404),
)
def needs_(request: Request, who: Operator, facilitator: Annotated[str, Query(max_length=100)]) -> Response:
    found = facilitators.early(access.store_of(request), facilitator)
    return sent(
        request,
        {"items": [{"id": t.id, "title": t.title, "buyer": t.buyer.name} for t in found]},
        (),
        date.today(),
    )


class ShowIn(_Asked):
    need: str = Field(min_length=1, max_length=200)
    facilitator: str = Field(min_length=1, max_length=100)
    withdraw: bool = False


@router.post(
    "/territory/needs",
    summary="Let a facilitator see your unpublished need early, or take that back",
    response_model=Said,
    responses=documented(404),
)
def show_need(request: Request, who: BuyerKey, asked: ShowIn) -> Response:
    facilitators.allow(access.store_of(request), who, asked.need, asked.facilitator, withdraw=asked.withdraw)
    return sent(request, {"shown": not asked.withdraw}, (), date.today())


class ReferralIn(_Asked):
    facilitator: str = Field(min_length=1, max_length=100)
    subject: str = Field(min_length=1, max_length=200)
    note: str = Field("", max_length=300)


@router.post(
    "/territory/referrals",
    summary="Record that a notice or a need was referred to a facilitator",
    response_model=Said,
    responses=documented(404),
)
def refer(request: Request, who: BuyerKey, asked: ReferralIn) -> Response:
    facilitators.refer(access.store_of(request), who.actor, asked.facilitator, asked.subject, asked.note)
    return sent(request, {"recorded": True}, (), date.today())


@router.post(
    "/territory/report",
    summary="Purchases by kind from a ledger and DECP files; JSON, or ?as=xlsx, html",
    response_model=Said,
    responses=documented(),
)
def report_(
    request: Request, who: BuyerKey,
    books: Annotated[list[UploadFile] | None, File(description="The ledger: CSV with SIRET, montant, année.")] = None,
    awards: Annotated[list[UploadFile] | None, File(description="DECP files.")] = None,
    buyer: Annotated[str, Form(max_length=20)] = "", year: Annotated[list[int] | None, Form()] = None,
    shape: Annotated[Literal["json", "xlsx", "html"], Query(alias="as")] = "json",
) -> Response:  # fmt: skip
    made = reported(request, books or [], awards or [], buyer, year or [])
    if shape == "xlsx":
        return Response(
            ledger.workbook(made),
            media_type=XLSX,
            headers={"Content-Disposition": 'attachment; filename="rapport.xlsx"'},
        )
    if shape == "html":
        return Response(ledger.page(made), media_type="text/html")
    return sent(request, codec.to_json(made), made.sources, made.on, made.facilitator)
