"""Consortia proposed for a tender, with legal warnings.

`recommend` turns ranked lots into the pure problem of `matcher.matching.groups.cover`, solves it, and presents the
result: who takes which lot or need and why, what stays uncovered, the form, the mandataire, the warnings.  It is
information, not legal advice.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import date
from operator import attrgetter
from typing import Literal

import numpy as np

from matcher.domain import (
    LENDING_KINDS,
    Consortium,
    Lot,
    LotAnswer,
    Match,
    Member,
    Reason,
    Structure,
    Tender,
    Warning_,
)
from matcher.matching import reasons
from matcher.matching.groups.cover import Cover, Team, solve, team_of
from matcher.matching.groups.table import (
    HALF,
    LOTS,
    QUARTER,
    WHOLE,
    Firms,
    _Constraints,
    _constraints,
    _Table,
    _table,
    answered,
    called,
    far,
    lot_label,
)
from matcher.matching.parts import known
from matcher.matching.ranking import CONFIRM
from matcher.reference import law, trades
from matcher.reference.amounts import covers, total, yearly
from matcher.reference.french import euros
from matcher.reference.naming import as_written
from matcher.reference.text import shorten

UNSIZED = " ; capacité à vérifier (montant ou chiffre d'affaires inconnu)"
Reasons = Callable[[Match], Sequence[Reason]]
NOBODY = -1  # is the mandataire of offers that share no lot


def recommend(
    answer_lots: Sequence[LotAnswer],
    *,
    tender: Tender,
    n: int = 3,
    max_members: int = 5,
    mandataire: str | None = None,
    imposed: Sequence[str | Structure] = (),
    excluded: Sequence[str] = (),
    solver: str = "exact",
    one_group: bool = False,
    seconds: float = 2.5,
    parts: Mapping[str, LotAnswer] | None = None,
    firms: Firms | None = None,
    reasons_of: Reasons = attrgetter("reasons"),
) -> tuple[Consortium, ...]:
    """Up to `n` different teams for the tender, best first; empty where nobody covers anything.

    `imposed`, `excluded`, `mandataire` are SIRETs or SIRENs (`imposed` may be Structures that no lot ranked).
    `solver` is "exact" (integer programme, `seconds` at most for all) or "greedy".  `one_group` says that the
    same group must sign every lot, so that each member must be eligible on each reserved lot covered.
    `parts` holds who was found for each need of a lot of several trades (`Matcher.parts`); without it a member takes
    a need whose trade it says or its code tells.  `firms` gives ordinary firms for what no structure can take;
    `reasons_of` is asked of members alone.
    Raises BadInput on contradictory constraints.
    """
    found = parts or {}
    constraints = _constraints([*answer_lots, *found.values()], max_members, mandataire, imposed, excluded)
    table = _table(answer_lots, constraints, tender.published or date.today(), found, firms)
    if not table.tasks or not table.bidders:
        return ()
    cover = _cover(table, constraints, max_members, one_group)
    found_teams = (
        _reinforced(table, cover, _spread(table, cover, team, max_members), max_members)
        for team in _different(cover, n, solver, seconds)
        if constraints.imposed or constraints.mandataire or _sure(table, cover, team)
    )
    distinct: dict[frozenset[int], Team] = {}
    for team in sorted(found_teams, key=lambda team: -team.coverage):
        distinct.setdefault(team.members, team)
    teams = list(distinct.values())
    # (lot id, siren) -> number of teams in which this bidder takes this lot
    pairs = ({(t, j) for t, j in (*team.lead.items(), *team.shares)} for team in teams)
    named = ({(table.tasks[t].lot.id, table.bidders[j]) for t, j in each} for each in pairs)
    seen = Counter(pair for each in named for pair in each)
    together = one_group or bool(constraints.imposed)
    lead_bidders = [_mandataire(table, cover, team, constraints, together) for team in teams]
    return tuple(
        _consortium(table, cover, team, constraints, seen, lead_bidders, place, one_group, reasons_of)
        for place, team in enumerate(teams)
    )


def uncovered(
    teams: Sequence[Consortium], answers: Sequence[LotAnswer], parts: Mapping[str, LotAnswer]
) -> Sequence[str]:
    """What the first team does not cover: lots, or parts of those of several trades; without a team all of them."""
    if teams:
        return teams[0].uncovered
    split = {part.partition("#")[0] for part in parts}
    return [*parts, *(each.lot.id for each in answers if each.lot.id not in split)]


def to_ask(
    answer_lots: Sequence[LotAnswer], parts: Mapping[str, LotAnswer], task: str, n: int = 3
) -> list[Structure]:
    """Whom one could ask about a lot or part that nobody covers: those whose trade is known, the nearer first.

    Then, of a service that structures answer and that is not for firms as a rule, one of each kind of those of which nothing
    tells the trade; not of a part where somebody is likely for the whole.
    """
    whole = next((each for each in answer_lots if each.lot.id == task.partition("#")[0]), None)
    if whole is None or not answered(whole, run=True):
        return []
    nature, part = whole.asked.nature if whole.asked else "", parts.get(task, whole)

    def maybe(answer: LotAnswer, established: bool) -> list[Structure]:
        plausible = (m for m in answer.matches if m.level == "plausible" and m.eligible is not False)
        return [m.structure for m in sorted(plausible, key=far) if m.established is established]

    lends = frozenset() if nature == "staff" else LENDING_KINDS
    firms_do = whole.lot.reservation is None and (whole.calls_for == "clause" or nature == "supply")
    unasked = firms_do or not answered(whole) or (part is not whole and whole.likely)
    silent = [] if unasked else [*maybe(whole, False), *whole.asking]
    kinds = [who.kind for who in silent]
    in_turn = [silent[i] for i in sorted(range(len(silent)), key=lambda i: kinds[:i].count(kinds[i]))]
    each = {called(who): who for who in (*maybe(part, True), *in_turn) if who.kind not in lends}
    return list(each.values())[:n]


def lending(answer_lots: Sequence[LotAnswer], n: int = 3) -> list[Structure]:
    """Who may lend staff to whoever takes the lots, best first, those likely before: they execute no part."""
    by_level: dict[bool, list[Structure]] = {True: [], False: []}
    for answer in filter(answered, answer_lots):
        for match in answer.matches:
            if match.level == "likely" or answer.calls_for == "clause":
                by_level[match.level == "likely"].append(match.structure)
    may = (*by_level[True], *by_level[False])
    return list({who.siren: who for who in may if who.kind in LENDING_KINDS}.values())[:n]


def task_label(tender: Tender, task: str) -> str:
    """Display name of a task: a lot of the tender, or one need of a lot."""
    lot_id, _, trade = task.rpartition("#")
    for lot in tender.lots:
        if lot.id == task:
            return lot_label(lot)
        if lot.id == lot_id:
            labels = {t.name: t.label for t in trades.trades()}
            of = f"{lot_label(lot)}, " if len(tender.lots) > 1 else ""
            return f"{of}besoin {labels.get(trade, trade)}"
    return task


# ------------------------------------------------------------------------------------------------ table


def _cover(table: _Table, constraints: _Constraints, max_members: int, one_group: bool) -> Cover:
    turnover = [table.structures[s].turnover for s in table.bidders]
    position = {siren: j for j, siren in enumerate(table.bidders)}
    clash = tuple(
        (row, position[siren])
        for row, task in enumerate(table.tasks)
        for siren in table.bidders
        # an imposed member stays, with a legal warning; a proposed one is removed
        if one_group and siren not in constraints.imposed and table.ineligible(task.lot, siren)
    )
    return Cover(
        degree=table.degree,
        score=table.score,
        weight=np.array([t.weight for t in table.tasks], dtype=np.int64),
        amount=np.array([yearly(t.lot) * t.share for t in table.tasks]),
        turnover=np.array([math.nan if t is None else t for t in turnover], dtype=float),
        max_members=max_members,
        forced=frozenset(position[s] for s in constraints.imposed),
        clash=clash,
    )


def _different(cover: Cover, n: int, solver: str, seconds: float) -> list[Team]:
    """Teams that each differ from every earlier one in at least half of their free members."""
    teams: list[Team] = []
    end, most = time.monotonic() + seconds, None
    for number in range(n):
        left = max(end - time.monotonic(), 0.05)
        team = solve(cover, solver, 0.6 * left if number == 0 and n > 1 else left / (n - number), most)
        if team is None:
            break
        teams.append(team)
        if solver == "exact":  # an upper bound for later teams, which are more constrained
            most = math.floor(team.coverage / (1.0 - team.gap) + 1e-6) if team.gap < 1.0 else None
        free = team.members - cover.forced
        if not free:
            break
        cover = replace(cover, cuts=(*cover.cuts, (free, len(free) // 2)))
    return teams


# ----------------------------------------------------------------------------------------------- presentation


def _consortium(
    table: _Table,
    cover: Cover,
    team: Team,
    constraints: _Constraints,
    seen: Mapping[tuple[str, str], int],
    lead_bidders: Sequence[tuple[int, str]],
    place: int,
    one_group: bool,
    reasons_of: Reasons,
) -> Consortium:
    lead_bidder, lead_reason = lead_bidders[place]
    loads = Counter(team.lead.values())
    members = tuple(
        _member(table, cover, team, j, lead_bidder, lead_reason, reasons_of)
        for j in sorted(team.members, key=lambda j: (j != lead_bidder, -loads[j], table.bidders[j]))
    )
    covered = tuple(t.id for i, t in enumerate(table.tasks) if i in team.lead)
    form, form_reason = _form(table, cover, team, lead_bidder)
    reachable = int((cover.weight * WHOLE).sum())
    times = sum(other == lead_bidder != NOBODY for other, _ in lead_bidders)
    warnings = (
        *_law_of_reservation(table, team, constraints, one_group),
        *_law_of_capacity(table, cover, team),
        *_law_of_groups(table, cover, team, lead_bidder, form, seen, times),
    )
    return Consortium(
        members=members,
        covered=covered,
        uncovered=tuple(t.id for t in table.tasks if t.id not in covered),
        score=round(team.coverage / reachable, 4) if reachable else 0.0,
        form=form,
        form_reason=form_reason,
        gap=round(team.gap, 4),
        optimal=team.optimal,
        warnings=warnings,
    )


def _sure(table: _Table, cover: Cover, team: Team) -> bool:
    """Is a structure at least likely for what it takes, or half of what structures answer at least worth a call?

    That is work for one structure of which the one to be confirmed has the trade or a fair chance (who does it may sell no goods),
    and a reserved lot, where those admitted are the ones to ask, whatever is known of them.
    """
    held = {
        task: cell
        for task, j in team.lead.items()
        if (cell := table.cells.get((task, j))) is not None
        and table.bidders[j] not in table.firms
        and (task, table.bidders[j]) not in table.unsized
    }
    if any(cell.level != "plausible" for cell in held.values()):
        return True
    lots = [task.lot for task in table.tasks]
    served = [t for t, lot in enumerate(lots) if lot.reservation or not table.answers[lot.id].calls_for]
    worth = [t for t in served if t in held and _fair(table, t, held[t])]
    return bool(worth and 2 * cover.weight[worth].sum() >= cover.weight[served].sum())


def _fair(table: _Table, task: int, cell: Match) -> bool:
    answer = table.answers[table.tasks[task].lot.id]
    asked = answer.asked
    if asked is None or not answered(answer):
        return False
    work = asked.carried == "alone" and asked.nature in ("service", "works")
    does = cell.established and known(asked.parts, cell.structure).any()  # its very trade, not one near it
    return cell.lot.reservation is not None or (work and bool(does or cell.probability >= CONFIRM))


def _others(table: _Table, cover: Cover, task: int, members: Set[int], max_members: int) -> list[int]:
    """Structures that could take a task, by degree, members first, then by score; only members where the team is full."""
    able = (
        j for j in np.flatnonzero(cover.degree[task] >= HALF).tolist() if table.bidders[j] not in table.firms
    )
    able = (j for j in able if j in members or len(members) < max_members)
    return sorted(able, key=lambda j: (-cover.degree[task, j], j not in members, -cover.score[task, j]))


def _spread(table: _Table, cover: Cover, team: Team, max_members: int) -> Team:
    """The team in which nobody of unknown turnover has more than LOTS lots, those reserved and those it does best first.

    Others take the rest as far as they could as well; what nobody else could is left out, unless the member is imposed.
    """
    members, lead = set(team.members), dict(team.lead)
    many = {j: _too_many(table, cover, team, j) for j in team.members if math.isnan(cover.turnover[j])}
    for task, bidder in sorted(team.lead.items()):
        lot = table.tasks[task].lot.id
        if lot not in many.get(bidder, ()):
            continue
        if bidder not in cover.forced:
            del lead[task]
        for other in () if cover.clash else _others(table, cover, task, members, max_members):
            load = {table.tasks[t].lot.id for t, j in lead.items() if j == other} | {lot}
            if other != bidder and len(load) <= LOTS:
                members.add(other)
                lead[task] = other
                break
    return replace(team_of(cover, frozenset(members), lead, team.shares), gap=team.gap, optimal=team.optimal)


def _too_many(table: _Table, cover: Cover, team: Team, bidder: int) -> set[str]:
    """The lots that a member leads beyond LOTS."""
    led = [t for t, j in team.lead.items() if j == bidder]
    led.sort(key=lambda t: (table.tasks[t].lot.reservation is None, -cover.degree[t, bidder], t))
    return set(list(dict.fromkeys(table.tasks[t].lot.id for t in led))[LOTS:])


def _reinforced(table: _Table, cover: Cover, team: Team, max_members: int) -> Team:
    """A team with a second member for each lot that one alone is too small for, where nothing tells that its leader is not."""
    members, shares, short = set(team.members), dict(team.shares), 0
    for task, leader in team.lead.items():
        if not _beyond(table, cover, task, leader) or any(t == task for t, _ in shares):
            continue
        able = [j for j in _others(table, cover, task, members, max_members) if j != leader]
        if able:
            members.add(able[0])
            shares[task, able[0]] = 0.5
        else:  # who is alone with more than one carries is half of the answer
            short += int(cover.weight[task] * cover.degree[task, leader]) // 2
    return replace(team, members=frozenset(members), shares=shares, coverage=team.coverage - short)


def _beyond(table: _Table, cover: Cover, task: int, bidder: int) -> bool:
    """Is a lot of one trade more than one structure carries alone, and the turnover of this one not known to cover it?"""
    split = table.tasks[task].need is not None
    return not (table.alone(task) or split or covers(cover.turnover[bidder], cover.amount[task]))


def _mandataire(
    table: _Table, cover: Cover, team: Team, constraints: _Constraints, together: bool
) -> tuple[int, str]:
    """The mandataire: the imposed one, else who has the main trade and the size, then most work, then turnover.

    Several who share no lot each answer their own, unless they are to answer `together`.
    """
    pairs = {(table.tasks[t].lot.id, j) for t, j in [*team.lead.items(), *team.shares]}
    if not together and len(team.members) > 1 and len(pairs) == len({lot for lot, _ in pairs}):
        return NOBODY, ""
    position = {siren: j for j, siren in enumerate(table.bidders)}
    if constraints.mandataire is not None:
        return position[constraints.mandataire], "mandataire imposé par la demande"

    def worth(j: int) -> tuple[float, ...]:
        taken = [t for t, k in team.lead.items() if k == j]
        sized = not any((t, table.bidders[j]) in table.unsized for t in taken)
        return (
            sized,
            sum(cover.weight[t] * cover.degree[t, j] for t in taken),
            np.nan_to_num(cover.turnover[j]),
        )

    members = sorted(team.members)  # of equals the one that the lists name first
    # an imposed member that lends staff carries no more than hours
    leaders = [j for j in members if table.structures[table.bidders[j]].kind not in LENDING_KINDS]
    lead_bidder = max(leaders or members, key=worth)
    taken = len({table.tasks[t].lot.id for t, j in team.lead.items() if j == lead_bidder})
    total = len({table.tasks[t].lot.id for t in team.lead})
    if len(team.members) == 1:
        return lead_bidder, "répond seule"
    lots = f"{taken} lot{'s' if taken > 1 else ''} sur {total}, " if total > 1 else ""
    reason = f"proposée comme mandataire : {lots}la plus grande part"
    if not math.isnan(cover.turnover[lead_bidder]):
        reason += f", chiffre d'affaires connu ({euros(float(cover.turnover[lead_bidder]))})"
    if not _sized(table, cover, team, lead_bidder):
        reason += ", taille à confirmer (ou une entreprise du métier comme mandataire)"
    return lead_bidder, reason


def _sized(table: _Table, cover: Cover, team: Team, bidder: int) -> bool:
    """Has a member the size for what it leads, as far as known?"""
    return not any(
        (t, table.bidders[bidder]) in table.unsized
        or (_beyond(table, cover, t, bidder) and not any(task == t for task, _ in team.shares))
        for t, j in team.lead.items()
        if j == bidder
    )


def _member(
    table: _Table,
    cover: Cover,
    team: Team,
    bidder: int,
    lead_bidder: int,
    lead_reason: str,
    reasons_of: Reasons,
) -> Member:
    role: Literal["mandataire", "cotraitant", "candidat"] = "cotraitant"
    if lead_bidder in (bidder, NOBODY):
        role = "candidat" if lead_bidder == NOBODY else "mandataire"
    led = [t for t, j in team.lead.items() if j == bidder]
    helped = [(t, share) for (t, j), share in team.shares.items() if j == bidder]
    sized = _sized(table, cover, team, bidder)
    caveats = [_caveat(table, cover, t, bidder, sized) for t in led] + [""] * len(helped)
    parts = [_why(table, cover, t, bidder, c, reasons_of) for t, c in zip(led, caveats, strict=False)]
    parts += [
        f"renfort de {table.tasks[t].label} : porte {share:.0%} du montant, plus qu'une seule structure ne porte"
        for t, share in helped
    ]
    parts = parts or ["membre imposé : aucun lot ne lui revient dans cette équipe"]
    places = {table.cells[t, bidder].structure.siret for t in led if (t, bidder) in table.cells}
    structure = table.structures[table.bidders[bidder]]
    if led:
        best = max(led, key=lambda t: (cover.degree[t, bidder] * cover.weight[t], cover.score[t, bidder]))
        structure = table.cells[best, bidder].structure
    if len(places) > 1:
        parts.append("avec ses établissements " + ", ".join(sorted(places)))
    if role == "mandataire" and len(team.members) > 1:
        parts.append(lead_reason)
    lots, why = tuple(table.tasks[t].id for t in [*led, *(t for t, _ in helped)]), " ; ".join(parts)
    return Member(structure=structure, lots=lots, caveats=tuple(caveats), role=role, reason=why)


def _caveat(table: _Table, cover: Cover, task: int, bidder: int, sized: bool) -> str:
    """What is partial, or to be confirmed, of a part that a structure takes; "" for nothing."""
    match = table.cells[task, bidder]
    if table.bidders[bidder] in table.firms:
        return ""
    if far(match):
        away = "loin" if match.distance_km is None else f"à {match.distance_km:.0f} km"
        return f"{away}, zone non déclarée : déplacement à confirmer"
    extent = {WHOLE: "", QUARTER: "couverture faible, à confirmer"}
    kept = extent.get(int(cover.degree[task, bidder]), "couverture partielle")
    kept = "à confirmer" if match.level == "plausible" else kept
    return ", ".join(filter(None, (kept, "" if sized else "taille à confirmer")))


def _why(table: _Table, cover: Cover, task: int, bidder: int, caveat: str, reasons_of: Reasons) -> str:
    match = table.cells[task, bidder]
    told = sorted((r for r in reasons_of(match) if r.tells), key=lambda r: r.code != "likely_trade")
    told = [r for r in told if r.contribution > 0 or r.code == "likely_trade"]
    because = ", ".join(reasons.sentences(told, 2))
    if table.bidders[bidder] in table.firms:
        return f"{table.tasks[task].label}, pris par une entreprise : {because}"
    others = int((cover.degree[task] > 0).sum()) - 1
    because = because or (f"retenue parmi {others + 1} structures" if others else "seule structure trouvée")
    return f"{table.tasks[task].label}{f' ({caveat})' if caveat else ''} : {because}"


def _form(
    table: _Table, cover: Cover, team: Team, lead_bidder: int
) -> tuple[Literal["conjoint", "solidaire", ""], str]:
    if len(team.members) == 1:
        known_ = not np.isnan([*cover.amount[list(team.lead)], *cover.turnover[list(team.members)]]).any()
        check = " : pas de groupement nécessaire" if known_ else UNSIZED
        return "", f"Une seule structure suffit par le métier et le lieu{check}."
    if lead_bidder == NOBODY:
        return "", "Aucun lot n'est partagé : chacun remet sa propre offre pour ses lots, sans groupement."
    conditions = (c for t in team.lead for c in table.tasks[t].lot.conditions)
    imposed = [c.passage or c.label for c in conditions if c.code == "group-form"]
    note = (
        f" La consultation dit : « {shorten(imposed[0], 160)} » : une forme ne peut être exigée pour présenter "
        f"une offre, seulement après l'attribution ({law.article_of('group.form-free', table.on)}, à vérifier)."
        if imposed
        else ""
    )
    article = law.article_of("group.form", table.on)
    if team.shares:
        whole = "Plusieurs membres portent ensemble un même lot sans part séparable"
        return "solidaire", f"{whole} : chacun s'engage pour le tout ({article}).{note}"
    whose = "Chaque membre exécute une part distincte et identifiable et n'est engagé que pour elle"
    return "conjoint", f"{whose} ({article}).{note}"


def _warn(table: _Table, code: str, text: str, rule: str, article: str = "") -> Warning_:
    """A warning under a dated rule of `law`; `article` names the one that applies where the rule has several."""
    found = law.rule(rule, table.on)
    article = article or (found.article if found else "")
    since = found.since if found else None
    return Warning_(code=code, text=f"{text} À vérifier.", article=article, since=since)


def _names(table: _Table, bidders: Sequence[int] | frozenset[int]) -> str:
    return ", ".join(as_written(table.structures[table.bidders[j]].name) for j in sorted(bidders))


def _law_of_reservation(
    table: _Table, team: Team, constraints: _Constraints, one_group: bool
) -> Iterator[Warning_]:
    """Reserved lots: every member of the lot's group must be eligible (DAJ note of 2011)."""
    covered = {table.tasks[t].lot.id for t in team.lead}
    lots = {task.lot.id: (task.lot, task.lot.reservation) for task in table.tasks if task.lot.reservation}
    alone = len({task.lot.id for task in table.tasks}) == 1
    for lot, reservation in lots.values():
        article = next(iter(reservation.articles), "")
        if lot.id in covered and not article:
            text = (
                f"Le lot {lot.number} est réservé sans que l'article soit précisé : voir le règlement de la "
                "consultation avant de composer le groupement."
            )
            yield _warn(table, "reservation-unspecified", text, "reservation.stated")
        out = frozenset(j for j in team.members if table.ineligible(lot, table.bidders[j]))
        if not out:
            continue
        if lot.id in covered and (one_group or alone):
            text = (
                f"Groupement mixte sur le lot {lot.number}, réservé ({reservation.cited}) : "
                f"{_names(table, out)} n'y est pas éligible et rendrait l'offre du groupement irrecevable."
            )
            yield _warn(table, "mixed-group", text, "reservation.mixed-group", article)
        elif lot.id in covered:
            text = (
                f"Le lot {lot.number} est réservé ({reservation.cited}) : {_names(table, out)}, non "
                "éligible, ne peut figurer dans le groupement de ce lot ; remettez une offre distincte par lot."
            )
            yield _warn(table, "separate-groups", text, "reservation.mixed-group", article)
        elif forced := frozenset(j for j in out if table.bidders[j] in constraints.imposed):
            text = (
                f"{_names(table, forced)}, membre imposé, n'est pas éligible au lot {lot.number}, réservé "
                f"({reservation.cited}) : tout groupement dont il est membre y serait irrecevable."
            )
            yield _warn(table, "mixed-group", text, "reservation.mixed-group", article)


