"""The territory's page: the map and its blank zones, the potential of a need, its hours, its facilitator."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from matcher import needs, reference
from matcher.domain import BadInput, MatcherError
from matcher.identifiers import clean_amount
from matcher.keys import Bearer
from matcher.territory import coverage, potential
from service.page import render
from service.page.buyer import reader
from service.routes import territory

router = APIRouter()


@router.get("/territoire")
def show(
    request: Request,
    who: Annotated[Bearer, Depends(reader)],
    region: Annotated[str, Query(max_length=60)] = "11",
    metier: Annotated[str, Query(max_length=50)] = "",
    mesure: Annotated[str, Query(max_length=20)] = "share",
) -> Response:
    chosen = mesure if mesure in coverage.MEASURES else "share"
    trades = [metier] if metier else []
    made = territory.covered(request, region, [], "", 20.0, trades, None)
    short = sorted(
        (c for c in made.cells if c.state in ("blanche", "fragile")),
        key=lambda c: (-c.short, c.area.code, c.label),
    )
    return render.page(
        request, "territory.html", coverage=made, drawing=territory.drawn(made, chosen), cells=short[:60], left=max(0, len(short) - 60),
        regions=reference.regions(), trades=needs.trades(), region=region, trade=metier, measure=chosen, measures=coverage.MEASURES,
        found=None, asked={"need": "", "place": "", "amount": "", "like": ""}, order=potential.ORDER, problem="",
    )  # fmt: skip


@router.post("/territoire")
def study(
    request: Request, who: Annotated[Bearer, Depends(reader)], need: Annotated[str, Form(max_length=20_000)] = "",
    place: Annotated[str, Form(max_length=100)] = "", amount: Annotated[str, Form(max_length=30)] = "", like: Annotated[str, Form(max_length=30)] = "",
) -> Response:  # fmt: skip
    found, problem = None, ""
    try:
        given = {
            name: clean_amount(text) if text.strip() not in ("", "0") else (0.0 if text.strip() else None)
            for name, text in (("amount", amount), ("like", like))
        }
        if (amount.strip() and not given["amount"]) or (
            like.strip() not in ("", "0") and given["like"] is None
        ):
            raise BadInput("Un montant ne peut être lu : écrivez 45 000 ou 45000,50.")
        asked = territory.PotentialIn(
            need=need or " ", place=place, amount=given["amount"] or None, like_needs=given["like"]
        )
        found = territory.studied(request, territory.supply_of(request), asked)
    except (MatcherError, ValueError) as error:
        problem = str(error)
    return render.page(
        request, "territory.html", 422 if problem else 200, coverage=None, drawing="", cells=[], left=0, regions=reference.regions(), trades=needs.trades(), region="11", trade="",
        measure="share", measures=coverage.MEASURES, found=found, asked={"need": need, "place": place, "amount": amount, "like": like}, order=potential.ORDER, problem=problem,
    )  # fmt: skip
