"""The optimisation problem behind a consortium: few bidders that cover most tasks, with proof of optimality.

No domain terms here: tasks are rows, bidders are columns.  `solve` maximises lexicographically the weighted
coverage, the smallness of the team, the scores of the leaders, as one constraint program (CP-SAT) with one weighted
objective: a Boolean for each bidder, and one for each pair (degree, score) at which a task is reached, true only if a
member reaches it there.  Where turnovers limit, whole euros of each task are shared among the members.  `greedy` needs
no library, and is the floor of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from matcher.reference.arrays import F64, I64

EPS = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """Tasks x bidders.

    `degree` (tasks, bidders) in quarters 0..4, 0 where the bidder cannot; `score` (tasks, bidders) in
    hundredths 0..100; `weight` (tasks,) positive integers; `amount` (tasks,) euros a year, NaN unknown;
    `turnover` (bidders,) euros a year, NaN unknown and then not limiting; `forced` bidders that must be in;
    `clash` pairs (task, bidder) that exclude each other; `cuts` sets of bidders with the most that a team
    may take of each.
    """

    degree: I64
    score: I64
    weight: I64
    amount: F64
    turnover: F64
    max_members: int = 5
    forced: frozenset[int] = frozenset()
    clash: tuple[tuple[int, int], ...] = ()
    cuts: tuple[tuple[frozenset[int], int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Chosen bidders, the leader of each covered task, the shares of helpers, and the optimality gap."""

    members: frozenset[int]
    lead: dict[int, int]
    shares: dict[tuple[int, int], float] = field(default_factory=dict)  # (task, bidder) -> 0..1, helpers only
    coverage: int = 0  # sum of weight x degree
    score: int = 0  # sum of the leaders' scores
    gap: float = 0.0  # proved distance of the coverage to the best possible, 0..1
    optimal: bool = False  # all three goals proved

    @property
    def goals(self) -> tuple[int, int, int]:
        """The objectives in lexicographic order, greater is better: coverage, fewness, score."""
        return (self.coverage, -len(self.members), self.score)


def assess(cover: Cover, members: Iterable[int]) -> Team | None:
    """Best coverage by these bidders; None where they violate a constraint.

    Without limits each task goes to the member with the best (degree, score); with limits of turnover or
    clashes the tasks are added by weight while the amounts can still be carried in a simple order, which is
    a heuristic for the choice of tasks, never for the rules.
    """
    team = frozenset(members) | cover.forced
    if len(team) > cover.max_members or any(len(team & cut) > most for cut, most in cover.cuts):
        return None
    columns = sorted(team)
    if not columns:
        return None
    barred = {task for task, bidder in cover.clash if bidder in team}
    part = cover.degree[:, columns] * 1000 + cover.score[:, columns]
    part = np.where(cover.degree[:, columns] > 0, part, -1)
    best = part.argmax(axis=1)
    lead = {
        task: columns[best[task]]
        for task in range(len(cover.weight))
        if part[task, best[task]] >= 0 and task not in barred
    }
    shares: dict[tuple[int, int], float] = {}
    if limited(cover, columns):
        lead, shares = _carried(cover, columns, lead)
    return team_of(cover, team, lead, shares)


def team_of(
    cover: Cover, team: frozenset[int], lead: dict[int, int], shares: dict[tuple[int, int], float]
) -> Team:
    coverage = sum(int(cover.weight[t] * cover.degree[t, j]) for t, j in lead.items())
    return Team(
        members=team,
        lead=lead,
        shares=shares,
        coverage=coverage,
        score=sum(int(cover.score[t, j]) for t, j in lead.items()),
    )


def limited(cover: Cover, columns: Sequence[int]) -> bool:
    """True where a known turnover could be smaller than the known amounts."""
    known = cover.turnover[list(columns)]
    due = float(np.nansum(cover.amount))
    return bool(np.any(known < due - EPS))


def _carried(
    cover: Cover, columns: Sequence[int], lead: dict[int, int]
) -> tuple[dict[int, int], dict[tuple[int, int], float]]:
    """The tasks that the members can carry together, and the shares of members other than the leader."""
    kept: dict[int, int] = {}
    shares: dict[tuple[int, int], float] = {}
    order = sorted(lead, key=lambda t: (-cover.weight[t] * cover.degree[t, lead[t]], cover.amount[t], t))
    for task in order:
        trial = {**kept, task: lead[task]}
        found = carry_in_order(cover, columns, trial)
        if found is not None:
            kept, shares = trial, found
    return kept, shares