def _law_of_capacity(table: _Table, cover: Cover, team: Team) -> Iterator[Warning_]:
    """Turnover: the known figures next to the yearly amounts, and what a buyer may require."""
    ceiling = law.turnover_ceiling(table.on)
    factor = ceiling.value if ceiling and ceiling.value else 2.0
    due: dict[str, float] = {}
    who: dict[str, set[int]] = {}
    lots: dict[str, Lot] = {}
    for task, leader in team.lead.items():
        lot = table.tasks[task].lot
        if not math.isnan(cover.amount[task]):
            due[lot.id] = due.get(lot.id, 0.0) + float(cover.amount[task])
        who.setdefault(lot.id, set()).add(leader)
        lots[lot.id] = lot
    for task, helper in team.shares:
        who[table.tasks[task].lot.id].add(helper)
    for lot_id, amount in due.items():
        turnovers = [float(cover.turnover[j]) for j in who[lot_id]]
        known = [t for t in turnovers if not math.isnan(t)]
        number = lots[lot_id].number
        if len(known) == len(turnovers) and known and max(known) < amount:
            text = (
                f"Lot {number} : aucune structure n'atteint seule la part annuelle du lot ({euros(amount)}) ; les "
                f"capacités du groupement s'apprécient ensemble ({euros(sum(known))})."
            )
            yield _warn(table, "turnover-together", text, "group.capacity")
        elif len(known) == len(turnovers) and sum(known) < (most := factor * total(lots[lot_id], read=False)):
            text = (
                f"Lot {number} : l'acheteur peut exiger un chiffre d'affaires annuel allant jusqu'à {factor:g} fois "
                f"le montant estimé du lot ({euros(most)}) ; celui du groupement, connu : {euros(sum(known))}."
            )
            yield _warn(table, "turnover-ceiling", text, "capacity.turnover")
    unknown = frozenset(j for j in team.members if math.isnan(cover.turnover[j]))
    if due and unknown:
        text = f"Chiffre d'affaires inconnu : {_names(table, unknown)} ; la capacité n'a pas pu être comptée."
        yield _warn(table, "turnover-unknown", text, "group.capacity")


