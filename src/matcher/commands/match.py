"""`matcher match`: who can answer these notices, alone or together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matcher.commands.index import DEFAULT_CATALOGUE

if TYPE_CHECKING:
    from matcher.domain import Answer


def run(
    notices: Annotated[list[Path] | None, typer.Argument(help="Notices in any known format.")] = None,
    need: Annotated[str | None, typer.Option(help="A need in your own words instead of a notice.")] = None,
    place: Annotated[str, typer.Option(help="Where the need is: commune, postcode or department.")] = "",
    catalogue: Annotated[
        Path, typer.Option(help="The folder written by `matcher index`.")
    ] = DEFAULT_CATALOGUE,
    n: Annotated[int, typer.Option("-n", min=1, max=500, help="Structures shown for each lot.")] = 5,
    groups: Annotated[int, typer.Option(min=0, max=10, help="Groups proposed for each notice.")] = 1,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only this kind (EI, ACI, ESAT ...); repeatable.")
    ] = None,
    department: Annotated[list[str] | None, typer.Option(help="Only structures of this department.")] = None,
    radius: Annotated[float | None, typer.Option(min=0, help="Only within so many kilometres.")] = None,
    word: Annotated[
        list[str] | None, typer.Option(help="Only those whose texts hold these exact words.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Never this SIRET or SIREN.")] = None,
    active: Annotated[bool, typer.Option("--active", help="Leave out closed establishments.")] = False,
    recipe: Annotated[str | None, typer.Option(help="Another recipe than the catalogue's.")] = None,
    format: Annotated[str, typer.Option(help="table, jsonl or csv.")] = "table",
) -> None:
    """Rank the structures for each lot of each notice, with reasons, and propose groups.

    \b
    matcher match data/sample
    matcher match --need "entretien des espaces verts d'une école" --place Nanterre -n 10
    matcher match notice.xml --kind ESAT --kind EA --radius 50 --format csv > structures.csv
    """
    from matcher import codec, gathering, reference
    from matcher.catalogue import free_text_tender
    from matcher.domain import BadInput, Filters, NothingGood, Place
    from matcher.engine import Matcher
    from matcher.terminal import check_format, emit, progress, say

    check_format(format)
    if not notices and need is None:
        raise BadInput('nothing to match: give notices, or --need "what is to be done"')
    tenders = []
    if notices:
        found = gathering.gather(notices)
        tenders = [t for t in found.tenders if t.nature in ("call", "prior", "project", "correction")]
        for sentence in found.summary():
            say(sentence)
        aside = len(found.tenders) - len(tenders)
        if aside:
            say(f"  {aside} notices are awards or cancellations: nothing to answer")
    if need is not None:
        where = reference.locate(_place(place)) if place else None
        if place and where is not None and where.department is None and where.latitude is None:
            raise BadInput(f"no commune, postcode or department is called {place!r}: check the spelling")
        tenders.append(free_text_tender(need, where or Place()) if where else free_text_tender(need))
    if not tenders:
        raise NothingGood("no notice to answer was found in these files: `matcher read` shows what they hold")
    matcher = Matcher.load(catalogue, recipe)
    filters = Filters(
        kinds=tuple(kind or ()), departments=tuple(department or ()), radius_km=radius,
        phrases=tuple(word or ()), excluded=tuple(exclude or ()), active_only=active,
    )  # fmt: skip
    answers = (
        matcher.match(tender, n, filters=filters, groups=groups) for tender in progress(tenders, "matching")
    )
    if format == "table":
        for answer in answers:
            show(answer)
    elif format == "jsonl":
        emit((codec.to_json(answer) for answer in answers), "jsonl")
    else:
        emit((row for answer in answers for row in rows(answer)), "csv")


def _place(words: str) -> Any:
    from matcher.domain import Place

    bare = words.strip()
    if len(bare) == 5 and bare.isdigit():
        return Place(postcode=bare)
    if (len(bare) in (2, 3) and bare[:2].isdigit()) or bare.upper() in ("2A", "2B"):
        return Place(department=bare.upper())
    return Place(label=bare)


def rows(answer: Answer) -> Iterator[dict[str, Any]]:
    """One flat row for each structure of each lot, for a spreadsheet."""
    for lot_answer in answer.lots:
        for match in lot_answer.matches:
            structure = match.structure
            yield {
                "avis": answer.tender.id, "lot": match.lot.number, "intitulé": match.lot.title, "rang": match.rank,
                "siret": structure.siret, "nom": structure.brand or structure.name, "type": structure.kind,
                "commune": structure.place.label, "km": match.distance_km, "score": round(match.score, 3),
                "admissible": {True: "oui", False: "non", None: "à vérifier"}[match.eligible],
                "raisons": " ; ".join(reason.text for reason in telling(match)),
                "manque": " ; ".join(match.missing), "téléphone": structure.phone, "courriel": structure.email,
                "site": structure.website, "source": structure.source,
            }  # fmt: skip


def telling(match: Any, most: int = 3) -> list[Any]:
    """The reasons that add most to the score, each sentence once."""
    found: dict[str, Any] = {}
    for reason in match.reasons:
        if reason.contribution > 0.01 and reason.text not in found:
            found[reason.text] = reason
    return list(found.values())[:most]


def show(answer: Answer) -> None:
    """An answer as a person reads it: each lot with its structures, then the groups."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    from matcher.text import shorten

    console = Console(width=None if __import__("sys").stdout.isatty() else 150)
    tender = answer.tender
    deadline = f", réponse avant le {tender.deadline:%d/%m/%Y}" if tender.deadline else ""
    console.rule(escape(shorten(f"{tender.id} · {tender.title}", 110)), align="left")
    console.print(escape(f"{tender.buyer.name or 'acheteur inconnu'}{deadline}"))
    for lot_answer in answer.lots:
        lot = lot_answer.lot
        where = ", ".join(
            dict.fromkeys(p.label or p.department or "" for p in lot.places if p.label or p.department)
        )
        reserved = ""
        if lot.reservation is not None:
            stated = ", ".join(lot.reservation.articles) or "article non précisé"
            reserved = f" · réservé ({stated})"
        clause = " · clause sociale" if lot.clauses else ""
        console.print(
            Text(
                f"\nLot {lot.number} : {shorten(lot.title, 100)}{' · ' + where if where else ''}{reserved}{clause}",
                style="bold",
            )
        )
        if lot_answer.nobody:
            console.print(
                "  Aucune structure adaptée n'est connue pour ce lot ; les plus proches, pour information :"
            )
        for relaxation in lot_answer.relaxations:
            console.print(f"  {escape(relaxation)}")
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for heading, justify in (
            ("", "right"),
            ("structure", "left"),
            ("type", "left"),
            ("commune", "left"),
            ("km", "right"),
            ("score", "right"),
            ("pourquoi", "left"),
            ("à savoir", "left"),
        ):
            table.add_column(heading, justify=justify, overflow="fold")  # type: ignore[arg-type]
        for match in lot_answer.matches:
            structure = match.structure
            contact = structure.phone or structure.email or structure.website
            known = "; ".join((*match.warnings, *match.missing))
            table.add_row(
                str(match.rank),
                Text(f"{structure.brand or structure.name}\n{contact}".strip()),
                structure.kind or "entreprise",
                Text(structure.place.label),
                "–" if match.distance_km is None else f"{match.distance_km:.0f}",
                f"{match.score:.2f}",
                Text("\n".join(shorten(reason.text, 90) for reason in telling(match))),
                Text(shorten(known, 110)),
            )
        console.print(table)
        for match in lot_answer.by_clause[:3]:
            console.print(
                Text(
                    f"  par la clause : {match.structure.name} ({match.structure.kind}), {match.structure.place.label}"
                )
            )
    for number, group in enumerate(answer.consortia, 1):
        console.print(
            Text(
                f"Groupement proposé n° {number} ({group.form or 'forme à choisir'}) : {len(group.covered)} lot(s) ou besoin(s) couverts, {len(group.uncovered)} sans réponse",
                style="bold",
            )
        )
        for member in group.members:
            console.print(
                Text(
                    f"  {member.role:11s} {member.structure.brand or member.structure.name} ({member.structure.kind or 'entreprise'}) : {', '.join(member.lots)}. {shorten(member.reason, 140)}"
                )
            )
        for warning in group.warnings:
            console.print(
                Text(
                    f"  ! {warning.text} ({warning.article}, à vérifier)"
                    if warning.article
                    else f"  ! {warning.text}"
                )
            )
    console.print()
