"""What a need could bring before a tender: potential, hours of insertion, effect on the OETH contribution."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated

from fastapi import Request, Response
from pydantic import Field

from matcher import codec
from matcher.reading.need import free_text_tender
from matcher.records import facilitators
from matcher.territory import hours, potential
from matcher.territory.counts import trades_of
from service.access import Reader
from service.desk import DeskAnswer, answered, desk_of, place_of, studied
from service.router import Router
from service.schemas import Euros, In, Months, PotentialIn, Rate, example

router = Router(tags=["territory"])


class HoursIn(In):
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


class OethIn(In):
    purchase: Euros
    rate: Rate | None = None
    contribution: Annotated[float, Field(ge=0, lt=1e11)] | None = None
    labour_cost: Annotated[float, Field(ge=0, lt=1e11)] | None = None
    headcount: Annotated[float, Field(ge=0, lt=1e8)] | None = None
    need: str = Field("", max_length=20_000)
    place: str = Field("", max_length=100, description="Its facilitator is named.")


NEED = "Entretien des espaces verts de trois écoles"
AskedPotential = Annotated[
    PotentialIn,
    example(
        "school", "A small need, like needs added up", need=NEED, place="Pantin", amount=45000, like_needs=0
    ),
]


@router.post(
    "/territory/potential",
    summary="What a need could bring before a tender, with advice and its reasons",
    response_model=DeskAnswer,
)
def potential_(request: Request, who: Reader, asked: AskedPotential) -> Response:
    made = studied(request, asked)
    named = made.lots[0].facilitator if made.lots else facilitators.named(None)
    return answered(request, {**codec.to_json(made), "order": potential.ORDER}, made.sources, made.on, named)


AskedHours = Annotated[
    HoursIn,
    example(
        "paint", "Painting a school", need="Peinture d'une école", amount=300000, months=8, place="93100"
    ),
]


@router.post(
    "/territory/hours",
    summary="Hours of insertion, full-time equivalents, who could carry them",
    response_model=DeskAnswer,
)
def hours_(request: Request, who: Reader, asked: AskedHours) -> Response:
    where = place_of(asked.place)
    tender = free_text_tender(asked.need, where)
    (trades,) = trades_of([asked.need], [()])
    row = hours.labour_of(trades, hours.code_of(tender.lots[0]))
    if asked.labour is not None or asked.hourly_cost is not None:
        row = replace(
            row,
            share=asked.labour or row.share,
            hourly_cost=asked.hourly_cost or row.hourly_cost,
            reasoning="donné par l'utilisateur",
            source="saisie",
            since=date.today(),
        )
    desk = desk_of(request)
    ranking = desk.ranking(desk.matcher.queries(tender)[0])
    made = hours.plan(
        desk, ranking, amount=asked.amount, months=asked.months, labour=row, shares=asked.shares
    )
    return answered(request, codec.to_json(made), made.sources, made.on, facilitators.named(where))


AskedOeth = Annotated[
    OethIn,
    example(
        "esat",
        "A purchase from an ESAT",
        purchase=20000,
        rate=0.025,
        contribution=15000,
        need="espaces verts",
    ),
]


@router.post(
    "/territory/oeth",
    summary="What a purchase from an EA or ESAT takes off the contribution",
    response_model=DeskAnswer,
)
def oeth_(request: Request, who: Reader, asked: AskedOeth) -> Response:
    (trades,) = trades_of([asked.need], [()])
    made = hours.oeth(
        asked.purchase, asked.rate, on=date.today(), contribution=asked.contribution, labour_cost=asked.labour_cost,
        labour=hours.labour_of(trades) if trades else None, headcount=asked.headcount,
    )  # fmt: skip
    where = place_of(asked.place)
    return answered(request, codec.to_json(made), made.rules, made.on, facilitators.named(where))