def _law_of_groups(
    table: _Table,
    cover: Cover,
    team: Team,
    lead_bidder: int,
    form: str,
    seen: Mapping[tuple[str, str], int],
    times: int,
) -> Iterator[Warning_]:
    able = frozenset(j for j in team.members if _alone(cover, team, j))
    if form and len(able) > 1:
        text = (
            f"{_names(table, able)} semblent chacune capables de répondre seules : le choix de grouper doit être "
            "justifié (capacité, délais, complémentarité) au regard du droit de la concurrence."
        )
        yield _warn(table, "competition", text, "group.competition")
    if form == "conjoint":
        total = float(np.nansum([cover.amount[t] for t in team.lead]))
        turnover = float(cover.turnover[lead_bidder])
        name = _names(table, [lead_bidder])
        if math.isnan(turnover) or turnover < total or not total:
            text = (
                f"{name}, mandataire proposé dont rien ne dit qu'il soit à la taille du marché, pourrait être rendu solidaire de "
                "tous les membres par le contrat : mesurez ce risque avant d'accepter."
            )
            yield _warn(table, "mandataire-solidaire", text, "group.mandataire-solidaire")
    if times > 1 and len(team.members) > 1:
        name = _names(table, [lead_bidder])
        once = "il ne peut l'être que d'une pour ce marché."
        text = f"{name} est proposé mandataire de {times} équipes : {once}"
        yield _warn(table, "one-mandataire", text, "group.one-mandataire")
    # each bidder proposed by several teams for one lot, quoting the consultation where it settles this
    repeated: dict[str, dict[str, Lot]] = {}
    for task, bidder in [*team.lead.items(), *team.shares]:
        lot, siren = table.tasks[task].lot, table.bidders[bidder]
        if seen.get((lot.id, siren), 0) > 1:
            repeated.setdefault(siren, {})[lot.id] = lot
    for siren, lots in sorted(repeated.items()):
        conditions = (c for lot in lots.values() for c in lot.conditions if c.code == "several-groups")
        condition = next(conditions, None)
        forbids = "la consultation peut interdire de répondre dans plusieurs groupements"
        passage = shorten(condition.passage or condition.label, 160) if condition else ""
        rule = f"la consultation le règle ainsi : « {passage} »" if condition else forbids
        numbers = ", ".join(dict.fromkeys(lot.number for lot in lots.values()))
        name = as_written(table.structures[siren].name)
        which = "le lot" if len(lots) == 1 else "les lots"
        text = f"{name} figure dans {max(seen[lot, siren] for lot in lots)} équipes proposées pour {which} {numbers} : {rule}."
        yield _warn(table, "several-groups", text, "group.several")


def _alone(cover: Cover, team: Team, bidder: int) -> bool:
    """True where this member could, as far as known, cover alone all that the team covers."""
    due = float(np.nansum([cover.amount[t] for t in team.lead]))
    turnover = cover.turnover[bidder]
    enough = math.isnan(turnover) or turnover >= due
    return enough and all(cover.degree[t, bidder] == WHOLE for t in team.lead)
