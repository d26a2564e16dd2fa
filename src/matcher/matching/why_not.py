"""Why a structure was or was not proposed for a lot."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.domain import Lot, Match


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The outcome of one structure on one lot.

    `state` is filtered, denied, not-retrieved, other-place, ineligible, closed, below-floor or ranked.
    """

    lot: Lot
    state: str
    text: str  # French
    rank: int | None = None
    match: Match | None = None
