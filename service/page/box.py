"""The search box as a page of its own, for portals that show it in a sandboxed frame and run no script of ours."""

from __future__ import annotations

from html import escape
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import HTMLResponse

from service.limits import HEADERS
from service.router import Router

router = Router()
POLICY = "Content-Security-Policy"
PAGE = """<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Trouver des structures</title></head>
<body><script src="/static/search-box.js"></script><maillage-search place="{place}" n="{n}"></maillage-search></body></html>
"""


@router.get("/encart")
def framed(
    request: Request,
    lieu: Annotated[str, Query(max_length=100)] = "",
    n: Annotated[int, Query(ge=1, le=50)] = 5,
) -> HTMLResponse:
    """The box alone, without a session, which the portals of `MATCHER_CORS` may frame."""
    portals = " ".join(request.app.state.settings.cors) or "'none'"
    policy = HEADERS[POLICY].replace("frame-ancestors 'none'", f"frame-ancestors {portals}")
    return HTMLResponse(PAGE.format(place=escape(lieu), n=n), headers={POLICY: policy})
