"""`matcher meeting`: a meeting day, from a theme, a place and the buyers' coming needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from matcher.commands._options import DEFAULT_CATALOGUE, CatalogueFolder, OutputFormat, open_store, write
from matcher.console import emit, say


def run(
    buyers: Annotated[
        Path, Argument(help="CSV of needs: acheteur, besoin; also lieu, publiable, absent, maximum.")
    ],
    theme: Annotated[str, Option(help="What the day is about.")],
    place: Annotated[str, Option(help="Where it is held: commune, postcode or department.")],
    on: Annotated[str, Option(help="The day (AAAA-MM-JJ).")],
    slots: Annotated[int, Option(help="Number of appointment slots.")] = 12,
    minutes: Annotated[int, Option(help="Minutes per slot.")] = 20,
    first: Annotated[str, Option(help="Start of the first slot.")] = "10:00",
    invite: Annotated[int, Option(min=1, help="Structures to invite.")] = 60,
    tables: Annotated[int | None, Option(min=1, help="Maximum simultaneous appointments.")] = None,
    per_structure: Annotated[int | None, Option(min=1, help="Appointments per structure.")] = None,
    participants: Annotated[
        Path | None, Option(help="CSV or XLSX with the SIRETs of those who come, instead of a choice.")
    ] = None,
    catalogue: CatalogueFolder = DEFAULT_CATALOGUE,
    xlsx: Annotated[Path | None, Option(help="Write the workbook here.")] = None,
    ics: Annotated[Path | None, Option(help="Write the calendar here.")] = None,
    html: Annotated[Path | None, Option(help="Write the printable pages here.")] = None,
    format: OutputFormat = "table",
) -> None:
    """Invitations, six pitches, and an optimal, fair timetable.

    \b
    matcher meeting besoins.csv --theme "services numériques" --place 93200 --on 2026-12-15 --xlsx jour.xlsx --ics jour.ics
    """
    from matcher.matching.engine import Matcher
    from matcher.territory import meeting as desk
    from matcher.territory.areas import somewhere
    from matcher.territory.counts import Desk

    guests, bad = desk.guests(buyers.read_bytes(), buyers.name)
    for one in bad:
        say(f"écarté, {one.record} : {one.reason}")
    come = desk.sirets(participants.read_bytes(), participants.name) if participants else ()
    day = desk.plan(
        Desk(Matcher.load(catalogue), open_store()),
        theme=theme,
        place=somewhere(place),
        buyers=guests,
        on=desk.day_of(on),
        slots=slots,
        minutes=minutes,
        first=first,
        most=invite,
        tables=tables,
        per_structure=per_structure,
        participants=come,
    )
    for path, content in ((xlsx, desk.workbook), (ics, desk.calendar), (html, desk.page)):
        if path:
            write(path, content(day))
    emit(desk.rows(day), format)
    if format == "table":
        say("à entendre : " + ", ".join(one.structure.brand or one.structure.name for one in day.pitches))
    for line in (*day.notes, day.facilitator, *(f"source : {s}" for s in day.sources)):
        say(line)
