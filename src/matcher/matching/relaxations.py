"""What would find more structures for a lot: fewer filters, no reservation, a longer way."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from matcher.matching import judgement, reach, search, suitability, within_reach
from matcher.matching.contenders import in_steps
from matcher.matching.ranking import LIKELY, PLAUSIBLE, Ranking
from matcher.matching.shortlist import Shortlist
from matcher.matching.signals import reservation
from matcher.matching.suitability import ON_THE_SPOT, bidders, bidders_of, proposable

STEPS_KM = (20.0, 50.0)  # kilometres added to the requested radius
FARTHER_KM = (50.0, 100.0, 200.0, 400.0)  # distances tried where no structure of the trade travels to the lot

FEW = 5  # bidders, below which those too far are counted


def relaxations(ranking: Ranking, wide: Ranking | None) -> tuple[str, ...]:
    """The smallest relaxations that find more bidders, in French; `wide` is the ranking of the lot without the user's filters."""
    if not ranking.judged or suitability.calls_for(ranking) == "unclear":
        return ()
    widest = wide or ranking
    base = bidders(ranking.shortlist, ranking.levels >= PLAUSIBLE)
    found = (
        _without_filters(ranking, wide, base) if wide is not None else "",
        _without_reservation(widest, base),
        # what structures do not do, none that is farther does
        _farther(widest) if base < FEW and suitability.calls_for(widest) in ("", "staff") else "",
    )
    return tuple(sentence for sentence in found if sentence)


def _without_filters(ranking: Ranking, wide: Ranking, base: int) -> str:
    credible, kilometres = wide.levels >= PLAUSIBLE, reach.of(wide.shortlist).shown_km
    asked = ranking.shortlist.query.filters.radius_km
    for step in STEPS_KM if asked is not None else ():
        more = bidders(wide.shortlist, credible & (kilometres <= (asked or 0.0) + step)) - base
        if more > 0:
            return f"à {(asked or 0.0) + step:.0f} km au lieu de {asked:.0f} : {_structures(more)} de plus"
    more = bidders(wide.shortlist, credible) - base
    return f"sans vos filtres : {_structures(more)} de plus" if more > 0 else ""


def _without_reservation(ranking: Ranking, base: int) -> str:
    if ranking.shortlist.query.lot.reservation is None:
        return ""
    free = judgement.shipped().levels_of(ranking.scores - ranking.contributions["reservation"])
    more = bidders(ranking.shortlist, (free >= PLAUSIBLE) & proposable(ranking.shortlist)) - base
    return f"sans la réserve : {_structures(more)} de plus" if more > 0 else ""


def _farther(ranking: Ranking) -> str:
    """Structures that would be likely if they were located at the place of work, the nearest of them."""
    shortlist, judge = ranking.shortlist, judgement.shipped()
    if not within_reach.has_point(shortlist.query):
        return ""
    around = search.around(shortlist.catalogue, shortlist.query, FARTHER_KM[-1])
    some = search.narrowed(around, proposable(around))
    found = in_steps(some, lambda part, known: judge.may_reach(part, judge.likely, ON_THE_SPOT, known))
    able, kilometres = _likely_on_the_spot(found), reach.of(found).shown_km
    shown = bidders_of(shortlist, ranking.levels >= PLAUSIBLE)
    for limit in FARTHER_KM:
        more = len(np.setdiff1d(bidders_of(found, able & (kilometres <= limit)), shown))
        if more:
            return f"à moins de {limit:.0f} km : {_structures(more)} de plus, au-delà des distances ordinaires de ce métier"
    return ""


def _likely_on_the_spot(shortlist: Shortlist) -> NDArray[np.bool_]:
    if not len(shortlist):
        return np.zeros(0, dtype=bool)
    measured = replace(shortlist, columns={"reservation": reservation.measure(shortlist)})
    near = judgement.shipped().levels_with(shortlist, ON_THE_SPOT) == LIKELY
    return np.asarray(near & suitability.admitted(measured) & proposable(shortlist))


def _structures(number: int) -> str:
    return f"{number} structure{'s' if number > 1 else ''}"
