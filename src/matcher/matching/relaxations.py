"""What would find more structures for a lot, each counted by running the relaxed query with all its other filters."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from matcher.domain import Filters
from matcher.matching import reach, suitability
from matcher.matching.ranking import PLAUSIBLE, Ranking
from matcher.matching.shortlist import Memo, Query
from matcher.matching.suitability import bidders_of

STEPS_KM = (20.0, 50.0)  # kilometres added to the requested radius
FARTHER_KM = (50.0, 100.0, 200.0, 400.0)  # distances tried where no structure of the trade travels to the lot
#: Filters that may be dropped, and what they are called.
DROPPED = {
    "kinds": "filtre de type",
    "articles": "filtre d'article",
    "departments": "filtre de département",
    "regions": "filtre de région",
    "service_types": "filtre de prestation",
    "labels": "filtre de label",
    "networks": "filtre de réseau",
    "phrases": "filtre de mots",
}
NONE = Filters()

FEW = 5  # bidders, below which those too far are counted


def relaxations(ranking: Ranking, rank: Callable[[Query], Ranking]) -> tuple[str, ...]:
    """The smallest relaxations that find more bidders, in French; `rank` runs a query."""
    if not ranking.judged or suitability.calls_for(ranking) == "unclear":
        return ()
    query, filters = ranking.shortlist.query, ranking.shortlist.query.filters
    shown = bidders_of(ranking.shortlist, ranking.levels >= PLAUSIBLE)

    def more(relaxed: Query) -> int:
        """How many further bidders a relaxed query proposes."""
        ranking = rank(relaxed)
        return len(np.setdiff1d(bidders_of(ranking.shortlist, ranking.levels >= PLAUSIBLE), shown))

    def filtered(**changed: Any) -> Query:
        return replace(query, filters=replace(filters, **changed))

    def nearest(steps: Sequence[float]) -> tuple[float, int]:
        """The first of these radii within which there are further bidders, and how many."""
        far = rank(filtered(radius_km=steps[-1]))
        bidders = far.shortlist.catalogue.of_structure("bidder")[far.shortlist.candidates]
        further = (far.levels >= PLAUSIBLE) & ~np.isin(bidders, shown)
        first = np.fmin.reduce(reach.of(far.shortlist).kilometres[further], initial=np.inf)  # none is nearer
        counts = ((km, more(filtered(radius_km=km))) for km in steps[:-1] if km >= first)
        return next((each for each in counts if each[1]), (steps[-1], len(np.unique(bidders[further]))))

    def found() -> Iterator[tuple[str, int]]:
        if filters.radius_km is not None:
            km, count = nearest([filters.radius_km + step for step in STEPS_KM])
            yield f"à {km:.0f} km au lieu de {filters.radius_km:.0f}", count
        for name, label in DROPPED.items():
            if getattr(filters, name):
                yield f"sans le {label}", more(filtered(**{name: getattr(NONE, name)}))
        if query.lot.reservation is not None:
            free = replace(query, lot=replace(query.lot, reservation=None), memo=Memo())
            yield "sans la réserve", more(free)
        # what structures do not do, none that is farther does
        served = len(shown) < FEW and suitability.calls_for(ranking) in ("", "staff")
        if filters.radius_km is None and served and reach.has_point(query):
            km, count = nearest(FARTHER_KM)
            yield f"dans un rayon de {km:.0f} km, au-delà des distances ordinaires de ce métier", count

    return tuple(
        f"{how} : {count} structure{'s' if count > 1 else ''} de plus" for how, count in found() if count
    )
