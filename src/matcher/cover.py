"""The pure problem behind a group: which few bidders cover most tasks, exactly, with a proof.

No noun of the trade here: tasks are rows, bidders are columns.  `solve` maximises, in this order, the
weighted coverage, the smallness of the team, the scores of those who lead.  The exact choice is an integer
programme given to HiGHS (scipy.optimize.milp); the greedy choice needs no solver and is always available.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

QUARTERS = 4  # a degree of coverage is counted in quarters: 4 is whole, 0 is not at all
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

    degree: Ints
    score: Ints
    weight: Ints
    amount: Floats
    turnover: Floats
    max_members: int = 5
    forced: frozenset[int] = frozenset()
    clash: tuple[tuple[int, int], ...] = ()
    cuts: tuple[tuple[frozenset[int], int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Bidders chosen, who leads each covered task, which shares of the amount others carry, and the proof."""

    members: frozenset[int]
    lead: dict[int, int]
    shares: dict[tuple[int, int], float] = field(default_factory=dict)  # (task, bidder) -> 0..1, helpers only
    coverage: int = 0  # sum of weight x degree
    score: int = 0  # sum of the leaders' scores
    gap: float = 0.0  # proved distance of the coverage to the best possible, 0..1
    optimal: bool = False  # all three goals proved

    @property
    def goals(self) -> tuple[int, int, int]:
        """What is compared, greater is better: coverage, fewness, score."""
        return (self.coverage, -len(self.members), self.score)


def solve(cover: Cover, solver: str = "exact", seconds: float = 2.5) -> Team | None:
    """The best team, or None where no allowed team covers anything.  `solver` is "exact" or "greedy"."""
    first = _greedy(cover)
    if solver == "greedy" or not cover.degree.size:
        return first
    return _exact(cover, first, seconds)


# ------------------------------------------------------------------------------------------------ a team


