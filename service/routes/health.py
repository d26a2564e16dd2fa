"""Is the service alive, is it ready, what does it serve."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from matcher.records.keys import Bearer
from service import access, schemas, wire
from service.problems import Refused, documented
from service.snapshot import Serving

router = APIRouter(tags=["health"])
ERRORS: dict[int | str, dict[str, Any]] = {}  # readiness alone can fail


def _health(request: Request) -> schemas.Health:
    serving: Serving = request.app.state.serving
    snapshot = serving.current
    if snapshot is None:
        return schemas.Health(
            status="unavailable",
            detail=serving.refusal or "there is no catalogue yet: build it with `make demo`",
        )
    return schemas.Health(
        status="ok", versions=snapshot.matcher.versions, indexes=list(snapshot.catalogue.indexes), structures=len(snapshot.catalogue), notices=len(snapshot.notices),
        loaded_at=snapshot.loaded_at,
    )  # fmt: skip


@router.get(
    "/health", summary="Versions of code, data, recipe, encoder and ranker", response_model=schemas.Health
)
async def health(request: Request) -> Response:
    return wire.send(request, _health(request))


@router.get("/health/live", summary="Is the process alive", response_model=schemas.Health)
async def live(request: Request) -> Response:
    return wire.send(request, schemas.Health(status="ok"))


@router.get(
    "/health/readiness",
    summary="Can it answer: 503 without a catalogue",
    response_model=schemas.Health,
    responses=documented(503),
)
async def readiness(request: Request) -> Response:
    found = _health(request)
    if found.status != "ok":
        raise Refused(503, found.detail, {"Retry-After": "10"})
    return wire.send(request, found)


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request, who: Annotated[Bearer, access.needs("read")]) -> Response:
    """Prometheus metrics (loopback, or a key)."""
    found, serving = request.app.state.metrics, request.app.state.serving
    if serving.current is not None:
        found.structures.set(len(serving.current.catalogue))
        found.notices.set(len(serving.current.notices))
    found.swaps.set(serving.swaps)
    return Response(generate_latest(found.registry), media_type=CONTENT_TYPE_LATEST)
