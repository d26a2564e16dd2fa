"""Missing parts of a structure's profile, and how many notices of the last year each would add."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from matcher.catalogue import denials
from matcher.domain import Lot, Structure
from matcher.learned import asks
from matcher.matching.reach import to_places
from matcher.matching.trades import inferred_trades
from matcher.reference import places, trades
from service.snapshot import Snapshot

ADJACENT = 0.25  # minimum cosine between a trade and the structure's activities to ask about the trade
TRADES = 4  # trades asked of a structure at once
REACH_KM = 50.0  # where nothing is known of how far a structure goes
YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Gap:
    """A missing part ("offer", "contact", "zone", "size"), or a trade to ask about ("trade"), and the notices it would add."""

    code: str
    notices: int = 0
    lots: tuple[tuple[str, str], ...] = ()  # (notice, title of the lot)
    trade: str = ""
    label: str = ""  # of the trade


class _Asked(NamedTuple):  # a lot of the last year with the trades that its title names
    notice: str
    lot: Lot
    trades: frozenset[str]


def gaps(structure: Structure, snapshot: Snapshot) -> list[Gap]:
    """Missing facts, then possible trades, with the notices of the last year that each would add."""
    stated = {name for name, sure in trades.skills(structure).items() if sure >= 1}
    refused = denials.trades(structure.denied)
    plausible = (stated | set(likely(structure, snapshot))) - refused
    near = [asked for asked in _last_year(snapshot) if reaches(structure, asked.lot, snapshot)]
    facts = _facts(structure, snapshot, near, plausible)
    return [*facts, *_trades(structure, snapshot, near, stated | refused)]


def likely(structure: Structure, snapshot: Snapshot) -> dict[str, float]:
    """Trade -> chance that such a structure does it, as inferred; none for a firm without a kind."""
    if not structure.kind:
        return {}
    names = {trade.label: trade.name for trade in trades.trades()}
    row = snapshot.catalogue.row(structure.siret)
    return {names[label]: chance for label, chance in inferred_trades(snapshot.catalogue, row)}


def reaches(structure: Structure, lot: Lot, snapshot: Snapshot) -> bool:
    """Does a lot lie in its declared zone, or near it without one; True where the lot has no place."""
    row = np.array([snapshot.catalogue.row(structure.siret)])
    return not lot.places or bool(to_places(snapshot.catalogue, lot.places, row).comes(REACH_KM)[0])


def _facts(
    structure: Structure, snapshot: Snapshot, near: list[_Asked], plausible: set[str]
) -> Iterator[Gap]:
    found = _notices(near, plausible)
    if not any(o.nature == "offer" and not o.inferred for o in structure.offers):
        yield Gap("offer", found)
    if not structure.phone and not structure.email:
        yield Gap("contact", found)
    if structure.zone is None and not any(o.zone for o in structure.offers):
        home = structure.place.department
        around = {home, *places.neighbours(home)} if home else set()
        further = (asked for asked in _last_year(snapshot) if asked not in near)
        beyond = [a for a in further if {p.department for p in a.lot.places} & around]
        yield Gap("zone", _notices(beyond, plausible))
    if structure.turnover is None and structure.headcount is None:
        yield Gap("size", found)


def _notices(asked: list[_Asked], wanted: Collection[str]) -> int:
    return len({one.notice for one in asked if one.trades & set(wanted)})


def _trades(structure: Structure, snapshot: Snapshot, near: list[_Asked], known: set[str]) -> Iterator[Gap]:
    labels = {t.name: t.label for t in trades.trades()}
    wanted: dict[str, list[_Asked]] = {}
    for asked in near:
        for trade in asked.trades - set(known):
            wanted.setdefault(trade, []).append(asked)
    chances = likely(structure, snapshot)
    close = _similarity(structure, snapshot, {trade: labels[trade] for trade in wanted})
    worth = {trade: max(close[trade], chances.get(trade, 0.0)) for trade in wanted}
    ranked = sorted((-worth[t] * len(asked) ** 0.5, t) for t, asked in wanted.items() if worth[t] >= ADJACENT)
    for _, trade in ranked[:TRADES]:
        count = _notices(wanted[trade], [trade])
        examples = tuple({one.lot.title: (one.notice, one.lot.title) for one in wanted[trade]}.values())[:3]
        yield Gap("trade", count, examples, trade, labels[trade])


def _similarity(structure: Structure, snapshot: Snapshot, labels: Mapping[str, str]) -> dict[str, float]:
    """Cosine of each trade with the nearest text that the structure declared; 0 without any."""
    catalogue = snapshot.catalogue
    row = catalogue.row(structure.siret)
    rows = np.arange(catalogue.offsets[row], catalogue.offsets[row + 1])
    own = rows[catalogue.nature_mask(("offer", "description", "job"))[rows]]
    if not len(own) or not labels:
        return dict.fromkeys(labels, 0.0)
    pieces = np.asarray(catalogue.vectors[own], dtype=np.float32)
    asked: Any = catalogue.encoder.encode(list(labels.values()), role="query")
    return dict(zip(labels, (asked @ pieces.T).max(axis=1).tolist(), strict=True))


def _last_year(snapshot: Snapshot) -> list[_Asked]:
    """The lots of the notices of the last year that one could answer; one without a day counts."""
    since = datetime.now(UTC).date() - YEAR

    def asked() -> list[_Asked]:
        return [
            _Asked(tender.id, lot, frozenset(read.trades))
            for tender in snapshot.answerable()
            if tender.published is None or tender.published >= since
            for lot, read in zip(tender.lots, asks.read(tender), strict=True)
        ]

    return snapshot.once("asked last year", asked)