def assess(cover: Cover, members: Iterable[int]) -> Team | None:
    """What these bidders cover at best; None where they break a rule.

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
    if _limited(cover, columns):
        lead, shares = _carried(cover, columns, lead)
    return _team(cover, team, lead, shares)


def _team(
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


def _limited(cover: Cover, columns: Sequence[int]) -> bool:
    """True where a known turnover could fall short of the known amounts."""
    known = cover.turnover[list(columns)]
    due = float(np.nansum(cover.amount))
    return bool(np.any(known < due - EPS))


def _carried(
    cover: Cover, columns: Sequence[int], lead: dict[int, int]
) -> tuple[dict[int, int], dict[tuple[int, int], float]]:
    """The tasks that the members can carry together, and the shares carried by others than the leader."""
    kept: dict[int, int] = {}
    shares: dict[tuple[int, int], float] = {}
    order = sorted(lead, key=lambda t: (-cover.weight[t] * cover.degree[t, lead[t]], cover.amount[t], t))
    for task in order:
        trial = {**kept, task: lead[task]}
        found = _carry_in_order(cover, columns, trial)
        if found is not None:
            kept, shares = trial, found
    return kept, shares


def carry(cover: Cover, columns: Sequence[int], lead: dict[int, int]) -> dict[tuple[int, int], float] | None:
    """Shares (task, bidder) of the amounts, leaders first, so that nobody carries more than its turnover.

    Only shares of helpers are returned; None where the members cannot carry these tasks together.
    """
    quick = _carry_in_order(cover, columns, lead)
    if quick is not None:
        return quick
    from scipy.optimize import linprog

    tasks = [t for t in lead if not math.isnan(cover.amount[t])]
    pairs = [(t, j) for t in tasks for j in columns if cover.degree[t, j] > 0]
    alone = sum(cover.amount[t] for t in tasks)
    able = {j for _, j in pairs}
    if alone > sum(np.inf if math.isnan(cover.turnover[j]) else cover.turnover[j] for j in able):
        return None
    rows, limits = [], []
    for j in columns:
        if not math.isnan(cover.turnover[j]):
            rows.append([cover.amount[t] if k == j else 0.0 for t, k in pairs])
            limits.append(cover.turnover[j])
    whole = [[1.0 if t == task else 0.0 for t, _ in pairs] for task in tasks]
    cost = [0.0 if lead[t] == j else 1.0 for t, j in pairs]
    scale = max(1.0, *(cover.amount[t] for t in tasks)) if tasks else 1.0
    result: Any = linprog(
        cost,
        A_ub=np.array(rows) / scale if rows else None,
        b_ub=np.array(limits) / scale if rows else None,
        A_eq=np.array(whole),
        b_eq=np.ones(len(tasks)),
        bounds=(0, 1),
        method="highs",
    )
    if result.status != 0:
        return None
    found = zip(pairs, result.x, strict=True)
    return {(t, j): round(float(x), 4) for (t, j), x in found if x > 1e-4 and lead[t] != j}


def _carry_in_order(
    cover: Cover, columns: Sequence[int], lead: dict[int, int]
) -> dict[tuple[int, int], float] | None:
    """Leaders carry what they can, then the roomiest help; None when this simple order does not suffice."""
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


# ------------------------------------------------------------------------------------------------ greedy


def _greedy(cover: Cover) -> Team | None:
    """Add the bidder that gains most until nothing is gained, then swap one for one while it helps.

    Plain greedy reaches at least 1 - 1/e of the best coverage where nothing limits (Nemhauser 1978).
    """
    team = assess(cover, ())
    current: Team | None = team
    free = [j for j in range(cover.degree.shape[1]) if j not in cover.forced and cover.degree[:, j].any()]
    members: frozenset[int] = cover.forced
    limited = bool(cover.clash) or _limited(cover, range(cover.degree.shape[1]))
    while len(members) < cover.max_members:
        best = _best_addition(cover, members, free, current, limited)
        if best is None or (current is not None and best.coverage <= current.coverage):
            break
        current, members = best, best.members
    if current is None or not current.lead:
        return None
    return _swapped(cover, _pruned(cover, current), limited)


def _swapped(cover: Cover, team: Team, limited: bool) -> Team:
    """One member for one outsider, while that is better: cheap, and close to the best where nothing limits."""
    everyone = np.arange(cover.degree.shape[1])
    for _ in range(4 * cover.max_members):
        better = team
        for bidder in sorted(team.members - cover.forced):
            rest = team.members - {bidder}
            held = (
                cover.degree[:, sorted(rest)].max(axis=1) if rest else np.zeros(len(cover.weight), dtype=int)
            )
            gain = (np.maximum(cover.degree - held[:, None], 0) * cover.weight[:, None]).sum(axis=0)
            for other in np.lexsort((everyone, -cover.score.sum(axis=0), -gain))[: 3 if limited else 2]:
                trial = assess(cover, rest | {int(other)}) if int(other) not in rest else None
                if trial is not None and trial.goals > better.goals:
                    better = trial
        if better is team:
            return team
        team = better
    return team


def _best_addition(
    cover: Cover, members: frozenset[int], free: Sequence[int], current: Team | None, limited: bool
) -> Team | None:
    """The best team with one more bidder; the candidates are looked at in the order of their raw gain."""
    open_ = np.array([j for j in free if j not in members and _allowed(cover, members | {j})], dtype=int)
    if not len(open_):
        return None
    held = cover.degree[:, sorted(members)].max(axis=1) if members else np.zeros(len(cover.weight), dtype=int)
    if current is not None:
        held = np.array([held[t] if t in current.lead else 0 for t in range(len(held))])
    gain = (np.maximum(cover.degree[:, open_] - held[:, None], 0) * cover.weight[:, None]).sum(axis=0)
    order = np.lexsort((open_, -cover.score[:, open_].sum(axis=0), -gain))
    best: Team | None = None
    for position in order[: 12 if limited else 1]:
        if gain[position] <= 0 and not limited:
            break
        trial = assess(cover, members | {int(open_[position])})
        if trial is not None and (best is None or trial.goals > best.goals):
            best = trial
    return best


def _allowed(cover: Cover, members: frozenset[int]) -> bool:
    return all(len(members & cut) <= most for cut, most in cover.cuts)


def _pruned(cover: Cover, team: Team) -> Team:
    """The same team without those who add nothing."""
    for bidder in sorted(team.members - cover.forced, key=lambda j: int(cover.degree[:, j].sum())):
        trial = assess(cover, team.members - {bidder})
        if trial is not None and trial.goals > team.goals:
            team = trial
    return team


# ------------------------------------------------------------------------------------------------- exact


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
    if not _limited(cover, range(bidders)):
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


def _exact(cover: Cover, first: Team | None, seconds: float) -> Team | None:
    """Relax, keep the bidders that can still be in a best team, solve those, and prove it.

    A bidder whose reduced cost in the relaxation exceeds the distance to the team at hand is in no better
    or equal team, and is left out without loss: that is what makes 1,000 bidders quick.
    """
    end = time.monotonic() + seconds
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
    if cover.clash or _limited(cover, range(bidders)):
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
    limited = bool(cover.clash) or _limited(cover, range(bidders))
    lead: dict[int, int] = {}
    for task, covered in programme.first.items():
        able = [j for j in columns if cover.degree[task, j] > 0]
        if able and (not limited or values[covered] > 0.5):
            lead[task] = max(able, key=lambda j: (cover.degree[task, j], cover.score[task, j], -j))
    shares: dict[tuple[int, int], float] = {}
    if _limited(cover, columns):
        found = carry(cover, columns, lead)
        if found is None:
            return None
        shares = found
    return _team(cover, members, lead, shares)
