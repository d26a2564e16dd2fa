"""Every night: new notices in, matches and digests out; incremental, idempotent, resumable at any instant.

What is done is known from what is stored, never from a counter: a notice carries the fingerprint of what it was
matched with, a digest is unique by addressee and day, a lot told is a row.  A run killed at any point is taken up
by the next one, at the instant of the first, and ends in the same rows as a run left in peace.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, delete, insert, or_, select, update

from matcher import codec, digests, feedback
from matcher.domain import MatcherError, Reason, Tender
from matcher.procedure import CALLS, closing, effective, keys, open_at
from matcher.store import LOCK, Store, now
from matcher.tables import Found, Notice, Run

if TYPE_CHECKING:
    from matcher.engine import Matcher

T = TypeVar("T")
Progress = Callable[[Iterable[Any], str, int], Iterator[Any]]

#: Exit statuses, beside 0 (done), 1 (a fault of ours) and 2 (wrong usage).
SOURCE_DOWN, HELD, BUSY = 3, 4, 75  # 75 is EX_TEMPFAIL of sysexits.h
#: A source that publishes on working days and has shown nothing newer than this is taken as stuck.
STALE_DAYS = 4
RESUME_HOURS = 20
CHUNK = 50  # notices in one transaction of the intake
TOGETHER = 16  # notices whose matches are written in one transaction


class Busy(MatcherError):
    """Another batch is at work on this store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run works; none of it changes what is found, but `rules`, `top` and `since`."""

    rules: digests.Rules = field(default_factory=digests.Rules)
    top: int = 50  # structures kept for each lot, of those above the floor
    since: date | None = None
    hold: bool = False
    jobs: int = 1
    scheduler: str = ""


@dataclass(slots=True)
class Summary:
    """What a run did, as kept in the store and told at its end."""

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
    nobody: int = 0
    digests: int = 0
    told: int = 0
    held: str = ""  # why the digests wait for the operator; "" where they do not
    resumed: bool = False
    waves: dict[str, list[str]] = field(default_factory=dict)

    def sentences(self) -> Iterator[str]:
        """What a person reads at the end."""
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
            f"{self.nobody} lots without any structure"
        )
        yield f"{self.digests} digests, {self.told} lots told" + (f"; HELD: {self.held}" if self.held else "")


# --------------------------------------------------------------------------------------------- the run


def run(
    store: Store,
    catalogue: Path,
    tenders: Sequence[Tender],
    options: Options | None = None,
    *,
    rejected: int = 0,
    moment: datetime | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Take the notices in, match what is new, compose the digests.  Nothing is sent here: see `matcher.mail`.

    `moment` (now) decides what is open and which day the digests are of.  Raises Busy.
    """
    options = options or Options()
    shown = progress or (lambda items, _label, _total: iter(items))
    with alone(store):
        matcher = _opened(str(catalogue))
        summary = _begun(store, matcher.versions, (moment or now()).astimezone(UTC))
        at = datetime.fromisoformat(summary.started)
        summary.rejected = rejected
        take(store, tenders, options.since, at, summary)
        pending = waiting(store, version(matcher.versions), at)
        found = shown(answers(catalogue, pending, options), "matching", len(pending))
        while some := [(pending[key], rows) for key, rows in islice(found, TOGETHER)]:
            write(store, some, matcher.versions, at)
        digests.compose(store, matcher.catalogue, options.rules, summary, at, hold=options.hold)
        _finished(store, summary, pending)
    return summary


