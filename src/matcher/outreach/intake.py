"""Taking notices into the store, each once."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, or_, select, update

from matcher import codec
from matcher.domain import CALLS, Rejected, Tender
from matcher.outreach import changes
from matcher.outreach.changes import standings
from matcher.outreach.digest_formats import templates
from matcher.outreach.items import PRIOR
from matcher.reading import files
from matcher.reading.procedure import closing, keys
from matcher.records.store import Store
from matcher.records.tables import Notice, ReadFile

#: A source that publishes on working days and has shown nothing newer than this is considered stale.
STALE_DAYS = 4
CHUNK = 50  # notices in one transaction of the intake


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
    held: str = ""  # "asked", "first" or "volume"; "" where nothing is held
    resumed: bool = False
    waves: dict[str, list[str]] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """The summary in sentences, for the terminal."""
        return str(templates().get_template("summary.txt").render(s=self)).splitlines()


@dataclass(slots=True)
class Reading:
    """What the files of a night hold: the notices of those not read before, and how many the others hold."""

    tenders: list[Tender] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    known: int = 0
    known_rejected: int = 0
    fresh: list[dict[str, Any]] = field(default_factory=list)  # rows of `ReadFile`


def read(
    store: Store,
    paths: Iterable[Path],
    at: datetime,
    *,
    source: str | None = None,
    found: Reading | None = None,
) -> Reading:
    """Read the files, folders and archives that the same program has not read before, told by the hash of their bytes.

    `source` names their format; what is read is added to `found`.
    """
    found, reader = found or Reading(), files.reader(source or "")
    before = select(ReadFile.__table__).where(ReadFile.reader == reader)
    known = {row.hash: row for row in store.ask(before)}
    for path in paths:
        walked = path.is_dir()
        for file in files.walk(path) if walked else (path,):
            mark = _mark(file)
            if row := known.get(mark):
                found.known += row.notices
                found.known_rejected += row.rejected
                continue
            records = list(files.read([file], source, walked=walked))
            tenders = [record for record in records if isinstance(record, Tender)]
            rejected = [record for record in records if isinstance(record, Rejected)]
            found.tenders += tenders
            found.rejected += rejected
            # a file without any is read again: it may be put right, or another program may read it
            if mark and tenders:
                counts = {"notices": len(tenders), "rejected": len(rejected)}
                found.fresh.append({"hash": mark, "reader": reader, "at": at, **counts})
    return found


def remember(store: Store, reading: Reading) -> None:
    """Do not read these files again: their notices are in the store."""
    with store.writing() as connection:
        store.put(connection, ReadFile, reading.fresh)


def _mark(path: Path) -> str:
    """The hash of a file's bytes and name, which tells its format; "" where it cannot be opened."""
    try:
        with path.open("rb") as stream:
            whole = hashlib.file_digest(stream, "sha256")
    except OSError:
        return ""
    whole.update(path.name.encode())
    return whole.hexdigest()


