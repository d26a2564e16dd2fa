"""Long lists matched in the background, with their progress by server-sent events.

Jobs are kept in memory for an hour, visible to their owner alone.
"""

import asyncio
import json
import logging
import secrets
import threading
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from matcher.domain import MatcherError, NotFound
from matcher.reference import deadline
from service import access, schemas, wire
from service.access import Reader
from service.problems import Refused, of_error, problem
from service.routes.match import answer
from service.snapshot import snapshot_of

router = APIRouter(tags=["jobs"])
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
                job.add({"problem": _body(problem(413, FULL))})
                return "stopped"
            deadline.set_in(ITEM_SECONDS)
            try:
                job.add(answer(item))
            except Refused as error:
                job.add({"problem": _body(problem(error.status, error.detail))})
            except MatcherError as error:
                job.add({"problem": _body(of_error(error))})
            except Exception:
                log.exception("a job's item failed")
                job.add({"problem": _body(problem(500, "internal error: it was logged"))})
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


def _body(told: Response) -> Any:
    return json.loads(bytes(told.body))


WATCHED, WATCHED_BY_ONE = 100, 5  # concurrent streams
STREAM_SECONDS = 600.0


class JobOut(BaseModel):
    id: str
    state: str
    done: int
    total: int
    answers: list[dict[str, Any]]


def _out(job: Job, first: int = 0, most: int = 0) -> JobOut:
    answers = job.page(first, most)
    return JobOut(id=job.id, state=job.state, done=len(job.answers), total=job.total, answers=answers)


@router.post("/jobs", status_code=202, response_model=JobOut)
def start(request: Request, who: Reader, asked: schemas.JobIn) -> Response:
    snapshot = snapshot_of(request)  # all of a job is answered by one catalogue
    settings = request.app.state.settings
    jobs: Jobs = request.app.state.jobs

    def answered(item: schemas.Asked) -> dict[str, Any]:
        return answer(item, snapshot, settings).model_dump(mode="json")

    job = jobs.start(access.owner(request, who), asked.items, answered)
    sent = wire.send(request, _out(job), 202)
    sent.headers["Location"] = f"/v1/jobs/{job.id}"
    return sent


JobId = Annotated[str, Path(max_length=60)]


@router.get("/jobs/{job_id}", response_model=JobOut)
def status(
    request: Request,
    who: Reader,
    job_id: JobId,
    offset: Annotated[int, Query(ge=0, le=10_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    job = request.app.state.jobs.get(job_id, access.owner(request, who))
    return wire.send(request, _out(job, offset, limit))


@router.get(
    "/jobs/{job_id}/events",
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(request: Request, job_id: JobId) -> Response:
    who = await anyio.to_thread.run_sync(access.identify, request)
    if not who.scopes:
        raise Refused(401, "a key is needed to read: ask the operator")
    job = request.app.state.jobs.get(job_id, access.owner(request, who))
    watched = request.app.state.jobs.watched
    if watched.total() >= WATCHED or watched[job.owner] >= WATCHED_BY_ONE:
        raise Refused(429, "too many streams are open: ask for the job itself", {"Retry-After": "60"})

    async def progress() -> AsyncIterator[str]:
        seen, until = -1, time.monotonic() + STREAM_SECONDS
        watched[job.owner] += 1
        try:
            while time.monotonic() < until:
                done, state = len(job.answers), job.state
                if done != seen or state != "running":
                    seen = done
                    data = json.dumps({"done": done, "total": job.total, "state": state})
                    yield f"event: progress\nid: {done}\ndata: {data}\n\n"
                if state != "running" or await request.is_disconnected():
                    return
                await asyncio.sleep(0.1)
        finally:
            watched[job.owner] -= 1

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(progress(), media_type="text/event-stream", headers=headers)
