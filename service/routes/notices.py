"""Indexed notices: search, read, what is new since a day."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Path, Query, Request, Response

from matcher.domain import Tender
from matcher.reference.text import fold
from service import schemas, wire
from service.access import Reader
from service.router import Router
from service.routes.structures import Limit, Offset
from service.snapshot import Snapshot

router = Router(tags=["notices"])
NoticeId = Annotated[
    str, Path(max_length=200, openapi_examples={"sample": {"summary": "Of the sample", "value": "26-130101"}})
]


@router.get(
    "/notices",
    summary="Search by words, newest first; `since` tells what is new",
    response_model=schemas.NoticePage,
)
def search(
    request: Request, who: Reader, offset: Offset = 0, limit: Limit = 20, q: Annotated[str, Query(max_length=200)] = "",
    since: Annotated[date | None, Query(description="Published on that day or later.")] = None,
    answerable: Annotated[bool, Query(description="Only calls that stand.")] = False,
) -> Response:  # fmt: skip
    snapshot = request.app.state.serving.get()
    words = fold(q).split()
    pool = (
        snapshot.answerable()
        if answerable
        else sorted(snapshot.notices.values(), key=lambda t: (t.published or date.min, t.id), reverse=True)
    )
    found = [
        t for t in pool
        if (since is None or (t.published is not None and t.published >= since))
        and (not words or all(w in fold(" ".join([t.id, t.title, t.buyer.name, *(each.title for each in t.lots)])) for w in words))
    ]  # fmt: skip
    page = schemas.NoticePage(
        total=len(found),
        offset=offset,
        limit=limit,
        items=[_shown(t, snapshot) for t in found[offset : offset + limit]],
    )
    return wire.send(request, page, tagged=True)


@router.get("/notices/{notice_id}", summary="One notice, lot by lot", response_model=schemas.NoticeOut)
def notice(request: Request, who: Reader, notice_id: NoticeId) -> Response:
    snapshot = request.app.state.serving.get()
    return wire.send(request, _shown(snapshot.notice(notice_id), snapshot), tagged=True)


def _shown(tender: Tender, snapshot: Snapshot) -> schemas.NoticeOut:
    """The notice as sent, kept: inferring its codes takes most of the time of a list."""
    found: schemas.NoticeOut = snapshot.once(("notice", tender.id), lambda: wire.notice(tender))
    return found