def rehearse(
    store: Store, catalogue: Path, tenders: Sequence[Tender], options: Options, **rest: Any
) -> Summary:
    """The same run on a copy of the store that is thrown away (`--dry-run`)."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="maillage-") as folder:
        copied = Path(folder) / "store.jsonl.gz"
        store.backup(copied)
        copy = Store.open(f"sqlite:///{folder}/store.sqlite")
        try:
            copy.restore(copied)
            return run(copy, catalogue, tenders, options, **rest)
        finally:
            copy.close()


@contextmanager
def alone(store: Store) -> Iterator[None]:
    """Hold the one place of a batch on this store; the place is free again when the process dies."""
    if store.engine.dialect.name == "postgresql":
        with store.engine.connect() as connection:
            if not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({LOCK + 1})").scalar():
                raise Busy("another batch is at work on this store: try again when it has ended")
            connection.commit()
            try:
                yield
            finally:
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({LOCK + 1})")
                connection.commit()
        return
    import fcntl

    name = store.engine.url.database
    if not name or name == ":memory:":
        yield
        return
    with Path(name + ".batch").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy("another batch is at work on this store: try again when it has ended") from None
        yield


def _begun(store: Store, versions: Mapping[str, str], moment: datetime) -> Summary:
    """The run to work on: one that was killed within the day is taken up, at its own instant."""
    with store.writing() as connection:
        unfinished = connection.execute(
            select(Run.id, Run.started_at, Run.state)
            .where(Run.finished_at.is_(None), Run.started_at > moment - timedelta(hours=RESUME_HOURS))
            .order_by(Run.started_at.desc())
        ).first()
        if unfinished:
            return Summary(
                run=unfinished.id, started=unfinished.started_at.isoformat(), versions=dict(versions),
                resumed=True, waves=unfinished.state.get("waves", {}),
            )  # fmt: skip
        # a replay at the same instant is another run: its rows must be told apart from those of the first
        while connection.execute(select(Run.id).where(Run.started_at == moment)).first():
            moment += timedelta(microseconds=1)
        summary = Summary(run=uuid.uuid4().hex, started=moment.isoformat(), versions=dict(versions))
        store.put(connection, Run, [{"id": summary.run, "started_at": moment, "state": asdict(summary)}])
        return summary


def _finished(store: Store, summary: Summary, pending: Mapping[str, Task]) -> None:
    """Count what stands, and close the run."""
    at = datetime.fromisoformat(summary.started)
    with store.writing() as connection:
        done = connection.execute(select(Notice.id, Notice.tender).where(Notice.matched_at == at)).all()
        ids = {row.id for row in done}
        lots = {(row.id, lot["id"]) for row in done for lot in row.tender["lots"]}
        matched = connection.execute(
            select(Found.notice_id, Found.lot_id)
            .join(Notice, Notice.id == Found.notice_id)
            .where(Notice.matched_at == at)
        ).all()
        summary.matched, summary.lots, summary.matches = len(ids), len(lots), len(matched)
        summary.nobody = len(lots - {(row.notice_id, row.lot_id) for row in matched})
        row = {
            "id": summary.run, "started_at": at, "finished_at": now(), "state": asdict(summary),
        }  # fmt: skip
        store.put(connection, Run, [row], keep=("started_at",))


def version(versions: Mapping[str, str]) -> str:
    """Sixteen digits that change when data, recipe, encoder, ranker or code change; the day of building does not."""
    named = {key: value for key, value in versions.items() if key != "built"}
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:16]


# ---------------------------------------------------------------------------------------------- intake


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
    firsts = _Firsts(store, at) if fresh else None
    for low in range(0, len(fresh), CHUNK):
        rows = []
        for tender in fresh[low : low + CHUNK]:
            twin = known[tender.id][1] if tender.id in known else firsts.of(tender) if firsts else ""
            rows.append({
                "id": tender.id, "twin": twin, "fingerprint": prints[tender.id], "published": tender.published,
                "deadline": closing(tender), "tender": codec.to_json(tender), "seen_at": at,
            })  # fmt: skip
        with store.writing() as connection:
            store.put(connection, Notice, rows)
    # counted from the rows, so that a run taken up again tells the same
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


class _Firsts:
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


# ------------------------------------------------------------------------------------- what must be matched


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One notice to match: as corrected, under all its ids, without those who refused it."""

    id: str
    ids: tuple[str, ...]
    tender: Tender
    key: str
    excluded: Mapping[str, tuple[str, ...]]  # lot id -> SIRETs


