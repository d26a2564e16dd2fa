"""The best team as one constraint program (CP-SAT): coverage, then fewness, then scores, in one weighted objective.

A Boolean for each bidder, and one for each pair (degree, score) at which a task is reached: true only if a
member reaches it there.  Where turnovers limit, whole euros of each task are shared among the members.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from matcher.matching.groups.cover import EPS, Cover, Team, carry_in_order, greedy, limited, team_of


def exact(cover: Cover, floor: Team | None, seconds: float, most: int | None = None) -> Team | None:
    """The best team found within `seconds`, never worse than `floor`; None where no feasible team covers anything.

    `most` is a known upper bound of the coverage, such as that of the best team under fewer cuts.
    """
    if len(cover.forced) > cover.max_members or any(len(cover.forced & cut) > k for cut, k in cover.cuts):
        return None
    degree = cover.degree.copy()  # of excluded bidders none
    degree[:, [j for cut, most in cover.cuts if not most for j in cut]] = 0
    cover = _without_outdone(replace(cover, degree=degree))
    if floor is not None and floor.goals == _ceiling(cover):
        return replace(floor, gap=0.0, optimal=True)
    return _solved(cover, floor, seconds, most)


def _without_outdone(cover: Cover) -> Cover:
    """The same problem with the degrees of bidders set to 0 whom enough others match on every task.

    A team with one of them is no worse with one of the others instead, who are more than its members and in no cut.
    """
    count = cover.degree.shape[1]
    if limited(cover, range(count)) or cover.clash:
        return cover
    worth = np.where(cover.degree > 0, cover.degree * 1000 + cover.score, 0)
    matches = (worth[:, :, None] >= worth[:, None, :]).all(axis=0)  # the first bidder the second
    matches &= ~matches.T | np.tri(count, k=-1, dtype=bool).T  # of equals the first
    bound = [j for cut, _ in cover.cuts for j in cut]
    matches[bound] = False
    outdone = matches.sum(axis=0) >= cover.max_members
    outdone[list(cover.forced)] = False
    degree = cover.degree.copy()
    degree[:, outdone] = 0
    return replace(cover, degree=degree)


def _ceiling(cover: Cover) -> tuple[int, int, int]:
    """Upper bounds of the objectives: fewest members allowed, every task led by its best bidder."""
    best = np.where(cover.degree > 0, cover.degree * 1000 + cover.score, 0).max(axis=1)
    return (int((cover.weight * (best // 1000)).sum()), -max(1, len(cover.forced)), int((best % 1000).sum()))


def _solved(cover: Cover, floor: Team | None, seconds: float, most: int | None) -> Team | None:
    from ortools.sat.python import cp_model

    program, worth = _program(cover), _Worth.of(cover)
    program.maximize(worth)
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
        reach = min(reach, worth.reach(solver.best_objective_bound))
    return replace(best, gap=max(0.0, 1.0 - best.coverage / reach), optimal=False)


@dataclass(frozen=True, slots=True)
class _Worth:
    """Weights that make the objectives lexicographic: one unit of coverage outweighs the largest team ..."""

    unit: int  # greatest common divisor of the weights
    of_unit: int
    of_member: int  # ... and one member fewer outweighs all scores
    members: int

    @classmethod
    def of(cls, cover: Cover) -> _Worth:
        member = 100 * len(cover.weight) + 1
        unit = int(np.gcd.reduce(cover.weight)) or 1
        return cls(unit, member * (cover.max_members + 1), member, cover.max_members)

    def reach(self, bound: float) -> int:
        """Upper bound of the coverage, from a bound of the objective."""
        return math.floor((bound + self.of_member * self.members) / self.of_unit + EPS) * self.unit


@dataclass(frozen=True, slots=True)
class _Program:
    cover: Cover
    model: Any
    member: list[Any]  # a variable for each bidder
    led: dict[int, dict[tuple[int, int], Any]]  # task -> (degree, score) -> it is led so, in one way at most
    covered: dict[int, Any]  # task -> it is led
    carried: dict[int, dict[int, Any]]  # task -> bidder -> euros, where turnovers limit

    def maximize(self, worth: _Worth) -> None:
        unit = self.cover.weight // worth.unit * worth.of_unit
        led = sum(
            (int(unit[task]) * degree + score) * variable
            for task, levels in self.led.items()
            for (degree, score), variable in levels.items()
        )
        self.model.maximize(led - worth.of_member * sum(self.member))

    def team(self, solver: Any) -> Team:
        """The team of a solution: each covered task led by its best member, amounts carried by leaders first where that does."""
        cover = self.cover
        members = [j for j, variable in enumerate(self.member) if solver.boolean_value(variable)]
        part = np.where(cover.degree > 0, cover.degree * 1000 + cover.score, 0)[:, members]
        led = (t for t, is_led in self.covered.items() if solver.boolean_value(is_led))
        lead = {t: members[part[t].argmax()] for t in led}
        shares = carry_in_order(cover, members, lead) if limited(cover, members) else {}
        return team_of(
            cover, frozenset(members), lead, self._shares(solver, lead) if shares is None else shares
        )

    def _shares(self, solver: Any, lead: Mapping[int, int]) -> dict[tuple[int, int], float]:
        """The shares of helpers as the solution has them."""
        shares: dict[tuple[int, int], float] = {}
        for task in lead.keys() & self.carried.keys():
            euros = {j: solver.value(part) for j, part in self.carried[task].items()}
            total = sum(euros.values())
            helpers = {j: part for j, part in euros.items() if part and j != lead[task]}
            shares |= {(task, j): round(part / total, 4) for j, part in helpers.items()}
        return shares


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
        for level, who in _levels(cover, task).items():
            led[task][level] = model.new_bool_var("")
            model.add_bool_or(*(member[j] for j in who), led[task][level].negated())
    covered = {task: model.new_bool_var("") for task in led}
    for task, levels in led.items():
        model.add(sum(levels.values()) == covered[task])
    for task, bidder in cover.clash:
        if task in covered:
            model.add_bool_or(covered[task].negated(), member[bidder].negated())
    program = _Program(cover, model, member, led, covered, {})
    if limited(cover, range(len(member))):
        _limit(program)
    return program


def _levels(cover: Cover, task: int) -> dict[tuple[int, int], list[int]]:
    """(degree, score) -> the bidders that reach a task so."""
    found: dict[tuple[int, int], list[int]] = {}
    for j in map(int, np.flatnonzero(cover.degree[task])):
        found.setdefault((int(cover.degree[task, j]), int(cover.score[task, j])), []).append(j)
    return found


def _limit(program: _Program) -> None:
    """Constraint: members carry the amounts of the covered tasks, each at most its turnover, in whole euros."""
    cover, model, member = program.cover, program.model, program.member
    carried: dict[int, list[Any]] = {}
    for task, covered in program.covered.items():
        if math.isnan(cover.amount[task]):
            continue
        due, parts = math.ceil(cover.amount[task] - EPS), program.carried.setdefault(task, {})
        for j in map(int, np.flatnonzero(cover.degree[task])):
            if math.isnan(cover.turnover[j]):
                parts[j] = due * member[j]
            else:
                parts[j] = model.new_int_var(0, due, "")
                carried.setdefault(j, []).append(parts[j])
        model.add(sum(parts.values()) >= due * covered)
    for j, shares in carried.items():
        model.add(sum(shares) <= max(0, math.floor(cover.turnover[j] + EPS)) * member[j])


def solve(cover: Cover, solver: str = "exact", seconds: float = 2.5, most: int | None = None) -> Team | None:
    """The best team, or None where no feasible team covers anything.  `solver` is "exact" or "greedy".

    `most` is a known upper bound of the coverage.
    """
    first = greedy(cover)
    if solver == "greedy" or not cover.degree.size:
        return first
    return exact(cover, first, seconds, most)
