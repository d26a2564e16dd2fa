"""`matcher match`: structures that can answer notices, alone or together."""

import re
import sys
from collections.abc import Iterator
from typing import Annotated, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from typer import Argument, Option

from matcher import codec, domain
from matcher.commands import _options as options
from matcher.console import progress, say
from matcher.domain import ANSWERABLE, Answer, BadInput, Filters, LotAnswer, Tender
from matcher.matching import judgement, reasons
from matcher.matching.groups.consortium import task_label
from matcher.matching.reasons import clause_in_words, counts, everywhere, unknown_in_words, why_nobody
from matcher.reading import gather
from matcher.reading.need import corrected, placed, placed_need, reservation_unread, sized_need
from matcher.reading.procedure import by_id, in_force, remark
from matcher.reference import toponyms
from matcher.reference.french import due
from matcher.reference.text import shorten
from matcher.territory import areas

MOST = 500  # structures shown for a lot
#: Columns of a match, before and after those that are computed.
PLACED = (
    "lot=lot.number, intitulé=lot.title, rang=rank, siret=structure.siret, nom=structure.known_as, "
    "type=structure.kind, commune=structure.place.label, km=distance_km"
)
REACHED = (
    "manque=missing, téléphone=structure.phone, courriel=structure.email, site=structure.website, "
    "source=structure.source"
)


def run(
    notices: Annotated[
        options.Files, Argument(help="Notices: files in any known format, or ids indexed.")
    ] = None,
    need: Annotated[str | None, Option(help="A need in your own words instead of a notice.")] = None,
    place: Annotated[str, Option(help="Where: communes, a postcode, grouping, department, region.")] = "",
    amount: Annotated[float | None, Option(min=0, help="Of that need, euros before tax.")] = None,
    months: Annotated[float | None, Option(min=0, help="Its duration.")] = None,
    catalogue: options.Folder = options.CATALOGUE,
    source: options.Source = None,
    n: Annotated[int, Option("-n", min=1, max=MOST, help="Structures shown for each lot.")] = 5,
    groups: Annotated[int, Option(min=0, max=10, help="Groups proposed for each notice.")] = 1,
    kind: Annotated[options.Words, Option(help="Only this kind (EI, ACI, ESAT ...); repeatable.")] = None,
    trade: Annotated[options.Words, Option(help="The trade asked for, in place of that read.")] = None,
    region: options.Region = "",
    department: options.Departments = None,
    radius: Annotated[float | None, Option(min=0, help="Maximum distance in kilometres.")] = None,
    word: Annotated[options.Words, Option(help="Only those whose texts hold these exact words.")] = None,
    exclude: Annotated[options.Words, Option(help="Never this SIRET or SIREN.")] = None,
    active: Annotated[bool, Option("--active", help="Leave out closed establishments.")] = False,
    recipe: Annotated[str | None, Option(help="Recipe to use instead of the catalogue's.")] = None,
    format: options.Output = "table",
) -> None:
    """Rank the structures for each lot of each notice, with reasons, and propose groups.

    --region and --department keep the structures whose seat is there.

    \b
    matcher match data/sample
    matcher match --need "entretien des espaces verts d'une école" --place Nanterre -n 10
    matcher match --need "tonte, marché réservé aux EA et ESAT" --place Nanterre
    matcher match notice.xml --kind ESAT --kind EA --radius 50 --format csv > structures.csv
    """
    if not notices and need is None:
        raise BadInput('nothing to match: give notices, or --need "what is to be done"')
    written = next((path for path in notices or () if " " in path.name and not path.exists()), None)
    if written is not None:
        raise BadInput(f'no file is named "{written}": give a need in your own words by --need "{written}"')
    tenders = []
    # as `explain` does: what is no file may be the id of a notice indexed with the catalogue
    absent = {str(path) for path in notices or () if not path.exists()}
    known = by_id(gather.load_notices(catalogue)) if absent else {}
    indexed = {id: known[id] for id in sorted(absent) if id in known}
    files = [path for path in notices or () if str(path) not in indexed]
    if files:
        read = in_force(options.gathered(files, source).tenders)
        tenders = [t for t in read if t.nature in ANSWERABLE]
        aside = len(read) - len(tenders)
        if aside:
            say(f"  {aside} notices are awards or cancelled: nothing to answer")
    tenders += {tender.id: tender for tender in indexed.values()}.values()
    where = toponyms.asked(place, need or "")
    tenders = [placed(tender, where) for tender in tenders]
    if need is not None:
        tenders.append(sized_need(placed_need(need, place), amount, months))
    if where and not toponyms.spelt(place):
        say(f"« {place} » : lu {', '.join(p.label for p in where)}")
    if not tenders:
        raise domain.NoValidRecords("no notice to answer in these files: `matcher read` shows what they hold")
    tenders = [corrected(tender, trade or ()) for tender in tenders]
    matcher = options.loaded(catalogue, recipe)
    if other := judgement.of_another_encoder(matcher.catalogue):
        say(other)
    lists = {
        "kinds": domain.kinds_named(kind or ()),
        "departments": areas.codes_within(region, department),
        "phrases": word,
        "excluded": exclude,
    }
    given = {name: tuple(words or ()) for name, words in lists.items()}
    filters = Filters(**given, radius_km=radius, active_only=active)
    # no progress bar where answers are printed as they come: it would be drawn across them
    watched = tenders if format == "table" else progress(tenders, "matching")
    answers = (matcher.match(tender, n, filters=filters, groups=groups) for tender in watched)
    if format == "table":
        for answer in answers:
            show(answer)
    else:
        options.emit_values(answers, format, rows)


