"""What is being served: one catalogue with its notices, swapped whole when a new one is built."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from matcher import gathering, reach, recipes
from matcher.catalogue import Catalogue
from matcher.domain import Filters, LotAnswer, Match, MatcherError, NotFound, Tender
from matcher.engine import Matcher
from matcher.shortlist import Query
from service.problems import Refused
from service.settings import HOW_TO_BUILD, Settings

log = logging.getLogger("service")
CALLS = ("call", "prior", "project", "correction")


@dataclass(slots=True)
class Snapshot:
    """A catalogue and its notices, immutable but for what is computed once and kept."""

    matcher: Matcher
    notices: dict[str, Tender]
    stamp: tuple[int, int]
    loaded_at: datetime
    _recipes: dict[str, Matcher] = field(default_factory=dict)
    _queries: list[Query] | None = None
    _asked: OrderedDict[Any, Any] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def catalogue(self) -> Catalogue:
        return self.matcher.catalogue

    def under(self, recipe: str | None) -> Matcher:
        """The matcher of a recipe pinned by a request."""
        if recipe is None or recipe == self.matcher.recipe.name:
            return self.matcher
        if recipe not in self._recipes:
            chosen = replace(recipes.named(recipe), encoder=self.matcher.recipe.encoder)
            try:
                self._recipes[recipe] = Matcher(self.catalogue, chosen)
            except (MatcherError, FileNotFoundError) as error:
                raise NotFound(f"recipe {recipe!r} cannot be used here: {error}") from None
        return self._recipes[recipe]

    def notice(self, identifier: str) -> Tender:
        """An indexed notice.  Raises NotFound."""
        if identifier not in self.notices:
            raise NotFound(f"no notice {identifier} is indexed: see /v1/notices for those there are")
        return self.notices[identifier]

    def answerable(self) -> list[Tender]:
        """The indexed notices that one can answer, newest first; twins and cancelled ones left out."""
        gone = {
            ref
            for t in self.notices.values()
            if t.nature in ("cancellation", "correction")
            for ref in t.related
        }
        calls = [
            t for t in self.notices.values() if t.nature in CALLS and t.id not in gone and not t.confidential
        ]
        return sorted(calls, key=lambda t: (t.published or date.min, t.id), reverse=True)

    def queries(self) -> list[Query]:
        """One question for each lot of each answerable notice, encoded once."""
        with self._lock:
            if self._queries is None:
                self._queries = [q for tender in self.answerable() for q in self.matcher.queries(tender)]
            return self._queries

    def once(self, key: Any, make: Any, keep: int = 256) -> Any:
        """The value of `make()`, kept for the latest `keep` keys of this snapshot."""
        with self._lock:
            if key in self._asked:
                self._asked.move_to_end(key)
                return self._asked[key]
        value = make()
        with self._lock:
            self._asked[key] = value
            while len(self._asked) > keep:
                self._asked.popitem(last=False)
        return value

    def opportunities(self, siret: str) -> list[Opportunity]:
        """The lots of indexed notices that this structure could answer, best first.

        The same machinery turned round: each lot is asked, of this bidder alone.
        """
        row = self.catalogue.row(siret)
        siret = str(self.catalogue.of_structure("siret")[row])
        found: list[Opportunity] = self.once(("opportunities", siret), lambda: self._opportunities(siret))
        return found

    def _opportunities(self, siret: str) -> list[Opportunity]:
        filters = Filters(sirets=(siret,))
        found = []
        for query in self.queries():
            ranking = self.matcher.rank(replace(query, filters=filters))
            if not len(ranking.order) or self.matcher.nobody(ranking):
                continue
            if ranking.regime == "structure" and reach.fit(ranking.shortlist)[int(ranking.order[0])] == 0.0:
                continue  # known for other trades than this lot's
            match = self.matcher.explain(ranking, int(ranking.order[0]), 1)
            if match.eligible is not False:
                found.append(Opportunity(query.tender, match))
        return sorted(found, key=lambda o: (-o.match.score, o.tender.id, o.match.lot.number))

    def answers(self, tender: Tender, n: int = 20) -> Sequence[LotAnswer]:
        """The answer to an indexed notice, kept."""
        found: Sequence[LotAnswer] = self.once(
            ("answer", tender.id, n), lambda: self.matcher.match(tender, n, groups=0).lots
        )
        return found


@dataclass(frozen=True, slots=True)
class Opportunity:
    tender: Tender
    match: Match


class Serving:
    """The snapshot in force.  A request takes it once and keeps it to its end: a swap drops nothing."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.current: Snapshot | None = None
        self.refusal = ""
        self.swaps = 0
        self._lock = threading.Lock()
        self._tried: tuple[int, int] | None = None

    @property
    def folder(self) -> Path:
        return self.settings.catalogue

    def get(self) -> Snapshot:
        """The snapshot in force.  Raises Refused (503), saying how to build one, where there is none."""
        if self.current is None:
            raise Refused(
                503,
                self.refusal
                or f"no catalogue in {self.folder.name}: {HOW_TO_BUILD.format(folder='var/catalogue')}",
                {"Retry-After": "10"},
            )
        return self.current

    def stamp(self) -> tuple[int, int] | None:
        """What changes when the folder is replaced."""
        try:
            found = (self.folder / "manifest.json").stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino

    def refresh(self) -> bool:
        """Load the folder if it changed; a catalogue that cannot be read leaves the one in force."""
        with self._lock:
            stamp = self.stamp()
            if stamp is None and self.current is None:
                self.refusal = f"there is no catalogue yet: {HOW_TO_BUILD.format(folder=self.folder)}"
            if stamp is None or stamp == self._tried:
                return False
            try:
                fresh = self._load(stamp)
            except (MatcherError, OSError, ValueError, KeyError) as error:
                # while the folder is being replaced a file may be missing: tried again at the next look
                self._tried = stamp if self.stamp() == stamp else None
                self.refusal = str(error)
                log.warning("catalogue not loaded", extra={"why": str(error)})
                return False
            self._tried = stamp
            self.current, self.refusal = fresh, ""
            self.swaps += 1
        log.info(
            "catalogue loaded", extra={"versions": fresh.matcher.versions, "structures": len(fresh.catalogue)}
        )
        return True

    def _load(self, stamp: tuple[int, int]) -> Snapshot:
        catalogue = Catalogue.load(self.folder)
        matcher = self._matcher(catalogue)
        notices = {t.id: t for t in gathering.load_notices(self.folder) if not t.confidential}
        snapshot = Snapshot(matcher, notices, stamp, datetime.now(UTC))
        _warm(snapshot)
        return snapshot

    def _matcher(self, catalogue: Catalogue) -> Matcher:
        if self.settings.recipe:
            return Matcher(
                catalogue, replace(recipes.named(self.settings.recipe), encoder=catalogue.recipe.encoder)
            )
        try:
            return Matcher(catalogue)
        except (MatcherError, FileNotFoundError) as error:
            log.warning(
                "the catalogue's own recipe cannot be used: ranked by 'weighted'", extra={"why": str(error)}
            )
            return Matcher(catalogue, replace(recipes.named("weighted"), encoder=catalogue.recipe.encoder))


def _warm(snapshot: Snapshot) -> None:
    """A first question before the first visitor's, so that lazy columns are in memory."""
    from matcher.catalogue import free_text_tender

    if len(snapshot.catalogue):
        snapshot.matcher.match(free_text_tender("entretien des locaux"), 1, groups=0)
