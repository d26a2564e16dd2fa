"""The structures of a catalogue seen from a territory: which trades, which reach, what they are worth.

Trades are those by which the engine splits needs (`matcher.reference.needs`).  Who is able is asked of the judgement
(`matcher.territory.able`); a catalogue without one takes who says a trade, proved it or has its NAF code, within reach.
One SIREN is one bidder and counts once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import NATURES
from matcher.domain import LENDING_KINDS, Lot, Place, Reservation, Structure, Tender
from matcher.matching.ranking import LIKELY, PLAUSIBLE, UNLIKELY
from matcher.matching.reach import Reach, to_places
from matcher.records.store import Store
from matcher.reference import law, needs, places, toponyms
from matcher.reference import trades as trades_
from matcher.reference.french import grouped
from matcher.reference.origins import source_name
from matcher.territory import assumptions
from matcher.territory.able import Able, Levels, likely

Mask = NDArray[np.bool_]

#: NAF codes of whatever is classed nowhere else: they tell no trade, though the table of trades names some.
CATCH_ALL = frozenset({"9499Z", "9609Z", "8899A", "8899B", "8810C", "9412Z", "8299Z"})
#: Trades that say nothing of the work: accompanying people and lending them.
VAGUE = frozenset({"insertion", "personnel"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the store knows of a structure: when it last answered, what it was asked within a year."""

    answered: date | None = None
    lots: int = 0
    hours: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What a count is worth, in bidders: to call, to ask first, verified active, having answered within a year."""

    possible: int = 0  # to call
    to_check: int = 0  # silent but plausible, not among the possible
    verified: int = 0
    answered: int = 0
    asked: int = 0
    lots_asked: int = 0
    hours_asked: float = 0.0
    kinds: Mapping[str, int] = field(default_factory=dict)

    def shown(self) -> str:
        """The count as a user reads it; never the bare number."""
        by_kind = ", ".join(
            f"{n} {kind}" for kind, n in sorted(self.kinds.items(), key=lambda k: (-k[1], k[0]))
        )
        kinds = f" ({by_kind})" if by_kind else ""
        return " ; ".join([f"{self.possible} à appeler{kinds}, {self.to_check} à vérifier", *self._known()])

    def _known(self) -> list[str]:
        """What is known of those counted, as far as anything is."""
        hours = f" et {self.hours_asked:.0f} heures d'insertion" if round(self.hours_asked) else ""
        parts = [
            (self.verified, f"{self.verified} vérifiée{_s(self.verified)} active{_s(self.verified)}"),
            (self.answered, f"{self.answered} {'ont' if self.answered > 1 else 'a'} répondu depuis un an"),
            (self.asked, f"{self.asked} déjà sollicitée{_s(self.asked)}, pour {self.lots_asked} lot{_s(self.lots_asked)}{hours}"),
        ]  # fmt: skip
        none_active = ["aucune vérifiée active"] if self.possible and not self.verified else []
        return none_active + [words for count, words in parts if count]


def _s(count: int) -> str:
    return "s" if count > 1 else ""


class Supply:
    """Every structure of a known kind that is not known to be closed, with its trades and its reach."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store | None = None,
        *,
        on: date | None = None,
        reach_km: float | None = None,
        judged: Able | None = None,
    ) -> None:
        """`judged` is the judgement of this very catalogue, where one is kept."""
        self.catalogue = catalogue
        self.store = store
        self._judged = judged
        self.on = on or date.today()
        self.desk = assumptions.desk()
        self.reach_km = self.desk["reach_km"].value if reach_km is None else reach_km
        kinds, active = catalogue.of_structure("kind"), catalogue.of_structure("active")
        self.rows = proposed(catalogue)
        self.closed = int(((kinds != "") & (active == 0)).sum())
        self.structures: tuple[Structure, ...] = tuple(catalogue.structure(int(row)) for row in self.rows)

    def __len__(self) -> int:
        return len(self.structures)

    # ------------------------------------------------------------------------------------------- columns

    @cached_property
    def kinds(self) -> NDArray[Any]:
        return self.catalogue.of_structure("kind")[self.rows]

    @cached_property
    def departments(self) -> NDArray[Any]:
        return self.catalogue.of_structure("department")[self.rows]

    @cached_property
    def bidders(self) -> NDArray[np.int64]:
        return np.asarray(self.catalogue.of_structure("bidder")[self.rows], dtype=np.int64)

    @cached_property
    def turnover(self) -> NDArray[np.float64]:
        return np.asarray(self.catalogue.of_structure("turnover")[self.rows], dtype=np.float64)

    @cached_property
    def verified(self) -> Mask:
        return np.array([s.active is True for s in self.structures], dtype=bool)

    @cached_property
    def lends(self) -> Mask:
        """Who mostly lends staff, of many trades: they carry hours rather than do the work."""
        return np.isin(self.kinds, list(LENDING_KINDS))

    @cached_property
    def trades(self) -> tuple[str, ...]:
        return tuple(trade.name for trade in trades_.trades())

    @cached_property
    def labels(self) -> Mapping[str, str]:
        return {trade.name: trade.label for trade in trades_.trades()}

    @cached_property
    def judged(self) -> Able | None:
        """The judgement of these structures; None where the catalogue has none."""
        found = self._judged or Able(self.catalogue, self.rows)
        return found if found.matcher.judges else None

    def levels(self, trades: Sequence[str], place: Place | None = None, *, whole: bool = False) -> Levels:
        """Levels for the trade of these that each has best, at a place, anywhere where none is given; (n,).

        `whole` asks for a department.  A trade that a structure says is not its own counts for nothing.
        """
        best = np.zeros(len(self), dtype=np.int64)
        for trade in trades if len(self) else ():
            np.maximum(
                best, np.where(self._denies(trade), UNLIKELY, self._level(trade, place, whole)), out=best
            )
        return best

    def _level(self, trade: str, place: Place | None, whole: bool) -> Levels:
        if self.judged is not None and trade in self.labels:
            return self.judged.spot(trade) if place is None else self.judged.at(trade, place)
        known = self._known.get(trade, np.zeros(len(self), dtype=bool))
        if place is not None:
            known = known & self.reach(place, whole=whole)
        return np.where(known, LIKELY, UNLIKELY)

    def able(self, trades: Sequence[str], place: Place | None = None, *, whole: bool = False) -> Mask:
        """Whom to call for at least one of these trades; see `levels`."""
        return likely(self.levels(trades, place, whole=whole))

    def _denies(self, trade: str) -> Mask:
        if not self._denied:
            return np.zeros(len(self), dtype=bool)
        return np.array([trade in self._denied.get(s.siret, ()) for s in self.structures], dtype=bool)

    @cached_property
    def _known(self) -> Mapping[str, Mask]:
        """Who says each trade, proved it by an award or has its NAF code, where no judgement stands."""
        table = {name: np.zeros(len(self), dtype=bool) for name in self.trades}
        for column, structure in enumerate(self.structures):
            bare = replace(structure, naf=None) if (structure.naf or "") in CATCH_ALL else structure
            for name in trades_.skills(bare):
                table[name][column] = True
        for column, names in self._proved():
            for name in names:
                table[name][column] = True
        return table

    def _proved(self) -> list[tuple[int, set[str]]]:
        """The trades that past awards prove, by column."""
        awards = np.flatnonzero(self.catalogue.of_row("nature") == NATURES.index("award"))
        column = {int(row): i for i, row in enumerate(self.rows)}
        codes = self.catalogue.of_row("cpv")
        found: dict[int, set[str]] = {}
        for row in awards:
            at = column.get(int(self.catalogue.owners[row]))
            if at is not None:
                code = f"{int(codes[row]):08d}" if codes[row] else ""
                found.setdefault(at, set()).update(
                    trades_asked(self.catalogue.text(int(row)), (code,) if code else ())
                )
        return list(found.items())

    @cached_property
    def vague(self) -> Mask:
        """Structures of unknown trade."""
        if self.judged is not None and len(self):
            return np.asarray(self.judged.silent())
        known = [self._known[name] for name in self.trades if name not in VAGUE]
        return np.asarray(~np.logical_or.reduce(known))

    # --------------------------------------------------------------------------------------------- reach

    def kilometres(self, place: Place) -> NDArray[np.float64]:
        """Kilometres from each structure to a place; NaN where either is not located."""
        return self._reach(place).kilometres

    def _reach(self, place: Place) -> Reach:
        return to_places(self.catalogue, (place,), self.rows)

    def reach(self, place: Place, *, whole: bool = False) -> Mask:
        """Who comes to a place: by its declared zone, else within `reach_km`; `whole` asks for a department.

        In a whole department all who stand there come, unless their zone excludes it.
        """
        reach = self._reach(place)
        here = np.asarray(self.departments == (place.department or "?")) & (reach.zone == 0)
        return np.asarray(reach.comes(self.reach_km) | (here & whole))

    # ------------------------------------------------------------------------------------------- the law

    def eligible(self, reservation: Reservation | None) -> Mask:
        """Who may answer, those of unknown eligibility included; everybody where nothing is reserved."""
        if reservation is None:
            return np.ones(len(self), dtype=bool)
        return self.admitted(reservation.opened_by, unsure=True)

    def admitted(self, articles: Sequence[str], *, unsure: bool = False) -> Mask:
        """Who may answer under one of these articles."""
        found = {
            (kind, labels): law.eligible(kind, tuple(articles), self.on, labels)
            for kind, labels in {(s.kind, s.labels) for s in self.structures}
        }
        values = [found[s.kind, s.labels] for s in self.structures]
        return np.array([value is True or (unsure and value is None) for value in values], dtype=bool)

    # ------------------------------------------------------------------------------------------ standing

    @cached_property
    def _denied(self) -> dict[str, set[str]]:
        if self.store is None:
            return {}
        from sqlalchemy import select

        from matcher.records.tables import DeniedSkill

        denied: dict[str, set[str]] = {}
        with self.store.reading() as connection:
            for siret, skill in connection.execute(select(DeniedSkill.siret, DeniedSkill.skill)):
                denied.setdefault(siret, set()).add(skill)
        return denied

    @cached_property
    def standings(self) -> Mapping[str, Standing]:
        """SIRET -> what the store knows; empty without a store."""
        return standings(self.store, self.on) if self.store is not None else {}

    def count(self, levels: Levels | Mask) -> Worth:
        """The bidders of levels, or of a mask of whom to call, and what that count is worth."""
        mask = levels.astype(bool) if levels.dtype == bool else likely(np.asarray(levels, dtype=np.int64))
        at = np.flatnonzero(mask)
        known = [(int(self.bidders[i]), self.standings.get(self.structures[i].siret)) for i in at]
        since = self.on - timedelta(days=365)
        kinds: Counter[str] = Counter()
        seen: set[int] = set()
        for i in at:
            if (bidder := int(self.bidders[i])) not in seen:
                seen.add(bidder)
                kinds[str(self.kinds[i])] += 1
        return Worth(
            possible=len(seen),
            to_check=len(set(self.bidders[levels >= PLAUSIBLE].tolist()) - seen) if mask is not levels else 0,
            verified=len(set(self.bidders[mask & self.verified].tolist())),
            answered=len({b for b, s in known if s and s.answered and s.answered >= since}),
            asked=len({b for b, s in known if s and s.lots}),
            lots_asked=sum(s.lots for _, s in known if s),
            hours_asked=sum(s.hours for _, s in known if s),
            kinds=dict(kinds),
        )

    def bidders_of(self, mask: Mask) -> int:
        """How many bidders a mask holds."""
        return len(np.unique(self.bidders[mask]))

    def source(self) -> str:
        """Where the structures come from and of when, in French: it accompanies every figure."""
        names = Counter(source_name(s.source) or "source non précisée" for s in self.structures)
        days = [s.updated or s.checked for s in self.structures]
        latest = max((day for day in days if day), default=None)
        shown = ", ".join(f"{name} ({grouped(n)})" for name, n in names.most_common(4))
        state = f", dernière mise à jour le {latest:%d/%m/%Y}" if latest else ", date des fiches non précisée"
        built = str(self.catalogue.manifest["built"])
        closed = f" ; {self.closed} fermée{_s(self.closed)} écartée{_s(self.closed)}" if self.closed else ""
        return (
            f"{grouped(len(self))} structures : {shown}{state} ; catalogue {self.catalogue.manifest['data']} "
            f"construit le {built[8:10]}/{built[5:7]}/{built[:4]}{closed}"
        )


