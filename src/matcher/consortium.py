"""Who covers together what none covers alone: the teams proposed for a tender, with what the law says.

`recommend` turns ranked lots into the pure problem of `matcher.cover`, solves it, and tells the result in
the words of the trade: who takes which lot or need and why, what stays uncovered, the form, the mandataire,
the warnings.  It informs and gives no legal advice.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

import numpy as np

from matcher import law, telling
from matcher import needs as needs_
from matcher.cover import Cover, Team, solve
from matcher.domain import (
    BadInput,
    Consortium,
    Lot,
    LotAnswer,
    Match,
    Member,
    Structure,
    Tender,
    Warning_,
    Zone,
)
from matcher.signals.capacity import euros, yearly
from matcher.text import shorten

WHOLE, HALF, QUARTER = 4, 2, 1
FAR_KM = 100.0  # beyond, who declares no zone is hardly going to come
LOT_WEIGHT = 60  # divisible by 2, 3, 4, 5 and 6: a lot's weight is shared among its needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A lot, or one need of a lot: what a member takes."""

    id: str
    lot: Lot
    label: str
    weight: int
    share: float = 1.0  # of the lot's amount
    need: needs_.Need | None = None


@dataclass(frozen=True, slots=True)
class _Table:
    """The tender as tasks x bidders, with the match behind each cell."""

    tasks: tuple[Task, ...]
    bidders: tuple[str, ...]  # SIRENs
    cells: Mapping[tuple[int, int], Match]
    degree: np.ndarray[tuple[int, int], np.dtype[np.int64]]
    score: np.ndarray[tuple[int, int], np.dtype[np.int64]]
    structures: Mapping[str, Structure] = field(default_factory=dict)
    barred: Mapping[tuple[str, str], str] = field(default_factory=dict)  # (lot id, siren) -> why
    on: date = date.min  # the day whose rules are applied

    def ineligible(self, lot: Lot, siren: str) -> bool:
        """True where this bidder may not answer the reserved lot, ranked on it or not."""
        if lot.reservation is None:
            return False
        if why := self.barred.get((lot.id, siren)):
            return why.startswith("non éligible")
        who = self.structures[siren]
        return law.eligible(who.kind, lot.reservation.articles, self.on, who.labels) is False


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
    split_needs: bool = True,
    one_group: bool = False,
    seconds: float = 2.5,
) -> tuple[Consortium, ...]:
    """Up to `n` different teams for the tender, best first; empty where nobody covers anything.

    `imposed`, `excluded`, `mandataire` are SIRETs or SIRENs (`imposed` may be Structures that no lot ranked).
    `solver` is "exact" (integer programme, `seconds` at most for all) or "greedy".  `one_group` says that the
    same group must sign every lot, so that each member must be eligible on each reserved lot covered.
    Raises BadInput on wishes that exclude each other.
    """
    wanted = _wishes(answer_lots, max_members, mandataire, imposed, excluded)
    table = _table(answer_lots, wanted, split_needs, tender.published or date.today())
    if not table.tasks or not table.bidders:
        return ()
    cover = _cover(table, wanted, max_members, one_group)
    teams = _different(cover, n, solver, seconds)
    seen = _seen_twice(table, teams)
    chiefs = [_mandataire(table, cover, team, wanted) for team in teams]
    return tuple(
        _told(table, cover, team, wanted, seen, chiefs, place, one_group) for place, team in enumerate(teams)
    )


def problem(answer_lots: Sequence[LotAnswer], *, tender: Tender, max_members: int = 5) -> Cover | None:
    """The pure problem that `recommend` solves for a tender without wishes; None where nobody covers anything."""
    wanted = _wishes(answer_lots, max_members, None, (), ())
    table = _table(answer_lots, wanted, True, tender.published or date.today())
    return _cover(table, wanted, max_members, False) if table.tasks and table.bidders else None


