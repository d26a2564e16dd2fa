"""The territory desk: what its routes and its page share."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Literal

from fastapi import Request, Response, UploadFile
from pydantic import BaseModel, Field

from matcher import codec
from matcher.domain import Award, Rejected, Tender, kinds_named
from matcher.reading import contracts
from matcher.records import worked
from matcher.records.keys import Bearer
from matcher.records.store import Store
from matcher.territory import areas, coverage, ledger, potential
from matcher.territory.advice import Given
from matcher.territory.counts import Count, Desk, need_of, no_counts
from service import access, wire
from service.access import store_of
from service.announced import buyer_of
from service.asked import uploaded
from service.schemas import PotentialIn
from service.snapshot import Snapshot, snapshot_of

Files = list[UploadFile]
FIRST = "11"  # the region that a map shows unless another is asked for
LINES = 12  # zones that a page lists


class DeskAnswer(BaseModel):
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
    wholes = areas.region(asked.region) if asked.region else ()
    wholes += tuple(areas.department(code) for code in asked.department)
    circle = (areas.circle(asked.commune, asked.radius),) if asked.commune else ()
    chosen = (*areas.divided(wholes or (() if circle else areas.region(FIRST)), asked.by), *circle)
    near = areas.departments_of(chosen)
    read = partial(coverage.in_catalogue, snapshot.catalogue, snapshot.notices, near)
    needs, kinds = snapshot.once(("needs", near), read), kinds_named(asked.kind)
    return coverage.cover(opened, needs, chosen, trade=asked.trade, kinds=kinds, n=asked.n)


Gap = tuple[coverage.Cell, tuple[coverage.Closer, ...], list[tuple[str, str, Count]]]


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
    return potential.potential(desk_of(request), tender, Given(**given))


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
    columns = "objet=title, acheteur=buyer.name, offres reçues=offers_received, montant € HT=amount"
    row = codec.flat(award, columns) | {"titulaires": ", ".join(h.name or h.id for h in award.holders)}
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
        rejected=[replace(bad, path=Path(bad.path).name) for bad in rejected],
        ledger_source=", ".join(file.filename or "" for file in books),
        lines=worked.listing(store_of(request), who, buyer_of(request, who)),
    )