def waiting(store: Store, catalogue: str, at: datetime) -> dict[str, Task]:
    """The notices that are open and not yet matched as they stand with this catalogue, by id."""
    light = select(
        Notice.id, Notice.twin, Notice.fingerprint, Notice.catalogue, Notice.deadline, Notice.published
    )
    with store.reading() as connection:
        rows = connection.execute(light).all()
        members: dict[str, list[Any]] = defaultdict(list)
        firsts = {row.id: row for row in rows if not row.twin}
        for row in rows:
            members[row.twin or row.id].append(row)
        wanted: dict[str, str] = {}
        for id, first in firsts.items():
            prints = ",".join(sorted(row.fingerprint for row in members[id]))
            key = f"{catalogue}:{hashlib.sha256(prints.encode()).hexdigest()[:16]}"
            last = max((row.deadline for row in members[id] if row.deadline), default=None)
            if first.catalogue != key and open_at(last, first.published, at):
                wanted[id] = key
        refused = feedback.refusals(connection)
        tasks = {}
        for id, key in sorted(wanted.items()):
            ids = tuple(row.id for row in members[id])
            loaded = {
                row.id: codec.from_json(Tender, row.tender)
                for row in connection.execute(select(Notice.id, Notice.tender).where(Notice.id.in_(ids)))
            }
            tender, cancelled = effective(loaded[id], [loaded[other] for other in ids if other != id])
            if tender.nature not in CALLS | {"correction"}:
                continue
            if cancelled:  # nothing left to answer: its matches go
                tender = replace(tender, lots=())
            elif not open_at(closing(tender), tender.published, at):
                continue
            excluded = {
                lot.id: tuple(sorted(gone)) for lot in tender.lots if (gone := refused.of(ids, lot.id))
            }  # fmt: skip
            tasks[id] = Task(id=id, ids=ids, tender=tender, key=key, excluded=excluded)
    return tasks


def write(
    store: Store,
    found: Sequence[tuple[Task, Sequence[Mapping[str, Any]]]],
    versions: Mapping[str, str],
    at: datetime,
) -> None:
    """Replace the matches of some notices, all in one transaction.

    A pair that appears because the catalogue or the model changed, on a notice already matched, is marked so: it
    is shown to who asks, and never mailed as if it were news.
    """
    ids = [task.id for task, _ in found]
    with store.writing() as connection:
        before = {
            row.id: row
            for row in connection.execute(
                select(Notice.id, Notice.catalogue, Notice.matched_at).where(Notice.id.in_(ids))
            )
        }
        held = select(Found.notice_id, Found.lot_id, Found.siret, Found.detail, Found.at)
        causes = {
            (row.notice_id, row.lot_id, row.siret): (row.detail.get("cause", "notice"), row.at)
            for row in connection.execute(held.where(Found.notice_id.in_(ids)))
        }
        connection.execute(delete(Found).where(Found.notice_id.in_(ids)))
        fresh: dict[tuple[str, str, str], dict[str, Any]] = {}
        for task, rows in found:
            known = before[task.id]
            unchanged = known.matched_at is not None and known.catalogue[17:] == task.key[17:]
            for row in rows:
                pair = (task.id, row["lot_id"], row["siret"])
                cause, first = causes.get(pair, ("catalogue" if unchanged else "notice", at))
                detail = {**row["detail"], "cause": cause}
                # of rows of one key, where two lots bear one id, the last one wins
                fresh[pair] = {**row, "notice_id": task.id, "detail": detail, "versions": dict(versions), "at": first}  # fmt: skip
        if fresh:
            connection.execute(insert(Found), list(fresh.values()))
        for task, _ in found:
            connection.execute(
                update(Notice).where(Notice.id == task.id).values(catalogue=task.key, matched_at=at, deadline=closing(task.tender))
            )  # fmt: skip


# --------------------------------------------------------------------------------------------- matching