def task_label(tender: Tender, task: str) -> str:
    """How a reader names what a member takes: a lot of the tender, or one need of a lot."""
    lot_id, _, trade = task.rpartition("#")
    for lot in tender.lots:
        if lot.id == task:
            return lot_label(lot)
        if lot.id == lot_id:
            labels = {t.name: t.label for t in needs_.trades()}
            return f"{lot_label(lot)}, besoin {labels.get(trade, trade)}"
    return task


# ----------------------------------------------------------------------------------------------- wishes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wishes:
    imposed: tuple[str, ...]
    excluded: frozenset[str]
    mandataire: str | None
    structures: Mapping[str, Structure]


def _wishes(
    answers: Sequence[LotAnswer],
    max_members: int,
    mandataire: str | None,
    imposed: Sequence[str | Structure],
    excluded: Sequence[str],
) -> _Wishes:
    known = {m.structure.siren: m.structure for a in answers for m in reversed(a.matches)}
    known.update({s.siren: s for s in imposed if isinstance(s, Structure)})
    names = [s.siren if isinstance(s, Structure) else _siren(s) for s in imposed]
    if mandataire:
        names.insert(0, _siren(mandataire))
    forced = tuple(dict.fromkeys(names))
    out = frozenset(map(_siren, excluded))
    if both := [s for s in forced if s in out]:
        raise BadInput(f"{both[0]} est à la fois imposé et exclu : retirez-le de l'une des deux listes.")
    if max_members < 1:
        raise BadInput("Un groupement compte au moins un membre : donnez un maximum de 1 ou plus.")
    if len(forced) > max_members:
        raise BadInput(
            f"{len(forced)} membres imposés pour un maximum de {max_members} : relevez le maximum ou imposez-en moins."
        )
    if unknown := [s for s in forced if s not in known]:
        raise BadInput(
            f"{unknown[0]} n'est classé sur aucun lot : vérifiez le SIRET, ou demandez plus de structures par lot."
        )
    return _Wishes(
        imposed=forced,
        excluded=out,
        mandataire=_siren(mandataire) if mandataire else None,
        structures={s: known[s] for s in forced},
    )


def _siren(identifier: str) -> str:
    digits = "".join(c for c in identifier if c.isdigit())
    if len(digits) not in (9, 14):
        raise BadInput(f"{identifier!r} n'est ni un SIRET (14 chiffres) ni un SIREN (9 chiffres).")
    return digits[:9]


# ------------------------------------------------------------------------------------------------ table


def _table(answers: Sequence[LotAnswer], wanted: _Wishes, split_needs: bool, on: date) -> _Table:
    """Lots become tasks, structures of one SIREN become one bidder; who may not answer is left out."""
    tasks: list[Task] = []
    cells: dict[tuple[int, int], Match] = {}
    degrees: dict[tuple[int, int], int] = {}
    scores: dict[tuple[int, int], int] = {}
    column: dict[str, int] = {}
    barred: dict[tuple[str, str], str] = {}
    for answer in answers:
        able = []
        for match in () if answer.nobody else answer.matches:
            siren = match.structure.siren
            if siren in wanted.excluded:
                continue
            if why := _bar(match):
                barred[answer.lot.id, siren] = why
            else:
                able.append(match)
        for task, parts in tasks_of(answer.lot, able, split_needs):
            row = len(tasks)
            tasks.append(task)
            for match, degree, score in parts:
                if not degree:
                    continue
                cell = (row, column.setdefault(match.structure.siren, len(column)))
                # one SIREN is one bidder: its best place stands for it
                if (degree, score) > (degrees.get(cell, 0), scores.get(cell, -1)):
                    cells[cell], degrees[cell], scores[cell] = match, degree, score
    for siren in wanted.imposed:
        column.setdefault(siren, len(column))
    shape = (len(tasks), len(column))
    grade, points = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for cell, value in degrees.items():
        grade[cell], points[cell] = value, scores[cell]
    structures = {m.structure.siren: m.structure for m in cells.values()} | dict(wanted.structures)
    return _Table(tuple(tasks), tuple(column), cells, grade, points, structures, barred, on)


