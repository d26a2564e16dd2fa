"""Signals: a shortlist to one column.  One file each; the file name is the key.

To add one, write a file with the two functions of `Signal`, and give it a weight in the ranker's file.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from matcher.matching.shortlist import Column, Shortlist


class Why(NamedTuple):
    """A value said in French, with the passages of the notice and of the evidence that met."""

    text: str
    notice_passage: str = ""
    offer_passage: str = ""
    tells: bool = True  # False where the sentence only says what is unknown, absent or usual


class Signal(Protocol):
    """One column: higher is better, NaN is unknown.  Only what was known on the query's day is read.

    A file may set `ALIKE`: to "value" where candidates of one value are explained alike, to "unknown" where those of
    an unknown value are; they are then explained once a lot.
    """

    def measure(self, shortlist: Shortlist) -> Column:
        """The value of each candidate, shape (n,)."""

    def explain(self, shortlist: Shortlist, i: int, value: float) -> Why:
        """The value of candidate i as a French sentence; NaN says what is not known."""
