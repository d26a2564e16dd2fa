"""The catalogue being served with its notices, swapped atomically when a new one is built."""

from __future__ import annotations

import ctypes
import gc
import logging
import threading
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, TypeVar
from weakref import WeakSet

from cachetools import LRUCache, TTLCache, cached
from fastapi import Request

from matcher import domain
from matcher.catalogue.build import update_catalogue
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.files import load_catalogue
from matcher.catalogue.filters import search_names
from matcher.domain import Award, Holder, LotAnswer, MatcherError, Offer, Recipe, Structure, Tender
from matcher.matching import evidence, recipes
from matcher.matching.engine import Matcher
from matcher.matching.renewals import Renewal, of_structure, renewals
from matcher.partners.opportunities import Opportunity, opportunities, why_nothing
from matcher.reading import gather, need
from matcher.reading.procedure import answerable, by_id, closing, open_at
from matcher.records import feedback
from matcher.records.store import Store
from matcher.reference import toponyms
from matcher.reference.forking import ForkServer
from matcher.territory.counts import trades_of
from service.pool import Pool, Shared
from service.problems import Refused, bare
from service.settings import HOW_TO_BUILD, Settings

log = logging.getLogger("service")
ENDING = 300  # contracts that end, asked of one structure: the first to end
AT_ONCE = 50_000  # structures of a catalogue that is updated for what one declares, 0.2 s for 5,000 of them
PAST = 20  # closed notices, shown where none is open
M = TypeVar("M", bound=Matcher)
T = TypeVar("T")
EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Snapshot:
    """A catalogue and its notices; answers are cached."""

    matcher: Shared
    notices: Sequence[Tender]  # as they stand, see `procedure.in_force`
    stamp: tuple[int, int]
    loaded_at: datetime
    contracts: Sequence[Award] = ()  # awards that say when their contract ends
    _answers: LRUCache[Hashable, Any] = field(default_factory=lambda: LRUCache(maxsize=256))
    _recent: TTLCache[Hashable, Any] = field(default_factory=lambda: TTLCache(maxsize=8, ttl=60))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def catalogue(self) -> Catalogue:
        return self.matcher.catalogue

    def under(self, recipe: str | None) -> Shared:
        """The matcher of a recipe pinned by a request."""
        if recipe is None or recipe == self.matcher.recipe.name:
            return self.matcher
        chosen = replace(recipes.named(recipe), encoder=self.matcher.recipe.encoder)
        make = partial(Shared, self.catalogue, chosen, pool=Pool(), denied={})
        try:
            return self.once(("recipe", recipe), make)
        except (MatcherError, FileNotFoundError) as error:
            raise domain.NotFound(f"recipe {recipe!r} cannot be used here: {error}") from None

    def structure(self, siret: str) -> Structure:
        """A structure by its SIRET, present or former.  Raises NotFound."""
        return self.catalogue.structure(self.catalogue.row(siret))

    def past_contracts(self, siret: str) -> list[Offer]:
        """The contracts that a structure won, as pieces of evidence."""
        catalogue = self.catalogue
        row = catalogue.row(siret)
        rows = range(int(catalogue.offsets[row]), int(catalogue.offsets[row + 1]))
        return [o for o in map(catalogue.offer, rows) if o.nature == "award"]

    def notice(self, identifier: str) -> Tender:
        """An indexed notice, by its id or that of its correction or cancellation.  Raises NotFound."""
        if (tender := self.by_id.get(identifier)) is None:
            known = "search the notices for the ids there are"
            ids = known if self.notices else "nor is any other, add some with matcher index"
            raise domain.UnknownNotice(f"no notice {identifier} is indexed: {ids}")
        return tender

    @property
    def by_id(self) -> Mapping[str, Tender]:
        return self.once("notices by id", lambda: by_id(self.notices))

    def answerable(self) -> list[Tender]:
        """The indexed notices that one can answer, newest first."""
        return answerable(self.notices)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of `make()`, kept for the keys of this snapshot that were last used."""
        return cached(self._answers, key=lambda: key, lock=self._lock)(make)()

    def for_a_minute(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of `make()`, cached for a minute: for values that depend on the store."""
        return cached(self._recent, key=lambda: key, lock=self._lock)(make)()

    def opportunities(self, siret: str, declared: Structure | None = None) -> tuple[Opportunity, ...]:
        """The lots of indexed notices that this structure could answer: alone, in a group, by the clause, or to watch.

        Each lot is matched with this structure alone.  Where no notice is open any more, the
        latest closed ones serve as examples.  `declared` is the structure as it describes itself since the catalogue was
        built: judged as the next build will.
        """
        row = self.catalogue.row(siret)
        key = ("opportunities", str(self.catalogue.of_structure("siret")[row]), date.today(), repr(declared))

        def find() -> tuple[Opportunity, ...]:
            matcher: Matcher = self.matcher
            if declared is not None and len(self.catalogue) <= AT_ONCE:
                matcher = Matcher(update_catalogue(self.catalogue, [declared]), self.matcher.recipe)
            structure, moment = declared or self.catalogue.structure(row), datetime.now(UTC)
            notices = self.answerable()
            still = [t for t in notices if open_at(closing(t), t.published, moment)]
            found = opportunities(matcher, structure, still, now=moment) if still else ()
            return found or opportunities(matcher, structure, notices[:PAST], now=EVER)

        return self.once(key, find)

    def why_nothing(self, structure: Structure) -> tuple[str, ...]:
        """Why it has no opportunity, and what would change it, in French; see `partners.opportunities`."""
        key = ("why nothing", structure.siret, date.today())
        return self.once(key, lambda: why_nothing(self.matcher, structure, self.answerable()))

    def renewals(
        self, siret: str, buyer: str, department: str, cpv: str, after: float, before: float
    ) -> list[Renewal]:
        """The contracts that end within these months; `siret` keeps those of its trade."""
        day = date.today()
        wanted = {"departments": (department,) if department else (), "cpv": (cpv,) if cpv else ()}
        found = renewals(self.contracts, day, soonest=after, latest=before, buyer=buyer, **wanted)
        if not siret:
            return found
        key = ("renewals", siret, buyer, department, cpv, after, before, day)
        return self.once(key, lambda: of_structure(self.matcher, self.structure(siret), found[:ENDING]))

    def named(self, one: Renewal) -> Renewal:
        """A contract with the names that the catalogue and the notices have for its holders and buyer, where it has none."""
        buyers = self.once("buyers", lambda: {t.buyer.id: t.buyer.name for t in self.notices if t.buyer.id})

        def called(holder: Holder) -> Holder:
            with suppress(domain.UnknownStructure):
                return replace(holder, name=holder.name or self.structure(holder.id).name)
            return holder

        buyer = replace(one.buyer, name=one.buyer.name or buyers.get(one.buyer.id, ""))
        return replace(one, buyer=buyer, holders=tuple(map(called, one.holders)))

    @property
    def contract_trades(self) -> Mapping[str, tuple[str, ...]]:
        """Title of a contract kept with the catalogue -> its trades, the main one first; read at once."""

        def read() -> dict[str, tuple[str, ...]]:
            titles = [award.title for award in self.contracts]
            told = trades_of(titles, [(award.cpv,) if award.cpv else () for award in self.contracts])
            return dict(zip(titles, told, strict=True))

        return self.once("trades of contracts", read)

    def answers(self, tender: Tender, n: int = 20) -> Sequence[LotAnswer]:
        """The answer to an indexed notice, kept."""
        return self.once(("answer", tender.id, n), lambda: self.matcher.match(tender, n, groups=0).lots)

    def with_denials(self, denied: Mapping[str, Iterable[str]]) -> Snapshot:
        """The same data with these denials, and empty caches."""
        catalogue, whole = self.catalogue.denying(denied), self.matcher
        matcher = Shared(catalogue, whole.recipe, pool=whole.pool, denied=denied)
        return Snapshot(matcher, self.notices, self.stamp, self.loaded_at, self.contracts)


