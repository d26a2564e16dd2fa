"""Which candidates to propose for a lot: admissible by law and register, and their level by the judgement."""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.domain import CallsFor
from matcher.matching import demand, evidence, judgement, within_reach
from matcher.matching.ranking import LIKELY, PLAUSIBLE, UNLIKELY, Ranking
from matcher.matching.shortlist import Query, Shortlist, heads
from matcher.reference import law

EVEN = 0.5  # confidence in its trade from which a plausible structure is proposed, and not only asked
#: Place columns of a hypothetical candidate located at the place of work.
ON_THE_SPOT = {"same_department": 1.0, "kilometres": 5.0, "beyond": -1.0, "zone": 0.0}


def eligible(shortlist: Shortlist, i: int) -> bool | None:
    """May candidate i answer the lot under its reservation; None if unknown."""
    value = shortlist.columns.get("reservation")
    if shortlist.query.lot.reservation is None or value is None:
        return True if value is not None else None
    return None if np.isnan(value[i]) else bool(value[i] > 0)


def admitted(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Candidates that the law does not exclude from the lot, and that are not known to be closed; (n,)."""
    may = shortlist.columns.get("reservation")
    running = ~evidence.closed(shortlist)
    return running if may is None else np.asarray(running & ~(may == 0))


def proposable(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Candidates that may be proposed, see `within_reach.proposable`; (n,)."""
    return np.asarray(within_reach.proposable(shortlist.catalogue)[shortlist.candidates])


def judged_levels(shortlist: Shortlist, levels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The levels of candidates that may be proposed, UNLIKELY for the others; (n,).

    With a radius filter, structures of the trade within it are at least PLAUSIBLE, however far they usually travel.
    """
    # a declared zone that excludes the lot is a refusal, whatever the distance
    may = admitted(shortlist) & proposable(shortlist) & ~evidence.refused(shortlist)
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


def asked_at_most(shortlist: Shortlist) -> NDArray[np.bool_]:
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


def nobody(ranking: Ranking) -> bool:
    """True when no candidate is credible: no admissible one is at least plausible."""
    return not bool((ranking.levels >= PLAUSIBLE).any())


def bidders_of(shortlist: Shortlist, mask: NDArray[np.bool_]) -> NDArray[Any]:
    """The distinct bidders in a mask over candidates."""
    found = shortlist.catalogue.of_structure("bidder")[shortlist.candidates[mask]]
    return np.asarray(found[heads(found)])  # the establishments of one bidder are adjacent


def count(ranking: Ranking, level: int) -> int:
    """Number of bidders at a level, each counted once, by its best establishment."""
    if not len(ranking.levels):
        return 0
    return int((np.maximum.reduceat(ranking.levels, ranking.shortlist.bidders) == level).sum())
