"""The exact choice of a team: a walk over small teams with a proof, else an integer programme with a bound.

Three goals in order: coverage, fewness, scores.  Each is proved by walking every team that could do better
(`matcher.matching.groups.branch_and_bound`); where limits of turnover or clashes hold, each such team is looked at with the tasks that
it can carry.  Work is counted, not seconds, so that a like answer comes on any machine.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.matching.groups.branch_and_bound import Budget, Spent, steps, walk
from matcher.matching.groups.cover import EPS, Cover, Ints, Team, assess, carry, limited, made
from matcher.matching.groups.greedy import greedy
from matcher.matching.groups.milp import programmed, relaxed

SMALL = 8  # members: beyond, teams are too many to be walked
WORK, FINE = 4e9, 3e8  # multiplications for the proof of the coverage; for fewness, and for scores
LOOKS = 1500  # teams whose tasks are chosen one by one, in a walk
LARGE = 3000  # pairs of task and bidder beyond which the integer programme does not help in time
BEYOND = 1 << 40  # units of coverage that nobody reaches, euros that nobody lacks
CHUNK = 2000  # teams weighed at once


def exact(cover: Cover, first: Team | None, seconds: float, most: int | None = None) -> Team | None:
    """The best team, `first` being one at hand; None where no allowed team covers anything.

    `most` is a coverage that none can exceed, where one is known: that of the best team under fewer cuts.
    """
    end = time.monotonic() + seconds
    allowed = all(len(cover.forced & cut) <= most for cut, most in cover.cuts)
    if not allowed or len(cover.forced) > cover.max_members:
        return None
    if cover.max_members > SMALL:
        return programmed(cover, first, end)
    with _blas().limit(limits=1, user_api="blas"):
        return _walked(cover, first, seconds, end, most)


@cache
def _blas() -> Any:
    """The libraries of linear algebra: their threads only wait for each other over matrices so small."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()


def _walked(cover: Cover, first: Team | None, seconds: float, end: float, most: int | None) -> Team | None:
    judge = _Judge(cover, first, most)
    ceiling = judge.start(end - 0.6 * seconds)
    try:
        judge.walk(cover.max_members, WORK, end - 0.25 * seconds)
        gap = 0.0
    except Spent:
        gap = judge.unproved(ceiling, end - 0.1 * seconds)
    return judge.finished(gap, end)


class _Found(Exception):
    """A team of fewer members covers as much."""


