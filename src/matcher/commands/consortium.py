"""`matcher consortium`: which teams can take a notice together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from matcher.commands._notice import one_notice
from matcher.commands._options import DEFAULT_CATALOGUE, CatalogueFolder, OutputFormat

if TYPE_CHECKING:
    from matcher.domain import Tender


def run(
    notice: Annotated[str, typer.Argument(help="A notice: its file, or the id of one that was indexed.")],
    id: Annotated[str | None, typer.Option(help="Which notice of the file; the first by default.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, max=10, help="Number of distinct teams.")] = 3,
    members: Annotated[int, typer.Option(min=1, max=20, help="Maximum number of members.")] = 5,
    impose: Annotated[
        list[str] | None, typer.Option(help="A SIRET that must be a member; repeatable.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="A SIRET that must not be a member; repeatable.")
    ] = None,
    mandataire: Annotated[str | None, typer.Option(help="The SIRET that represents the group.")] = None,
    one_group: Annotated[
        bool, typer.Option("--one-group", help="The same group signs every lot, reserved ones included.")
    ] = False,
    no_firms: Annotated[bool, typer.Option("--no-firms", help="Leave out ordinary firms.")] = False,
    solver: Annotated[str, typer.Option(help="exact or greedy.")] = "exact",
    pool: Annotated[int, typer.Option(min=1, max=500, help="Candidates considered per lot.")] = 40,
    catalogue: CatalogueFolder = DEFAULT_CATALOGUE,
    format: OutputFormat = "table",
) -> None:
    """Choose the teams that cover most lots and needs, with the fewest members, and list the legal warnings.

    \b
    matcher consortium 26-130101
    matcher consortium notice.xml
    matcher consortium notice.xml --members 3 --impose 12345678900011 --format jsonl
    """
    from dataclasses import replace

    from matcher import codec
    from matcher.console import check_format, emit, say
    from matcher.domain import BadInput, NoValidRecords, Structure
    from matcher.matching.engine import Matcher
    from matcher.matching.groups import consortium

    check_format(format)
    if solver not in ("exact", "greedy"):
        raise BadInput(f"unknown solver {solver!r}: choose exact or greedy")
    tender = one_notice(notice, id, catalogue)
    matcher = Matcher.load(catalogue)
    forced: list[str | Structure] = [
        matcher.catalogue.structure(matcher.catalogue.row(s)) for s in impose or ()
    ]
    if mandataire:
        forced.insert(0, matcher.catalogue.structure(matcher.catalogue.row(mandataire)))
    answers = matcher.match(tender, pool, groups=0).lots
    parts = matcher.parts(tender, answers, pool)
    if no_firms:
        answers = tuple(replace(a, matches=tuple(m for m in a.matches if m.structure.kind)) for a in answers)
    teams = consortium.recommend(
        answers, tender=tender, n=n, max_members=members, mandataire=mandataire, imposed=forced,
        excluded=exclude or (), solver=solver, one_group=one_group, parts=parts
    )  # fmt: skip
    if not teams:
        raise NoValidRecords(
            f"aucune équipe ne couvre {tender.id} : relevez --members ou --pool, ou exclure moins"
        )
    if format == "jsonl":
        emit((codec.to_json(team) for team in teams), "jsonl")
        return
    for number, team in enumerate(teams, 1):
        proof = "optimum prouvé" if team.optimal else f"écart prouvé à l'optimum : {team.gap:.1%}"
        form = f"groupement {team.form}" if team.form else "seule"
        say(f"équipe {number} : {team.score:.0%} couvert, {form}, {proof}")
        say(f"  {team.form_reason}")
        if team.uncovered:
            say("  non couvert : " + " ; ".join(consortium.task_label(tender, t) for t in team.uncovered))
        for warning in team.warnings:
            since = f", depuis le {warning.since:%d/%m/%Y}" if warning.since else ""
            say(f"  ! {warning.text} ({warning.article}{since})")
    whole = 10_000 if format == "csv" else 110  # a table is glanced at; CSV and JSON lines have every word
    emit((row for number, team in enumerate(teams, 1) for row in _rows(number, team, tender, whole)), format)


def _rows(number: int, team: Any, tender: Tender, most: int) -> list[dict[str, Any]]:
    from matcher.matching.groups import consortium
    from matcher.reference.text import shorten

    return [
        {
            "équipe": number,
            "rôle": member.role,
            "siret": member.structure.siret,
            "nom": member.structure.name,
            "type": member.structure.kind or "entreprise",
            "prend": shorten(" ; ".join(consortium.task_label(tender, task) for task in member.lots), most),
            "pourquoi": shorten(member.reason, most),
        }
        for member in team.members
    ]
