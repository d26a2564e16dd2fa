"""The territory's page: map and blank zones, potential of a need with its hours, facilitators, meeting day, report."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile

from matcher.domain import BadInput, MatcherError
from matcher.reference import places
from matcher.reference import trades as trades_
from matcher.reference.identifiers import clean_amount
from matcher.territory import advice, coverage, facilitators, ledger, meeting, potential
from service import desk, schemas, wire
from service.page import render
from service.page.visitor import Buyer, Reader

router = APIRouter()
SHAPES = {
    "xlsx": (wire.XLSX, "xlsx"),
    "ics": ("text/calendar", "ics"),
    "html": ("text/html; charset=utf-8", ""),
}


def _page(request: Request, status: int = 200, **values: Any) -> Response:
    empty: dict[str, Any] = {
        "coverage": None, "drawing": "", "cells": [], "left": 0, "region": "11", "trade": "", "measure": "share", "found": None,
        "asked": {"need": "", "place": "", "amount": "", "like": "", "rate": "", "contribution": ""}, "problem": "", "where": "", "named": "",
        "regions": places.regions(), "trades": trades_.trades(), "measures": coverage.MEASURES, "order": potential.ORDER, "effect": advice.effect,
        "known": len(facilitators.read()[0]),
    }  # fmt: skip
    return render.page(request, "territory.html", status, **{**empty, **values})


@router.get("/territoire")
def show(
    request: Request,
    who: Reader,
    region: Annotated[str, Query(max_length=60)] = "11",
    metier: Annotated[str, Query(max_length=50)] = "",
    mesure: Annotated[str, Query(max_length=20)] = "share",
    lieu: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    chosen = mesure if mesure in coverage.MEASURES else "share"
    made = desk.covered(request, desk.MapQuery(region=region, trade=[metier] if metier else []))
    short = sorted(desk.lacking(made), key=lambda c: (-c.short, c.area.code, c.label))
    named, problem = "", ""
    if lieu.strip():
        try:
            named = facilitators.named(coverage.somewhere(lieu))
        except BadInput as error:
            problem = str(error)
    return _page(
        request, 422 if problem else 200, coverage=made, drawing=desk.drawn(made, chosen), cells=short[:25], left=max(0, len(short) - 25),
        region=region, trade=metier, measure=chosen, where=lieu, named=named, problem=problem,
    )  # fmt: skip


@router.post("/territoire")
def study(
    request: Request, who: Reader, need: Annotated[str, Form(max_length=20_000)] = "",
    place: Annotated[str, Form(max_length=100)] = "", amount: Annotated[str, Form(max_length=30)] = "", like: Annotated[str, Form(max_length=30)] = "",
    rate: Annotated[str, Form(max_length=10)] = "", contribution: Annotated[str, Form(max_length=30)] = "",
) -> Response:  # fmt: skip
    found, problem = None, ""
    try:
        given = {
            name: _amount(text)
            for name, text in (("amount", amount), ("like", like), ("contribution", contribution))
        }
        share = _rate(rate)
        asked = schemas.PotentialIn(
            need=need or " ", place=place, amount=given["amount"] or None, like_needs=given["like"], rate=share,
            contribution=given["contribution"],
        )  # fmt: skip
        found = desk.studied(request, desk.supply_of(request), asked)
    except (MatcherError, ValueError) as error:
        problem = str(error)
    values = {
        "need": need,
        "place": place,
        "amount": amount,
        "like": like,
        "rate": rate,
        "contribution": contribution,
    }
    return _page(request, 422 if problem else 200, found=found, asked=values, problem=problem)


def _amount(text: str) -> float | None:
    if text.strip() in ("", "0"):
        return 0.0 if text.strip() else None
    found = clean_amount(text)
    if found is None:
        raise BadInput("Un montant ne peut être lu : écrivez 45 000 ou 45000,50.")
    return found


def _rate(text: str) -> float | None:
    bare = text.replace("%", "").replace(",", ".").strip()
    if not bare:
        return None
    try:
        value = float(bare)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise BadInput("Le taux d'emploi ne peut être lu : écrivez 4,2 pour 4,2 %.")
    return value / 100


@router.post("/territoire/rencontre")
def meet(
    request: Request, who: Buyer, theme: Annotated[str, Form(max_length=2000)], place: Annotated[str, Form(max_length=100)],
    on: Annotated[str, Form(max_length=10)], buyers: Annotated[str, Form(max_length=200_000)], slots: Annotated[int, Form(ge=1, le=24)] = 12,
    minutes: Annotated[int, Form(ge=5, le=120)] = 20, first: Annotated[str, Form(max_length=5)] = "10:00", invite: Annotated[int, Form(ge=1, le=120)] = 60,
    shape: Annotated[str, Form(max_length=5)] = "html",
) -> Response:  # fmt: skip
    """The day as printable pages, a workbook or a calendar; the needs are not kept."""
    supply = desk.supply_of(request)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            listed = Path(scratch) / "besoins.csv"
            listed.write_text(buyers, encoding="utf-8")
            with desk.named(listed, "les besoins"):
                guests, _ = meeting.guests(listed)
        day = meeting.plan(
            request.app.state.serving.get().matcher, supply, theme=theme, place=coverage.somewhere(place), buyers=guests,
            on=meeting.day_of(on), slots=slots, minutes=minutes, first=first, most=invite, store=supply.store, seconds=20,
        )  # fmt: skip
    except MatcherError as error:
        return _page(request, 422, problem=str(error))
    made = {"xlsx": meeting.workbook, "ics": meeting.calendar}.get(shape, meeting.page)(day)
    return _sent(made, "rencontre", shape)


@router.post("/territoire/rapport")
def report(
    request: Request, who: Buyer, book: Annotated[UploadFile | None, File()] = None,
    awards: Annotated[UploadFile | None, File()] = None, buyer: Annotated[str, Form(max_length=20)] = "", year: Annotated[str, Form(max_length=60)] = "",
    shape: Annotated[str, Form(max_length=5)] = "html",
) -> Response:  # fmt: skip
    """The report of the files sent; nothing of them is kept."""
    try:
        years = [int(word) for word in year.replace(",", " ").replace(";", " ").split() if word.isdecimal()]
        books, files = ([file] if file is not None and file.filename else [] for file in (book, awards))
        if not books and not files:
            raise BadInput("Rien à rapporter : joignez le grand livre (CSV), ou un fichier DECP.")
        made = desk.reported(request, books, files, buyer, years)
    except MatcherError as error:
        return _page(request, 422, problem=str(error))
    return _sent(ledger.workbook(made) if shape == "xlsx" else ledger.page(made), "rapport", shape)


def _sent(made: str | bytes, name: str, shape: str) -> Response:
    media, suffix = SHAPES.get(shape, SHAPES["html"])
    head = {"Content-Disposition": f'attachment; filename="{name}.{suffix}"'} if suffix else {}
    return Response(made, media_type=media, headers=head)
