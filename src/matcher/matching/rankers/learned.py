"""A sum of monotone staircases learnt listwise from past awards (`matcher train ranker`).

Each staircase is the sum of the one-split trees that LambdaMART (Burges, 2010) grew on that signal, so that
the score stays additive and every contribution can be shown: a generalised additive model.
"""

from __future__ import annotations

from matcher.matching.rankers._additive import AdditiveRanker, read


def load(*, file: str = "learned.json") -> AdditiveRanker:
    """The ranker of a file written by `matcher train ranker`."""
    return read(file)