def tasks_of(
    lot: Lot, matches: Sequence[Match], split_needs: bool = True
) -> list[tuple[Task, list[tuple[Match, int, int]]]]:
    """The tasks of a lot, each with (match, degree in quarters, score in hundredths)."""
    base = _degrees(matches)
    parts = needs_.asked(lot)
    table = needs_.cover(parts, [m.structure for m in matches])
    if len(parts) < 2 or not split_needs:
        # of a lot of one trade, who is known for other trades only covers little, however near it is
        fits = [max(column) for column in zip(*table, strict=True)] if parts else [1.0] * len(base)
        capped = [
            (match, min(degree, max(QUARTER, round(WHOLE * fit))), score)
            for (match, degree, score), fit in zip(base, fits, strict=True)
        ]
        return [(Task(id=lot.id, lot=lot, label=lot_label(lot), weight=LOT_WEIGHT), capped)]
    result = []
    for row, need in enumerate(parts):
        share = need.weight
        task = Task(
            id=need.id,
            lot=lot,
            label=f"{lot_label(lot)}, besoin {need.label}",
            weight=max(1, round(LOT_WEIGHT * share)),
            share=share,
            need=need,
        )
        cells = []
        for position, (match, degree, score) in enumerate(base):
            fit = table[row][position]
            cells.append((match, min(degree, round(WHOLE * fit)), round(score * fit)))
        result.append((task, cells))
    return result


def _degrees(matches: Sequence[Match]) -> list[tuple[Match, int, int]]:
    """How far each match covers the lot, by its probability beside the best: half of it or more is whole.

    Coverage is counted in coarse steps on purpose: a fifth member is not worth a hundredth of fit.
    """
    values = [m.probability if m.probability == m.probability else m.score for m in matches]
    best = max((v for v in values if v == v), default=0.0)
    if best <= 0:  # scores only, none positive: their order is all that is known
        lowest = min(values, default=0.0)
        values = [v - lowest + 1.0 for v in values]
        best = max(values, default=1.0)
    result = []
    for match, value in zip(matches, values, strict=True):
        ratio = max(0.0, value / best) if value == value else 0.0
        degree = WHOLE if ratio >= 0.5 else HALF if ratio >= 0.2 else QUARTER
        degree = QUARTER if far(match) else degree
        result.append((match, degree, round(100 * ratio)))
    return result


def _bar(match: Match) -> str:
    """Why this structure may not take the lot, "" where it may or where it cannot be told."""
    if match.eligible is False:
        articles = match.lot.reservation.articles if match.lot.reservation else ()
        return f"non éligible au titre de {_or(articles)}" if articles else "non éligible au marché réservé"
    if serves(match) is False:
        return "hors de la zone que la structure déclare servir"
    return ""


def serves(match: Match) -> bool | None:
    """Whether the zone declared (the offer's, else the structure's) reaches the lot; None where unknown."""
    zone = match.offer.zone if match.offer is not None and match.offer.zone is not None else None
    zone = zone or match.structure.zone
    return None if zone is None else _reaches(zone, match)


def far(match: Match) -> bool:
    """Does a structure that declares no zone stand farther than one usually comes; ordinary firms travel."""
    kilometres = match.distance_km
    if not match.structure.kind or kilometres is None or math.isnan(kilometres):
        return False
    return serves(match) is None and kilometres > FAR_KM


def _reaches(zone: Zone, match: Match) -> bool | None:
    if zone.country:
        return True
    verdicts: list[bool | None] = []
    if zone.radius_km is not None:
        far = match.distance_km
        verdicts.append(None if far is None or math.isnan(far) else far <= zone.radius_km)
    departments = {p.department for p in match.lot.places if p.department}
    regions = {p.region for p in match.lot.places if p.region}
    if zone.departments:
        verdicts.append(bool(departments & set(zone.departments)) if departments else None)
    if zone.regions:
        verdicts.append(bool(regions & set(zone.regions)) if regions else None)
    if any(verdicts):
        return True
    return False if verdicts and all(v is False for v in verdicts) else None


