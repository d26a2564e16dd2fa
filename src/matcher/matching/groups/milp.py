"""The choice of a team as an integer programme for HiGHS (scipy.optimize.milp), with a bound whenever it stops.

Columns: a bidder each, a step each (a task reached at a degree), and where turnovers limit a share each.
Coverage and fewness stand in one weighted solve; scores in a second one, among the teams of the same two.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from matcher.matching.groups.cover import EPS, Cover, Floats, Team, carry, limited, made


@dataclass(frozen=True, slots=True)
class _Programme:
    """Columns: a bidder each, then a step each (task reached at least at this level), then shares."""

    rows: Any  # sparse matrix
    low: Floats
    high: Floats
    steps: list[tuple[int, int, int]]  # (task, degree gained, score gained) by this step
    first: dict[int, int]  # task -> column of its lowest step: "covered at all"
    columns: int


def _programme(cover: Cover, levels: list[list[tuple[int, int]]]) -> _Programme:
    """Constraints shared by both solves; `levels[task]` lists (degree, score) steps from low to high."""
    from scipy import sparse

    tasks, bidders = cover.degree.shape
    row: list[int] = []
    col: list[int] = []
    val: list[float] = []
    low: list[float] = []
    high: list[float] = []

    def constrain(terms: Iterable[tuple[int, float]], least: float, most: float) -> None:
        for column, value in terms:
            row.append(len(low))
            col.append(column)
            val.append(value)
        low.append(least)
        high.append(most)

    steps: list[tuple[int, int, int]] = []
    first: dict[int, int] = {}
    column = bidders
    for task in range(tasks):
        at: dict[tuple[int, int], list[int]] = {}
        for j in np.flatnonzero(cover.degree[task]):
            at.setdefault(_level(levels[task], cover.degree[task, j], cover.score[task, j]), []).append(
                int(j)
            )
        for number, (degree, score) in enumerate(levels[task]):
            before = levels[task][number - 1] if number else (0, 0)
            steps.append((task, degree - before[0], score - before[1]))
            # reached at this level only through a bidder of this level, or at the next level up
            terms = [(j, 1.0) for j in at.get((degree, score), ())] + [(column, -1.0)]
            if number + 1 < len(levels[task]):
                terms.append((column + 1, 1.0))
                constrain([(column, 1.0), (column + 1, -1.0)], 0, np.inf)
            constrain(terms, 0, np.inf)
            if not number:
                first[task] = column
            column += 1
    constrain(((j, 1.0) for j in range(bidders)), 0, cover.max_members)
    for cut, most in cover.cuts:
        constrain(((j, 1.0) for j in cut), 0, most)
    for task, bidder in cover.clash:
        if task in first:
            constrain([(first[task], 1.0), (bidder, 1.0)], 0, 1)
    column = _shares(cover, first, column, constrain)
    rows = sparse.csr_matrix((val, (row, col)), shape=(len(low), column))
    return _Programme(rows, np.array(low), np.array(high), steps, first, column)


def _shares(cover: Cover, first: dict[int, int], column: int, constrain: Any) -> int:
    """Columns and rows for the amounts: who of the team carries which share of each covered task."""
    bidders = cover.degree.shape[1]
    if not limited(cover, range(bidders)):
        return column
    of_bidder: dict[int, list[tuple[int, float]]] = {}
    for task, covered in first.items():
        amount = cover.amount[task]
        if math.isnan(amount):
            continue
        able = np.flatnonzero(cover.degree[task])
        terms = [(covered, -1.0)]
        for j in able:
            terms.append((column, 1.0))
            constrain([(int(j), 1.0), (column, -1.0)], 0, np.inf)  # only members carry
            of_bidder.setdefault(int(j), []).append((column, float(amount)))
            column += 1
        constrain(terms, 0, np.inf)
    for holder, carried in of_bidder.items():
        limit = cover.turnover[holder]
        if not math.isnan(limit) and sum(amount for _, amount in carried) > limit:
            # divided by the largest amount: the solver's tolerances are absolute
            unit = max(limit, *(amount for _, amount in carried))
            constrain([*((c, -amount / unit) for c, amount in carried), (holder, limit / unit)], 0, np.inf)
    return column


def _level(levels: list[tuple[int, int]], degree: int, score: int) -> tuple[int, int]:
    """The highest step that this pair reaches."""
    return max(step for step in levels if step <= (int(degree), int(score)))


def relaxed(cover: Cover) -> int:
    """A bound of the coverage, by the linear relaxation alone."""
    unit = int(np.gcd.reduce(cover.weight)) or 1
    coarse = [
        sorted({(int(d), 0) for d in np.unique(cover.degree[t]) if d > 0}) for t in range(len(cover.weight))
    ]
    wide = _programme(cover, coarse)
    bidders = cover.degree.shape[1]
    cost = np.zeros(wide.columns)
    cost[bidders : bidders + len(wide.steps)] = [
        -float(cover.weight[t] // unit * d) for t, d, _ in wide.steps
    ]
    found = _relax(cover, wide, cost)
    return math.floor(-found[0] + EPS) * unit if found is not None else 0


def programmed(cover: Cover, first: Team | None, end: float) -> Team | None:
    """The best team until the moment `end`: relax, keep who can still be in a best team, solve those, prove it.

    A bidder whose reduced cost in the relaxation exceeds the distance to the team at hand is in no better
    or equal team, and is left out without loss: that is what makes 1,000 bidders quick.
    """
    unit = int(np.gcd.reduce(cover.weight)) or 1
    coarse = [
        sorted({(int(d), 0) for d in np.unique(cover.degree[t]) if d > 0}) for t in range(len(cover.weight))
    ]
    wide = _programme(cover, coarse)
    worth = np.array([cover.weight[t] // unit * d for t, d, _ in wide.steps], dtype=float)
    bidders = cover.degree.shape[1]
    # one unit of coverage is worth more than the largest team: coverage first, then fewness, in one solve
    cost = np.zeros(wide.columns)
    cost[:bidders] = 1.0
    cost[bidders : bidders + len(worth)] = -worth * (cover.max_members + 1)
    relaxed = _relax(cover, wide, cost)
    if relaxed is None:  # a forced member or a cut forbids every team
        return None
    floor, reduced = relaxed
    best = first
    if bidders > FEW:
        some = frozenset(np.argsort(reduced, kind="stable")[:FEW].tolist()) | cover.forced
        best = _better(cover, wide, best, _milp(cover, wide, cost, _left(end, 0.3), keep=some))
    at_hand = -_value(best, unit, cover) if best is not None else np.inf
    keep = frozenset(np.flatnonzero(floor + reduced <= at_hand + EPS * max(1, abs(floor))).tolist())
    solved = _milp(cover, wide, cost, _left(end, 0.7), keep=keep | cover.forced)
    best = _better(cover, wide, best, solved)
    if best is None or not best.lead:
        return None
    proved = solved is not None and solved[2]
    bound = max(floor, solved[1]) if solved is not None else floor
    reach = min(math.floor(-bound / (cover.max_members + 1) + 1 + EPS) * unit, int(worth.sum()) * unit)
    gap = 0.0 if proved or not reach else max(0.0, (reach - best.coverage) / reach)
    finest, sure = _finest(cover, best, unit, _left(end, 1.0), keep | cover.forced)
    return Team(
        members=finest.members,
        lead=finest.lead,
        shares=finest.shares,
        coverage=finest.coverage,
        score=finest.score,
        gap=gap,
        optimal=proved and sure,
    )


FEW = 80  # bidders of a first, quick solve: those that the relaxation likes best


def _left(end: float, share: float) -> float:
    return max(0.05, (end - time.monotonic()) * share)


def _value(team: Team, unit: int, cover: Cover) -> float:
    return team.coverage / unit * (cover.max_members + 1) - len(team.members)


def _better(
    cover: Cover, programme: _Programme, best: Team | None, solved: tuple[Floats | None, float, bool] | None
) -> Team | None:
    team = _read(cover, programme, solved[0]) if solved is not None and solved[0] is not None else None
    return team if team is not None and (best is None or team.goals > best.goals) else best


def _finest(cover: Cover, best: Team, unit: int, seconds: float, keep: frozenset[int]) -> tuple[Team, bool]:
    """Among the teams of the same coverage and size, the one with the best scores."""
    levels = [
        sorted({(int(d), int(s)) for d, s in zip(cover.degree[t], cover.score[t], strict=True) if d > 0})
        for t in range(len(cover.weight))
    ]
    fine = _programme(cover, levels)
    bidders = cover.degree.shape[1]
    cost = np.zeros(fine.columns)
    cost[bidders : bidders + len(fine.steps)] = [-float(s) for _, _, s in fine.steps]
    gained = np.zeros(fine.columns)
    gained[bidders : bidders + len(fine.steps)] = [cover.weight[t] // unit * d for t, d, _ in fine.steps]
    size = np.zeros(fine.columns)
    size[:bidders] = 1.0
    solved = _milp(
        cover,
        fine,
        cost,
        seconds,
        keep=keep,
        extra=[(gained, best.coverage / unit - 0.5, np.inf), (size, 0, len(best.members))],
    )
    if solved is None or solved[0] is None:
        return best, False
    team = _read(cover, fine, solved[0])
    if team is None or team.goals < best.goals:
        return best, False
    return team, solved[2]


def _relax(cover: Cover, programme: _Programme, cost: Floats) -> tuple[float, Floats] | None:
    """The relaxation's value and what each bidder left out would add to it; None where nothing is feasible."""
    from scipy import sparse
    from scipy.optimize import linprog

    under, over = np.isfinite(programme.low), np.isfinite(programme.high)
    bounds = [(1.0 if j in cover.forced else 0.0, 1.0) for j in range(programme.columns)]
    result: Any = linprog(
        cost,
        A_ub=sparse.vstack([-programme.rows[under], programme.rows[over]]),
        b_ub=np.r_[-programme.low[under], programme.high[over]],
        bounds=bounds,
        method="highs",
    )
    if result.status != 0:
        return None
    return float(result.fun), np.maximum(result.lower.marginals[: cover.degree.shape[1]], 0.0)


