"""Long lists matched in the background: kept in memory for an hour, visible to their owner alone."""

import json
import logging
import secrets
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from matcher.domain import MatcherError, NotFound
from matcher.reference import deadline
from service.problems import Refused, problem, status_of

log = logging.getLogger("service")
KEPT_SECONDS = 3600
MOST = 40  # concurrent jobs
MOST_OF_ONE = 3  # of them, of one owner
ITEM_SECONDS = 60.0  # for one item
KEPT_OF_ONE = 10  # jobs of one owner, finished ones too
BYTES = 16 << 20  # packed answers of one job
ALL_BYTES = 96 << 20  # packed answers of all jobs; the oldest finished ones are dropped first
CROWDED = "too many jobs are under way: try again in a minute"
FULL = "the answers of this job are over its limit: send fewer items, or a smaller n"


@dataclass(slots=True)
class Job:
    """Items to match, answers so far (each an answer or a problem, in the order of the items)."""

    id: str
    owner: str
    total: int
    started: float = field(default_factory=time.monotonic)
    answers: list[bytes] = field(default_factory=list)  # packed JSON
    bytes: int = 0
    state: str = "running"

    def add(self, answer: dict[str, Any]) -> None:
        packed = zlib.compress(json.dumps(answer, ensure_ascii=False, default=str).encode(), 1)
        self.answers.append(packed)
        self.bytes += len(packed)

    def page(self, first: int, most: int) -> list[dict[str, Any]]:
        """Some of the answers so far."""
        return [json.loads(zlib.decompress(each)) for each in self.answers[first : first + most]]


class Jobs:
    """The jobs of one process; those that run at its end are stopped."""

    def __init__(self, workers: int, ended: Callable[[Job], None] = lambda job: None) -> None:
        self._ended = ended  # called with each job at its end
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="job")
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.watched: Counter[str] = Counter()  # streams of progress that are open, by owner

    def start(self, owner: str, items: Sequence[Any], answer: Callable[[Any], dict[str, Any]]) -> Job:
        """Begin; raises Refused (429) where too many are under way."""
        job = Job(secrets.token_urlsafe(16), owner, len(items))
        with self._lock:
            self._forget(owner)
            running = [j.owner for j in self._jobs.values() if j.state == "running"]
            if len(running) >= MOST or running.count(owner) >= MOST_OF_ONE:
                raise Refused(429, CROWDED, {"Retry-After": "60"})
            self._jobs[job.id] = job
        self._pool.submit(self._run, job, items, answer)
        return job

    def _forget(self, owner: str) -> None:
        """Drop expired jobs, and the oldest finished ones over the limits of an owner or of all."""
        old = time.monotonic() - KEPT_SECONDS
        self._jobs = {k: j for k, j in self._jobs.items() if j.started > old or j.state == "running"}
        ended = sorted((j for j in self._jobs.values() if j.state != "running"), key=lambda j: j.started)
        own = [j for j in ended if j.owner == owner]
        for job in own[: max(0, len(own) + 1 - KEPT_OF_ONE)]:
            del self._jobs[job.id]
        for job in ended:
            if sum(j.bytes for j in self._jobs.values()) <= ALL_BYTES:
                return
            self._jobs.pop(job.id, None)

    def _run(self, job: Job, items: Sequence[Any], answer: Callable[[Any], dict[str, Any]]) -> None:
        job.state = self._answered(job, items, answer)
        try:
            self._ended(job)
        except Exception:  # the job is done, and asked for as any other
            log.exception("nobody could be told of the end of a job")

    def _answered(self, job: Job, items: Sequence[Any], answer: Callable[[Any], dict[str, Any]]) -> str:
        for item in items:
            if self._stop.is_set():
                return "stopped"
            if job.bytes > BYTES or sum(j.bytes for j in list(self._jobs.values())) > ALL_BYTES:
                job.add({"problem": _body(413, FULL)})
                return "stopped"
            deadline.set_in(ITEM_SECONDS)
            try:
                job.add(answer(item))
            except Refused as error:
                job.add({"problem": _body(error.status, error.detail)})
            except MatcherError as error:
                job.add({"problem": _body(status_of(error), str(error))})
            except Exception:
                log.exception("a job's item failed")
                job.add({"problem": _body(500, "internal error: it was logged")})
        return "done"

    def get(self, identifier: str, owner: str) -> Job:
        """Raises NotFound, also for somebody else's."""
        job = self._jobs.get(identifier)
        if job is None or job.owner != owner:
            raise NotFound(f"no job {identifier!r} of yours: it is kept for an hour after its start")
        return job

    def close(self) -> None:
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)


def _body(status: int, detail: str) -> Any:
    return json.loads(bytes(problem(status, detail).body))
