"""`matcher opportunities`: notices a structure could answer: alone, in a group, by the clause, or to watch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matcher.commands._options import DEFAULT_CATALOGUE, CatalogueFolder, OutputFormat

if TYPE_CHECKING:
    from matcher.partners.opportunities import Opportunity, Part

WIDE, LOTS = 200, 6  # characters of a line; lots named in it
WORDS: dict[Part, str] = {
    "alone": "seule",
    "with-partner": "en groupement",
    "clause": "par la clause",
    "watch": "à suivre",
}


def run(
    siret: Annotated[str, typer.Argument(help="The structure, by SIRET or SIREN.")],
    notices: Annotated[
        list[Path] | None,
        typer.Argument(help="Files of notices; by default those indexed with the catalogue."),
    ] = None,
    since: Annotated[str, typer.Option(help="Published on this day or later (YYYY-MM-DD).")] = "",
    department: Annotated[
        list[str] | None, typer.Option(help="Only lots of this department; repeatable.")
    ] = None,
    cpv: Annotated[list[str] | None, typer.Option(help="Only lots of this CPV prefix; repeatable.")] = None,
    reserved: Annotated[bool, typer.Option("--reserved", help="Only reserved lots.")] = False,
    most: Annotated[
        float | None, typer.Option(min=0, help="Maximum yearly amount in euros, where known.")
    ] = None,
    on: Annotated[str, typer.Option(help="Reference date instead of today (YYYY-MM-DD).")] = "",
    catalogue: CatalogueFolder = DEFAULT_CATALOGUE,
    format: OutputFormat = "table",
) -> None:
    """List the open notices of a structure's trade, a line each: alone, in a group, by the clause, to watch, and why.

    \b
    matcher opportunities 00010001600013
    matcher opportunities 12345678900011 notices/ --department 93 --reserved --format csv
    """
    from collections import Counter
    from datetime import UTC, datetime, time

    from matcher import codec
    from matcher.console import check_format, emit, progress, say
    from matcher.domain import BadInput
    from matcher.matching.engine import Matcher
    from matcher.partners import opportunities
    from matcher.reading import gather
    from matcher.reading.procedure import answerable
    from matcher.reference.identifiers import clean_date

    check_format(format)
    days = {}
    for name, raw in (("--since", since), ("--on", on)):
        days[name] = clean_date(raw) if raw else None
        if raw and days[name] is None:
            raise BadInput(f"{name} {raw!r} is not a day: write it as 2026-11-24")
    matcher = Matcher.load(catalogue)
    structure = matcher.catalogue.structure(matcher.catalogue.row(siret))
    tenders = answerable(gather.gather(notices).tenders if notices else gather.load_notices(catalogue))
    wishes = opportunities.Wishes(
        departments=tuple(department or ()),
        cpv=tuple(cpv or ()),
        since=days["--since"],
        reserved=reserved,
        most=most,
    )
    day = days["--on"]
    moment = datetime.combine(day, time(), UTC) if day else None
    found = opportunities.opportunities(
        matcher,
        structure,
        progress(tenders, "looking"),
        wishes=wishes,
        now=moment,
    )
    notices_ = opportunities.by_notice(found)
    parts = Counter(lots[0].part for lots in notices_)
    told = ", ".join(f"{parts[part]} {words}" for part, words in WORDS.items() if parts[part])
    say(f"{structure.name} : {told or 'rien à répondre'}, parmi {len(tenders)} avis")
    if not found:
        for why in opportunities.why_nothing(matcher, structure, tenders, now=moment):
            say(f"  {why}")
    if format == "jsonl":
        emit((codec.to_json(o) for o in found), "jsonl")
    elif format == "csv":
        emit(map(_row, found), format)
    else:
        for part, words in WORDS.items():
            if parts[part]:
                typer.echo(f"{words[:1].upper()}{words[1:]}")
            for lots in notices_:
                if lots[0].part == part:
                    typer.echo(f"  {_line(lots)}")


def _line(lots: tuple[Opportunity, ...]) -> str:
    """A notice in one line: its lots, buyer, deadline, distance, and why."""
    from matcher.reference.french import due
    from matcher.reference.text import shorten

    first = lots[0]
    numbers = [one.lot.number for one in lots]
    which = (
        f"lots {', '.join(numbers[:LOTS])}{'…' if len(numbers) > LOTS else ''}"
        if len(first.tender.lots) > 1
        else ""
    )
    km = f"{first.match.distance_km:.0f} km" if first.match.distance_km is not None else ""
    facts = (first.tender.id, which, shorten(first.tender.title, 60), shorten(first.tender.buyer.name, 30), km, due(first.lot.deadline or first.tender.deadline))  # fmt: skip
    return shorten(f"{' · '.join(filter(None, facts))} : {' ; '.join(first.why)}", WIDE)


def _row(one: Opportunity) -> dict[str, Any]:
    deadline = one.lot.deadline or one.tender.deadline
    return {
        "part": WORDS[one.part],
        "avis": one.tender.id,
        "lot": one.lot.number,
        "intitulé": one.lot.title,
        "acheteur": one.tender.buyer.name,
        "km": one.match.distance_km,
        "limite": deadline and deadline.isoformat(timespec="minutes"),
        "pourquoi": " ; ".join(one.why),
        "avec": one.partner.structure.name if one.partner else None,
        "lien": one.tender.documents_url or one.tender.url,
    }
