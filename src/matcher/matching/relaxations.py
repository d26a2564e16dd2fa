"""What would find more structures for a lot, each counted by running the relaxed query with all its other filters."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from matcher.domain import Filters
from matcher.matching import reach, suitability, within_reach
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

    def more(relaxed: Ranking, within: float = np.inf) -> int:
        """How many further bidders a relaxed query proposes, within so many kilometres."""
        kilometres = np.nan_to_num(reach.of(relaxed.shortlist).kilometres, nan=within)
        proposed = (relaxed.levels >= PLAUSIBLE) & (kilometres <= within)
        return len(np.setdiff1d(bidders_of(relaxed.shortlist, proposed), shown))

    def filtered(**changed: Any) -> Query:
        return replace(query, filters=replace(filters, **changed))

    def found() -> Iterator[tuple[str, int]]:
        if filters.radius_km is not None:
            yield _wider(filters.radius_km, rank(filtered(radius_km=filters.radius_km + STEPS_KM[-1])), more)
        for name, label in DROPPED.items():
            if getattr(filters, name):
                yield f"sans le {label}", more(rank(filtered(**{name: getattr(NONE, name)})))
        if query.lot.reservation is not None:
            free = replace(query, lot=replace(query.lot, reservation=None), memo=Memo())
            yield "sans la réserve", more(rank(free))
        # what structures do not do, none that is farther does
        served = len(shown) < FEW and suitability.calls_for(ranking) in ("", "staff")
        if filters.radius_km is None and served and within_reach.has_point(query):
            far = rank(filtered(radius_km=FARTHER_KM[-1]))
            limit = next((km for km in FARTHER_KM if more(far, km)), 0.0)
            how = f"dans un rayon de {limit:.0f} km, au-delà des distances ordinaires de ce métier"
            yield how, more(far, limit)

    return tuple(
        f"{how} : {count} structure{'s' if count > 1 else ''} de plus" for how, count in found() if count
    )


def _wider(radius: float, relaxed: Ranking, more: Callable[[Ranking, float], int]) -> tuple[str, int]:
    limit = next((radius + step for step in STEPS_KM if more(relaxed, radius + step)), radius)
    return f"à {limit:.0f} km au lieu de {radius:.0f}", more(relaxed, limit)
