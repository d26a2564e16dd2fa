"""Every night: new notices in, matches and digests out; incremental, idempotent, resumable at any instant.

What is done is known from what is stored, never from a counter: a notice carries the fingerprint of what it was
matched with, a digest is unique by addressee and day, a lot announced is a row.  A run killed at any point is resumed
by the next one, at the instant of the first, and ends in the same rows as an undisturbed run.
"""

import hashlib
import json
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select, update

from matcher import codec
from matcher.domain import ANSWERABLE, Award, Tender
from matcher.matching import renewals
from matcher.matching.engine import Matcher
from matcher.outreach import alerts, cluster, digests
from matcher.outreach.changes import lots_at, open_rows, stamp, standings
from matcher.outreach.intake import Summary, take
from matcher.outreach.rules import Rules
from matcher.outreach.work import Task, _opened, match_tasks
from matcher.reading.procedure import closing, open_at
from matcher.records import feedback
from matcher.records.store import Busy as Busy
from matcher.records.store import Store, alone, now
from matcher.records.tables import Found, Notice, Run
from matcher.reference import places, toponyms

Progress = Callable[[Iterable[Any], str, int], Iterator[Any]]

#: Exit statuses, in addition to 0 (done), 1 (internal error) and 2 (wrong usage).
SOURCE_DOWN, HELD, BUSY = 3, 4, 75  # 75 is EX_TEMPFAIL of sysexits.h
RESUME_HOURS = 20
ENDING = 100  # contracts ending soon that are matched in one night, earliest end first
TOGETHER = 16  # notices whose matches are written in one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run works; none of it changes what is found, but `rules`, `top`, `since` and `departments`."""

    rules: Rules = field(default_factory=Rules)
    top: int = 50  # structures kept for each lot, of those above the floor
    since: date | None = None
    departments: frozenset[str] = frozenset()  # only notices with a lot there, where any is named
    hold: bool = False
    jobs: int = 1
    scheduler: str = ""


def run(
    store: Store,
    catalogue: Path,
    tenders: Sequence[Tender],
    options: Options | None = None,
    *,
    rejected: int = 0,
    known: int = 0,
    moment: datetime | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Take the notices in, match what is new, compose the digests.  Nothing is sent here: see `matcher.outreach.delivery`.

    `moment` (now) decides what is open and which day the digests are of; `known` counts the notices of files that were
    read before.  Raises Busy.
    """
    options = options or Options()
    shown = progress or (lambda items, _label, _total: iter(items))
    with alone(store, "batch", "another batch is at work"):
        matcher = _opened(str(catalogue))
        summary = _begun(store, matcher.versions, (moment or now()).astimezone(UTC))
        at = datetime.fromisoformat(summary.started)
        summary.rejected = rejected
        take(store, tenders, options.since, at, summary, known)
        pending = waiting(store, version(matcher.versions), at, options.departments)
        found = shown(answers(catalogue, pending, options), "matching", len(pending))
        while some := [(pending[key], rows) for key, rows in islice(found, TOGETHER)]:
            write(store, some, matcher.versions, at)
        ending = _ending(store, matcher, at.date())
        rules, hold = options.rules, options.hold
        digests.compose(store, matcher.catalogue, rules, summary, at, hold=hold, ending=ending)
        _finished(store, summary)
    return summary


def _ending(store: Store, matcher: Matcher, day: date) -> dict[str, list[renewals.Renewal]]:
    """The contracts of the store's award notices that end soon, by SIRET of each structure that is likely for them."""
    rows = store.ask(select(Notice.tender).where(Notice.tender["nature"].as_string() == "award")).scalars()
    awards = [codec.from_json(Award, award) for tender in rows for award in tender.get("awards", ())]
    found: dict[str, list[renewals.Renewal]] = defaultdict(list)
    for one in renewals.renewals(awards, day)[:ENDING]:
        for siret in renewals.followers(matcher, one):
            found[siret].append(one)
    return found


def rehearse(
    store: Store, catalogue: Path, tenders: Sequence[Tender], options: Options, **rest: Any
) -> Summary:
    """The same run on a copy of the store that is thrown away (`--dry-run`)."""
    with tempfile.TemporaryDirectory(prefix="maillage-") as folder:
        copied = Path(folder) / "store.jsonl.gz"
        store.backup(copied)
        with Store.open(f"sqlite:///{folder}/store.sqlite") as copy:
            copy.restore(copied)
            return run(copy, catalogue, tenders, options, **rest)


def _begun(store: Store, versions: Mapping[str, str], moment: datetime) -> Summary:
    """The run to work on: one that was killed within the day is resumed, at its own instant."""
    with store.writing() as connection:
        unfinished = connection.execute(
            select(Run.id, Run.started_at, Run.state)
            .where(Run.finished_at.is_(None), Run.started_at > moment - timedelta(hours=RESUME_HOURS))
            .order_by(Run.started_at.desc())
        ).first()
        if unfinished:
            begun, waves = unfinished.started_at.isoformat(), unfinished.state.get("waves", {})
            return Summary(unfinished.id, begun, dict(versions), resumed=True, waves=waves)
        # a replay at the same instant is another run: its rows must be distinguished from those of the first
        while connection.execute(select(Run.id).where(Run.started_at == moment)).first():
            moment += timedelta(microseconds=1)
        summary = Summary(run=uuid.uuid4().hex, started=moment.isoformat(), versions=dict(versions))
        store.put(connection, Run, [{"id": summary.run, "started_at": moment, "state": asdict(summary)}])
        return summary


def _finished(store: Store, summary: Summary) -> None:
    """Count what stands, and close the run."""
    at = datetime.fromisoformat(summary.started)
    with store.writing() as connection:
        done = connection.execute(select(Notice.id, Notice.tender).where(Notice.matched_at == at)).all()
        ids = {row.id for row in done}
        lots = {(row.id, lot["id"]) for row in done for lot in row.tender["lots"]}
        likely, clause = (lots_at(connection, one, Notice.matched_at == at) for one in ("likely", "clause"))
        summary.matched, summary.lots, summary.matches = len(ids), len(lots), sum(likely.values())
        summary.by_clause = len(clause.keys() - likely.keys())
        summary.nobody = len(lots.difference(likely, clause))
        row = {"id": summary.run, "started_at": at, "finished_at": now(), "state": asdict(summary)}
        store.put(connection, Run, [row], keep=("started_at",))


def version(versions: Mapping[str, str]) -> str:
    """Sixteen digits that change when data, recipe, encoder, ranker or code change; the day of building does not."""
    named = {key: value for key, value in versions.items() if key != "built"}
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:16]


