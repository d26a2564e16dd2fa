"""Long lists matched in the background: kept in memory for an hour, seen by who asked alone."""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from matcher.domain import MatcherError, NotFound
from service.problems import Refused, problem, status_of

log = logging.getLogger("service")
KEPT_SECONDS = 3600
MOST = 200  # jobs running at once


@dataclass(slots=True)
class Job:
    """Items to match, answers so far (each an answer or a problem, in the order of the items)."""

    id: str
    owner: str
    total: int
    started: float = field(default_factory=time.monotonic)
    answers: list[dict[str, Any]] = field(default_factory=list)
    state: str = "running"


class Jobs:
    """The jobs of one process; those that run at its end are stopped."""

    def __init__(self, workers: int) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="job")
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def start(self, owner: str, items: Sequence[Any], answer: Callable[[Any], dict[str, Any]]) -> Job:
        """Begin; raises Refused (429) where too many are under way."""
        job = Job(secrets.token_urlsafe(16), owner, len(items))
        with self._lock:
            old = time.monotonic() - KEPT_SECONDS
            self._jobs = {k: j for k, j in self._jobs.items() if j.started > old or j.state == "running"}
            if sum(j.state == "running" for j in self._jobs.values()) >= MOST:
                raise Refused(
                    429, "too many jobs are under way: try again in a minute", {"Retry-After": "60"}
                )
            self._jobs[job.id] = job
        self._pool.submit(self._run, job, items, answer)
        return job

    def _run(self, job: Job, items: Sequence[Any], answer: Callable[[Any], dict[str, Any]]) -> None:
        for item in items:
            if self._stop.is_set():
                job.state = "stopped"
                return
            try:
                job.answers.append(answer(item))
            except Refused as error:
                job.answers.append({"problem": _body(error.status, error.detail)})
            except MatcherError as error:
                job.answers.append({"problem": _body(status_of(error), str(error))})
            except Exception:
                log.exception("a job's item failed")
                job.answers.append({"problem": _body(500, "internal error: it was logged")})
        job.state = "done"

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
