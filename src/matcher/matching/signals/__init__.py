"""Signals: from a shortlist to one column each.  One file each; the file name is the key.

To add one, write a file with the two functions of `Signal`, and give it a weight in the ranker's file.
"""

from typing import NamedTuple, Protocol

from matcher.domain import Offer
from matcher.matching.shortlist import Column, Shortlist


class Why(NamedTuple):
    """A value explained in French, with the matching passages of the notice and of the evidence."""

    text: str
    notice_passage: str = ""
    offer_passage: str = ""
    tells: bool = True  # False where the sentence only says what is unknown, absent or usual
    offer: Offer | None = None  # that is quoted


class Signal(Protocol):
    """One column: higher is better, NaN is unknown.  Reads only what was known on the query's date."""

    def measure(self, shortlist: Shortlist) -> Column:
        """The value of each candidate, shape (n,)."""

    def explain(self, shortlist: Shortlist, i: int, value: float) -> Why:
        """The value of candidate i as a French sentence; for NaN, what is unknown."""