def fingerprint(tender: Tender) -> str:
    """Our reading of a notice as a hash: the same notice read twice by the same program is the same."""
    text = json.dumps(codec.to_json(replace(tender, source_hash="")), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def take(
    store: Store,
    tenders: Sequence[Tender],
    since: date | None,
    at: datetime,
    summary: Summary,
    known: int = 0,
) -> None:
    """Write the notices that are new or changed; twins point to the first seen of them.

    A notice that its source left as it was is only read anew: that is no change, whatever is read now.  `known` counts the
    notices of files that were read before.
    """
    latest = {t.id: t for t in tenders if t.id and not (since and t.published and t.published < since)}
    summary.read = len(latest) + known
    _write(store, latest, at)
    # counted from the rows, so that a resumed run reports the same
    with store.reading() as connection:
        stands = {
            row.id: row
            for row in connection.execute(select(Notice.id, Notice.seen_at, Notice.matched_at, Notice.twin))
        }
        newest = connection.execute(select(func.max(Notice.published))).scalar()
    ours = [stands[id] for id in latest if stands[id].seen_at == at]
    summary.changed = sum(row.matched_at is not None and row.matched_at < at for row in ours)
    summary.new = len(ours) - summary.changed
    summary.seen = summary.read - len(ours)
    summary.twins = sum(bool(row.twin) for row in ours)
    summary.newest = newest.isoformat() if newest else None
    stale = at.date() - timedelta(days=STALE_DAYS)
    if not tenders and not known:
        summary.source = "down"
    elif not ours:
        summary.source = "stale" if newest and newest < stale else "nothing new"


def _write(store: Store, latest: Mapping[str, Tender], at: datetime) -> None:
    """The rows of what is new, published anew or read otherwise, and what changed in their procedures."""
    columns = (Notice.id, Notice.fingerprint, Notice.twin, Notice.source, Notice.reader, Notice.seen_at)
    known = {row.id: row for row in store.ask(select(*columns))}
    members: dict[str, dict[str, None]] = defaultdict(dict)  # the ids of each procedure, by its first
    for one in known.values():
        members[one.twin or one.id][one.id] = None
    reader = files.reader()
    prints = {id: fingerprint(tender) for id, tender in latest.items()}
    as_read = {row.id: (row.fingerprint, row.reader) for row in known.values()}
    fresh = [tender for id, tender in latest.items() if as_read.get(id) != (prints[id], reader)]
    fresh.sort(key=lambda t: (t.published or date.max, t.nature not in CALLS, t.format != "boamp", t.id))
    originals = _Originals(store, at) if any(t.id not in known for t in fresh) else None
    for low in range(0, len(fresh), CHUNK):
        anew: list[dict[str, Any]] = []  # read otherwise, published as before
        published: list[dict[str, Any]] = []
        doubtful: set[str] = set()  # procedures with a notice changed since another version read it
        for tender in fresh[low : low + CHUNK]:
            row = known.get(tender.id)
            twin = row.twin if row else originals.of(tender) if originals else ""
            read_as = {"fingerprint": prints[tender.id], "source": tender.source_hash or prints[tender.id]}
            dates = {"published": tender.published, "deadline": closing(tender), "seen_at": at}
            made = {"id": tender.id, "twin": twin, "reader": reader, **read_as, **dates}
            made["tender"] = codec.to_json(tender)
            same = row and (made["source"] == row.source or made["fingerprint"] == row.fingerprint)
            if row and (same or not row.source):
                anew.append(made | {"seen_at": row.seen_at})
                continue
            published.append(made)
            members[twin or tender.id][tender.id] = None
            if row and row.reader != reader:
                doubtful.add(twin or tender.id)
        with store.writing() as connection:
            store.put(connection, Notice, anew)
            _publish(store, connection, published, members, doubtful, at)


def _publish(
    store: Store,
    connection: Connection,
    rows: Sequence[dict[str, Any]],
    members: Mapping[str, Mapping[str, None]],
    doubtful: Set[str],
    at: datetime,
) -> None:
    """Write what was published, and note with each procedure what that changed."""
    procedures = {first: members[first] for first in sorted({row["twin"] or row["id"] for row in rows})}
    before = standings(connection, procedures)
    store.put(connection, Notice, rows)
    after = standings(connection, procedures)
    for first, standing in before.items():
        only = changes.SURE if first in doubtful else frozenset()
        if found := changes.between(standing, after[first], at, only=only):
            held = connection.execute(select(Notice.changes).where(Notice.id == first)).scalar_one()
            connection.execute(update(Notice).where(Notice.id == first).values(changes=[*held, *found]))


class _Originals:
    """The first notice of each procedure, by what its notices share."""

    def __init__(self, store: Store, at: datetime) -> None:
        self._first: dict[tuple[str, ...], str] = {}
        recent = or_(Notice.deadline.is_(None), Notice.deadline > at - timedelta(days=60))
        columns = select(Notice.id, Notice.twin, Notice.tender)
        rows = store.ask(columns.where(recent).order_by(Notice.seen_at, Notice.id))
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
        # a call is no repetition of the notice that announced it
        shared = () if tender.nature in PRIOR else keys(tender)
        for key in (("id", tender.id), *shared):
            self._first.setdefault(key, first)
