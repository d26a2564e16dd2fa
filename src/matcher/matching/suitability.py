"""What is said of a lot as a whole: is anybody suitable, what would a wider search bring, who carries the hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matcher.learned import vocation
from matcher.matching import distances, usual_reach
from matcher.matching.shortlist import Column, Shortlist
from matcher.reference import places


def eligible(shortlist: Shortlist, i: int) -> bool | None:
    """May candidate i answer the lot under its reservation; None where it cannot be told."""
    value = shortlist.columns.get("reservation")
    if shortlist.query.lot.reservation is None or value is None:
        return True if value is not None else None
    return None if np.isnan(value[i]) else bool(value[i] > 0)


if TYPE_CHECKING:
    from matcher.matching.ranking import Ranking

DECLARED = ("offer", "description", "job")
#: A declared piece this near to the lot (cosine), or to one of the trades it names, or one that holds this share of its
#: words, is of its trade.
FIT, WORDS = 0.38, 0.30
IN_REACH_KM = 50.0
USUAL = 1.5  # times the reach of the trade, within which a structure is shown without being asked for
STEPS_KM = (20.0, 50.0)


def fit(shortlist: Shortlist) -> NDArray[np.float64]:
    """1 where a candidate is known for the trade of the lot, 0 where it is known for others, NaN where nothing tells; (n,)."""

    def make() -> NDArray[np.float64]:
        declared = shortlist.known(*DECLARED, "award")
        meaning = shortlist.similarity.get("meaning")
        words = shortlist.similarity.get("words")
        blank = np.zeros(len(shortlist.rows))
        near = (blank if meaning is None else meaning) >= FIT
        for piece in shortlist.query.pieces if meaning is not None else ():
            near = near | (shortlist.catalogue.index("meaning").compare("", piece, shortlist.rows) >= FIT)
        said = (blank if words is None else words) >= WORDS
        hits = shortlist.count(declared & (near | said)) > 0
        told = shortlist.count(declared) > 0
        trade = shortlist.columns.get("trade")
        coded = np.zeros(len(shortlist), dtype=bool) if trade is None else ~np.isnan(trade)
        code = np.zeros(len(shortlist)) if trade is None else np.nan_to_num(trade)
        named = shortlist.columns.get("name_words")
        called = np.zeros(len(shortlist), dtype=bool) if named is None else np.nan_to_num(named) >= WORDS
        right = hits | called | (coded & (code >= 0.2))
        return np.where(right, 1.0, np.where(told | coded, 0.0, np.nan))

    result: NDArray[np.float64] = shortlist.once("fit", make)
    return result


def admitted(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Candidates that the law does not shut out of the lot, and that are not known to be closed; (n,)."""
    may = shortlist.columns.get("reservation")
    open_ = _open(shortlist)
    return open_ if may is None else np.asarray(open_ & ~(may == 0))


