"""`matcher partners`: partners for a structure on a notice."""

from __future__ import annotations

from typing import Annotated

import typer

from matcher.commands._notice import one_notice
from matcher.commands._options import DEFAULT_CATALOGUE, CatalogueFolder, OutputFormat


def run(
    siret: Annotated[str, typer.Argument(help="The structure that looks for partners, by SIRET or SIREN.")],
    notice: Annotated[str, typer.Argument(help="A notice: its file, or the id of one that was indexed.")],
    id: Annotated[str | None, typer.Option(help="Which notice of the file; the first by default.")] = None,
    lot: Annotated[str | None, typer.Option(help="One lot only, by number or id.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, max=200, help="How many partners.")] = 10,
    no_firms: Annotated[bool, typer.Option("--no-firms", help="Leave out ordinary firms.")] = False,
    catalogue: CatalogueFolder = DEFAULT_CATALOGUE,
    format: OutputFormat = "table",
) -> None:
    """Rank partners by what they add: uncovered lots and needs, capacity, then past awards.

    Then, for subcontracting, the firms that could be asked for a share of a lot's hours; for an award notice, its winners.

    \b
    matcher partners 00010001600013 26-130101
    matcher partners 12345678900011 notice.xml
    matcher partners 12345678900011 notice.xml --lot 2 -n 5 --format jsonl
    matcher partners 12345678900011 award-notice.xml       subcontractors for the hours owed by the winner
    """
    from matcher import codec
    from matcher.console import check_format, emit, say
    from matcher.domain import NotFound
    from matcher.matching.engine import Matcher
    from matcher.matching.groups import consortium
    from matcher.partners import partners
    from matcher.reading import gather

    check_format(format)
    tender = one_notice(notice, id, catalogue, awarded=True)
    matcher = Matcher.load(catalogue)
    structure = matcher.catalogue.structure(matcher.catalogue.row(siret))
    found = partners.partners(
        matcher, structure, tender, lot, n, ordinary=not no_firms, earlier=gather.load_notices(catalogue)
    )
    if not found.partners and not found.subcontracting:
        for why in found.barred.values():
            say(why)
        if tender.awards:
            raise NotFound(
                f"{tender.id} est un avis d'attribution sans clause sociale lue, ou remporté par des structures : "
                "personne à solliciter en sous-traitance"
            )
        raise NotFound(
            f"aucun partenaire trouvé pour {structure.name} sur {tender.id} : élargissez à tous les lots"
        )
    if format == "jsonl":
        emit([codec.to_json(found)], "jsonl")
        return
    say(f"{structure.name} sur {tender.id}")
    for title, tasks in (("seul", found.alone), ("il manque", found.lacking)):
        if tasks:
            say(f"  {title} : " + " ; ".join(consortium.task_label(tender, task) for task in tasks))
    for why in (*found.barred.values(), *found.nobody):
        say(f"  {why}")
    emit(
        (
            {
                "apport": {"complement": "complément", "reinforcement": "renfort"}.get(
                    p.kind, "sous-traitance"
                ),
                "siret": p.structure.siret,
                "nom": p.structure.name,
                "type": p.structure.kind or "entreprise",
                "km": p.distance_km,
                "score": round(p.score, 3),
                "pourquoi": " ; ".join(p.adds),
                "à vérifier": " ; ".join(w.text for w in p.warnings),
            }
            for p in (*found.partners, *found.subcontracting)
        ),
        format,
    )
