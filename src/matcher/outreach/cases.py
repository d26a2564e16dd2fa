"""Procedures, and what is new about each."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from matcher import codec
from matcher.domain import ANSWERABLE, Lot, Tender
from matcher.outreach.changes import Change
from matcher.reading.procedure import closing, effective, open_at
from matcher.records.tables import Found, Notice

#: In a tender's `flags`: its buyer wants its unpublished need announced, wave by wave.
WAVES = "waves"
CHUNK = 200  # notices of one query
#: The level of a stored match: "likely", "clause" or "plausible".
LEVEL = func.coalesce(Found.detail["level"].as_string(), "likely")


@dataclass(frozen=True, slots=True)
class Case:
    """A procedure as it stands: all its ids, its notice as corrected, its cancelled lots, what changed, who owns it."""

    ids: tuple[str, ...]
    tender: Tender
    cancelled: frozenset[str]
    changes: Sequence[Change]
    owner: str

    @property
    def over(self) -> bool:
        """Is no lot left to answer?"""
        return all(lot.id in self.cancelled for lot in self.tender.lots)

    def lot(self, lot_id: str) -> Lot | None:
        return next((lot for lot in self.tender.lots if lot.id == lot_id), None)


def cases(connection: Connection, at: datetime) -> dict[str, Case]:
    """The procedures that can still be answered at `at`, and those cancelled before their time, by first id."""
    light = select(Notice.id, Notice.twin, Notice.deadline, Notice.published, Notice.changes, Notice.owner)
    members: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(light):
        members[row.twin or row.id].append(row)
    open_ones: dict[str, Any] = {}
    for id, rows in members.items():
        last = max((row.deadline for row in rows if row.deadline), default=None)
        first = next((row for row in rows if row.id == id), None)
        if first is not None and open_at(last, first.published, at):
            open_ones[id] = first
    loaded = notices(connection, [row.id for id in open_ones for row in members[id]])
    found: dict[str, Case] = {}
    for id, first in open_ones.items():
        ids = [row.id for row in members[id]]
        tender, cancelled = effective(loaded[id], [loaded[other] for other in ids if other != id])
        if tender.nature in ANSWERABLE and open_at(closing(tender), tender.published, at):
            found[id] = Case(tuple(ids), tender, cancelled, first.changes, first.owner)
    return found


def notices(connection: Connection, ids: Sequence[str]) -> dict[str, Tender]:
    """The stored notices of these ids."""
    found: dict[str, Tender] = {}
    for low in range(0, len(ids), CHUNK):
        chosen = select(Notice.id, Notice.tender).where(Notice.id.in_(ids[low : low + CHUNK]))
        found.update((row.id, codec.from_json(Tender, row.tender)) for row in connection.execute(chosen))
    return found
