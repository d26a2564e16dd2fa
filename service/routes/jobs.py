"""Long lists as a job, with its progress by server-sent events."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from service import access, schemas, wire
from service.access import Reader
from service.jobs import Job, Jobs
from service.problems import Refused
from service.routes.match import answer
from service.snapshot import snapshot_of

router = APIRouter(tags=["jobs"])
WATCHED, WATCHED_BY_ONE = 100, 5  # concurrent streams
STREAM_SECONDS = 600.0


class JobOut(BaseModel):
    id: str
    state: str
    done: int
    total: int
    answers: list[dict[str, Any]] = []


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