def rows(answer: Answer) -> Iterator[dict[str, Any]]:
    """One flat row for each structure of each lot, for a spreadsheet."""
    for match in (match for lot_answer in answer.lots for match in lot_answer.matches):
        yield {
            "avis": answer.tender.id,
            **codec.flat(match, PLACED),
            "niveau": reasons.mark(match),
            "score": round(match.score, 3),
            "admissible": {True: "oui", False: "non", None: "à vérifier"}[match.eligible],
            "raisons": " ; ".join(reasons.sentences(match.reasons)),
            **codec.flat(match, REACHED),
        }


def show(answer: Answer) -> None:
    """An answer in plain text: each lot with its structures, then the groups."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    tender = answer.tender
    deadline = f", {due(tender.deadline)}" if tender.deadline else ""
    name = tender.title if tender.format == "need" else f"{tender.id} · {tender.title}"
    console.rule(escape(shorten(name, console.width - 4)), align="left")
    if tender.format != "need":
        console.print(escape(f"{tender.buyer.name or 'acheteur inconnu'}{deadline}"))
        if standing := remark(tender):
            console.print(escape(standing))
    for unplaced in filter(None, dict.fromkeys(map(everywhere, answer.lots))):
        _indented(console, f"{unplaced} Dites-le par --place.")
    if unread := reservation_unread(tender):
        _indented(console, unread)
    for lot_answer in answer.lots:
        _show_lot(console, lot_answer, several=len(answer.lots) > 1 or tender.format != "need")
    for number, group in enumerate(answer.consortia, 1):
        if len(group.members) > 1:
            _show_group(console, tender, group, number)
    console.print()


def _show_lot(console: Console, answer: LotAnswer, several: bool) -> None:
    lot = answer.lot
    named = (
        f"{p.label} ({p.department})"
        if p.commune and not re.search(r"\d", p.label)
        else p.label or p.department or ""
        for p in lot.places
    )
    where = ", ".join(filter(None, dict.fromkeys(named)))
    parts = [f"Lot {lot.number} : {shorten(lot.title, 100)}"] if several else []
    parts += [where] if where else []
    if lot.reservation is not None:
        parts.append(f"réservé ({lot.reservation.cited})")
    parts += list(dict.fromkeys(clause_in_words(one).lower() for one in lot.clauses))
    console.print(Text("\n" + " · ".join(parts), style="bold"))
    none = "Aucune structure adaptée n'est connue pour ce lot : " if answer.nobody else ""
    counted = "" if answer.calls_for == "unclear" else none + counts(answer)
    _indented(console, ". ".join(filter(None, (counted, why_nobody(answer)))))
    if answer.matches:
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("", justify="right", no_wrap=True)
        table.add_column("structure", max_width=34, overflow="fold")
        table.add_column("type", no_wrap=True)
        table.add_column("commune", max_width=18)
        table.add_column("km", justify="right", no_wrap=True)
        table.add_column("pourquoi", ratio=1)
        for match in answer.matches:
            one, km = match.structure, match.distance_km
            contact = one.contact or "aucun contact connu"
            away = "–" if km is None else f"{0 if km < 1 else km:.0f}"
            # one remark a line: warnings first, then trade, place and past awards
            told = (*(f"! {warning}" for warning in match.warnings), reasons.mark(match))
            told += tuple(shorten(sentence, 110) for sentence in reasons.sentences(match.reasons))
            who, why = Text(f"{one.known_as}\n{contact}"), Text("\n".join(filter(None, told)))
            table.add_row(str(match.rank), who, one.kind_label, Text(one.place.label), away, why)
        console.print(table)
    if 0 < len(answer.matches) < (every := answer.likely + answer.plausible):
        _indented(console, f"-n {min(every, MOST)} montre la suite")
    if answer.matches and answer.to_ask:
        _indented(console, unknown_in_words(answer))
    if answer.relaxations:
        _indented(console, f"pour élargir : {' ; '.join(answer.relaxations)}")
    if answer.by_clause:
        hours = ", ".join(options.called(m.structure) for m in answer.by_clause[:3])
        _indented(console, f"par la clause (heures d'insertion) : {hours}")


def _indented(console: Console, text: str, by: int = 2) -> None:
    console.print(Padding(Text(text), (0, 0, 0, by)))


def _show_group(console: Console, tender: Tender, group: domain.Consortium, number: int) -> None:
    apart = len(group.members) > 1 and not group.form
    form = "Offres séparées, proposition" if apart else f"Groupement {group.form} proposé".replace("  ", " ")
    console.print(Text(f"\n{form} n° {number}", style="bold"))
    for member in group.members:
        console.print(Text(f"  {member.role} : {options.called(member.structure)}"))
        for part in member.reason.split(" ; "):
            _indented(console, part, 4)
    if group.uncovered:
        _indented(console, f"personne pour : {' ; '.join(task_label(tender, t) for t in group.uncovered)}")
    for warning in group.warnings:
        article = f" ({warning.article})" if warning.article else ""
        _indented(console, f"! {warning.text}{article}")
