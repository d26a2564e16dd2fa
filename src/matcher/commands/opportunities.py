"""`matcher opportunities`: lots a structure could tender for, alone, with a partner, or to watch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matcher.commands._options import DEFAULT_CATALOGUE, CatalogueFolder, OutputFormat


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
    """List the open lots of a structure's trade in three parts: alone, with a partner, to watch, and why.

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
    found = opportunities.opportunities(
        matcher,
        structure,
        progress(tenders, "looking"),
        wishes=wishes,
        now=datetime.combine(day, time(), UTC) if day else None,
    )
    parts = Counter(o.part for o in found)
    say(
        f"{structure.name} : {parts['alone']} lots à répondre seule, {parts['with-partner']} avec un partenaire, "
        f"{parts['watch']} à surveiller, parmi {len(tenders)} avis"
    )
    if format == "jsonl":
        emit((codec.to_json(o) for o in found), "jsonl")
        return
    words = {"alone": "seul", "with-partner": "avec un partenaire", "watch": "à surveiller"}
    emit(
        (
            {
                "part": words[o.part],
                "avis": o.tender.id,
                "lot": o.lot.number,
                "intitulé": o.lot.title,
                "acheteur": o.tender.buyer.name,
                "km": o.match.distance_km,
                "limite": (d := o.lot.deadline or o.tender.deadline) and d.isoformat(timespec="minutes"),
                "pourquoi": " ; ".join(o.why),
                "avec": o.partner.structure.name if o.partner else None,
                "lien": o.tender.documents_url or o.tender.url,
            }
            for o in found
        ),
        format,
    )
