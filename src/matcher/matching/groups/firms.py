"""Ordinary firms for a lot or a part that structures do not do: in reach, and of the trade by the contracts they won."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import days, department_number
from matcher.domain import Asked, Lot, Match, Offer, Reason, Structure, Tender
from matcher.learned import asks
from matcher.matching.by_clause import SUPPORT
from matcher.matching.ranking import LIKELY, Ranking
from matcher.matching.shortlist import Query
from matcher.reference.text import shorten

READ = 40  # contracts near a lot, the nearest in meaning, of which the trade is read
LEAST = 0.5  # similarity below which a contract is none of the kind
QUOTED = 70  # characters of a contract's title


def of_lot(
    matcher: Any, query: Query, n: int = 5, *, without: Collection[str] = (), ranking: Ranking | None = None
) -> tuple[Match, ...]:
    """Firms for a lot, at most n: those of a directory that are likely, then holders of such contracts near its place.

    None on a reserved lot, which they cannot win, nor where its place is unknown; `without` are SIRENs left out; `ranking` is
    that of the query, where it is known.
    """
    if query.lot.reservation is not None:
        return ()
    found: dict[str, Match] = {}
    for match in (*_listed(matcher, query, n, ranking), *_holders(matcher.catalogue, query, n)):
        firm = match.structure
        # a firm whose town nobody states cannot be told to be near, nor be found by who would call it
        if firm.name and firm.place.label and firm.siren not in without and firm.active is not False:
            found.setdefault(firm.siren, match)
    return tuple(found.values())[:n]


def _listed(matcher: Any, query: Query, n: int, ranking: Ranking | None) -> tuple[Match, ...]:
    kinds = matcher.catalogue.of_structure("kind")
    if not matcher.judges or bool((kinds[~matcher.catalogue.unlisted] != "").all()):
        return ()
    ranking = ranking or matcher.rank(query, whole=False, least=LIKELY)
    rows = ranking.shortlist.candidates
    order = [int(i) for i in ranking.order if ranking.levels[i] >= LIKELY and kinds[rows[i]] == ""]
    return tuple(matcher.explained(ranking, order[:n]))


def _holders(catalogue: Catalogue, query: Query, n: int) -> list[Match]:
    """Who won contracts of a trade of the lot in its departments, those with the contract nearest to it first.

    Who sold goods of a trade is nobody for its work, nor the other way.  Of several holders of a contract the first.  Who
    trained or supported some people trains no others: such contracts are of too many kinds.
    """
    near = {department_number(place.department) for place in query.places if place.department} - {-1}
    wanted, goods = query.asked.trades.keys() - SUPPORT, query.asked.nature == "supply"
    if not near or not wanted:
        return []
    won = catalogue.once(
        "won by firms",
        lambda: catalogue.nature_mask(("award",)) & (catalogue.of_structure("kind") == "")[catalogue.owners],
    )
    rows = np.flatnonzero(won & np.isin(catalogue.of_row("department"), list(near)))
    if query.as_of is not None:
        rows = rows[catalogue.of_row("since")[rows] < days(query.as_of)]
    likeness = catalogue.vectors.compare(query.vector, rows)
    order = np.argsort(-likeness, kind="stable")[:READ]
    order = order[likeness[order] >= LEAST]
    read = _read(catalogue, rows[order].tolist())
    found: dict[int, Match] = {}
    contracts: set[str] = set()
    for row, value, won in zip(rows[order].tolist(), likeness[order].tolist(), read, strict=True):
        if wanted & won.trades.keys() and (won.nature == "supply") == goods:
            owner, contract = int(catalogue.owners[row]), catalogue.offer(row)
            if contract.title not in contracts:
                contracts.add(contract.title)
                found.setdefault(owner, _match(query.lot, catalogue.structure(owner), contract, value))
    return list(found.values())[:n]


def _read(catalogue: Catalogue, rows: Sequence[int]) -> list[Asked]:
    """What these contracts asked for, by the one reader of lots; read once."""
    held: dict[int, Asked] = catalogue.once("contracts as read", dict)
    fresh = [row for row in rows if row not in held]
    if fresh:
        won = [catalogue.offer(row) for row in fresh]
        pairs = zip(fresh, won, strict=True)
        lots = tuple(Lot(id=str(row), title=one.title, cpv=one.cpv) for row, one in pairs)
        read = asks.read(Tender(id="contracts", format="decp", title="", lots=lots))
        held.update(zip(fresh, read, strict=True))
    return [held[row] for row in rows]


def _match(lot: Lot, firm: Structure, won: Offer, likeness: float) -> Match:
    return Match(
        lot=lot,
        structure=firm,
        offer=won,
        score=likeness,
        probability=likeness,
        rank=1,
        reasons=(Reason(code="holder", text=contract(won), contribution=likeness),),
    )


def contract(won: Offer) -> str:
    """A contract that a firm won, in French: what, where and when."""
    place = won.place
    where = (place.label or (f"département {place.department}" if place.department else "")) if place else ""
    told = ", ".join(filter(None, (where, f"{won.since:%Y}" if won.since else "")))
    return f"a eu « {shorten(won.title, QUOTED)} »" + (f" ({told})" if told else "")