class Serving:
    """The snapshot in force.  A request uses one snapshot to its end: a swap interrupts nothing."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.current: Snapshot | None = None
        self.refusal = ""
        self.swaps = 0
        self._loading, self._lock = threading.Lock(), threading.Lock()
        self._tried: tuple[int, int] | None = None
        self._loaded: Snapshot | None = None  # without what structures deny
        self._denied: dict[str, tuple[str, ...]] = {}
        self.server, self._pools = ForkServer("service.pool_child"), WeakSet[Pool]()

    def get(self) -> Snapshot:
        """The snapshot in force.  Raises Refused (503), saying how to build one, where there is none."""
        if self.current is None:
            how = HOW_TO_BUILD.format(folder="var/catalogue")
            why = self.refusal or f"no catalogue in {self.settings.catalogue.name}: {how}"
            raise Refused(503, why, {"Retry-After": "10"}, "no-catalogue")
        return self.current

    def stamp(self) -> tuple[int, int] | None:
        """A value that changes when the folder is replaced."""
        try:
            found = (self.settings.catalogue / "manifest.json").stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino

    def refresh(self) -> None:
        """Load the folder if it changed; an unreadable catalogue keeps the current one."""
        with self._loading:
            stamp = self.stamp()
            if stamp is None and self.current is None:
                how = HOW_TO_BUILD.format(folder=self.settings.catalogue.name)
                self.refusal = f"there is no catalogue yet: {how}"
            if stamp is None or stamp == self._tried:
                return
            try:
                fresh = self._prepared(stamp)
            except (MatcherError, OSError, ValueError, KeyError) as error:
                # while the folder is being replaced a file may be missing: tried again at the next look
                self._tried = stamp if self.stamp() == stamp else None
                self.refusal = bare(str(error))
                log.warning("catalogue not loaded", extra={"why": str(error)})
                return
            self._tried = stamp
            with self._lock:
                self._loaded = fresh
                self.current = fresh.with_denials(self._denied) if self._denied else fresh
                self.refusal = ""
                self.swaps += 1
        _settle(first=self.swaps == 1)
        facts = {"versions": fresh.matcher.versions, "structures": len(fresh.catalogue)}
        log.info("catalogue loaded", extra=facts)

    def staff(self) -> None:
        """Start the processes that match the catalogue in force, unless they run."""
        with self._loading:
            if self.current is not None:
                self.current.matcher.pool.start(self.current.matcher.versions)

    def close(self) -> None:
        """End the processes that match, also those that are being started."""
        for pool in list(self._pools):
            pool.close()
        self.server.close()

    def apply_denials(self, store: Store) -> None:
        """Apply denials to the snapshot."""
        with self._lock:  # what was read first does not take the place of what was read later
            with store.reading() as connection:
                denied = feedback.denied(connection)
            if denied == self._denied:
                return
            self._denied = denied
            if self._loaded is not None:
                self.current = self._loaded.with_denials(denied)
        _settle()

    def _prepared(self, stamp: tuple[int, int]) -> Snapshot:
        """The folder, loaded; after the first one warmed up too, while the old one answers."""
        catalogue = load_catalogue(self.settings.catalogue)
        # processes would share the connection of an index that is in a database
        apart = not any(hasattr(index, "close") for index in catalogue.indexes.values())
        count = self.settings.processes if apart else 0
        pool = Pool(self.server, count, self.settings.catalogue, self.settings.recipe)
        self._pools.add(pool)
        make = partial(Shared, pool=pool, denied={})
        matcher = matcher_of(make, catalogue, self.settings.recipe)
        notices = [t for t in gather.load_notices(self.settings.catalogue) if not t.confidential]
        contracts = gather.load_contracts(self.settings.catalogue)
        fresh = Snapshot(matcher, notices, stamp, datetime.now(UTC), contracts)
        if self.current is not None:
            warm(matcher)
            fresh.with_denials(self._denied)  # what it reads of the catalogue is kept for when it is in force
            pool.start(matcher.versions)
        return fresh


def snapshot_of(request: Request) -> Snapshot:
    """The snapshot in force.  Raises Refused (503)."""
    serving: Serving = request.app.state.serving
    return serving.get()


def matcher_of(make: Callable[[Catalogue, Recipe | None], M], catalogue: Catalogue, recipe: str | None) -> M:
    """The matcher of a catalogue by the recipe of this name, by its own where none is named."""
    named = replace(recipes.named(recipe), encoder=catalogue.recipe.encoder) if recipe else None
    return make(catalogue, named)


def _settle(first: bool = False) -> None:
    """Keep the loaded catalogue out of later garbage collections: each would hold up every request.

    What was frozen before stays so, for a search through all of it takes most of a second in which nobody is answered;
    a catalogue that nobody holds any more goes without one, since nothing that it keeps refers to it.  The `first` takes
    the place of none.
    """
    if not first:
        gc.collect()
    # glibc keeps a pool for each thread that ever loaded a catalogue
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
    gc.freeze()


def warm(matcher: Matcher) -> None:
    """Have in memory what requests need: columns, groups, names of structures, places in a text."""
    if len(matcher.catalogue):
        tender = need.free_text_tender("entretien des locaux et des espaces verts", toponyms.asked("93100"))
        Matcher.match(matcher, tender, 10, groups=3)  # here, not in its pool
    search_names(matcher.catalogue, "zz", limit=1)
    need.spot("nettoyage à Paris")
    if matcher.judges:
        evidence.read_names(matcher.catalogue)
