"""`matcher meeting`: a meeting day, from a theme, a place and the buyers' coming needs."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from matcher.commands._options import CATALOGUE, Folder, Html, Output, Xlsx, desk, rejects, write
from matcher.console import emit, say
from matcher.territory import meeting as planning
from matcher.territory.areas import somewhere


def run(
    buyers: Annotated[Path, Argument(help="CSV: acheteur, besoin, lieu, publiable, absent, maximum.")],
    theme: Annotated[str, Option(help="What the day is about.")],
    place: Annotated[str, Option(help="Where it is held: commune, postcode or department.")],
    on: Annotated[str, Option(help="The day (AAAA-MM-JJ).")],
    slots: Annotated[int, Option(help="Number of appointment slots.")] = 12,
    minutes: Annotated[int, Option(help="Minutes per slot.")] = 20,
    first: Annotated[str, Option(help="Start of the first slot.")] = "10:00",
    invite: Annotated[int, Option(min=1, help="Structures to invite.")] = 60,
    tables: Annotated[int | None, Option(min=1, help="Maximum simultaneous appointments.")] = None,
    per_structure: Annotated[int | None, Option(min=1, help="Appointments per structure.")] = None,
    participants: Annotated[Path | None, Option(help="Those who come (SIRETs), instead of a choice.")] = None,
    catalogue: Folder = CATALOGUE,
    xlsx: Xlsx = None,
    ics: Annotated[Path | None, Option(help="Write the calendar here.")] = None,
    html: Html = None,
    format: Output = "table",
) -> None:
    """Invitations, six pitches, and an optimal, fair timetable.

    \b
    matcher meeting besoins.csv --theme "services numériques" --place 93200 --on 2026-12-15 --xlsx jour.xlsx --ics jour.ics
    """
    guests, bad = planning.guests(buyers.read_bytes(), buyers.name)
    rejects(bad)
    come = planning.sirets(participants.read_bytes(), participants.name) if participants else ()
    day = planning.plan(
        desk(catalogue),
        theme=theme,
        place=somewhere(place),
        buyers=guests,
        on=planning.day_of(on),
        slots=slots,
        minutes=minutes,
        first=first,
        most=invite,
        tables=tables,
        per_structure=per_structure,
        participants=come,
    )
    for path, content in ((xlsx, planning.workbook), (ics, planning.calendar), (html, planning.page)):
        if path:
            write(path, content(day))
    emit(planning.rows(day), format)
    if format == "table":
        say("à entendre : " + ", ".join(one.structure.known_as for one in day.pitches))
    say(*day.notes, day.facilitator, *(f"source : {s}" for s in day.sources))