def waiting(
    store: Store, catalogue: str, at: datetime, departments: frozenset[str] = frozenset()
) -> dict[str, Task]:
    """The notices that are open and not yet matched as they stand with this catalogue, by id; of `departments`, if any."""
    with store.reading() as connection:
        wanted: dict[str, str] = {}
        members: dict[str, tuple[str, ...]] = {}
        for rows in open_rows(connection, at):
            read = ",".join([catalogue, *sorted(row.fingerprint for row in rows)])
            key = f"{hashlib.sha256(read.encode()).hexdigest()[:16]}:{stamp(rows[0].changes)}"
            if rows[0].catalogue != key:
                wanted[rows[0].id], members[rows[0].id] = key, tuple(row.id for row in rows)
        refused, wants_plausible = feedback.refusals(connection), alerts.wants_plausible(connection)
        standing = standings(connection, members)
        tasks = {}
        for id, key in sorted(wanted.items()):
            tender, cancelled = standing[id]
            if tender.nature not in ANSWERABLE:
                continue
            # of a cancelled lot nothing is left to answer: its matches go
            tender = replace(tender, lots=tuple(lot for lot in tender.lots if lot.id not in cancelled))
            areas = (place for lot in tender.lots for place in toponyms.of_lot(lot, tender)[0])
            if departments and departments.isdisjoint(
                chain.from_iterable(map(places.departments_within, areas))
            ):
                continue  # not matched, and so not stamped: it is when its department is asked
            if tender.lots and not open_at(closing(tender), tender.published, at):
                continue
            refusals = {lot.id: tuple(sorted(refused.of(members[id], lot.id))) for lot in tender.lots}
            excluded = {lot: sirets for lot, sirets in refusals.items() if sirets}
            rest: dict[str, Any] = {"excluded": excluded, "wants_plausible": wants_plausible}
            tasks[id] = Task(id=id, tender=tender, key=key, **rest)
    return tasks


def write(
    store: Store,
    found: Sequence[tuple[Task, Sequence[Mapping[str, Any]]]],
    versions: Mapping[str, str],
    at: datetime,
) -> None:
    """Replace the matches of some notices, all in one transaction.

    A pair that appears because the catalogue, the model or the reading changed, on a notice already matched, is marked:
    it is shown on request and never mailed as news.
    """
    ids = [task.id for task, _ in found]
    with store.writing() as connection:
        matched = select(Notice.id, Notice.catalogue, Notice.matched_at).where(Notice.id.in_(ids))
        before = {row.id: row for row in connection.execute(matched)}
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
                # where two lots share an id, the last row of a key wins
                facts = {"notice_id": task.id, "detail": detail, "versions": dict(versions), "at": first}
                fresh[pair] = {**row, **facts}
        if fresh:
            connection.execute(insert(Found), list(fresh.values()))
        for task, _ in found:
            values = {"catalogue": task.key, "matched_at": at, "deadline": closing(task.tender)}
            connection.execute(update(Notice).where(Notice.id == task.id).values(values))


def answers(
    catalogue: Path, pending: Mapping[str, Task], options: Options
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The rows of every pending notice, in order of completion: in this process, in `jobs` processes, or on a Dask cluster."""
    tasks = list(pending.values())
    ask = (options.top, options.rules.floor)
    if options.scheduler:
        yield from cluster.answers(options.scheduler, catalogue, tasks, *ask)
    elif options.jobs > 1 and len(tasks) > 1:
        size = max(1, min(16, len(tasks) // (4 * options.jobs) or 1))
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
            some = (tasks[i : i + size] for i in range(0, len(tasks), size))
            for part in as_completed([pool.submit(match_tasks, str(catalogue), each, *ask) for each in some]):
                yield from part.result()
    else:
        for task in tasks:
            yield from match_tasks(str(catalogue), [task], *ask)