class _Judge:
    """Looks at the teams that a walk shows, keeps the best, and says which coverage is looked for from then on."""

    def __init__(self, cover: Cover, first: Team | None, most: int | None) -> None:
        self.cover = cover
        self.best = first
        self.most = most
        self.matrix, self.unit = steps(cover.degree, cover.weight)
        self.tight = bool(cover.clash) or limited(cover, range(cover.degree.shape[1]))
        self.fewer = (
            0  # in a search of teams with less than so many members, or of as many: the best coverage stands
        )
        self.looks = LOOKS
        self.part = np.where(cover.degree > 0, cover.degree * 1000 + cover.score, 0)

    @property
    def wanted(self) -> int:
        """Units of coverage that a team must have to be looked at."""
        units = self.best.coverage // self.unit if self.best is not None else 0
        if not self.fewer and self.most is not None and units * self.unit >= self.most:
            return BEYOND
        return max(1, units + (0 if self.fewer else 1))

    def walk(self, size: int, work: float, end: float) -> None:
        """Look at every team of `size` members or fewer that could be better.  Raises Spent before the proof."""
        self.looks = LOOKS
        walk(
            self.matrix, size, self.wanted, self.look, Budget(work=work, end=end),
            forced=tuple(self.cover.forced), cuts=self.cover.cuts, helpers=self.tight,
        )  # fmt: skip

    def start(self, end: float) -> int:
        """Under limits: the best coverage if nothing limited, 0 where it is not proved; its team is looked at first.

        So is the best team of those whom no turnover limits: often it does as well.
        """
        if not self.tight:
            return 0
        cover = unlimited(self.cover)
        due = np.nansum(np.where(cover.degree > 0, cover.amount[:, None], 0.0), axis=0)
        free = ~(self.cover.turnover < due)
        free[list(cover.forced)] = True
        proved = 0
        for some in (cover, replace(cover, degree=cover.degree * free)):
            loose = _Judge(some, greedy(some), self.most)
            try:
                loose.walk(cover.max_members, WORK / 4, end)
                if some is cover and loose.best is not None:
                    proved = loose.best.coverage
            except Spent:
                pass
            if loose.best is not None:
                self._keep(exactly(self.cover, sorted(loose.best.members)))
            if free.all():
                break
        return proved

    def unproved(self, ceiling: int, end: float) -> float:
        """The gap that can be proved otherwise: by the integer programme, where it is of a size that it can do."""
        gap = 1.0
        if np.count_nonzero(self.cover.degree) <= LARGE:
            solved = programmed(self.cover, self.best, end)
            if solved is not None:
                self.best, gap = solved, solved.gap
        if gap and self.best is not None:
            known = [bound for bound in (ceiling, self.most) if bound]
            reach = (
                min(known)
                if known
                else relaxed(unlimited(self.cover))
                or int((self.cover.degree.max(axis=1) * self.cover.weight).sum())
            )
            gap = min(gap, max(0.0, 1.0 - self.best.coverage / reach))
        return gap

    def look(self, teams: Ints, covered: Ints) -> int:
        """Teams (n, members) and what they would cover if nothing limited -> the coverage looked for."""
        if self.tight:
            self._within_limits(teams)
        elif self.fewer:
            self._keep(assess(self.cover, teams[int(self._scores(teams).argmax())].tolist()))
        else:
            self._keep(assess(self.cover, teams[int(covered.argmax())].tolist()))
        return self.wanted

    def _scores(self, teams: Ints) -> Ints:
        """The sum of the leaders' scores of each team."""
        return np.asarray((self.part[:, teams].max(axis=2) % 1000).sum(axis=0), dtype=np.int64)

    def _within_limits(self, teams: Ints) -> None:
        for at in range(0, len(teams), CHUNK):
            some = teams[at : at + CHUNK]
            most = _most(self.cover, some)
            for place in np.argsort(-most, kind="stable"):
                if most[place] < self.wanted * self.unit - EPS:
                    break
                self.looks -= 1
                if self.looks < 0:
                    raise Spent
                self._keep(exactly(self.cover, some[place].tolist()))

    def _keep(self, team: Team | None) -> None:
        if team is None or not team.lead or (self.best is not None and team.goals <= self.best.goals):
            return
        found = self.fewer and len(team.members) < self.fewer
        self.best = team
        if found:
            raise _Found

    def finished(self, gap: float, end: float) -> Team | None:
        """Fewer members for the same coverage, then better scores, each proved where the work suffices."""
        if self.best is None or not self.best.lead:
            return None
        sure = gap == 0.0
        try:
            while len(self.best.members) > max(1, len(self.cover.forced)):
                self.fewer = len(self.best.members)
                try:
                    self.walk(self.fewer - 1, FINE, end)
                    break
                except _Found:
                    continue
        except Spent:
            sure = False
        self.fewer = len(self.best.members)
        try:
            self.walk(self.fewer, FINE, end)
        except (Spent, _Found):
            sure = False
        return replace(self.best, gap=gap, optimal=sure)


# ------------------------------------------------------------------------------------------------- limits


def unlimited(cover: Cover) -> Cover:
    """The same without turnovers and clashes: whatever it covers at best is a bound."""
    return replace(cover, clash=(), turnover=np.full_like(cover.turnover, np.nan))


