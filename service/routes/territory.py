"""The map of a territory: supply, needs and blank zones."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path as Segment
from fastapi import Query, Request, Response

from matcher import codec
from matcher.console import csv_text
from matcher.territory import coverage, exports
from service import wire
from service.access import Reader
from service.desk import DeskAnswer, MapQuery, answered, covered, drawn, lacking
from service.router import Router

router = Router(tags=["territory"])


class MapFileQuery(MapQuery):
    measure: Literal["short", "lots", "structures", "share"] = "share"


@router.get(
    "/territory/map", summary="Supply, needs and blank zones, by area and trade", response_model=DeskAnswer
)
def map_(request: Request, who: Reader, asked: Annotated[MapQuery, Query()]) -> Response:
    made = covered(request, asked)
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
    return answered(request, result, made.sources, made.on, made.facilitator)


@router.get(
    "/territory/map.{shape}",
    summary="The same as a picture (svg), a table (csv) or a printable page (html)",
    response_class=Response,
)
def map_file(
    request: Request,
    who: Reader,
    shape: Annotated[Literal["svg", "csv", "html"], Segment()],
    asked: Annotated[MapFileQuery, Query()],
) -> Response:
    made = covered(request, asked)
    if shape == "csv":
        return wire.attachment(csv_text(made.rows()), "text/csv; charset=utf-8", "carte.csv")
    drawing = drawn(made, asked.measure)
    if shape == "svg":
        return Response(drawing, media_type="image/svg+xml")
    short = sorted(lacking(made), key=lambda c: (-c.short, c.area.code))
    title = coverage.MEASURES[asked.measure].capitalize()
    page = exports.page(
        "map", title=title, drawing=drawing, coverage=made, cells=short, sources=made.sources, on=made.on
    )
    return wire.printable(page)