def _open(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Candidates not known to be closed; (n,)."""
    result: NDArray[np.bool_] = shortlist.once(
        "open", lambda: shortlist.catalogue.of_structure("active")[shortlist.candidates] != 0
    )
    return result


def within(shortlist: Shortlist, kilometres: float) -> NDArray[np.bool_]:
    """Candidates that serve the lot: so near, of its department, or by a declared zone; all where no place is known; (n,)."""
    distance = shortlist.once("roughly", lambda: _roughly(shortlist))
    departments = {p.department for p in shortlist.query.places if p.department}
    if not departments and np.isnan(distance).all():
        return np.ones(len(shortlist), dtype=bool)
    catalogue, rows = shortlist.catalogue, shortlist.candidates
    zones = distances.zones(shortlist)
    near = (distance <= kilometres) | catalogue.one_of("department", departments, rows)
    # a supplier without an address works where it has worked: it is not shut out for want of one
    nowhere = catalogue.one_of("department", ("",), rows)
    return np.asarray((near & (zones >= 0)) | (zones > 0) | nowhere)


def _roughly(shortlist: Shortlist) -> Column:
    """Kilometres to the lot, from the centre of its department for a candidate without coordinates; (n,)."""
    exact = distances.kilometres(shortlist)
    points = [(p.latitude, p.longitude) for p in shortlist.query.places if p.latitude is not None]
    if not points or not np.isnan(exact).any():
        return np.asarray(exact)
    lost = np.flatnonzero(np.isnan(exact))
    latitudes, longitudes = shortlist.catalogue.centres[shortlist.candidates[lost]].T
    kilometres = exact.copy()
    kilometres[lost] = np.fmin.reduce([places.distance_km(latitudes, longitudes, *point) for point in points])
    return np.asarray(kilometres)


def radius_km(shortlist: Shortlist) -> float:
    """Within so many kilometres such a lot is usually served: by its trade, and never less than a short drive."""
    return max(IN_REACH_KM, USUAL * usual_reach.reach_km(shortlist))


def served(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Candidates from which such a lot is usually served, or that declare to serve its place; (n,)."""
    result: NDArray[np.bool_] = shortlist.once("served", lambda: within(shortlist, radius_km(shortlist)))
    return result


def asked_for(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Candidates served from, and those further on within the radius that the reader asks for himself; (n,)."""
    wider = shortlist.query.filters.radius_km
    if wider is None or wider <= radius_km(shortlist):
        return served(shortlist)
    return np.asarray(served(shortlist) | within(shortlist, wider))


def nobody(ranking: Ranking) -> bool:
    """Is there, honestly, no structure for this lot?

    Nobody where no candidate may answer, or where the trade is one that structures do not offer and none of
    the candidates in reach is known for it by its own offers.
    """
    return bool(ranking.shortlist.once("nobody", lambda: _nobody(ranking)))


def _nobody(ranking: Ranking) -> bool:
    shortlist = ranking.shortlist
    able = admitted(shortlist)
    if not len(ranking.order) or not able.any():
        return True
    if ranking.regime == "supplier":
        return False
    query = shortlist.query
    if query.lot.reservation is not None or vocation.shipped().offered(query.text, query.part):
        return False
    return not bool((able & within(shortlist, IN_REACH_KM) & strong(shortlist)).any())


def strong(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Candidates whose declared offer says the very thing: near in meaning and in words; (n,)."""
    meaning, words = shortlist.similarity.get("meaning"), shortlist.similarity.get("words")
    if meaning is None or words is None:
        return np.zeros(len(shortlist), dtype=bool)
    return np.asarray(
        shortlist.count(shortlist.known("offer", "description") & (meaning >= 0.6) & (words >= 0.4)) > 0
    )


def of_the_trade(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Candidates that may answer and are not known for other trades only, wherever they stand; (n,).

    A firm known by past awards alone is a partner, not a structure to propose.
    """
    return np.asarray(admitted(shortlist) & ~(fit(shortlist) == 0.0) & ~_unlisted(shortlist))


def suitable(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Those of the trade from which such a lot is usually served: what is shown and told; (n,).

    Of whom nothing tells the trade, only those within a short drive.
    """

    def make() -> NDArray[np.bool_]:
        known = fit(shortlist) == 1.0
        near = np.where(known, asked_for(shortlist), within(shortlist, IN_REACH_KM))
        return np.asarray(of_the_trade(shortlist) & near)

    result: NDArray[np.bool_] = shortlist.once("suitable", make)
    return result


def _unlisted(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Candidates that stand in no directory: no kind, no town, no activity, only contracts won; (n,)."""
    unlisted = shortlist.catalogue.unlisted[shortlist.candidates]
    return np.asarray(unlisted & (shortlist.count(shortlist.known(*DECLARED)) == 0))


def relaxations(ranking: Ranking, wide: Ranking | None = None) -> tuple[str, ...]:
    """The nearest ways to find more, counted, in French; `wide` is the ranking of the lot without its filters.

    Counts are bidders, not establishments, known for the trade and able to answer.
    """
    shortlist = (wide or ranking).shortlist
    known = fit(shortlist) == 1.0
    asked = shortlist.query.filters.radius_km if wide is None else ranking.shortlist.query.filters.radius_km
    reach = asked if asked is not None else radius_km(shortlist)
    base = bidders(shortlist, known & admitted(shortlist) & within(shortlist, reach))
    said = []
    for step in STEPS_KM:
        more = bidders(shortlist, known & admitted(shortlist) & within(shortlist, reach + step)) - base
        if more > 0:
            said.append(
                f"à {reach + step:.0f} km au lieu de {reach:.0f} : {more} structure{'s' if more > 1 else ''} de plus"
            )
            break
    if shortlist.query.lot.reservation is not None:
        free = bidders(shortlist, known & within(shortlist, reach)) - base
        if free > 0:
            said.append(f"sans la réserve : {free} structure{'s' if free > 1 else ''} de plus")
    if wide is not None and len(wide.order) > len(ranking.order):
        held = bidders(ranking.shortlist, (fit(ranking.shortlist) == 1.0) & admitted(ranking.shortlist))
        free = base - held
        if free > 0:
            said.append(
                f"sans vos filtres : {free} structure{'s' if free > 1 else ''} de plus à moins de {reach:.0f} km"
            )
    return tuple(said)


def bidders(shortlist: Shortlist, mask: NDArray[np.bool_]) -> int:
    """How many different bidders (SIREN) stand in a mask over candidates."""
    return len(np.unique(shortlist.catalogue.of_structure("bidder")[shortlist.candidates[mask]]))
