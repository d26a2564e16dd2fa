"""The optimisation problem behind a consortium: few bidders that cover most tasks, with proof of optimality.

No domain terms here: tasks are rows, bidders are columns.  `solve` maximises lexicographically the weighted
coverage, the smallness of the team, the scores of the leaders.  The exact solver is
`matcher.matching.groups.exact`; `greedy` needs no library, and is its floor.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

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
    """Add the bidder with the largest gain until there is none, then swap one for one while it improves.

    Plain greedy reaches at least 1 - 1/e of the optimum without capacity limits (Nemhauser et al., 1978).
    """
    team = assess(cover, ())
    current: Team | None = team
    free = [j for j in range(cover.degree.shape[1]) if j not in cover.forced and cover.degree[:, j].any()]
    members: frozenset[int] = cover.forced
    tight = bool(cover.clash) or limited(cover, range(cover.degree.shape[1]))
    while len(members) < cover.max_members:
        best = _best_addition(cover, members, free, current, tight)
        if best is None or (current is not None and best.coverage <= current.coverage):
            break
        current, members = best, best.members
    if current is None or not current.lead:
        return None
    return _swapped(cover, _pruned(cover, current), tight)


def _swapped(cover: Cover, team: Team, tight: bool) -> Team:
    """Swap one member for one outsider while that improves the team."""
    everyone = np.arange(cover.degree.shape[1])
    for _ in range(4 * cover.max_members):
        better = team
        for bidder in sorted(team.members - cover.forced):
            rest = team.members - {bidder}
            nothing = np.zeros(len(cover.weight), dtype=int)
            held = cover.degree[:, sorted(rest)].max(axis=1) if rest else nothing
            gain = (np.maximum(cover.degree - held[:, None], 0) * cover.weight[:, None]).sum(axis=0)
            for other in np.lexsort((everyone, -cover.score.sum(axis=0), -gain))[: 3 if tight else 2]:
                trial = assess(cover, rest | {int(other)}) if int(other) not in rest else None
                if trial is not None and trial.goals > better.goals:
                    better = trial
        if better is team:
            return team
        team = better
    return team


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


def _pruned(cover: Cover, team: Team) -> Team:
    """The same team without members that add nothing."""
    for bidder in sorted(team.members - cover.forced, key=lambda j: int(cover.degree[:, j].sum())):
        trial = assess(cover, team.members - {bidder})
        if trial is not None and trial.goals > team.goals:
            team = trial
    return team