def matches_of(matcher: Matcher, task: Task, top: int, floor: float) -> list[dict[str, Any]]:
    """The rows of one notice: for each lot the structures above the floor that may answer, at most `top`."""
    from matcher import reach
    from matcher.domain import Filters

    rows: list[dict[str, Any]] = []
    if not task.tender.lots:
        return rows
    for query in matcher.queries(task.tender):
        gone = task.excluded.get(query.lot.id)
        if gone:
            query = replace(query, filters=Filters(excluded=_standing(matcher, gone)))
        ranking = matcher.rank(query)
        if matcher.nobody(ranking):
            continue
        order = ranking.order
        if ranking.regime == "structure":
            # who is known for other trades only is never told
            order = order[reach.suitable(ranking.shortlist)[order]]
        chance = matcher.ranker.probability(ranking.scores[order], ranking.regime)
        kept = min(top, int((chance >= floor).sum()))
        told = _Told()
        for rank, position in enumerate(order[:kept], 1):
            match = matcher.explain(ranking, int(position), rank)
            if match.eligible is False or match.structure.active is False:
                continue
            rows.append({
                "lot_id": query.lot.id, "siret": match.structure.siret, "rank": match.rank,
                "score": _finite(match.score), "probability": _finite(match.probability),
                "detail": {
                    "reasons": [told.of(reason) for reason in match.reasons],
                    "offer": match.offer.id if match.offer else "", "distance_km": match.distance_km,
                    "eligible": match.eligible, "missing": list(match.missing),
                    "warnings": list(match.warnings), "shown": kept,
                },
            })  # fmt: skip
    return rows


class _Told:
    """Reasons as JSON, those that candidates of a lot share made once; there are dozens a match, so by hand."""

    def __init__(self) -> None:
        self._made: dict[
            int, tuple[Reason, dict[str, Any]]
        ] = {}  # a reason is held, so that its id stays its own

    def of(self, reason: Reason) -> dict[str, Any]:
        held = self._made.get(id(reason))
        if held is None:
            held = self._made[id(reason)] = reason, {
                "code": reason.code, "text": reason.text, "contribution": _finite(reason.contribution),
                "notice_passage": reason.notice_passage, "offer_passage": reason.offer_passage, "tells": reason.tells,
            }  # fmt: skip
        return held[1]


def _standing(matcher: Matcher, sirets: Iterable[str]) -> tuple[str, ...]:
    """The SIRETs as they are today: a refusal follows an establishment that moved."""
    from matcher.domain import NotFound

    found = []
    for siret in sirets:
        found.append(siret)
        try:
            row = matcher.catalogue.row(siret)
            found.append(str(matcher.catalogue.structures.column("siret")[row].as_py()))
        except NotFound:
            continue
    return tuple(dict.fromkeys(found))


def _finite(value: float) -> float:
    return float(value) if math.isfinite(value) else 0.0


@lru_cache(maxsize=2)
def _loaded(folder: str, stamp: int) -> Matcher:
    from matcher.engine import Matcher

    return Matcher.load(folder)


def _opened(folder: str) -> Matcher:
    """The matcher of a folder, opened once a process for each version of its manifest."""
    manifest = Path(folder) / "manifest.json"
    return _loaded(folder, manifest.stat().st_mtime_ns if manifest.exists() else 0)


def worked(
    folder: str, tasks: Sequence[Task], top: int, floor: float
) -> list[tuple[str, list[dict[str, Any]]]]:
    """What one worker does with its share of the notices, in this process or on another machine."""
    matcher = _opened(folder)
    return [(task.id, matches_of(matcher, task, top, floor)) for task in tasks]


def answers(
    catalogue: Path, pending: Mapping[str, Task], options: Options
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The rows of every pending notice as they come: here, in `jobs` processes, or on a Dask cluster."""
    tasks = list(pending.values())
    ask = (options.top, options.rules.floor)
    if options.scheduler:
        from matcher import distributed

        yield from distributed.answers(options.scheduler, catalogue, tasks, *ask)
    elif options.jobs > 1 and len(tasks) > 1:
        from concurrent.futures import ProcessPoolExecutor, as_completed
        from multiprocessing import get_context

        size = max(1, min(16, len(tasks) // (4 * options.jobs) or 1))
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
            parts = [
                pool.submit(worked, str(catalogue), tasks[i : i + size], *ask)
                for i in range(0, len(tasks), size)
            ]
            for part in as_completed(parts):
                yield from part.result()
    else:
        for task in tasks:
            yield from worked(str(catalogue), [task], *ask)


def runs(connection: Connection, limit: int = 30) -> list[dict[str, Any]]:
    """The last finished runs, newest first, as they were told."""
    rows = connection.execute(
        select(Run.state).where(Run.finished_at.is_not(None)).order_by(Run.started_at.desc()).limit(limit)
    )
    return [row.state for row in rows]
