"""CPV: an award that is both of the same code and near."""

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _pieces

#: From this value on the contract is described as of the same trade.
THRESHOLD = 0.3


def measure(shortlist: Shortlist) -> Column:
    """Best over awards of CPV agreement times exp(-km / 150), 0.3 where the distance is unknown; NaN without awards."""
    values = _pieces.agreement(shortlist) * _pieces.near(shortlist)
    return shortlist.best(values, _pieces.awards(shortlist))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return Why("aucun marché public connu")
    values = _pieces.agreement(shortlist) * _pieces.near(shortlist)
    return _pieces.nearest_piece(shortlist, i, values, "du même métier, près de là", value >= THRESHOLD)
