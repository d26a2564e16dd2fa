"""Public documents: how the service ranks, its accessibility, what it stores."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request, Response

from service.page import render
from service.router import Router

router = Router()


@router.get("/a-propos")
def about(request: Request) -> Response:
    return render.page(request, "about.html")


@router.get("/docs")
def api(request: Request) -> Response:
    """API documentation from its own contract, without script or third-party hosts."""
    schema = request.app.openapi()
    return render.page(request, "api.html", groups=_groups(schema), about=schema["info"]["description"])


def _groups(schema: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Routes by tag: verb, path, summary, parameters, examples as JSON."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, verbs in schema["paths"].items():
        for verb, operation in verbs.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            examples = [
                (e.get("summary", name), json.dumps(e["value"], ensure_ascii=False, indent=1))
                for name, e in body.get("examples", {}).items()
            ]
            parameters = [
                (p["name"], p.get("description", ""))
                for p in operation.get("parameters", [])
                if p["in"] in ("path", "query")
            ]
            route = {
                "verb": verb.upper(),
                "path": path,
                "summary": operation.get("summary", ""),
                "parameters": parameters,
                "examples": examples,
            }
            groups.setdefault((operation.get("tags") or ["other"])[0], []).append(route)
    return groups