def _cover(table: _Table, wanted: _Wishes, max_members: int, one_group: bool) -> Cover:
    turnover = [table.structures[s].turnover for s in table.bidders]
    position = {siren: j for j, siren in enumerate(table.bidders)}
    clash = tuple(
        (row, position[siren])
        for row, task in enumerate(table.tasks)
        for siren in table.bidders
        # an imposed member stays, and the law's warning with it; a proposed one gives way
        if one_group and siren not in wanted.imposed and table.ineligible(task.lot, siren)
    )
    return Cover(
        degree=table.degree,
        score=table.score,
        weight=np.array([t.weight for t in table.tasks], dtype=np.int64),
        amount=np.array([yearly(t.lot) * t.share for t in table.tasks]),
        turnover=np.array([math.nan if t is None else t for t in turnover], dtype=float),
        max_members=max_members,
        forced=frozenset(position[s] for s in wanted.imposed),
        clash=clash,
    )


def _different(cover: Cover, n: int, solver: str, seconds: float) -> list[Team]:
    """Teams of which each differs from every earlier one in half of its free members or more."""
    teams: list[Team] = []
    end, most = time.monotonic() + seconds, None
    for number in range(n):
        left = max(end - time.monotonic(), 0.05)
        team = solve(cover, solver, 0.6 * left if number == 0 and n > 1 else left / (n - number), most)
        if team is None:
            break
        teams.append(team)
        if solver == "exact":  # what another team, more constrained, cannot exceed
            most = math.floor(team.coverage / (1.0 - team.gap) + 1e-6) if team.gap < 1.0 else None
        free = team.members - cover.forced
        if not free:
            break
        cover = replace(cover, cuts=(*cover.cuts, (free, len(free) // 2)))
    return teams


def _seen_twice(table: _Table, teams: Sequence[Team]) -> dict[tuple[str, str], int]:
    """(lot id, siren) -> in how many of the teams this bidder takes this lot."""
    count: dict[tuple[str, str], int] = {}
    for team in teams:
        pairs = {(table.tasks[t].lot.id, table.bidders[j]) for t, j in [*team.lead.items(), *team.shares]}
        for pair in pairs:
            count[pair] = count.get(pair, 0) + 1
    return count


# ----------------------------------------------------------------------------------------------- telling


FAINT = " (couverture faible, à confirmer)"  # nothing tells that the member has this trade


def lot_label(lot: Lot) -> str:
    """How a lot is named to a reader: its number and the beginning of its title."""
    return f"lot {lot.number} « {shorten(lot.title, 60)} »" if lot.title else f"lot {lot.number}"


def _or(words: Sequence[str]) -> str:
    return " ou ".join(words)


def _told(
    table: _Table,
    cover: Cover,
    team: Team,
    wanted: _Wishes,
    seen: Mapping[tuple[str, str], int],
    chiefs: Sequence[tuple[int, str]],
    place: int,
    one_group: bool,
) -> Consortium:
    chief, chief_reason = chiefs[place]
    members = tuple(
        _member(table, cover, team, j, j == chief, chief_reason)
        for j in sorted(team.members, key=lambda j: (j != chief, -_load(cover, team, j), table.bidders[j]))
    )
    covered = tuple(t.id for i, t in enumerate(table.tasks) if i in team.lead)
    form, form_reason = _form(table, team)
    reachable = int((cover.weight * WHOLE).sum())
    warnings = (
        *_law_of_reservation(table, team, wanted, one_group),
        *_law_of_capacity(table, cover, team),
        *_law_of_groups(table, cover, team, chief, form, seen, sum(other == chief for other, _ in chiefs)),
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


def _load(cover: Cover, team: Team, bidder: int) -> int:
    return sum(int(cover.weight[t]) for t, j in team.lead.items() if j == bidder)


def _mandataire(table: _Table, cover: Cover, team: Team, wanted: _Wishes) -> tuple[int, str]:
    """Exactly one: the one imposed, else who takes most, then the larger turnover, then the better fit."""
    position = {siren: j for j, siren in enumerate(table.bidders)}
    if wanted.mandataire is not None:
        return position[wanted.mandataire], "mandataire imposé par la demande"

    def worth(j: int) -> tuple[float, ...]:
        turnover = cover.turnover[j]
        fit = sum(int(cover.score[t, k]) for t, k in team.lead.items() if k == j)
        return (_load(cover, team, j), -1.0 if math.isnan(turnover) else turnover, fit)

    chief = max(sorted(team.members, key=lambda j: table.bidders[j]), key=worth)
    taken = len({table.tasks[t].lot.id for t, j in team.lead.items() if j == chief})
    total = len({table.tasks[t].lot.id for t in team.lead})
    if len(team.members) == 1:
        return chief, "répond seule"
    if total == 1:
        reason = "proposée comme mandataire : la plus grande part du lot"
    else:
        reason = f"proposée comme mandataire : {taken} lot{'s' if taken > 1 else ''} sur {total}, la plus grande part"
    if not math.isnan(cover.turnover[chief]):
        reason += f", chiffre d'affaires connu ({euros(float(cover.turnover[chief]))})"
    return chief, reason


def _member(table: _Table, cover: Cover, team: Team, bidder: int, chief: bool, chief_reason: str) -> Member:
    led = [t for t, j in team.lead.items() if j == bidder]
    helped = [(t, share) for (t, j), share in team.shares.items() if j == bidder]
    parts = [_why(table, cover, t, bidder) for t in led]
    parts += [
        f"renfort de {table.tasks[t].label} : porte {share:.0%} du montant, que le chiffre d'affaires connu "
        "d'une seule structure ne couvre pas"
        for t, share in helped
    ]
    if not parts:
        parts = ["membre imposé : aucun lot ne lui revient dans cette équipe"]
    places = {table.cells[t, bidder].structure.siret for t in led if (t, bidder) in table.cells}
    structure = table.structures[table.bidders[bidder]]
    if led:
        best = max(led, key=lambda t: (cover.degree[t, bidder] * cover.weight[t], cover.score[t, bidder]))
        structure = table.cells[best, bidder].structure
    if len(places) > 1:
        parts.append("avec ses établissements " + ", ".join(sorted(places)))
    if chief and len(team.members) > 1:
        parts.append(chief_reason)
    return Member(
        structure=structure,
        lots=tuple(table.tasks[t].id for t in [*led, *(t for t, _ in helped)]),
        role="mandataire" if chief else "cotraitant",
        reason=" ; ".join(parts),
    )


def _why(table: _Table, cover: Cover, task: int, bidder: int) -> str:
    match = table.cells[task, bidder]
    because = ", ".join(telling.sentences((r for r in match.reasons if r.contribution > 0), 2))
    extent = {WHOLE: "", HALF: " (couverture partielle)", QUARTER: FAINT}
    kept = extent.get(int(cover.degree[task, bidder]), " (couverture partielle)")
    if far(match):
        kept = f" (à {match.distance_km:.0f} km, zone non déclarée : déplacement à confirmer)"
    others = int((cover.degree[task] > 0).sum()) - 1
    because = because or (f"retenue parmi {others + 1} structures" if others else "seule structure trouvée")
    return f"{table.tasks[task].label}{kept} : {because}"


def _form(table: _Table, team: Team) -> tuple[Literal["conjoint", "solidaire", ""], str]:
    if len(team.members) == 1:
        return "", "Une seule structure couvre ces lots : pas de groupement nécessaire."
    imposed = [
        c.passage or c.label
        for t in team.lead
        for c in table.tasks[t].lot.conditions
        if c.code == "group-form"
    ]
    note = (
        f" La consultation dit : « {shorten(imposed[0], 160)} » : une forme ne peut être exigée pour présenter "
        "une offre, seulement après l'attribution (R2142-22, à vérifier)."
        if imposed
        else ""
    )
    if team.shares:
        return "solidaire", (
            "Plusieurs membres portent ensemble un même lot sans part séparable : chacun s'engage pour le tout "
            "(R2142-20)." + note
        )
    return "conjoint", (
        "Chaque membre exécute une part distincte et identifiable et n'est engagé que pour elle (R2142-20)."
        + note
    )


# ---------------------------------------------------------------------------------------------- warnings


def _warn(table: _Table, code: str, text: str, rule: str, article: str = "") -> Warning_:
    """A warning under a dated rule of `law`; `article` names the one that applies where the rule has several."""
    found = law.rule(rule, table.on)
    return Warning_(
        code=code,
        text=f"{text} À vérifier.",
        article=article or (found.article if found else ""),
        since=found.since if found else None,
    )


def _names(table: _Table, bidders: Sequence[int] | frozenset[int]) -> str:
    return ", ".join(table.structures[table.bidders[j]].name for j in sorted(bidders))


def _law_of_reservation(table: _Table, team: Team, wanted: _Wishes, one_group: bool) -> list[Warning_]:
    """Reserved lots: every member of the lot's group must be eligible (DAJ note of 2011)."""
    found: list[Warning_] = []
    covered = {table.tasks[t].lot.id for t in team.lead}
    lots = {task.lot.id: task.lot for task in table.tasks if task.lot.reservation is not None}
    alone = len({task.lot.id for task in table.tasks}) == 1
    for lot in lots.values():
        articles = lot.reservation.articles if lot.reservation else ()
        stated = _or(articles)
        article = articles[0] if articles else ""
        if lot.id in covered and not articles:
            text = (
                f"Le lot {lot.number} est réservé sans que l'article soit précisé : voir le règlement de la "
                "consultation avant de composer le groupement."
            )
            found.append(_warn(table, "reservation-unspecified", text, "reservation.stated"))
        out = frozenset(j for j in team.members if table.ineligible(lot, table.bidders[j]))
        if not out:
            continue
        if lot.id in covered and (one_group or alone):
            text = (
                f"Groupement mixte sur le lot {lot.number}, réservé ({stated or 'article non précisé'}) : "
                f"{_names(table, out)} n'y est pas éligible et rendrait l'offre du groupement irrecevable."
            )
            found.append(_warn(table, "mixed-group", text, "reservation.mixed-group", article))
        elif lot.id in covered:
            text = (
                f"Le lot {lot.number} est réservé ({stated or 'article non précisé'}) : {_names(table, out)}, non "
                "éligible, ne peut figurer dans le groupement de ce lot ; remettez une offre distincte par lot."
            )
            found.append(_warn(table, "separate-groups", text, "reservation.mixed-group", article))
        elif forced := frozenset(j for j in out if table.bidders[j] in wanted.imposed):
            text = (
                f"{_names(table, forced)}, membre imposé, n'est pas éligible au lot {lot.number}, réservé "
                f"({stated or 'article non précisé'}) : tout groupement dont il est membre y serait irrecevable."
            )
            found.append(_warn(table, "mixed-group", text, "reservation.mixed-group", article))
    return found


def _law_of_capacity(table: _Table, cover: Cover, team: Team) -> list[Warning_]:
    """Turnover: what is known beside the yearly amounts, and what a buyer may ask."""
    found: list[Warning_] = []
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
            found.append(_warn(table, "turnover-together", text, "group.capacity"))
        elif len(known) == len(turnovers) and sum(known) < factor * amount:
            text = (
                f"Lot {number} : l'acheteur peut exiger jusqu'à {factor:g} fois le montant estimé "
                f"({euros(factor * amount)} par an) ; chiffre d'affaires connu du groupement : {euros(sum(known))}."
            )
            found.append(_warn(table, "turnover-ceiling", text, "capacity.turnover"))
    unknown = frozenset(j for j in team.members if math.isnan(cover.turnover[j]))
    if due and unknown:
        text = f"Chiffre d'affaires inconnu : {_names(table, unknown)} ; la capacité n'a pas pu être comptée."
        found.append(_warn(table, "turnover-unknown", text, "group.capacity"))
    return found


def _law_of_groups(
    table: _Table,
    cover: Cover,
    team: Team,
    chief: int,
    form: str,
    seen: Mapping[tuple[str, str], int],
    times: int,
) -> list[Warning_]:
    found: list[Warning_] = []
    able = frozenset(j for j in team.members if _alone(cover, team, j))
    if len(able) > 1:
        text = (
            f"{_names(table, able)} semblent chacune capables de répondre seules : le choix de grouper doit être "
            "justifié (capacité, délais, complémentarité) au regard du droit de la concurrence."
        )
        found.append(_warn(table, "competition", text, "group.competition"))
    if form == "conjoint":
        total = float(np.nansum([cover.amount[t] for t in team.lead]))
        turnover = float(cover.turnover[chief])
        name = table.structures[table.bidders[chief]].name
        if math.isnan(turnover) or turnover < total or not total:
            what = (
                "dont le chiffre d'affaires est inconnu"
                if math.isnan(turnover)
                else "plus petit que le marché"
                if total
                else "pour un marché dont le montant n'est pas publié"
            )
            text = (
                f"{name}, mandataire proposé {what}, pourrait être rendu solidaire de tous les membres par le "
                "contrat : mesurez ce risque avant d'accepter."
            )
            found.append(_warn(table, "mandataire-solidaire", text, "group.mandataire-solidaire"))
    if times > 1 and len(team.members) > 1:
        name = table.structures[table.bidders[chief]].name
        text = (
            f"{name} est proposé mandataire de {times} équipes : il ne peut l'être que d'une pour ce marché."
        )
        found.append(_warn(table, "one-mandataire", text, "group.one-mandataire"))
    found += _several_groups(table, team, seen)
    return found


def _several_groups(table: _Table, team: Team, seen: Mapping[tuple[str, str], int]) -> list[Warning_]:
    """One warning for each bidder that other teams propose for a same lot, quoting the consultation if it says."""
    repeated: dict[str, dict[str, Lot]] = {}
    times: dict[str, int] = {}
    for task, bidder in [*team.lead.items(), *team.shares]:
        lot, siren = table.tasks[task].lot, table.bidders[bidder]
        if (count := seen.get((lot.id, siren), 0)) > 1:
            repeated.setdefault(siren, {})[lot.id] = lot
            times[siren] = max(times.get(siren, 0), count)
    found: list[Warning_] = []
    for siren, lots in sorted(repeated.items()):
        said = next((c for lot in lots.values() for c in lot.conditions if c.code == "several-groups"), None)
        rule = (
            f"la consultation le règle ainsi : « {shorten(said.passage or said.label, 160)} »"
            if said
            else "la consultation peut interdire de répondre dans plusieurs groupements"
        )
        numbers = ", ".join(dict.fromkeys(lot.number for lot in lots.values()))
        name = table.structures[siren].name
        which = "le lot" if len(lots) == 1 else "les lots"
        text = f"{name} figure dans {times[siren]} équipes proposées pour {which} {numbers} : {rule}."
        found.append(_warn(table, "several-groups", text, "group.several"))
    return found


def _alone(cover: Cover, team: Team, bidder: int) -> bool:
    """True where this member could, as far as is known, take alone all that the team covers."""
    due = float(np.nansum([cover.amount[t] for t in team.lead]))
    turnover = cover.turnover[bidder]
    enough = math.isnan(turnover) or turnover >= due
    return enough and all(cover.degree[t, bidder] == WHOLE for t in team.lead)
