"""The one count of the desk: whom a search of a need says to call, to check first and to ask.

Map, potential, advice and gaps count by it and by nothing else; each number is that of a list, and opens it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from cachetools import LRUCache, cached
from sqlalchemy import select

from matcher.catalogue.catalogue import Catalogue
from matcher.domain import Filters, Lot, Place, Tender
from matcher.learned import asks
from matcher.matching import suitability
from matcher.matching.engine import Matcher
from matcher.matching.ranking import LIKELY, PLAUSIBLE, Ranking
from matcher.matching.shortlist import Query
from matcher.reading.need import sized_need, spot, typed_need
from matcher.records.store import Store
from matcher.records.tables import Feedback, SourcingEvent
from matcher.reference import law, trades
from matcher.reference.arrays import I64
from matcher.reference.french import day, grouped
from matcher.reference.naming import source_name
from matcher.territory import assumptions
from matcher.territory.areas import Area

Rows = I64
KEPT = 20_000  # counts of trades in areas
Kept = tuple[LRUCache[Hashable, Any], Lock]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Bidders of a list by level; `kinds`, `verified` and `answered` (within a year) are of those to call."""

    likely: int = 0  # to call
    plausible: int = 0  # to check first
    to_ask: int = 0  # of which nothing tells the trade, of kinds that often have it
    verified: int = 0
    answered: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)
    kinds_to_check: Mapping[str, int] = field(default_factory=dict)
    kinds_to_ask: Mapping[str, int] = field(default_factory=dict)
    kinds_verified: Mapping[str, int] = field(default_factory=dict)

    def shown(self) -> str:
        """The count as a user reads it; never the bare number."""
        listed = sorted(self.kinds.items(), key=lambda k: (-k[1], k[0]))
        kinds = ", ".join(f"{n} {kind or 'entreprise' + 's' * (n > 1)}" for kind, n in listed)
        asked = [f"{self.to_ask} à interroger"] if self.to_ask else []
        called = f"{self.likely} à appeler{f' ({kinds})' if kinds else ''}"
        first = ", ".join([called, f"{self.plausible} à vérifier", *asked])
        known = [self.active] if self.likely else []
        if self.answered:
            known.append(f"{self.answered} {'ont' if self.answered > 1 else 'a'} répondu depuis un an")
        return " ; ".join([first, *known])

    @property
    def active(self) -> str:
        """How many of those to call are verified, in French."""
        s = "s" * (self.verified > 1)
        return f"{self.verified or 'aucune'} vérifiée{s} active{s}"

    def only(self, may: Callable[[str], bool]) -> Count:
        """Those of some kinds; how many of them answered is not counted."""
        counted = (getattr(self, name) for name in KINDS_OF.values())
        return _of_kinds(*({kind: n for kind, n in each.items() if may(kind)} for each in counted))

    def under(self, article: str, on: date) -> Count:
        """Those who may answer a lot reserved under an article."""
        return self.only(lambda kind: law.eligible(kind, (article,), on) is True)


#: Number of a count -> the same by kind.
KINDS_OF = {"likely": "kinds", "plausible": "kinds_to_check", "to_ask": "kinds_to_ask"}
KINDS_OF["verified"] = "kinds_verified"


def _of_kinds(*by_kind: Mapping[str, int]) -> Count:
    """The count of its numbers by kind, in the order of KINDS_OF."""
    facts: dict[str, Any] = dict(zip(KINDS_OF.values(), by_kind, strict=True))
    return Count(**facts, **{name: sum(facts[kinds].values()) for name, kinds in KINDS_OF.items()})


def no_counts() -> Kept:
    """A memory of counts that is empty: desks over one catalogue may share it."""
    return LRUCache(KEPT), Lock()


