"""Greedy maximum coverage with swaps."""

from collections.abc import Sequence

import numpy as np

from matcher.matching.groups.cover import Cover, Team, assess, limited


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