def proposed(catalogue: Catalogue) -> NDArray[np.int64]:
    """The rows of the structures of a known kind that are not known to be closed."""
    kinds, active = catalogue.of_structure("kind"), catalogue.of_structure("active")
    return np.flatnonzero((kinds != "") & (active != 0))


def trades_asked(text: str, cpv: Sequence[str] = ()) -> tuple[str, ...]:
    """The trades that a title asks for, else those of its CPV codes; vague ones give way to a trade named."""
    found = tuple(trades_.named(text)) or tuple(trades_.trades_of_cpv(cpv))
    clear = tuple(name for name in found if name not in VAGUE)
    if found and not clear:  # "insertion": the CPV code may say the work
        clear = tuple(name for name in trades_.trades_of_cpv(cpv) if name not in VAGUE)
    return clear or found


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The trades that a purchase asks for, else the family of purchases that it is of; and what they were read from."""

    trades: tuple[str, ...] = ()
    family: str = ""  # French, where no trade of the table is asked for
    way: str = ""  # "intitulé ou code", "famille CPV", "modèle CPV", "" unknown


def asked_of(purchases: Sequence[tuple[str, Sequence[str]]], *, guess: bool = True) -> list[Asked]:
    """What each purchase (title, CPV codes) asks for: by its words, its codes, its family, else by the CPV model.

    The model reads the title alone, where the code is missing or says works of no trade; it is believed from a
    calibrated probability of `SURE`, and never against the division of a code that is stated.
    """
    found: list[Asked] = []
    unsure: list[int] = []
    for title, codes in purchases:
        trades = trades_asked(title, codes)
        family = assumptions.family(codes) if not trades else None
        if trades:
            found.append(Asked(trades=trades, way="intitulé ou code"))
        elif family is not None and family.trade:
            found.append(Asked(trades=(family.trade,), way="famille CPV"))
        else:
            found.append(Asked(family=family.label if family else "", way="famille CPV" if family else ""))
            if family is None or family.prefix in VAGUE_CODES:
                unsure.append(len(found) - 1)
    if guess and unsure:
        for at, code in zip(unsure, _guessed([purchases[i][0] for i in unsure]), strict=True):
            stated = purchases[at][1]
            if not code or (stated and stated[0][:2] != code[:2]):
                continue
            trades = tuple(trades_.trades_of_cpv((code,)))
            family = assumptions.family((code,))
            if trades or (family is not None and family.trade):
                named = trades or (family.trade,) if family is not None else trades
                found[at] = Asked(trades=named, way="modèle CPV")
            elif family is not None and not found[at].family:
                found[at] = Asked(family=family.label, way="modèle CPV")
    return found


#: A prefix that names no trade though one is asked for: the title may name it.
VAGUE_CODES = frozenset({"45", "451", "452", "4521", "453", "454", "50", "79", "799"})
SURE = 0.5


def _guessed(titles: Sequence[str]) -> list[str]:
    """The likeliest CPV class of each title, "" below SURE or where no model stands; many at once."""
    from matcher.domain import MatcherError
    from matcher.learned import cpv

    try:
        model = cpv.shipped()
    except MatcherError:
        return [""] * len(titles)
    found = model.likeliest(titles, 1, "class")
    return [row[0][0] if row and row[0][1] >= SURE else "" for row in found]


def trades_of_lot(lot: Lot) -> tuple[str, ...]:
    """The trades of a lot: its needs where it asks for several, else its title's or its CPV's."""
    split = tuple(need.trade for need in needs.split(lot))
    return split or trades_asked(lot.title, lot.cpv) or trades_asked(lot.description)


def placed(lot: Lot, tender: Tender) -> Place:
    """Where a lot is carried out; the centre of its department where only that is known."""
    place = toponyms.of_lot(lot, tender)[0][0]
    if place.latitude is None and place.department and (centre := places.department(place.department)):
        return replace(place, latitude=centre.latitude, longitude=centre.longitude, inferred=True)
    return place


def standings(store: Store, on: date) -> dict[str, Standing]:
    """What the store knows of each structure within the year before `on`: answers, lots asked, hours asked."""
    from sqlalchemy import select

    from matcher.records.tables import Announcement, Feedback, Notice, SourcingEvent

    since = on - timedelta(days=365)
    answered: dict[str, date] = {}
    asked: dict[str, set[tuple[str, str]]] = {}
    with store.reading() as connection:
        for siret, notice, lot, verb, at in connection.execute(
            select(Feedback.siret, Feedback.notice_id, Feedback.lot_id, Feedback.verb, Feedback.at)
        ):
            if not since <= at.date() <= on:
                continue
            if verb == "contacted":
                asked.setdefault(siret, set()).add((notice, lot))
            else:
                answered[siret] = max(answered.get(siret, at.date()), at.date())
        for siret, record, kind, at in connection.execute(
            select(SourcingEvent.siret, SourcingEvent.record_id, SourcingEvent.kind, SourcingEvent.at)
        ):
            if not siret or not since <= at.date() <= on:
                continue
            if kind == "contacted":
                asked.setdefault(siret, set()).add((record, ""))
            elif kind == "answered":
                answered[siret] = max(answered.get(siret, at.date()), at.date())
        for addressee, notice, lot, at in connection.execute(
            select(Announcement.addressee, Announcement.notice_id, Announcement.lot_id, Announcement.at)
        ):
            if since <= at.date() <= on:
                asked.setdefault(addressee, set()).add((notice, lot))
        hours: dict[tuple[str, str], float] = {}
        wanted = {notice for lots in asked.values() for notice, _ in lots}
        for identity, tender in connection.execute(select(Notice.id, Notice.tender)):
            if identity in wanted:
                for lot in tender.get("lots") or ():
                    carried = sum(float(clause.get("hours") or 0) for clause in lot.get("clauses") or ())
                    hours[identity, str(lot.get("id"))] = carried
    return {
        siret: Standing(
            answered=answered.get(siret),
            lots=len(asked.get(siret, ())),
            hours=sum(hours.get(lot, 0.0) for lot in asked.get(siret, ())),
        )
        for siret in answered.keys() | asked.keys()
    }
