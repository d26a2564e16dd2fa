"""Solve for the best team: exact within a time limit, greedy as lower bound."""

from __future__ import annotations

from matcher.matching.groups.cover import Cover, Team
from matcher.matching.groups.greedy import greedy


def solve(cover: Cover, solver: str = "exact", seconds: float = 2.5, most: int | None = None) -> Team | None:
    """The best team, or None where no feasible team covers anything.  `solver` is "exact" or "greedy".

    `most` is a known upper bound of the coverage.
    """
    first = greedy(cover)
    if solver == "greedy" or not cover.degree.size:
        return first
    from matcher.matching.groups.exact import exact

    return exact(cover, first, seconds, most)
