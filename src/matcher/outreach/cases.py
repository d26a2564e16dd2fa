"""Procedures, and what is new about each."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from matcher import codec
from matcher.domain import ANSWERABLE, Lot, Tender
from matcher.outreach.changes import Change, Standing
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
    listed = {rows[0].id: rows for rows in open_rows(connection, at)}
    ids = {first: tuple(row.id for row in rows) for first, rows in listed.items()}
    return {
        first: Case(ids[first], tender, cancelled, listed[first][0].changes, listed[first][0].owner)
        for first, (tender, cancelled) in standings(connection, ids).items()
        if tender.nature in ANSWERABLE and open_at(closing(tender), tender.published, at)
    }


def open_rows(connection: Connection, at: datetime) -> Iterator[list[Any]]:
    """The rows of each procedure that is not closed at `at`, without their notices; that of the first notice first."""
    columns = (Notice.id, Notice.twin, Notice.deadline, Notice.published, Notice.changes, Notice.owner)
    members: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(select(*columns, Notice.fingerprint, Notice.catalogue)):
        members[row.twin or row.id].append(row)
    for rows in members.values():
        rows.sort(key=lambda row: row.twin != "")
        last = max((row.deadline for row in rows if row.deadline), default=None)
        if not rows[0].twin and open_at(last, rows[0].published, at):
            yield rows


def standings(connection: Connection, members: Mapping[str, Collection[str]]) -> dict[str, Standing]:
    """How procedures stand, by the id of their first notice; `members` are the ids of all their notices."""
    stored = notices(connection, [id for ids in members.values() for id in ids])
    return {
        first: effective(stored[first], [stored[id] for id in ids if id in stored and id != first])
        for first, ids in members.items()
        if first in stored
    }


def notices(connection: Connection, ids: Sequence[str]) -> dict[str, Tender]:
    """The stored notices of these ids."""
    found: dict[str, Tender] = {}
    for low in range(0, len(ids), CHUNK):
        chosen = select(Notice.id, Notice.tender).where(Notice.id.in_(ids[low : low + CHUNK]))
        found.update((row.id, codec.from_json(Tender, row.tender)) for row in connection.execute(chosen))
    return found
