"""`matcher partners`: partners for a structure on a notice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from matcher.commands._notice import called, one_notice
from matcher.commands._options import (
    DEFAULT_CATALOGUE,
    CatalogueFolder,
    NoFirms,
    NoticeOf,
    OutputFormat,
    WhichNotice,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matcher.domain import Structure
    from matcher.partners.partners import Partner, Partners

WIDE = 180  # characters of a line
TITLES = {
    "partners": "Structures :",
    "firms": "Entreprises ordinaires à portée :",
    "subcontracting": "En sous-traitance :",
}
FIRST = {"partners": 6, "firms": 4, "subcontracting": 2}  # lines of each list, unless in detail


def run(
    siret: Annotated[str, typer.Argument(help="The structure that looks for partners, by SIRET or SIREN.")],
    notice: NoticeOf,
    id: WhichNotice = None,
    lot: Annotated[str | None, typer.Option(help="One lot only, by number or id.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, max=200, help="How many partners.")] = 10,
    no_firms: NoFirms = False,
    detail: Annotated[
        bool, typer.Option("--detail", help="All partners, with contacts and rules of law.")
    ] = False,
    catalogue: CatalogueFolder = DEFAULT_CATALOGUE,
    format: OutputFormat = "table",
) -> None:
    """Name partners by what they add: a part that is lacking, else capacity; then ordinary firms in reach.

    Then, for subcontracting, the firms that could be asked for a share of a lot's hours; for an award notice, its winners.

    \b
    matcher partners 00010001600013 26-130101
    matcher partners 12345678900011 notice.xml --detail
    matcher partners 12345678900011 notice.xml --lot 2 -n 5 --format jsonl
    matcher partners 12345678900011 award-notice.xml       subcontractors for the hours owed by the winner
    """
    from matcher import codec
    from matcher.console import emit
    from matcher.domain import NotFound
    from matcher.matching.engine import Matcher
    from matcher.partners import partners
    from matcher.reading import gather

    tender = one_notice(notice, id, catalogue, awarded=True)
    matcher = Matcher.load(catalogue)
    structure = matcher.catalogue.structure(matcher.catalogue.row(siret))
    found = partners.partners(
        matcher, structure, tender, lot, n, ordinary=not no_firms, earlier=gather.load_notices(catalogue)
    )
    everyone = (*found.partners, *found.firms, *found.subcontracting)
    if not everyone and (tender.awards or found.barred or found.lacking):
        raise NotFound(_nobody(found))
    if format != "table":
        emit([codec.to_json(found)] if format == "jsonl" else map(_row, everyone), format)
        return
    for line in _lines(found, detail):
        typer.echo(line)


def _nobody(found: Partners) -> str:
    if found.tender.awards:
        return (
            f"{found.tender.id} est un avis d'attribution sans clause sociale lue, ou remporté par des structures : "
            "personne à solliciter en sous-traitance"
        )
    why = " ; ".join(dict.fromkeys((*found.barred.values(), *found.nobody)))
    return f"aucun partenaire trouvé pour {found.structure.name} sur {found.tender.id}{f' : {why}' if why else ''}"


def _lines(found: Partners, detail: bool) -> Iterator[str]:
    """An answer of at most 20 lines, each of one partner or fact; with `detail` all of them, with contacts and rules."""
    from matcher.matching.groups.consortium import task_label
    from matcher.reference.text import shorten

    yield f"{found.structure.name} sur {found.tender.id} « {shorten(found.tender.title, 90)} »"
    missing = [task for task in found.lacking if task not in found.perhaps]
    unsure = "peut-être à vous, rien ne dit que vous le faites (si oui, complétez votre fiche)"
    for title, tasks in (("vous couvrez", found.alone), (unsure, found.perhaps), ("il manque", missing)):
        if tasks:
            yield shorten(f"  {title} : {' ; '.join(task_label(found.tender, t) for t in tasks)}", WIDE)
    for why in dict.fromkeys((*found.barred.values(), *found.nobody, *filter(None, [found.size]))):
        yield shorten(f"  {why}", WIDE)
    if not found.lacking and not found.size and found.alone:
        yield "  rien ne manque : vous pouvez répondre seule"
    for name, title in TITLES.items():
        held: tuple[Partner, ...] = getattr(found, name)
        shown = held if detail else held[: FIRST[name]]
        if held:
            yield f"{title}{f' ({len(shown)} sur {len(held)}, --detail pour les autres)' if len(shown) < len(held) else ''}"
        for partner in shown:
            yield from _partner(partner, detail)


def _partner(partner: Partner, detail: bool) -> Iterator[str]:
    from matcher.reference.text import shorten

    line = f"  {called(partner.structure, partner.distance_km)} : {' ; '.join(partner.adds)}"
    yield line if detail else shorten(line, WIDE)
    if detail:
        yield f"      contact : {_contact(partner.structure)}"
        if partner.past:
            yield f"      par le passé : {' ; '.join(partner.past)}"
        yield from (f"      ! {w.text} ({w.article})" for w in partner.warnings)


def _contact(structure: Structure) -> str:
    return structure.phone or structure.email or structure.website or "à chercher"


def _row(partner: Partner) -> dict[str, Any]:
    words = {"complement": "complément", "reinforcement": "renfort", "subcontracting": "sous-traitance"}
    structure = partner.structure
    return {
        "apport": words[partner.kind], "siret": structure.siret, "nom": structure.name, "type": structure.kind_label,
        "commune": structure.place.label, "km": partner.distance_km, "score": round(partner.score, 3),
        "pourquoi": " ; ".join(partner.adds), "par le passé": " ; ".join(partner.past), "contact": _contact(structure),
        "à vérifier": " ; ".join(w.text for w in partner.warnings),
    }  # fmt: skip