def _milp(
    cover: Cover,
    programme: _Programme,
    cost: Floats,
    seconds: float,
    *,
    keep: frozenset[int],
    extra: Sequence[tuple[Floats, float, float]] = (),
) -> tuple[Floats | None, float, bool] | None:
    """(values or None, bound, proved) with the bidders of `keep` alone, or None where nothing is feasible."""
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint, milp

    bidders = cover.degree.shape[1]
    most = np.ones(programme.columns)
    most[[j for j in range(bidders) if j not in keep]] = 0.0
    least = np.zeros(programme.columns)
    least[list(cover.forced)] = 1.0
    integral = np.zeros(programme.columns, dtype=np.int64)
    integral[:bidders] = 1
    if cover.clash or limited(cover, range(bidders)):
        integral[: bidders + len(programme.steps)] = 1  # which tasks to take is a choice then
    rows, low, high = programme.rows, programme.low, programme.high
    if extra:
        rows = sparse.vstack([rows, sparse.csr_matrix(np.array([row for row, _, _ in extra]))], format="csr")
        low = np.r_[low, [lower for _, lower, _ in extra]]
        high = np.r_[high, [upper for _, _, upper in extra]]
    result = milp(
        cost,
        constraints=LinearConstraint(rows, low, high),
        bounds=Bounds(least, most),
        integrality=integral,
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    if result.status in (2, 3):
        return None
    bound = result.mip_dual_bound
    bound = float(bound) if bound is not None and np.isfinite(bound) else float(cost[cost < 0].sum())
    return result.x, bound, result.status == 0


def _read(cover: Cover, programme: _Programme, values: Floats) -> Team | None:
    """The team that the solver chose, its leaders read from the members, its shares carried again exactly."""
    bidders = cover.degree.shape[1]
    members = frozenset(int(j) for j in np.flatnonzero(values[:bidders] > 0.5))
    columns = sorted(members)
    tight = bool(cover.clash) or limited(cover, range(bidders))
    lead: dict[int, int] = {}
    for task, covered in programme.first.items():
        able = [j for j in columns if cover.degree[task, j] > 0]
        if able and (not tight or values[covered] > 0.5):
            lead[task] = max(able, key=lambda j: (cover.degree[task, j], cover.score[task, j], -j))
    shares: dict[tuple[int, int], float] = {}
    if limited(cover, columns):
        found = carry(cover, columns, lead)
        if found is None:
            return None
        shares = found
    return made(cover, members, lead, shares)
