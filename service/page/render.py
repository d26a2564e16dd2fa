"""Templates, the map, and errors as pages."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from fastapi.responses import HTMLResponse, Response


def wants_page(request: Request) -> bool:
    """Is a page shown here, and a page wanted?"""
    return not request.url.path.startswith(
        ("/v1", "/static", "/openapi")
    ) and "text/html" in request.headers.get("accept", "")


def error(request: Request, status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    return HTMLResponse(detail, status)
