"""`matcher consortium`: which teams can take a notice together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from typer import Option

from matcher import codec
from matcher.commands import _options as options
from matcher.commands._options import CATALOGUE, Folder, NoFirms, NoticeOf, Output, Which, Words
from matcher.domain import Consortium, LotAnswer, Member, NoValidRecords, Structure, Tender
from matcher.matching.groups import consortium
from matcher.reference.french import counted
from matcher.reference.text import shorten

APART = "offres séparées, lot par lot"
HERE = " (déjà dans l'équipe)"  # another establishment of a member
WIDE = 220  # characters of a line
WITHOUT = 5  # lines of what nobody covers, unless in detail
KINDS = 3  # lines of whom lots are reserved to, unless in detail


def run(
    notice: NoticeOf,
    id: Which = None,
    n: Annotated[int, Option("-n", min=1, max=10, help="Number of distinct teams.")] = 3,
    members: Annotated[int, Option(min=1, max=20, help="Maximum number of members.")] = 5,
    impose: Annotated[Words, Option(help="A SIRET that must be a member; repeatable.")] = None,
    exclude: Annotated[Words, Option(help="A SIRET that must not be one; repeatable.")] = None,
    mandataire: Annotated[str | None, Option(help="The SIRET that represents the group.")] = None,
    one_group: Annotated[bool, Option("--one-group", help="The same group signs every lot.")] = False,
    no_firms: NoFirms = False,
    solver: Annotated[Literal["exact", "greedy"], Option(help="How teams are chosen.")] = "exact",
    pool: Annotated[int, Option(min=1, max=500, help="Candidates considered per lot.")] = 40,
    detail: Annotated[bool, Option("--detail", help="Every team and member, with the rules of law.")] = False,
    catalogue: Folder = CATALOGUE,
    format: Output = "table",
) -> None:
    """Choose the teams that cover most lots and needs, with the fewest members, and list the legal warnings.

    \b
    matcher consortium 26-130101
    matcher consortium notice.xml
    matcher consortium notice.xml --members 3 --impose 12345678900011 --format jsonl
    """
    tender = options.one_notice(notice, id, catalogue)
    matcher = options.loaded(catalogue)
    forced: list[str | Structure] = [options.named_structure(matcher, words) for words in impose or ()]
    if mandataire:
        forced.insert(0, options.named_structure(matcher, mandataire))
    answers = matcher.match(tender, pool, groups=0).lots
    parts = matcher.parts(tender, answers, pool)
    if no_firms:
        answers = tuple(replace(a, matches=tuple(m for m in a.matches if m.structure.kind)) for a in answers)
    teams = consortium.recommend(
        answers,
        tender=tender,
        n=n,
        max_members=members,
        mandataire=mandataire,
        imposed=forced,
        excluded=exclude or (),
        solver=solver,
        one_group=one_group,
        parts=parts,
        firms=None if no_firms else matcher.firms(tender),
    )
    shown = lines(tender, teams, answers, parts, detail)
    if not teams:
        raise NoValidRecords("\n  ".join(map(str.strip, shown)))
    options.emit_values(teams, format, lambda team: _rows(teams.index(team) + 1, team, tender), lambda: shown)


def _missing(
    tender: Tender, teams: Sequence[Consortium], answers: Sequence[LotAnswer], parts: Mapping[str, LotAnswer]
) -> Iterator[str]:
    """What is missing, and whom one could ask, in French: a line for the lots that miss the same and ask the same."""
    lots = {lot.id: lot for lot in tender.lots}
    first = {member.structure.siren for team in teams[:1] for member in team.members}
    alike: dict[tuple[str, str, str], list[str]] = {}
    for task in consortium.uncovered(teams, answers, parts):
        lot_id, _, trade = task.partition("#")
        whom = consortium.to_ask(answers, parts, task)
        asking = ", ".join(f"{options.called(s)}{HERE if s.siren in first else ''}" for s in whom)
        nobody = (
            "personne d'admissible n'est connu pour" if lots[lot_id].reservation else "entreprise à trouver :"
        )
        told = (
            ("personne de sûr pour", f", à vérifier ou à interroger : {asking}") if asking else (nobody, "")
        )
        alike.setdefault((trade, *told), []).append(task)
    # whom one can ask is told before what no structure does
    for (_, what, asked), tasks in sorted(alike.items(), key=lambda each: not each[0][2]):
        others = ", ".join(lots[task.partition("#")[0]].number for task in tasks[1:])
        yield f"{what} {consortium.task_label(tender, tasks[0])}{asked}{f' ; de même lots {others}' if others else ''}"


def lines(
    tender: Tender,
    teams: Sequence[Consortium],
    answers: Sequence[LotAnswer],
    parts: Mapping[str, LotAnswer],
    detail: bool = False,
) -> Iterator[str]:
    """An answer of at most 20 lines: the first team, a line a member, what it lacks, and the others in a line each.

    With `detail` all of them, with the rules of law.
    """
    width = 10_000 if detail else WIDE
    reserved: dict[str, list[str]] = {}
    for lot in tender.lots:
        if lot.reservation is not None:
            reserved.setdefault(lot.reservation.whom, []).append(lot.number)
    for whom, numbers in list(reserved.items())[: None if detail else KINDS]:
        yield shorten(f"{'lots' if len(numbers) > 1 else 'lot'} {', '.join(numbers)} : {whom}", width)
    missing = [f"  {each}" for each in _missing(tender, teams, answers, parts)]
    if not detail and len(missing) > WITHOUT:
        missing[WITHOUT:] = [f"  et {len(missing) - WITHOUT} de plus (--detail)"]
    if lenders := consortium.lending(answers) if missing else ():
        missing.append(f"  personnel en insertion, à prêter : {', '.join(map(options.called, lenders))}")
    if not teams:
        yield f"aucune équipe ne couvre {tender.id} :"
        yield from (shorten(each, width) for each in missing)
    for number, team in enumerate(teams, 1):
        proof = "" if team.optimal else f", écart prouvé à l'optimum : {team.gap:.1%}"
        form = f"groupement {team.form}" if team.form else "seule" if len(team.members) == 1 else APART
        head = f"équipe {number} : {team.score:.0%} couvert, {form}{proof}"
        if number > 1 and not detail:
            yield shorten(f"{head} : {' + '.join(options.called(m.structure) for m in team.members)}", WIDE)
            continue
        yield head
        for member in team.members:
            lead = "mandataire, " if member.role == "mandataire" and len(team.members) > 1 else ""
            who = f"  {lead}{options.called(member.structure)}"
            yield f"{who} : {member.reason}" if detail else shorten(f"{who} : {_taken(tender, member)}", WIDE)
        if number == 1:
            yield from (shorten(each, width) for each in missing)
        if detail:
            yield f"  {team.form_reason}"
            for warning in team.warnings:
                since = f", depuis le {warning.since:%d/%m/%Y}" if warning.since else ""
                yield f"  ! {warning.text} ({warning.article}{since})"
        elif articles := list(dict.fromkeys(w.article for w in team.warnings if w.article)):
            yield f"  à vérifier ({counted(len(team.warnings), 'point')}, --detail) : {', '.join(articles)}"


def _taken(tender: Tender, member: Member) -> str:
    """The lots that a member takes by their numbers, and why."""
    ids = dict.fromkeys(task.partition("#")[0] for task in member.lots)
    numbers = [lot.number for lot in tender.lots if lot.id in ids]
    many = f"lots {', '.join(numbers)}, dont " if len(numbers) > 1 else ""
    return many + member.reason


def _rows(number: int, team: Consortium, tender: Tender) -> Iterator[dict[str, Any]]:
    members = "rôle=role, siret=structure.siret, nom=structure.name, type=structure.kind_label"
    for member in team.members:
        takes = " ; ".join(consortium.task_label(tender, task) for task in member.lots)
        row = {"équipe": number, **codec.flat(member, members)}
        yield row | {"prend": takes, "pourquoi": member.reason}
