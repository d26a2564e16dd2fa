"""A sum of monotone step functions, fitted listwise on past awards (`matcher train ranker`).

Each is the sum of the one-split trees that LambdaMART (Burges, 2010) grew on that signal: the score stays additive
and every contribution can be shown, as in a generalised additive model.
"""

from __future__ import annotations

from matcher.matching.rankers._additive import AdditiveRanker, read


def load(*, file: str = "learned.json") -> AdditiveRanker:
    """Load a file written by `matcher train ranker`."""
    return read(file)
