"""Public documents: ranking, accessibility, what is stored; and the search box that portals frame."""

import json
from html import escape
from typing import Annotated, Any

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
    schema = request.app.openapi()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, verbs in schema["paths"].items():
        for verb, operation in verbs.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            given = {e.get("summary", name): e["value"] for name, e in body.get("examples", {}).items()}
            asked = (p for p in operation.get("parameters", []) if p["in"] in ("path", "query"))
            route = {"verb": verb.upper(), "path": path, "summary": operation.get("summary", "")}
            route["parameters"] = [(p["name"], p.get("description", "")) for p in asked]
            route["examples"] = [(n, json.dumps(v, ensure_ascii=False, indent=1)) for n, v in given.items()]
            groups.setdefault((operation.get("tags") or ["other"])[0], []).append(route)
    return render.page(request, "api.html", groups=groups, about=schema["info"]["description"])


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
