"""Taking notices into the store, each once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select

from matcher import codec
from matcher.domain import CALLS, Tender
from matcher.reading.procedure import closing, keys
from matcher.records.store import Store
from matcher.records.tables import Notice

#: A source that publishes on working days and has shown nothing newer than this is considered stale.
STALE_DAYS = 4


CHUNK = 50  # notices in one transaction of the intake


#: Code -> why digests are held for the operator.
HELD: Mapping[str, str] = {
    "asked": "asked by --hold",
    "first": "too many without three earlier runs to compare with",
    "volume": "far more than usual",
}


@dataclass(slots=True)
class Summary:
    """What a run did, as kept in the store and printed at its end."""

    run: str
    started: str
    versions: dict[str, str]
    read: int = 0
    rejected: int = 0
    new: int = 0
    changed: int = 0
    seen: int = 0
    twins: int = 0
    newest: str | None = None
    source: str = "ok"  # "ok", "nothing new", "down", "stale"
    matched: int = 0
    lots: int = 0
    matches: int = 0
    by_clause: int = 0  # lots with nobody to call, announced to carriers of the clause's hours
    nobody: int = 0
    digests: int = 0
    told: int = 0  # lots announced; the name is stored in the state of past runs
    held: str = ""  # a key of HELD; "" where nothing is held
    resumed: bool = False
    waves: dict[str, list[str]] = field(default_factory=dict)

    def sentences(self) -> Iterator[str]:
        """The summary in sentences, for the terminal."""
        if self.source == "down":
            yield "source down: not one notice could be read; check the files or `matcher sync`"
        elif self.source == "stale":
            yield f"source stale: the newest notice is of {self.newest}; check `matcher sync`"
        elif self.source == "nothing new":
            yield f"nothing new: {self.read} notices read, all seen before"
        yield (
            f"{self.read} notices read ({self.new} new, {self.changed} changed, {self.seen} seen, {self.twins} twins; "
            f"{self.rejected} records set aside)"
        )
        yield (
            f"{self.matched} notices matched: {self.lots} lots, {self.matches} matches, "
            f"{self.by_clause} lots by their clause alone, {self.nobody} lots without any structure"
        )
        yield f"{self.digests} digests, {self.told} lots announced" + (
            f"; HELD: {HELD[self.held]}" if self.held else ""
        )


def fingerprint(tender: Tender) -> str:
    """The content of a notice as a hash: the same notice read twice is the same."""
    text = json.dumps(codec.to_json(tender), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def take(store: Store, tenders: Sequence[Tender], since: date | None, at: datetime, summary: Summary) -> None:
    """Write the notices that are new or changed; twins point to the first seen of them."""
    latest = {t.id: t for t in tenders if t.id and not (since and t.published and t.published < since)}
    summary.read = len(latest)
    published = [t.published for t in tenders if t.published]
    summary.newest = max(published).isoformat() if published else None
    with store.reading() as connection:
        known = {
            row.id: (row.fingerprint, row.twin, row.seen_at)
            for row in connection.execute(select(Notice.id, Notice.fingerprint, Notice.twin, Notice.seen_at))
        }
    prints = {id: fingerprint(tender) for id, tender in latest.items()}
    fresh = [t for id, t in latest.items() if id not in known or known[id][0] != prints[id]]
    fresh.sort(key=lambda t: (t.published or date.max, t.nature not in CALLS, t.format != "boamp", t.id))
    originals = _Originals(store, at) if fresh else None
    for low in range(0, len(fresh), CHUNK):
        rows = []
        for tender in fresh[low : low + CHUNK]:
            twin = known[tender.id][1] if tender.id in known else originals.of(tender) if originals else ""
            rows.append({
                "id": tender.id, "twin": twin, "fingerprint": prints[tender.id], "published": tender.published,
                "deadline": closing(tender), "tender": codec.to_json(tender), "seen_at": at,
            })  # fmt: skip
        with store.writing() as connection:
            store.put(connection, Notice, rows)
    # counted from the rows, so that a resumed run reports the same
    with store.reading() as connection:
        stands = {
            row.id: row
            for row in connection.execute(select(Notice.id, Notice.seen_at, Notice.matched_at, Notice.twin))
        }
    ours = [stands[id] for id in latest if stands[id].seen_at == at]
    summary.changed = sum(row.matched_at is not None and row.matched_at < at for row in ours)
    summary.new = len(ours) - summary.changed
    summary.seen = len(latest) - len(ours)
    summary.twins = sum(bool(row.twin) for row in ours)
    stale = at.date() - timedelta(days=STALE_DAYS)
    if not tenders:
        summary.source = "down"
    elif not ours:
        old = published and max(published) < stale
        summary.source = "stale" if old else "nothing new"


class _Originals:
    """The first notice of each procedure, by what its notices share."""

    def __init__(self, store: Store, at: datetime) -> None:
        self._first: dict[tuple[str, ...], str] = {}
        recent = or_(Notice.deadline.is_(None), Notice.deadline > at - timedelta(days=60))
        with store.reading() as connection:
            rows = connection.execute(
                select(Notice.id, Notice.twin, Notice.tender)
                .where(recent)
                .order_by(Notice.seen_at, Notice.id)
            )
            for row in rows:
                self._learn(codec.from_json(Tender, row.tender), row.twin or row.id)

    def of(self, tender: Tender) -> str:
        """The id of the notice that this one repeats, corrects or cancels; "" where it is the first."""
        for key in keys(tender):
            first = self._first.get(key)
            if first and first != tender.id:
                self._learn(tender, first)
                return first
        self._learn(tender, tender.id)
        return ""

    def _learn(self, tender: Tender, first: str) -> None:
        for key in (("id", tender.id), *keys(tender)):
            self._first.setdefault(key, first)
