"""Candidates of a lot: its query, and who may come to its place, or what every index returns."""

from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import numpy as np

from matcher.catalogue import denials
from matcher.catalogue.build import spread
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.filters import allowed_mask
from matcher.domain import Asked, Filters, Lot, Tender
from matcher.learned import asks
from matcher.matching import demand, reach
from matcher.matching.shortlist import Query, Shortlist
from matcher.reference.arrays import F32, I64, Mask
from matcher.reference.text import coded, lot_part

#: Up to this many structures all are candidates; of more, so many of the nearest, or of the nearest without a declared zone.
COMPARED = 5_000
NEAREST = 500  # rows of each index


def query_of(
    catalogue: Catalogue,
    lot: Lot,
    tender: Tender,
    asked: Asked | None = None,
    *,
    text: str = "",
    vector: F32 | None = None,
    as_of: date | None = None,
    filters: Filters | None = None,
    incumbents: bool = False,
) -> Query:
    """The query of a lot, of which `asked` was read, now if not before; its text is encoded, unless it is given with its vector."""
    asked = asked or asks.of_lot(lot, tender)
    words = text or asked.text
    places = tuple(dict.fromkeys(each for place in asked.places for each in spread(place)))
    if vector is None:
        vector = catalogue.encoder.encode([words], role="query")[0]
    named = [part.words for part in asked.several]
    pieces = tuple(catalogue.encoder.encode(named, role="query")) if named else ()
    return Query(
        lot=lot,
        tender=tender,
        text=words,
        words=coded(words, asked.codes),
        vector=vector,
        asked=asked,
        demand=demand.of(asked, lot),
        places=places,
        cpv=asked.codes,
        as_of=as_of,
        filters=filters or Filters(),
        incumbents=incumbents,
        part=lot_part(lot.title),
        pieces=pieces,
    )


def shortlist_of(
    catalogue: Catalogue, query: Query, k: int = NEAREST, *, exhaustive: bool = False, coming: bool = False
) -> Shortlist:
    """Candidates of a lot: every allowed structure up to COMPARED, else those who may come, the nearest and k rows of each index.

    With `coming`, of more structures only those that may come to its place.  `exhaustive` compares all of them, however many.
    Filters are applied before the search, so they never cost recall.
    """
    allowed = allowed_mask(catalogue, query.filters, query.places)
    if exhaustive or (len(catalogue) if allowed is None else np.count_nonzero(allowed)) <= COMPARED:
        candidates = np.arange(len(catalogue)) if allowed is None else np.flatnonzero(allowed)
    else:
        candidates = _found(catalogue, query, k, allowed, coming)
    trades, denied = query.asked.trades, catalogue.denied.items()
    if deniers := [row for row, skills in denied if denials.refuses(skills, query.lot, trades)]:
        candidates = np.setdiff1d(candidates, deniers)
    return Shortlist(query=query, catalogue=catalogue, candidates=candidates)


def narrowed(shortlist: Shortlist, kept: Mask) -> Shortlist:
    """The shortlist of some of its candidates, mask (n,); columns of each candidate that are known are not computed again."""
    candidates, memo = shortlist.candidates[kept], shortlist.memo.narrowed(kept)
    return replace(shortlist, candidates=candidates, memo=memo, columns={})


def _found(catalogue: Catalogue, query: Query, k: int, allowed: Mask | None, coming: bool) -> I64:
    """Structures found by place, and where that may not be all by the indexes, in increasing order."""
    near = reach.coming(catalogue, query, COMPARED, allowed)
    if coming and not asks_indexes(catalogue, query):
        return near
    row_mask = None if allowed is None else allowed[catalogue.owners]

    def search(index: Any) -> I64:
        return np.asarray(index.search(query.words, query.vector, k, row_mask))

    rows = [
        query.memo.once(("nearest", k), partial(search, index))
        if row_mask is None and index.role == "meaning"
        else search(index)
        for index in catalogue.indexes.values()
    ]
    meaning = catalogue.index("meaning")
    if meaning is not None:  # a structure with one of several trades is seldom similar to the whole text
        rows += [meaning.search("", piece, k // 2, row_mask) for piece in query.pieces]
    chosen = np.zeros(len(catalogue), dtype=bool)
    chosen[catalogue.owners[np.concatenate(rows)]] = True
    if not coming:
        chosen[reach.nearest(catalogue, query.places, COMPARED, allowed)] = True
    elif reach.has_point(query):
        chosen &= reach.undeclared(catalogue, query)
    chosen[near] = True
    return np.flatnonzero(chosen)


def asks_indexes(catalogue: Catalogue, query: Query) -> bool:
    """May structures that the place of a lot does not find come to it: is no place known, or are many without a zone?"""
    return not reach.has_point(query) or int(np.count_nonzero(reach.undeclared(catalogue, query))) > COMPARED
