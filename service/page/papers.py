"""Public documents: ranking, accessibility, what is stored; and the search box that portals frame."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from service.limits import HEADERS
from service.page import render

router = APIRouter()


@router.get("/a-propos")
def about(request: Request) -> Response:
    return render.page(request, "about.html")


@router.get("/docs")
def api(request: Request) -> Response:
    """API documentation from its own contract, without script or third-party hosts."""
    return render.page(request, "api.html", schema=request.app.openapi())


POLICY = "Content-Security-Policy"


@router.get("/encart")
def framed(
    request: Request,
    lieu: Annotated[str, Query(max_length=100)] = "",
    n: Annotated[int, Query(ge=1, le=50)] = 5,
) -> HTMLResponse:
    """The box alone, without a session, which the portals of `MATCHER_CORS` may frame."""
    portals = " ".join(request.app.state.settings.cors) or "'none'"
    policy = HEADERS[POLICY].replace("frame-ancestors 'none'", f"frame-ancestors {portals}")
    return HTMLResponse(render.text("encart.html", place=lieu, n=n), headers={POLICY: policy})