def _most(cover: Cover, teams: Ints) -> npt.NDArray[np.float64]:
    """The most that each team (n, members) can cover within its turnovers, a bound; shape (n,).

    A part of a team must carry the tasks that nobody else of the team can take: of the part that is most
    overcharged, what exceeds its turnovers is lost, at the cheapest rate of coverage for an amount.
    """
    many, size = teams.shape
    degree = cover.degree[:, teams]  # tasks, teams, members
    value = (cover.weight[:, None] * degree.max(axis=2)).astype(np.float64)
    for task, bidder in cover.clash:
        value[task, (teams == bidder).any(axis=1)] = 0.0
    amount = np.where(np.isnan(cover.amount), 0.0, cover.amount)[:, None]
    bits = 1 << np.arange(size)
    who = (degree > 0) @ bits  # who of the team can take each task, as bits
    who[(value == 0) | (amount == 0)] = 0
    parts = np.arange(1 << size)
    due = np.bincount(
        (who + (np.arange(many) << size)).ravel(), np.broadcast_to(amount, who.shape).ravel(), many << size
    ).reshape(many, -1)
    due[:, 0] = 0.0
    for bit in bits:  # sums over the parts of each part
        due[:, (parts & bit) > 0] += due[:, parts[(parts & bit) > 0] ^ bit]
    room = np.where(np.isnan(cover.turnover), BEYOND, cover.turnover)[teams] @ (
        (parts[None, :] & bits[:, None]) > 0
    )
    excess = due - room
    worst = excess.argmax(axis=1)
    excess = excess[np.arange(many), worst]
    whole = value.sum(axis=0)
    over = np.flatnonzero(excess > EPS)
    if len(over):
        inside = (who[:, over] > 0) & ((who[:, over] & ~worst[over]) == 0)
        rate = np.where(inside, value[:, over] / np.maximum(amount, EPS), np.inf)
        ranked = np.argsort(rate, axis=0)
        dropped = np.take_along_axis(np.where(inside, amount, 0.0), ranked, axis=0)
        before = dropped.cumsum(axis=0) - dropped
        share = np.clip(excess[over] - before, 0.0, dropped)
        price = np.take_along_axis(np.where(inside, rate, 0.0), ranked, axis=0)
        whole[over] -= (share * price).sum(axis=0)
    return np.asarray(whole, dtype=np.float64)


def exactly(cover: Cover, columns: list[int]) -> Team | None:
    """What a team covers at best within its turnovers and clashes: a small integer programme over its tasks."""
    columns = sorted(columns)
    members = frozenset(columns)
    barred = {task for task, bidder in cover.clash if bidder in members}
    part = np.where(
        cover.degree[:, columns] > 0, cover.degree[:, columns] * 1000 + cover.score[:, columns], -1
    )
    best = part.argmax(axis=1)
    lead = {
        t: columns[best[t]] for t in range(len(cover.weight)) if part[t, best[t]] >= 0 and t not in barred
    }
    rows, room = _overfull(cover, columns, lead)
    if rows:
        chosen = _chosen(cover, lead, rows, room)
        lead = {task: j for task, j in lead.items() if task in chosen}
    shares = carry(cover, columns, lead) if limited(cover, columns) else {}
    return made(cover, members, lead, shares) if shares is not None else None


def _overfull(
    cover: Cover, columns: list[int], lead: dict[int, int]
) -> tuple[list[dict[int, float]], list[float]]:
    """Parts of a team that cannot carry all that only they can take: amounts by task, and the room (Gale, 1957)."""
    known = [j for j in columns if not np.isnan(cover.turnover[j])]
    priced = [t for t in lead if cover.amount[t] > 0]
    able = {t: frozenset(j for j in columns if cover.degree[t, j] > 0) for t in priced}
    rows, room = [], []
    for mask in range(1, 1 << len(known)):
        part = frozenset(j for k, j in enumerate(known) if mask >> k & 1)
        only = {t: float(cover.amount[t]) for t in priced if able[t] <= part}
        held = float(sum(cover.turnover[j] for j in part))
        if sum(only.values()) > held + EPS:
            rows.append(only)
            room.append(held)
    return rows, room


def _chosen(
    cover: Cover, lead: dict[int, int], rows: list[dict[int, float]], room: list[float]
) -> frozenset[int]:
    from scipy.optimize import Bounds, LinearConstraint, milp

    tasks = list(lead)
    unit = int(np.gcd.reduce(cover.weight)) or 1
    much = 100 * len(tasks) + 1  # one unit of coverage is worth more than all scores
    worth = [
        (int(cover.weight[t]) // unit * int(cover.degree[t, lead[t]])) * much + int(cover.score[t, lead[t]])
        for t in tasks
    ]
    matrix = np.array([[row.get(t, 0.0) for t in tasks] for row in rows])
    scale = np.maximum(matrix.max(axis=1), EPS)
    result: Any = milp(
        -np.array(worth, dtype=float),
        constraints=LinearConstraint(matrix / scale[:, None], -np.inf, np.array(room) / scale + 1e-9),
        bounds=Bounds(0, 1),
        integrality=np.ones(len(tasks), dtype=np.int64),
        options={"mip_rel_gap": 0.0},
    )
    return (
        frozenset(t for t, x in zip(tasks, result.x, strict=True) if x > 0.5)
        if result.x is not None
        else frozenset()
    )
