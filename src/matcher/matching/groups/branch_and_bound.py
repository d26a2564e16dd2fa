"""Branch and bound over small teams: every team of few bidders whose coverage reaches a target, or a proof of none.

Coverage is a sum over steps (a task reached at a degree), each counted once however many members reach it.
What a member adds only shrinks as others join; so what the best few left would add each by itself bounds
what they add together, and the bound is taken one member ahead, for all candidates at once, by one product
of matrices.  A step too heavy to be missed is branched upon: one of those who reach it must be in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Visit = Callable[[Ints, Ints], int]  # (teams, their coverage in units) -> the target from now on


class Spent(Exception):
    """The work allowed is done before the proof."""


@dataclass(slots=True, kw_only=True)
class Budget:
    """Multiplications allowed, so that the answer does not hang on the machine, and a last moment to stop."""

    work: float
    end: float

    def take(self, work: float) -> None:
        """Raises Spent when nothing is left."""
        self.work -= work
        if self.work < 0 or time.monotonic() > self.end:
            raise Spent


def steps(degree: Ints, weight: Ints) -> tuple[Floats, int]:
    """Bidders x steps, each step the square root of its weight in units where reached; and the unit."""
    unit = int(np.gcd.reduce(weight)) or 1
    columns, weights = [], []
    for task in range(len(weight)):
        before = 0
        for level in np.unique(degree[task][degree[task] > 0]):
            columns.append(degree[task] >= level)
            weights.append(int(weight[task]) // unit * (int(level) - before))
            before = int(level)
    if not columns:
        return np.zeros((degree.shape[1], 0), dtype=np.float32), unit
    reached = np.array(columns).T
    return (reached * np.sqrt(np.array(weights))).astype(np.float32), unit


def walk(
    matrix: Floats,
    size: int,
    target: int,
    visit: Visit,
    budget: Budget,
    *,
    forced: Sequence[int] = (),
    cuts: Sequence[tuple[frozenset[int], int]] = (),
    helpers: bool = False,
) -> None:
    """Show `visit` every team of at most `size` that covers `target` units or more; it may raise the target.

    A team that a smaller team shown contains may be left out, unless `helpers`: then one may join who covers
    nothing more.  `cuts` are sets of bidders with the most that a team may take of each.  Raises Spent.
    """
    barred = np.zeros((len(cuts), len(matrix)), dtype=bool)
    for row, (cut, _) in enumerate(cuts):
        barred[row, list(cut)] = True
    room = np.array([most for _, most in cuts], dtype=np.int64)
    state = _Walk(matrix=matrix, target=target, visit=visit, budget=budget, barred=barred, helpers=helpers)
    start = np.array(sorted(forced), dtype=np.int64)
    room = room - barred[:, start].sum(axis=1)
    if (room < 0).any() or len(start) > size:
        return
    held = matrix[start].max(axis=0) if len(start) else np.zeros(matrix.shape[1], dtype=np.float32)
    covered = int(np.rint((held * held).sum()))
    if len(start):
        state.show(start[None, :], np.array([covered]))
    pool = np.setdiff1d(np.arange(len(matrix)), start)
    if len(start) < size and len(pool):
        rest = matrix[np.ix_(pool, held == 0)]
        gain = np.rint(np.einsum("ij,ij->i", rest, rest)).astype(np.int64)
        order = np.argsort(-gain, kind="stable")
        state.node(start, pool[order], rest[order], gain[order], covered, size - len(start), room)


@dataclass(slots=True, kw_only=True)
class _Walk:
    matrix: Floats
    target: int
    visit: Visit
    budget: Budget
    barred: npt.NDArray[np.bool_]
    helpers: bool

    def show(self, teams: Ints, covered: Ints) -> None:
        good = covered >= self.target
        if good.any():
            self.target = self.visit(teams[good], covered[good])

    def node(
        self, chosen: Ints, pool: Ints, rest: Floats, gain: Ints, covered: int, left: int, room: Ints
    ) -> None:
        """Teams that hold `chosen`; `rest` is (pool, steps not yet covered), the pool in the order of its gain."""
        if len(room):
            free = np.logical_not(self.barred[room <= 0][:, pool].any(axis=0))
            if not free.all():
                pool, rest, gain = pool[free], rest[free], gain[free]
        if not len(rest):
            return
        heaviest = rest.max(axis=0)
        weight = np.rint(heaviest * heaviest)
        if covered + weight.sum() < self.target:
            return
        ahead = int(gain[: left - 1].sum())
        fit = gain + (covered + ahead) >= self.target
        if not self.helpers:
            fit &= gain > 0
        n = int(fit.sum())
        if not n:
            return
        pool, rest, gain = pool[:n], rest[:n], gain[:n]  # they are in the order of their gain
        alone = np.flatnonzero(gain + covered >= self.target)
        if len(alone):
            self.show(self._teams(chosen, pool[alone][:, None]), gain[alone] + covered)
        if left == 1 or n == 1:
            return
        if left == 2:
            self.budget.take(n * n * (rest.shape[1] + 20.0) + 20_000)
            self._pairs(chosen, pool, gain, _after(rest, gain), covered, room)
            return
        first = self._first(rest, gain, weight, covered, left)
        self.budget.take(len(first) * n * (rest.shape[1] + 20.0) + 20_000)
        more = _after(rest, gain, first)
        turn = np.full(n, len(first))
        turn[first] = np.arange(len(first))
        allowed = turn[None, :] > np.arange(len(first))[:, None]  # those tried before are tried no more
        more *= allowed
        best = _top(more, min(left - 1, n))
        bound = covered + gain[first] + best.sum(axis=1)
        second = best[:, : left - 2].sum(axis=1)
        for k, i in enumerate(first):
            if bound[k] < self.target - 0.5:
                continue
            now = covered + int(gain[i])
            keep = np.flatnonzero(allowed[k] & (more[k] >= self.target - 0.5 - now - second[k]))
            if len(keep):
                keep = keep[np.argsort(-more[k, keep], kind="stable")]
                spare = room - self.barred[:, pool[i]] if len(room) else room
                self.node(
                    np.append(chosen, pool[i]), pool[keep], rest[np.ix_(keep, rest[i] == 0)],
                    np.rint(more[k, keep]).astype(np.int64), now, left - 1, spare,
                )  # fmt: skip

    def _first(self, rest: Floats, gain: Ints, weight: Floats, covered: int, left: int) -> Ints:
        """Candidates of which every team that reaches the target holds one, as few as one can tell.

        Either those who reach a needed step; or, all being in the order of their gain, those who could be the
        first of a team: no other member then gains more.
        """
        greatest = np.flatnonzero(covered + left * gain >= self.target)
        slack = covered + weight.sum() - self.target
        needed = np.flatnonzero(weight > max(slack, 0))
        if not len(needed):
            return greatest
        reach = (rest[:, needed] > 0).sum(axis=0)
        rarest = needed[int(reach.argmin())]
        return np.asarray(np.flatnonzero(rest[:, rarest] > 0), dtype=np.int64)

    def _pairs(self, chosen: Ints, pool: Ints, gain: Ints, more: Floats, covered: int, room: Ints) -> None:
        i, j = np.nonzero(np.triu(more >= (self.target - covered - 0.5) - gain[:, None], 1))
        if not self.helpers:
            both = more[i, j] > 0.5
            i, j = i[both], j[both]
        if len(room):
            taken = self.barred[:, pool[i]].astype(np.int64) + self.barred[:, pool[j]]
            both = np.logical_and.reduce(taken <= room[:, None], axis=0)
            i, j = i[both], j[both]
        self.budget.take(200.0 * len(i))
        for at in range(0, len(i), 20_000):
            a, b = i[at : at + 20_000], j[at : at + 20_000]
            self.show(
                self._teams(chosen, np.stack([pool[a], pool[b]], axis=1)),
                covered + gain[a] + np.rint(more[a, b]).astype(np.int64),
            )

    @staticmethod
    def _teams(chosen: Ints, last: Any) -> Ints:
        return np.concatenate([np.repeat(chosen[None, :], len(last), axis=0), last], axis=1)


def _after(rest: Floats, gain: Ints, first: Ints | None = None) -> Floats:
    """What each candidate (columns) still adds after another (rows, all or those of `first`), in units."""
    rows = rest if first is None or len(first) == len(rest) else rest[first]
    more = rows @ rest.T
    np.subtract(gain.astype(np.float32)[None, :], more, out=more)
    return more


def _top(more: Floats, k: int) -> Floats:
    """The k greatest of each row, falling; for few of many faster than sorting or partitioning."""
    found = np.empty((len(more), k), dtype=np.float32)
    rest = more.copy()
    rows = np.arange(len(more))
    for column in range(k):
        at = rest.argmax(axis=1)
        found[:, column] = rest[rows, at]
        rest[rows, at] = -np.inf
    return found