def carry_in_order(
    cover: Cover, columns: Sequence[int], lead: dict[int, int]
) -> dict[tuple[int, int], float] | None:
    """Leaders carry what they can, then members with most spare capacity help; None where this heuristic fails."""
    room = {j: np.inf if math.isnan(cover.turnover[j]) else float(cover.turnover[j]) for j in columns}
    shares: dict[tuple[int, int], float] = {}
    short: list[tuple[int, float]] = []
    for task, leader in lead.items():
        amount = float(cover.amount[task])
        if not math.isnan(amount):
            carried = min(amount, room[leader])
            room[leader] -= carried
            if amount - carried > EPS:
                short.append((task, amount - carried))
    for task, missing in short:
        for j in sorted((j for j in columns if cover.degree[task, j] > 0), key=lambda j: -room[j]):
            carried = min(missing, room[j])
            if carried > EPS and j != lead[task]:
                room[j] -= carried
                missing -= carried
                shares[task, j] = round(carried / float(cover.amount[task]), 4)
            if missing <= EPS:
                break
        if missing > EPS:
            return None
    return shares


def greedy(cover: Cover) -> Team | None:
    """Add the bidder with the largest gain until there is none.

    Plain greedy reaches at least 1 - 1/e of the optimum without capacity limits (Nemhauser et al., 1978).
    """
    current = assess(cover, ())
    free = [j for j in range(cover.degree.shape[1]) if j not in cover.forced and cover.degree[:, j].any()]
    members: frozenset[int] = cover.forced
    tight = bool(cover.clash) or limited(cover, range(cover.degree.shape[1]))
    while len(members) < cover.max_members:
        best = _best_addition(cover, members, free, current, tight)
        if best is None or (current is not None and best.coverage <= current.coverage):
            break
        current, members = best, best.members
    return current if current is not None and current.lead else None


def _best_addition(
    cover: Cover, members: frozenset[int], free: Sequence[int], current: Team | None, tight: bool
) -> Team | None:
    """The best team with one more bidder; candidates are tried in the order of their raw gain."""
    within = [
        j
        for j in free
        if j not in members and all(len((members | {j}) & cut) <= most for cut, most in cover.cuts)
    ]
    open_ = np.array(within, dtype=int)
    if not len(open_):
        return None
    held = cover.degree[:, sorted(members)].max(axis=1) if members else np.zeros(len(cover.weight), dtype=int)
    if current is not None:
        held = np.array([held[t] if t in current.lead else 0 for t in range(len(held))])
    gain = (np.maximum(cover.degree[:, open_] - held[:, None], 0) * cover.weight[:, None]).sum(axis=0)
    order = np.lexsort((open_, -cover.score[:, open_].sum(axis=0), -gain))
    best: Team | None = None
    for position in order[: 12 if tight else 1]:
        if gain[position] <= 0 and not tight:
            break
        trial = assess(cover, members | {int(open_[position])})
        if trial is not None and (best is None or trial.goals > best.goals):
            best = trial
    return best


