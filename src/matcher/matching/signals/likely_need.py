"""Likely need: do social-economy structures normally answer such a lot, themselves or by the clause?"""

from matcher.matching import demand, evidence
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why


def measure(shortlist: Shortlist) -> Column:
    """Probability that structures answer it themselves, equal for all candidates."""
    return evidence.of(shortlist, "served")


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    asked = shortlist.query.demand.columns
    if value >= demand.SHARE:
        return Why("besoin auquel des structures répondent d'ordinaire", tells=False)
    if asked["clause"] >= demand.SHARE:
        return Why("besoin auquel les structures répondent surtout par la clause sociale", tells=False)
    return Why("besoin auquel les structures répondent rarement", tells=False)