class Desk:
    """The engine as a territory asks it, with what the store knows; safe to share between threads."""

    def __init__(
        self,
        matcher: Matcher,
        store: Store | None = None,
        on: date | None = None,
        kept: Kept | None = None,  # of desks before this one, over the same catalogue
    ) -> None:
        self.matcher, self.store, self.on = matcher, store, on or date.today()
        self.assumed = assumptions.desk()
        self._kept, self._lock = kept or no_counts()

    @property
    def catalogue(self) -> Catalogue:
        return self.matcher.catalogue

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """The label of each trade, by its name."""
        return {trade.name: trade.label for trade in trades.trades()}

    def count(self, ranking: Ranking) -> Count:
        """Whom the list of a lot shows, by level."""
        return self._with_answers(*self._counted(ranking))

    def _counted(self, ranking: Ranking) -> tuple[Count, Rows]:
        """The count without those who answered, and the rows to call."""
        rows = self.shown(ranking)
        active = self.catalogue.of_structure("active")[rows] == 1
        by_level = (rows, self.shown(ranking, PLAUSIBLE), suitability.asking(ranking), rows[active])
        kinds = self.catalogue.of_structure("kind")
        return _of_kinds(*(dict(Counter(map(str, kinds[level]))) for level in by_level)), rows

    def _with_answers(self, count: Count, rows: Rows) -> Count:
        answered = sum(str(siret) in self.answered for siret in self.catalogue.sirets[rows])
        return replace(count, answered=answered) if answered else count

    def shown(self, ranking: Ranking, level: int = LIKELY) -> Rows:
        """The rows in the catalogue of the structures of a level, one for each bidder, best first."""
        order = ranking.order
        return np.asarray(ranking.shortlist.candidates[order[ranking.levels[order] == level]])

    def ranking(self, query: Query) -> Ranking:
        """The ranking that the list of a lot shows."""
        return next(iter(self.matcher.rank_each([query])))

    def in_area(self, trade: str, area: Area) -> Count:
        """The count of a trade in an area: that of the list of the trade's name there."""

        def counted() -> tuple[Count, Rows]:
            return self._counted(self.ranking(self.query(trade, area)))

        key = (trade, area.words, area.radius_km)
        return self._with_answers(*cached(self._kept, lambda: key, self._lock)(counted)())

    def query(self, words: str, area: Area, filters: Filters | None = None) -> Query:
        """Words as they are asked in an area: those of a trade are its label."""
        words = self.labels.get(words, words)
        filters = filters or Filters(radius_km=area.radius_km)
        return self.matcher.queries(need_of(words, area.place), filters=filters)[0]

    @cached_property
    def answered(self) -> frozenset[str]:
        """SIRETs that answered anything within a year; none without a store."""
        if self.store is None:
            return frozenset()
        given = select(Feedback.siret, Feedback.at).where(Feedback.verb != "contacted")
        replied = select(SourcingEvent.siret, SourcingEvent.at).where(SourcingEvent.kind == "answered")
        rows = [*self.store.ask(given), *self.store.ask(replied)]
        since = self.on - timedelta(days=365)
        return frozenset(siret for siret, at in rows if siret and since <= at.date() <= self.on)

    @cached_property
    def source(self) -> str:
        """Where the structures come from and of when, in French: it accompanies every figure."""
        rows = range(0, len(self.catalogue), max(1, len(self.catalogue) // 200))
        names = dict.fromkeys(source_name(self.catalogue.structure(row).source) for row in rows)
        shown = ", ".join(filter(None, names)) or "source non précisée"
        manifest = self.catalogue.manifest
        return (
            f"{grouped(len(self.catalogue))} structures ({shown}) ; catalogue {manifest['data']} "
            f"construit le {day(str(manifest['built'])[:10])}"
        )


def need_of(words: str, place: Place | None, months: float | None = None) -> Tender:
    """A trade or a need as one unpublished purchase, as the form of a buyer's search reads it: where its words say
    so if no place is given.  Raises BadInput.
    """
    tender = typed_need(words, (place,) if place else spot(words), whole=True)
    return replace(sized_need(tender, months=months), confidential=True)


def trades_of(texts: Sequence[str], codes: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """The trades that purchases ask for, the main one first, as the engine reads words and CPV codes."""
    lots = (
        Lot(id=str(i), title=text, cpv=tuple(own))
        for i, (text, own) in enumerate(zip(texts, codes, strict=True))
    )
    return [tuple(asks.of_lot(lot).trades) for lot in lots]
