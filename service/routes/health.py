"""Liveness, readiness, and what is served."""

import asyncio
import logging
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from matcher.domain import MatcherError
from matcher.outreach import review
from matcher.records import self_declared
from matcher.records.keys import Bearer
from matcher.records.tables import Key
from service import access, schemas, wire
from service.problems import Refused, documented
from service.snapshot import Serving

log = logging.getLogger("service")
READY_SECONDS = 5.0
router = APIRouter(tags=["health"])
ERRORS: dict[int | str, dict[str, Any]] = {}  # readiness alone can fail


def _health(request: Request) -> schemas.Health:
    serving: Serving = request.app.state.serving
    snapshot = serving.current
    if snapshot is None:
        why = serving.refusal or "there is no catalogue yet: build it with `make demo`"
        return schemas.Health(status="unavailable", detail=why)
    return schemas.Health(
        status="ok",
        versions=snapshot.matcher.versions,
        indexes=list(snapshot.catalogue.indexes),
        structures=len(snapshot.catalogue),
        notices=len(snapshot.notices),
        loaded_at=snapshot.loaded_at,
    )


@router.get("/health", response_model=schemas.Health)
async def health(request: Request) -> Response:
    return wire.send(request, _health(request))


@router.get("/health/live", response_model=schemas.Health)
async def live(request: Request) -> Response:
    return wire.send(request, schemas.Health(status="ok"))


@router.get("/health/readiness", response_model=schemas.Health, responses=documented(503))
async def readiness(request: Request) -> Response:
    found = _health(request)
    if found.status != "ok":
        raise Refused(503, found.detail, {"Retry-After": "10"})
    if not request.app.state.warmed.is_set():
        raise Refused(503, "still preparing what first requests need", {"Retry-After": "1"})
    try:  # every request needs a free thread and a store that answers
        async with asyncio.timeout(READY_SECONDS):
            await run_in_threadpool(_ask_store, request)
    except TimeoutError:
        raise Refused(503, "no thread is free: the service is overloaded", {"Retry-After": "10"}) from None
    except (MatcherError, SQLAlchemyError) as error:
        log.error("the store does not answer", extra={"why": type(error).__name__})
        raise Refused(503, "the store does not answer: see the log", {"Retry-After": "10"}) from None
    return wire.send(request, found)


def _ask_store(request: Request) -> None:
    """One question to the store where there is one, by its file or its server."""
    state = request.app.state
    if state.store is None and not self_declared.exists(state.settings.store):
        return  # it is made by the first write
    access.store_of(request).ask(select(Key.id).limit(1)).first()


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request, who: Annotated[Bearer, access.needs("read")]) -> Response:
    """Prometheus metrics, to this machine or by the operator's key."""
    if not (access.local(request) or who.may("operator")):
        raise Refused(403, "metrics are the operator's: ask with a key of that scope, or from this machine")
    found, serving = request.app.state.metrics, request.app.state.serving
    if serving.current is not None:
        found.structures.set(len(serving.current.catalogue))
        found.notices.set(len(serving.current.notices))
        pool = serving.current.matcher.pool
        found.processes.set(pool.count if pool.ready else 0)
    found.swaps.set(serving.swaps)
    if request.app.state.store is not None or self_declared.exists(request.app.state.settings.store):
        found.set_night(*review.night(access.store_of(request)))
    return Response(generate_latest(found.registry), media_type=CONTENT_TYPE_LATEST)
