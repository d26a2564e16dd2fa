"""Which candidates to propose for a lot: admissible by law and register, and their level by the judgement."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.domain import CallsFor, Filters, Structure
from matcher.matching import demand, evidence, judgement, reach, search
from matcher.matching.ranking import LIKELY, PLAUSIBLE, UNLIKELY, Ranking
from matcher.matching.shortlist import Memo, Query, Shortlist, heads
from matcher.matching.signals import reservation
from matcher.reference import law
from matcher.reference.arrays import I64, Array, Mask

EVEN = 0.5  # confidence in its trade from which a plausible structure is proposed, and not only asked
#: Place columns of a hypothetical candidate located at the place of work.
ON_THE_SPOT = {"same_department": 1.0, "kilometres": 5.0, "beyond": -1.0, "zone": 0.0}


def eligible(shortlist: Shortlist, i: int) -> bool | None:
    """May candidate i answer the lot under its reservation; None if unknown."""
    value = shortlist.columns.get("reservation")
    if shortlist.query.lot.reservation is None or value is None:
        return True if value is not None else None
    return None if np.isnan(value[i]) else bool(value[i] > 0)


def admitted(shortlist: Shortlist) -> Mask:
    """Candidates that the law does not exclude from the lot, and that are not known to be closed; (n,)."""
    may = shortlist.columns.get("reservation")
    running = ~evidence.closed(shortlist)
    return running if may is None else np.asarray(running & ~(may == 0))


def judged_levels(shortlist: Shortlist, levels: I64) -> I64:
    """The levels of candidates that may be proposed, UNLIKELY for the others; (n,).

    With a radius filter, structures of the trade within it are at least PLAUSIBLE, however far they usually travel.
    """
    # a declared zone that excludes the lot is a refusal, whatever the distance
    listed = reach.proposable(shortlist.catalogue)[shortlist.candidates]
    may = admitted(shortlist) & listed & ~evidence.refused(shortlist)
    if shortlist.query.filters.radius_km is not None and len(shortlist):
        near = judgement.shipped().levels_with(shortlist, ON_THE_SPOT)
        levels = np.where(near == LIKELY, np.maximum(levels, PLAUSIBLE), levels)
    # where the text states no need, nobody is proposed
    levels = np.where(may & shortlist.query.asked.stated, levels, UNLIKELY)
    # of whose trade nothing is known is to be asked (`unknown.to_ask`); whether others are known tells nothing of it
    return np.where(evidence.supported(shortlist), levels, UNLIKELY)


def calls_for(ranking: Ranking) -> CallsFor:
    """What a judged lot calls for, where it is not a service that structures provide."""
    return _calls_for(ranking.shortlist.query) if ranking.judged else ""


def _calls_for(query: Query) -> CallsFor:
    if not query.asked.stated:
        return "unclear"
    asked = query.demand.columns
    never = 1.0 - asked["served"] - asked["clause"]
    if asked["staff"] > demand.SHARE:
        return "staff"
    if asked["served"] >= max(asked["clause"], never):
        return ""
    return "clause" if asked["clause"] >= never else "beyond"


def asked_at_most(shortlist: Shortlist) -> Mask:
    """Candidates that are at most PLAUSIBLE, however likely their trade; (n,).

    Régies out of their quarter; of a lot that is not reserved, everybody where it hands over a service with its risk or is one
    that structures rarely take, and those that lend no staff where firms take it, it is larger than one structure carries, and no
    clause obliges whoever takes it.
    """
    query, elsewhere = shortlist.query, evidence.out_of_quarter(shortlist)
    if query.lot.reserved:
        return elsewhere
    whose = _calls_for(query)
    if whose == "beyond" or law.is_concession(query.tender):
        return np.ones(len(shortlist), dtype=bool)
    if whose == "clause" and query.asked.carried != "alone" and query.lot.owed_condition is None:
        return elsewhere | (evidence.of(shortlist, "kind") > evidence.LENDS)
    return elsewhere


def at_most(ranking: Ranking) -> str:
    """What the only candidate, at most plausible, can verify before it answers, in French; "" where the lot is not at its scale."""
    query = ranking.shortlist.query
    why = {
        "le lieu d'exécution est inconnu": not query.located,
        "le lot est hors du quartier de votre régie": evidence.out_of_quarter(ranking.shortlist)[0],
        "concession : le titulaire exploite le service à ses risques": law.is_concession(query.tender),
        "seul ce que vous déclarez dit ce métier": not asked_at_most(ranking.shortlist)[0],
    }
    return next((words for words, holds in why.items() if holds), "")


def established(ranking: Ranking, i: int) -> bool:
    """Is candidate i more likely than not of the trade asked, by what is known of it alone?"""
    return not ranking.judged or bool(evidence.of(ranking.shortlist, "sure")[i] >= EVEN)


def tie_break(shortlist: Shortlist) -> NDArray[np.int16]:
    """Sort key among equal scores: kinds that lend staff first where staff is required, else last; then drawn for each lot; (n,).

    The draw hashes the bidder with the words of the lot, so that equals do not stand in the order of their identifiers.
    """
    lending = evidence.of(shortlist, "kind") <= evidence.LENDS
    staff = shortlist.query.demand.columns["staff"] > demand.SHARE
    bidder = shortlist.catalogue.of_structure("bidder")[shortlist.candidates].astype(np.uint64)
    seed = np.uint64(zlib.crc32(shortlist.query.words.encode()))
    drawn = ((bidder * np.uint64(0x9E3779B97F4A7C15) ^ seed) * np.uint64(0xBF58476D1CE4E5B9)) >> np.uint64(50)
    return np.asarray(drawn.astype(np.int16) + np.int16(1 << 14) * (lending != staff), dtype=np.int16)


def bidders_of(shortlist: Shortlist, mask: Mask) -> Array:
    """The distinct bidders in a mask over candidates."""
    found = shortlist.catalogue.of_structure("bidder")[shortlist.candidates[mask]]
    return np.asarray(found[heads(found)])  # the establishments of one bidder are adjacent


def count(ranking: Ranking, level: int) -> int:
    """Number of bidders at a level, each counted once, by its best establishment."""
    if not len(ranking.levels):
        return 0
    return int((np.maximum.reduceat(ranking.levels, ranking.shortlist.bidders) == level).sum())


#: Share of a kind, or prior chance by kind, code and name, from which a silent structure is worth a question.
OFTEN = 0.05
HINTED = 0.5  # what a code or a name tells of the trade, from which its structure is worth a question where nobody is shown
NAMED = 20  # structures that are named at least, of those counted


def to_ask(ranking: Ranking, most: int = NAMED) -> tuple[int, tuple[Structure, ...]]:
    """How many bidders are to be asked, and the first of them: those of the likeliest kinds, the nearest first.

    None where structures do not answer such lots, or where the lot has no place.
    """
    rows, catalogue = asking(ranking), ranking.shortlist.catalogue
    return len(rows), tuple(catalogue.structure(int(row)) for row in rows[:most])


def asking(ranking: Ranking) -> I64:
    """The structure rows of those to be asked, see `to_ask`."""
    if not _served(ranking) or not len(near := _near(ranking)):
        return np.zeros(0, dtype=np.int64)
    often = np.fmax(evidence.of(near, "kind_rate"), evidence.of(near, "prior_trade"))
    asked = (evidence.of(near, "silent") > 0) & (often >= OFTEN)
    if (
        not asked.any() and not (ranking.levels >= PLAUSIBLE).any()
    ):  # else nobody: whose code or name has the trade
        hinted = np.fmax(evidence.of(near, "code_trade"), evidence.of(near, "name_trade"))
        asked, often = hinted >= HINTED, hinted
    asked &= ~(reservation.measure(near) == 0)
    order = np.flatnonzero(asked)
    order = order[np.lexsort((reach.of(near).kilometres[order], -np.round(often[order], 2)))]
    bidders = near.catalogue.of_structure("bidder")[near.candidates[order]]
    _, first = np.unique(bidders, return_index=True)
    return np.asarray(near.candidates[order[np.sort(first)]])


def probable(ranking: Ranking, chance: float = 0.1) -> I64:
    """The structure rows of those who come to the lot and have its trade with this chance at least, by what they say or are."""
    if not _served(ranking):
        return np.zeros(0, dtype=np.int64)
    near = _near(ranking, shown=True)
    told = [evidence.of(near, name) for name in ("sure", "kind_rate", "prior_trade")]
    return np.asarray(near.candidates[np.fmax.reduce(told) >= chance])


def _served(ranking: Ranking) -> bool:
    """Do structures answer such a lot, and is its place known?"""
    located = ranking.shortlist.query.located
    return ranking.judged and located and not calls_for(ranking)


def _near(ranking: Ranking, shown: bool = False) -> Shortlist:
    """Candidates who may be proposed and come to the lot, with those whose bidders are `shown` already or without."""
    everyone = ranking.everyone
    reached = reach.of(everyone)
    kept = reached.comes(everyone.query.demand.usual_km)
    if reach.only_vague(
        everyone.query.places
    ):  # somewhere in a department: whoever is in it is in reach of a part
        kept = kept | ((evidence.of(everyone, "same_department") > 0) & ~reached.refused)
    kept = kept & reach.proposable(everyone.catalogue)[everyone.candidates]
    if not shown:
        bidders = everyone.catalogue.of_structure("bidder")[everyone.candidates]
        listed = bidders_of(ranking.shortlist, ranking.levels >= PLAUSIBLE)
        kept = kept & ~np.isin(bidders, listed)
    return search.narrowed(everyone, kept)


STEPS_KM = (20.0, 50.0)  # kilometres added to the requested radius
#: Tried where no structure of the trade travels to the lot; nobody is called from farther.
FARTHER_KM = (50.0, 100.0, 150.0)
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
    if not ranking.judged or calls_for(ranking) == "unclear":
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
        kilometres = reach.of(far.shortlist).kilometres
        counts = ((km, len(np.unique(bidders[further & (kilometres <= km)]))) for km in steps)
        return next((each for each in counts if each[1]), (steps[-1], 0))

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
        served = len(shown) < FEW and calls_for(ranking) in ("", "staff")
        if filters.radius_km is None and served and reach.has_point(query):
            km, count = nearest(FARTHER_KM)
            yield f"dans un rayon de {km:.0f} km, au-delà des distances ordinaires de ce métier", count

    return tuple(
        f"{how} : {count} structure{'s' if count > 1 else ''} de plus" for how, count in found() if count
    )