def exact(cover: Cover, floor: Team | None, seconds: float, most: int | None = None) -> Team | None:
    """The best team found within `seconds`, never worse than `floor`; None where no feasible team covers anything.

    `most` is a known upper bound of the coverage, such as that of the best team under fewer cuts.
    """
    from ortools.sat.python import cp_model

    if len(cover.forced) > cover.max_members or any(len(cover.forced & cut) > k for cut, k in cover.cuts):
        return None
    degree = cover.degree.copy()  # of excluded bidders none
    degree[:, [j for cut, most in cover.cuts if not most for j in cut]] = 0
    cover = replace(cover, degree=degree)
    if floor is not None and floor.goals == _ceiling(cover):
        return replace(floor, gap=0.0, optimal=True)
    program = _program(cover)
    # in one sum: one unit of coverage outweighs the largest team, one member fewer all scores
    unit, member = int(np.gcd.reduce(cover.weight)) or 1, 100 * len(cover.weight) + 1
    of_unit = member * (cover.max_members + 1)
    led = sum(
        (int(cover.weight[task] // unit * of_unit) * degree + score) * variable
        for task, levels in program.led.items()
        for (degree, score), variable in levels.items()
    )
    program.model.maximize(led - member * sum(program.member))
    if floor is not None:
        for j, variable in enumerate(program.member):
            program.model.add_hint(variable, j in floor.members)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.linearization_level = 2  # the relaxation proves coverage: without it few proofs end
    # most problems are small: what prepares a large one would take most of the time
    solver.parameters.symmetry_level = solver.parameters.cp_model_probing_level = 0
    solver.parameters.max_presolve_iterations = 1
    solver.parameters.max_time_in_seconds = solver.parameters.max_deterministic_time = seconds
    status = solver.solve(program.model)
    best = floor
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        found = program.team(solver)
        if floor is None or found.goals > floor.goals:
            best = found
    if best is None or not best.lead:
        return None
    if status == cp_model.OPTIMAL:
        return replace(best, gap=0.0, optimal=True)
    reach = min(_ceiling(cover)[0], most or math.inf)
    if status == cp_model.FEASIBLE:  # stopped earlier, the solver has no valid bound
        bound = solver.best_objective_bound + member * cover.max_members
        reach = min(reach, math.floor(bound / of_unit + EPS) * unit)
    return replace(best, gap=max(0.0, 1.0 - best.coverage / reach), optimal=False)


def _ceiling(cover: Cover) -> tuple[int, int, int]:
    """Upper bounds of the objectives: fewest members allowed, every task led by its best bidder."""
    best = np.where(cover.degree > 0, cover.degree * 1000 + cover.score, 0).max(axis=1)
    return (int((cover.weight * (best // 1000)).sum()), -max(1, len(cover.forced)), int((best % 1000).sum()))


@dataclass(frozen=True, slots=True)
class _Program:
    cover: Cover
    model: Any
    member: list[Any]  # a variable for each bidder
    led: dict[int, dict[tuple[int, int], Any]]  # task -> (degree, score) -> it is led so, in one way at most
    covered: dict[int, Any]  # task -> it is led
    carried: dict[int, dict[int, Any]]  # task -> bidder -> euros, where turnovers limit

    def team(self, solver: Any) -> Team:
        """The team of a solution: each covered task led by its best member, amounts carried by leaders first where that does."""
        cover = self.cover
        members = [j for j, variable in enumerate(self.member) if solver.boolean_value(variable)]
        part = np.where(cover.degree > 0, cover.degree * 1000 + cover.score, 0)[:, members]
        led = (t for t, is_led in self.covered.items() if solver.boolean_value(is_led))
        lead = {t: members[part[t].argmax()] for t in led}
        shares = carry_in_order(cover, members, lead) if limited(cover, members) else {}
        if shares is None:  # those of helpers as the solution has them
            shares = {}
            for task in lead.keys() & self.carried.keys():
                euros = {j: solver.value(part) for j, part in self.carried[task].items()}
                total = sum(euros.values())
                helpers = {j: part for j, part in euros.items() if part and j != lead[task]}
                shares |= {(task, j): round(part / total, 4) for j, part in helpers.items()}
        return team_of(cover, frozenset(members), lead, shares)


def _program(cover: Cover) -> _Program:
    """The variables and constraints of a problem, without its objective."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    member = [model.new_bool_var("") for _ in range(cover.degree.shape[1])]
    model.add(sum(member) <= cover.max_members)
    for cut, most in cover.cuts:
        model.add(sum(member[j] for j in cut) <= most)
    for j in cover.forced:
        model.add(member[j] == 1)
    led: dict[int, dict[tuple[int, int], Any]] = {}
    for task in map(int, np.flatnonzero(cover.degree.any(axis=1))):
        led[task] = {}
        reached: dict[tuple[int, int], list[int]] = {}  # (degree, score) -> who reaches the task so
        for j in map(int, np.flatnonzero(cover.degree[task])):
            reached.setdefault((int(cover.degree[task, j]), int(cover.score[task, j])), []).append(j)
        for level, who in reached.items():
            led[task][level] = model.new_bool_var("")
            model.add_bool_or(*(member[j] for j in who), led[task][level].negated())
    covered = {task: model.new_bool_var("") for task in led}
    for task, levels in led.items():
        model.add(sum(levels.values()) == covered[task])
    for task, bidder in cover.clash:
        if task in covered:
            model.add_bool_or(covered[task].negated(), member[bidder].negated())
    # members carry the amounts of the covered tasks, each at most its turnover, in whole euros
    carried: dict[int, dict[int, Any]] = {}
    borne: dict[int, list[Any]] = {}
    for task, is_led in covered.items() if limited(cover, range(len(member))) else ():
        if math.isnan(cover.amount[task]):
            continue
        due, parts = math.ceil(cover.amount[task] - EPS), carried.setdefault(task, {})
        for j in map(int, np.flatnonzero(cover.degree[task])):
            if math.isnan(cover.turnover[j]):
                parts[j] = due * member[j]
            else:
                parts[j] = model.new_int_var(0, due, "")
                borne.setdefault(j, []).append(parts[j])
        model.add(sum(parts.values()) >= due * is_led)
    for j, shares in borne.items():
        model.add(sum(shares) <= max(0, math.floor(cover.turnover[j] + EPS)) * member[j])
    return _Program(cover, model, member, led, covered, carried)


def solve(cover: Cover, solver: str = "exact", seconds: float = 2.5, most: int | None = None) -> Team | None:
    """The best team, or None where no feasible team covers anything.  `solver` is "exact" or "greedy".

    `most` is a known upper bound of the coverage.
    """
    first = greedy(cover)
    if solver == "greedy" or not cover.degree.size:
        return first
    return exact(cover, first, seconds, most)
