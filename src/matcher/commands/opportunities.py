"""`matcher opportunities`: notices a structure could answer: alone, in a group, by the clause, or to watch."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from typer import Argument, Option

from matcher import codec
from matcher.commands import _options as options
from matcher.console import progress, say
from matcher.partners import opportunities
from matcher.partners.opportunities import Opportunity, Part
from matcher.reading import gather
from matcher.reading.procedure import answerable
from matcher.reference.french import due, iso
from matcher.reference.text import shorten
from matcher.territory import areas

PLACED = (
    "avis=tender.id, lot=lot.number, intitulé=lot.title, acheteur=tender.buyer.name, km=match.distance_km"
)
WIDE, LOTS = 200, 6  # characters of a line; lots named in it
WORDS: dict[Part, str] = {
    "alone": "seule",
    "with-partner": "en groupement",
    "clause": "par la clause",
    "watch": "à suivre",
}


def run(
    siret: Annotated[str, Argument(help="The structure, by SIRET, SIREN or name.")],
    notices: Annotated[options.Files, Argument(help="Notices; by default those indexed.")] = None,
    since: Annotated[date | None, Option(parser=options.day, help="Published on this day or later.")] = None,
    region: options.Region = "",
    department: options.Departments = None,
    cpv: Annotated[options.Words, Option(help="Only lots of this CPV prefix; repeatable.")] = None,
    reserved: Annotated[bool, Option("--reserved", help="Only reserved lots.")] = False,
    most: Annotated[float | None, Option(min=0, help="Maximum yearly amount in euros, where known.")] = None,
    on: options.ReferenceDay = None,
    catalogue: options.Folder = options.CATALOGUE,
    format: options.Output = "table",
) -> None:
    """List the open notices of a structure's trade, a line each: alone, in a group, by the clause, to watch, and why.

    \b
    matcher opportunities 00010001600013
    matcher opportunities 12345678900011 notices/ --department 93 --reserved --format csv
    """
    matcher = options.loaded(catalogue)
    structure = options.named_structure(matcher, siret)
    tenders = answerable(gather.gather(notices).tenders if notices else gather.load_notices(catalogue))
    where, codes = areas.codes_within(region, department), tuple(cpv or ())
    wishes = opportunities.Wishes(departments=where, cpv=codes, since=since, reserved=reserved, most=most)
    moment = datetime.combine(on, time(), UTC) if on else None
    watched = progress(tenders, "looking")
    found = opportunities.opportunities(matcher, structure, watched, wishes=wishes, now=moment)
    notices_ = opportunities.by_notice(found)
    parts = Counter(lots[0].part for lots in notices_)
    told = ", ".join(f"{parts[part]} {words}" for part, words in WORDS.items() if parts[part])
    say(f"{structure.name} : {told or 'rien à répondre'}, parmi {len(tenders)} avis")
    if not found:
        say(*(f"  {why}" for why in opportunities.why_nothing(matcher, structure, tenders, now=moment)))
    options.emit_values(found, format, _row, lambda: _lines(notices_))


def _lines(notices: Sequence[tuple[Opportunity, ...]]) -> Iterator[str]:
    for part, words in WORDS.items():
        of_part = [lots for lots in notices if lots[0].part == part]
        if of_part:
            yield words.capitalize()
        yield from (f"  {_line(lots)}" for lots in of_part)


def _line(lots: tuple[Opportunity, ...]) -> str:
    """A notice in one line: its lots, buyer, deadline, distance, and why."""
    first = lots[0]
    numbers = [one.lot.number for one in lots]
    several = f"lots {', '.join(numbers[:LOTS])}{'…' if len(numbers) > LOTS else ''}"
    which = several if len(first.tender.lots) > 1 else ""
    km = f"{first.match.distance_km:.0f} km" if first.match.distance_km is not None else ""
    title, buyer = shorten(first.tender.title, 60), shorten(first.tender.buyer.name, 30)
    facts = (first.tender.id, which, title, buyer, km, due(first.lot.deadline or first.tender.deadline))
    return shorten(f"{' · '.join(filter(None, facts))} : {' ; '.join(first.why)}", WIDE)


def _row(one: Opportunity) -> dict[str, Any]:
    deadline = one.lot.deadline or one.tender.deadline
    row = {"part": WORDS[one.part], **codec.flat(one, PLACED)}
    row |= {"limite": deadline and iso(deadline), "pourquoi": " ; ".join(one.why)}
    partner = one.partner.structure.name if one.partner else None
    return row | {"avec": partner, "lien": one.tender.documents_url or one.tender.url}
