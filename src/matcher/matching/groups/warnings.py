"""Legal warnings on a proposed consortium."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from matcher.domain import Lot, Warning_
from matcher.matching.groups.cover import Cover, Team
from matcher.matching.groups.table import WHOLE, _Constraints, _Table
from matcher.reference import law
from matcher.reference.amounts import total
from matcher.reference.french import euros
from matcher.reference.naming import as_written
from matcher.reference.text import shorten


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
) -> list[Warning_]:
    """Reserved lots: every member of the lot's group must be eligible (DAJ note of 2011)."""
    found: list[Warning_] = []
    covered = {table.tasks[t].lot.id for t in team.lead}
    lots = {task.lot.id: task.lot for task in table.tasks if task.lot.reservation is not None}
    alone = len({task.lot.id for task in table.tasks}) == 1
    for lot in lots.values():
        articles = lot.reservation.articles if lot.reservation else ()
        stated = " ou ".join(articles)
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
        elif forced := frozenset(j for j in out if table.bidders[j] in constraints.imposed):
            text = (
                f"{_names(table, forced)}, membre imposé, n'est pas éligible au lot {lot.number}, réservé "
                f"({stated or 'article non précisé'}) : tout groupement dont il est membre y serait irrecevable."
            )
            found.append(_warn(table, "mixed-group", text, "reservation.mixed-group", article))
    return found


def _law_of_capacity(table: _Table, cover: Cover, team: Team) -> list[Warning_]:
    """Turnover: the known figures next to the yearly amounts, and what a buyer may require."""
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
        elif len(known) == len(turnovers) and sum(known) < (most := factor * total(lots[lot_id], read=False)):
            text = (
                f"Lot {number} : l'acheteur peut exiger un chiffre d'affaires annuel allant jusqu'à {factor:g} fois "
                f"le montant estimé du lot ({euros(most)}) ; celui du groupement, connu : {euros(sum(known))}."
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
    lead_bidder: int,
    form: str,
    seen: Mapping[tuple[str, str], int],
    times: int,
) -> list[Warning_]:
    found: list[Warning_] = []
    able = frozenset(j for j in team.members if _alone(cover, team, j))
    if form and len(able) > 1:
        text = (
            f"{_names(table, able)} semblent chacune capables de répondre seules : le choix de grouper doit être "
            "justifié (capacité, délais, complémentarité) au regard du droit de la concurrence."
        )
        found.append(_warn(table, "competition", text, "group.competition"))
    if form == "conjoint":
        total = float(np.nansum([cover.amount[t] for t in team.lead]))
        turnover = float(cover.turnover[lead_bidder])
        name = _names(table, [lead_bidder])
        if math.isnan(turnover) or turnover < total or not total:
            text = (
                f"{name}, mandataire proposé dont rien ne dit qu'il soit à la taille du marché, pourrait être rendu solidaire de "
                "tous les membres par le contrat : mesurez ce risque avant d'accepter."
            )
            found.append(_warn(table, "mandataire-solidaire", text, "group.mandataire-solidaire"))
    if times > 1 and len(team.members) > 1:
        name = _names(table, [lead_bidder])
        once = "il ne peut l'être que d'une pour ce marché."
        text = f"{name} est proposé mandataire de {times} équipes : {once}"
        found.append(_warn(table, "one-mandataire", text, "group.one-mandataire"))
    found += _several_groups(table, team, seen)
    return found


def _several_groups(table: _Table, team: Team, seen: Mapping[tuple[str, str], int]) -> list[Warning_]:
    """One warning for each bidder proposed by several teams for one lot, quoting the consultation where it settles this."""
    repeated: dict[str, dict[str, Lot]] = {}
    for task, bidder in [*team.lead.items(), *team.shares]:
        lot, siren = table.tasks[task].lot, table.bidders[bidder]
        if seen.get((lot.id, siren), 0) > 1:
            repeated.setdefault(siren, {})[lot.id] = lot
    found: list[Warning_] = []
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
        found.append(_warn(table, "several-groups", text, "group.several"))
    return found


def _alone(cover: Cover, team: Team, bidder: int) -> bool:
    """True where this member could, as far as known, cover alone all that the team covers."""
    due = float(np.nansum([cover.amount[t] for t in team.lead]))
    turnover = cover.turnover[bidder]
    enough = math.isnan(turnover) or turnover >= due
    return enough and all(cover.degree[t, bidder] == WHOLE for t in team.lead)
