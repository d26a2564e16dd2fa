"""What the territory routes and pages share."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

from fastapi import Request, UploadFile

from matcher.domain import BadInput
from matcher.reading import gather
from matcher.reading.need import free_text_tender
from matcher.reference import places
from matcher.territory import choropleth, coverage, ledger, potential
from matcher.territory.supply import Supply
from service import access
from service.schemas import PotentialIn


def supply_of(request: Request) -> Supply:
    """The structures served, with what the store knows of them; made anew for a new catalogue, and each minute."""
    snapshot = request.app.state.serving.get()
    stamp = (snapshot.stamp, int(time.time() // 60))
    held = getattr(request.app.state, "territory", None)
    if held is None or held[0] != stamp:
        held = (stamp, Supply(snapshot.catalogue, access.store_of(request)))
        request.app.state.territory = held
    found: Supply = held[1]
    return found


def areas_of(region: str, departments: list[str], commune: str, radius: float) -> list[coverage.Area]:
    """The areas asked for; Île-de-France where none is."""
    areas = list(coverage.region(region)) if region else []
    areas += [coverage.department(code) for code in departments]
    if commune:
        areas.append(coverage.circle(commune, radius))
    return areas or list(coverage.region("11"))


def covered(
    request: Request,
    region: str,
    departments: list[str],
    commune: str,
    radius: float,
    trades: list[str],
    n: int | None,
) -> coverage.Coverage:
    """The map of what is served."""
    snapshot = request.app.state.serving.get()
    areas = areas_of(region, departments, commune, radius)
    lots = coverage.wanted_of(snapshot.catalogue, snapshot.notices.values(), coverage.around(areas))
    return coverage.cover(supply_of(request), lots, areas, trades=trades, n=n)


def drawn(made: coverage.Coverage, measure: str) -> str:
    """The picture of a map, its departments alone."""
    values = {code: value for code, value in made.values(measure).items() if places.department(code)}
    return choropleth.svg(
        values, title=coverage.MEASURES[measure].capitalize(), unit=coverage.MEASURES[measure],
        source=made.sources[0], departments=tuple(values),
    ) if values else ""  # fmt: skip


def studied(request: Request, supply: Supply, asked: PotentialIn) -> potential.Potential:
    """The potential of a need in words; it is not kept."""
    where = coverage.somewhere(asked.place) if asked.place.strip() else None
    tender = free_text_tender(asked.need, where)
    lots = tuple(replace(lot, duration_months=asked.months) for lot in tender.lots)
    return potential.potential(
        request.app.state.serving.get().matcher, replace(tender, confidential=True, lots=lots), supply, amount=asked.amount,
        like_needs=asked.like_needs, works=asked.works, buyer=asked.buyer, defence=asked.defence, public_service=asked.public_service,
        rate=asked.rate, contribution=asked.contribution,
    )  # fmt: skip


def reported(
    request: Request, books: list[UploadFile], awards: list[UploadFile], buyer: str, years: list[int]
) -> ledger.Report:
    """The report of files that were sent; nothing of them is kept."""
    purchases: list[ledger.Purchase] = []
    rejected, listed = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for number, file in enumerate(books):
            path = Path(scratch) / f"{number}.csv"
            path.write_bytes(file.file.read())
            try:
                good, bad = ledger.read(path)
            except BadInput as error:
                raise BadInput(str(error).replace(str(path), file.filename or "le grand livre")) from None
            purchases += good
            rejected += bad
        paths = []
        for number, file in enumerate(awards):
            path = Path(scratch) / f"decp-{number}{''.join(Path(file.filename or '').suffixes[-2:])[:12]}"
            path.write_bytes(file.file.read())
            paths.append(path)
        if paths:
            found = gather.gather(paths)
            listed = found.awards
            rejected += found.rejected
    rejected = [replace(bad, path=Path(bad.path).name) for bad in rejected]
    names = ", ".join(file.filename or "" for file in books)
    return ledger.report(
        request.app.state.serving.get().catalogue, purchases=purchases, awards=listed, buyer=buyer, years=tuple(years), rejected=rejected, ledger_source=names,
    )  # fmt: skip
