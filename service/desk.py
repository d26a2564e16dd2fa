"""The territory desk: what its routes and its page share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from fastapi import Request, Response, UploadFile
from pydantic import BaseModel, Field

from matcher.domain import Award, BadInput, Place, Rejected, Tender
from matcher.reading import contracts
from matcher.reading.need import free_text_tender
from matcher.reference import places
from matcher.territory import choropleth, coverage, facilitators, ledger, potential
from matcher.territory.able import Able
from matcher.territory.supply import Supply, proposed
from service import access, wire
from service.asked import uploaded
from service.schemas import PotentialIn


class DeskAnswer(BaseModel):
    """An answer of the desk, with the sources of its figures and the day it was computed."""

    result: dict[str, Any] = Field(description="The answer; its fields are those of `matcher.territory`.")
    sources: list[str]
    facilitator: str = Field("", description="Who is the facilitator of the place.")
    on: date


class MapQuery(BaseModel):
    """The part of the country that is asked for, and the trades."""

    region: str = Field(default="", max_length=60)
    department: list[str] = Field(default_factory=list, max_length=110)
    commune: str = Field(default="", max_length=100)
    radius: float = Field(default=20.0, gt=0, le=500)
    trade: list[str] = Field(default_factory=list, max_length=50)
    n: int | None = Field(default=None, ge=1, le=100)


def supply_of(request: Request) -> Supply:
    """The structures served, with what the store knows of them, at most a minute old."""
    snapshot = request.app.state.serving.get()
    store = access.store_of(request)
    catalogue = snapshot.catalogue
    judged: Able = snapshot.once("judged", lambda: Able(catalogue, proposed(catalogue)))
    found: Supply = snapshot.for_a_minute("supply", lambda: Supply(catalogue, store, judged=judged))
    return found


def areas_of(asked: MapQuery) -> list[coverage.Area]:
    """The areas asked for; Île-de-France where none is."""
    areas = list(coverage.region(asked.region)) if asked.region else []
    areas += [coverage.department(code) for code in asked.department]
    if asked.commune:
        areas.append(coverage.circle(asked.commune, asked.radius))
    return areas or list(coverage.region("11"))


def covered(request: Request, asked: MapQuery) -> coverage.Coverage:
    """The map of what is served."""
    snapshot, areas = request.app.state.serving.get(), areas_of(asked)
    near = coverage.around(areas)
    lots = snapshot.once(
        ("wanted", near),
        lambda: coverage.wanted_of(snapshot.catalogue, snapshot.notices.values(), near),
    )
    return coverage.cover(supply_of(request), lots, areas, trades=asked.trade, n=asked.n)


def lacking(made: coverage.Coverage) -> list[coverage.Cell]:
    """The cells with needs that too few structures serve."""
    return [cell for cell in made.cells if cell.state in ("blanche", "fragile")]


def place_of(text: str) -> Place | None:
    """The place typed in, None where none is.  Raises BadInput on an unknown place."""
    return coverage.somewhere(text) if text.strip() else None


def named_at(where: Place | None) -> str:
    """The facilitator of a place, in words."""
    return facilitators.named(where) if where else facilitators.unplaced()


def answered(
    request: Request, result: Any, sources: tuple[str, ...], on: date, facilitator: str = ""
) -> Response:
    """The answer of a route with its sources."""
    found = DeskAnswer(result=result, sources=list(sources), facilitator=facilitator, on=on)
    return wire.send(request, found)


def drawn(made: coverage.Coverage, measure: str) -> str:
    """The picture of a map, its departments alone."""
    values = {code: value for code, value in made.values(measure).items() if places.department(code)}
    return choropleth.svg(
        values, title=coverage.MEASURES[measure].capitalize(), unit=coverage.MEASURES[measure],
        source=made.sources[0], departments=tuple(values),
    ) if values else ""  # fmt: skip


def studied(request: Request, supply: Supply, asked: PotentialIn) -> potential.Potential:
    """The potential of a need in words; it is not kept."""
    tender = free_text_tender(asked.need, place_of(asked.place))
    lots = tuple(replace(lot, duration_months=asked.months) for lot in tender.lots)
    return potential.potential(
        request.app.state.serving.get().matcher, replace(tender, confidential=True, lots=lots), supply, amount=asked.amount,
        like_needs=asked.like_needs, works=asked.works, buyer=asked.buyer, defence=asked.defence, public_service=asked.public_service,
        rate=asked.rate, contribution=asked.contribution,
    )  # fmt: skip


@contextmanager
def named(path: Path, name: str) -> Iterator[None]:
    """Name a scratch file in an error as its sender named it."""
    try:
        yield
    except BadInput as error:
        raise BadInput(str(error).replace(str(path), name)) from None


def reported(
    request: Request, books: list[UploadFile], awards: list[UploadFile], buyer: str, years: list[int]
) -> ledger.Report:
    """The report of files that were sent; nothing of them is kept."""
    purchases: list[ledger.Purchase] = []
    rejected: list[Rejected] = []
    listed: list[Award] = []
    announced: list[Award] = []
    with tempfile.TemporaryDirectory() as scratch:
        for number, file in enumerate(books):
            path = Path(scratch) / f"{number}.csv"
            path.write_bytes(file.file.read())
            with named(path, file.filename or "le grand livre"):
                good, bad = ledger.read(path)
            purchases += good
            rejected += bad
        for file in awards:
            for record in uploaded(file.file.read(), file.filename or "decp.json"):
                if isinstance(record, Award):
                    listed.append(record)
                elif isinstance(record, Tender):
                    announced += record.awards
                elif isinstance(record, Rejected):
                    rejected.append(record)
    rejected = [replace(bad, path=Path(bad.path).name) for bad in rejected]
    names = ", ".join(file.filename or "" for file in books)
    return ledger.report(
        request.app.state.serving.get().catalogue, purchases=purchases, awards=[*contracts.consolidate(listed), *announced], buyer=buyer, years=tuple(years), rejected=rejected, ledger_source=names,
    )  # fmt: skip
