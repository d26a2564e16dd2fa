"""Deadline: is the lot still open on the query's date, and for long enough to write an answer?

Equal for all candidates of a lot: it orders the notices of one structure, never the structures of one lot.
"""

from __future__ import annotations

from datetime import date, datetime

import numpy as np

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why

SAME_TEXT_FOR = "value"

ENOUGH = 30.0  # days in which even a consortium can be formed; fewer count in proportion


def left(shortlist: Shortlist) -> float:
    """Days from the query's date to the deadline of the lot, negative once closed; NaN where none is stated."""
    query = shortlist.query
    deadline = query.lot.deadline or query.tender.deadline
    if deadline is None:
        return float("nan")
    day = deadline.date() if isinstance(deadline, datetime) else deadline
    return float((day - (query.as_of or date.today())).days)


def measure(shortlist: Shortlist) -> Column:
    """0 once closed, 0.5 on the last day, up to 1 with a month ahead; NaN where no deadline is stated; (n,)."""
    days = left(shortlist)
    if np.isnan(days):
        return np.full(len(shortlist), np.nan)
    return np.full(len(shortlist), 0.0 if days < 0 else 0.5 + 0.5 * min(days / ENOUGH, 1.0))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    days = left(shortlist)
    if np.isnan(days):
        return Why("date limite de réponse inconnue")
    if days < 0:
        return Why("date limite de réponse passée")
    if days < 1:
        return Why("dernier jour pour répondre")
    return Why(f"encore {days:.0f} jour{'s' if days > 1 else ''} pour répondre", tells=False)
