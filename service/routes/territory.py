"""The map of a territory: supply, needs and gaps."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path as Segment
from fastapi import Query, Request, Response

from matcher import codec
from matcher.territory import exports
from service import wire
from service.access import Reader
from service.desk import DeskAnswer, MapQuery, answered, covered
from service.router import Router

router = Router(tags=["territory"])


class MapFileQuery(MapQuery):
    measure: Literal["gap", "needs", "likely", "plausible", "to_ask", "state"] = "gap"


@router.get("/territory/map", summary="Supply, needs and gaps, by area and trade", response_model=DeskAnswer)
def map_(request: Request, who: Reader, asked: Annotated[MapQuery, Query()]) -> Response:
    made = covered(request, asked)
    gap, needs = made.values("gap"), made.values("needs")
    result = {
        "zones": [
            {"code": a.code, "label": a.label, "needs": needs[a.code] or 0, "gap": gap[a.code] or 0, "facilitator": made.facilitators[a.code]}
            for a in made.areas
        ],
        "cells": [
            {
                "zone": c.area.code, "trade": c.trade, "label": c.label, "state": c.state, "count": codec.to_json(c.count), "needs": len(c.needs),
                "calls": c.calls, "gap": c.gap,
            }
            for c in made.cells
        ],
        "outside": dict(made.outside), "unplaced": made.unplaced, "n": made.n,
    }  # fmt: skip
    return answered(request, result, made.sources, made.on, made.facilitator)


@router.get(
    "/territory/map.{shape}",
    summary="The same as a picture (svg, png), a table (csv, xlsx), GeoJSON or a page to print (html)",
    response_class=Response,
)
def map_file(
    request: Request,
    who: Reader,
    shape: Annotated[Literal["svg", "png", "csv", "xlsx", "geojson", "html"], Segment()],
    asked: Annotated[MapFileQuery, Query()],
) -> Response:
    made = exports.map_as(shape, covered(request, asked), asked.measure)
    if shape == "html":
        return wire.printable(str(made))
    if shape == "svg":
        return Response(made, media_type=exports.SHAPES[shape])
    return wire.attachment(made, exports.SHAPES[shape], f"carte.{shape}")
