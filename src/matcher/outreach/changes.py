"""Procedures as they stand in the store, and what changed in each, field by field, between two publications.

What was read anew did not change.  A change is {"at", "lot", "field", "before", "after"}, kept with the first notice of the procedure: codes and values, of which
`sentences` makes a line that a person understands.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from matcher import codec
from matcher.domain import ANSWERABLE, Clause, Lot, Reservation, Tender
from matcher.matching.reasons import clause_in_words
from matcher.outreach.digest_formats import moment
from matcher.reading.procedure import closing, effective, open_at
from matcher.records.tables import Found, Notice
from matcher.reference.amounts import in_words
from matcher.reference.french import in_paris
from matcher.reference.text import fold, shorten

Change = Mapping[str, Any]
#: A procedure as it stands: its notice as corrected, and the ids of its lots that were cancelled.
Standing = tuple[Tender, frozenset[str]]

LABELS = {
    "title": "objet", "description": "description", "cpv": "codes CPV", "places": "lieu", "amount": "montant",
    "duration_months": "durée en mois", "renewals": "reconductions", "reservation": "réservation",
    "clauses": "conditions sociales", "conditions": "conditions pratiques",
}  # fmt: skip
#: What is compared where the two publications were read by two versions of the program: a date is read alike by all.
SURE = frozenset({"deadline", "cancelled", "change"})
#: In a tender's `flags`: its buyer wants its unpublished need announced, wave by wave.
WAVES = "waves"
CHUNK = 200  # notices of one query
#: The level of a stored match: "likely", "clause" or "plausible".
LEVEL = func.coalesce(Found.detail["level"].as_string(), "likely")


def lots_at(connection: Connection, level: str, *which: ColumnElement[bool]) -> dict[tuple[str, str], int]:
    """(notice, lot) -> how many stored matches of a level it has, of the notices which."""
    lot = (Found.notice_id, Found.lot_id)
    counts = select(*lot, func.count()).join(Notice, Notice.id == Found.notice_id).group_by(*lot)
    rows = connection.execute(counts.where(LEVEL.in_([level]), *which))
    return {(notice, number): count for notice, number, count in rows}


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


def between(
    before: Standing, after: Standing, at: datetime, *, only: frozenset[str] = frozenset()
) -> list[Change]:
    """The changes from one standing to the next; of the fields of `only`, where given."""
    old = {lot.id: lot for lot in before[0].lots}
    found = [_change(at, "", "change", before[0].change, after[0].change)]
    for lot in after[0].lots:
        if lot.id not in old:
            found.append(_change(at, lot.id, "lot", "", lot.title))
            continue
        first, now = _facts(before, old[lot.id]), _facts(after, lot)
        found += [_change(at, lot.id, name, first[name], now[name]) for name in now]
    return [one for one in found if one["before"] != one["after"] and (not only or one["field"] in only)]


def _change(at: datetime, lot: str, field: str, before: Any, after: Any) -> dict[str, Any]:
    return {"at": at.isoformat(), "lot": lot, "field": field, "before": before, "after": after}


def _facts(standing: Standing, lot: Lot) -> dict[str, Any]:
    """What a reader needs of a lot, by field, as JSON."""
    tender, cancelled = standing
    due = lot.deadline or tender.deadline
    plain = codec.to_json(lot)
    facts = {name: plain.get(name) for name in LABELS}
    facts["amount"] = in_words(lot) or ""
    return facts | {"deadline": in_paris(due).isoformat() if due else None, "cancelled": lot.id in cancelled}


def since(changes: Iterable[Change], lot_id: str, moment: datetime) -> list[Change]:
    """The net changes of a lot after a moment: what went and came back is none."""
    net: dict[str, Any] = {}
    for one in changes:
        if one["lot"] in ("", lot_id) and datetime.fromisoformat(one["at"]) > moment:
            net[one["field"]] = dict(one) | {"before": net.get(one["field"], one)["before"]}
    return [one for one in net.values() if one["before"] != one["after"]]


def stamp(changes: Sequence[Change]) -> str:
    """Sixteen digits that change when the source changes what a reader needs."""
    return hashlib.sha256(json.dumps(list(changes), separators=(",", ":")).encode()).hexdigest()[:16]


def sentences(changes: Iterable[Change]) -> Iterator[str]:
    """The changes in French, one a line, the deadline first."""
    for one in sorted(changes, key=lambda one: (one["field"] != "deadline", one["field"] != "change")):
        before, after = one["before"], one["after"]
        if one["field"] == "deadline":
            yield f"date limite : {moment(after) or 'retirée'} (avant : {moment(before) or 'non précisée'})"
        elif one["field"] == "change":
            yield shorten(str(after).removeprefix(str(before)).strip(" ;"), 300)
        elif one["field"] in ("title", "description"):
            # the first sentences that it did not hold before; all of it where only words went
            parts = (part for part in re.split(r"(?<=[.;!?])\s+|\n+", after) if part.strip())
            known = fold(before)
            fresh = " ".join(part for part in parts if fold(part).strip(" .;!?") not in known)
            yield f"{LABELS[one['field']]} : « {shorten(fresh or after, 160)} »"
        elif one["field"] in LABELS:
            yield f"{LABELS[one['field']]} : {_said(one['field'], after) or 'non précisé'} (avant : {_said(one['field'], before) or 'non précisé'})"


def _said(field: str, value: Any) -> str:
    """A value of a field in French; "" where there is none."""
    if not value:
        return ""
    if field == "reservation":
        return codec.from_json(Reservation, value).stated or "réservé"
    if field == "clauses":
        return " ; ".join(dict.fromkeys(clause_in_words(codec.from_json(Clause, one)) for one in value))
    if field in ("places", "conditions"):
        return ", ".join(dict.fromkeys(str(one.get("label") or one.get("department") or "") for one in value))
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
