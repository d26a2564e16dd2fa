"""Who is able for a trade at a place, asked of the judgement: what a search of that trade there would answer.

A trade is asked once, as a need that names nothing else, of every structure as if it stood on the spot.  Those that
are at least plausible there are then asked again with the distance and the zones of each place.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from cachetools import LRUCache, cached
from numpy.typing import NDArray

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.rows import spread
from matcher.domain import Filters, Lot, Place, Tender
from matcher.matching import evidence, judgement, suitability
from matcher.matching.engine import Matcher
from matcher.matching.ranking import LIKELY, PLAUSIBLE, UNLIKELY, Ranking
from matcher.matching.shortlist import Column, Query, Shortlist
from matcher.reference import trades
from matcher.reference.places import locate

Levels = NDArray[np.integer[Any]]
KEPT = 64_000_000  # bytes of levels at places that are kept
#: What is kept of a shortlist and depends on where the lot is.
OF_PLACE = frozenset(
    {"reach"}
    | {f"evidence {name}" for name in ("kilometres", "beyond", "same_department", "named_department")}
)


@dataclass(frozen=True, slots=True)
class _Trade:
    """A trade as asked: the levels on the spot, (structures,), and those worth asking at a place."""

    spot: Levels
    shortlist: Shortlist | None  # None where nobody is


class Able:
    """Levels of the structures `rows` of a catalogue, (n,), for trades and lots."""

    def __init__(self, catalogue: Catalogue, rows: NDArray[np.int64]) -> None:
        self.matcher = Matcher(catalogue, exhaustive=True)
        self._rows = rows
        self._position = np.full(len(catalogue), -1)
        self._position[rows] = np.arange(len(rows))
        self._trades: dict[str, _Trade] = {}
        self._lock = Lock()
        self._at: LRUCache[Hashable, Levels] = LRUCache(KEPT, getsizeof=lambda levels: int(levels.nbytes))

    @cached_property
    def _filters(self) -> Filters:
        sirets = self.matcher.catalogue.sirets
        return Filters(sirets=tuple(str(sirets[row]) for row in self._rows))

    @cached_property
    def labels(self) -> Mapping[str, str]:
        return {trade.name: trade.label for trade in trades.trades()}

    def spot(self, trade: str) -> Levels:
        """Levels for a trade of who stands where the work is."""
        return self._trade(trade).spot

    def at(self, trade: str, place: Place) -> Levels:
        """Levels for a trade at a place."""
        key = (trade, place.latitude, place.longitude, place.department, place.region)

        def asked() -> Levels:
            some = self._trade(trade).shortlist
            return self._trade(trade).spot if some is None else self._asked_at(some, place)

        found: Levels = cached(self._at, key=lambda: key, lock=self._lock)(asked)()
        return found

    def silent(self) -> NDArray[np.bool_]:
        """Of whom nothing tells any trade."""
        shortlist = self._everyone(self._query("nettoyage"))
        return np.asarray(self._placed(shortlist, evidence.of(shortlist, "silent")) > 0)

    def of_lot(self, ranking: Ranking) -> tuple[Levels, Levels]:
        """Levels for a lot where it is, and for structures as if on the spot; reservations are not applied."""
        judge, shortlist = judgement.shipped(), ranking.shortlist
        free = ranking.scores - ranking.contributions["reservation"]
        spot = judge.levels_with(shortlist, suitability.ON_THE_SPOT)
        there = suitability.judged_levels(shortlist, judge.levels_of(free), reserved=False)
        return self._placed(shortlist, there), self._open(shortlist, spot)

    def rank(self, query: Query) -> Ranking:
        """Every structure of a lot."""
        return self.matcher.rank(replace(query, filters=self._filters))

    # ------------------------------------------------------------------------------------------ one trade

    def _trade(self, trade: str) -> _Trade:
        if trade not in self._trades:
            query = self._query(trade)
            everyone = self._everyone(query)
            spot = self._open(everyone, judgement.shipped().levels_with(everyone, suitability.ON_THE_SPOT))
            sirets = self.matcher.catalogue.sirets
            worth = tuple(str(sirets[row]) for row in self._rows[spot >= PLAUSIBLE])
            some = (
                self.matcher.rank(replace(query, filters=Filters(sirets=worth))).shortlist if worth else None
            )
            self._trades[trade] = _Trade(spot, some)
        return self._trades[trade]

    def _query(self, trade: str) -> Query:
        lot = Lot(id=trade, title=self.labels[trade])
        return self.matcher.queries(Tender(id=trade, format="need", title=lot.title, lots=(lot,)))[0]

    def _everyone(self, query: Query) -> Shortlist:
        return self.rank(query).shortlist

    def _asked_at(self, shortlist: Shortlist, place: Place) -> Levels:
        asked = shortlist.query
        query = replace(asked, places=spread(locate(place)))
        judge = judgement.shipped()
        there = replace(shortlist, query=query, memo=shortlist.memo.without(OF_PLACE | {judge.cells}))
        scores: Column = np.sum(list(judge.contributions(there).values()), axis=0)
        levels = suitability.judged_levels(there, judge.levels_of(scores), reserved=False)
        return self._placed(there, levels)

    def _open(self, shortlist: Shortlist, levels: Levels) -> Levels:
        """Levels by structure, of those alone that are open and of a directory."""
        return self._placed(shortlist, np.where(suitability.proposable(shortlist), levels, UNLIKELY))

    def _placed(self, shortlist: Shortlist, values: NDArray[np.float64] | Levels) -> Levels:
        found = np.zeros(len(self._rows), dtype=np.int8)
        at = self._position[shortlist.candidates]
        found[at[at >= 0]] = values[at >= 0]
        return found


def likely(levels: Levels) -> NDArray[np.bool_]:
    """Whom to call."""
    return levels >= LIKELY
