"""Resources of the API: one file each, its `router` is included because it exists.

To add one, write `routes/NAME.py` with `router = APIRouter(tags=["NAME"])`; its paths stand under `/v1`, and what the schema says
of them, of their fields and answers, in `contract.json`.
"""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from service.problems import Problem, documented
from service.schemas import In, Out

UNPROCESSABLE = {"description": "Unprocessable Content"}
LIMITED = r"(?:2..|429) /v1/(?!health)"
#: Which answers, by status and path, have which headers.
HEADERS = {"RateLimit-Policy": LIMITED, "RateLimit": LIMITED, "Retry-After": "(?:429|503) "}


def include(app: FastAPI) -> None:
    """Include every resource, and the model of a problem in the schema."""
    routes: list[Any] = []
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        module = importlib.import_module(f"{__name__}.{found.name}")
        errors = getattr(module, "ERRORS", documented(404))
        app.include_router(module.router, prefix="/v1", responses=errors)
        routes += module.router.routes
    plain = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(plain())
            for route in routes:
                for verb in route.methods if route.include_in_schema else ():
                    app.openapi_schema["paths"][f"/v1{route.path}"][verb.lower()]["x-key"] = _key(route)
        return app.openapi_schema

    app.openapi = whole  # type: ignore[method-assign]


def _key(route: Any) -> str:
    """The scope of the key that a route needs; "" where it needs none."""
    if route.path.startswith("/health"):
        return ""
    left, wanted = [route.dependant], ""
    while left and not wanted:
        one = left.pop()
        wanted = getattr(one.call, "wanted", "")
        left += one.dependencies
    return wanted or "read"  # those that check it themselves: feeds, events of a job


def _bases(of: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Each model below one with that which it inherits."""
    for each in of.__subclasses__():
        yield each.__name__, of.__name__
        yield from _bases(each)


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with problems, and with what `contract.json` says of it."""
    told = json.loads(Path(__file__).parents[1].joinpath("contract.json").read_text(encoding="utf-8"))
    models = schema.setdefault("components", {}).setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    models.update({**problem.pop("$defs", {}), "Problem": problem, **told["models"]})
    schema["components"]["headers"] = told["headers"]
    schema["webhooks"] = told["webhooks"]
    bases = dict([*_bases(In), *_bases(Out)])
    for name, model in models.items():
        for field, of in model.get("properties", {}).items():
            base = name  # what is said of a field holds for the models that inherit it
            while base in bases and f"{base}.{field}" not in told["fields"]:
                base = bases[base]
            own = told["fields"].get(f"{base}.{field}") or of.get("description")
            of["description"] = own or told["fields"].get(field, "")
    faulty = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, verbs in schema["paths"].items():
        for verb, operation in verbs.items():
            answers = operation["responses"]
            answers["422"] = {**answers.get("422", UNPROCESSABLE), "content": faulty}
            for parameter in operation.get("parameters", ()):
                parameter.setdefault("description", told["parameters"].get(parameter["name"], ""))
            for status, answer in answers.items():
                said = f"{status} {path}"
                if names := [name for name, statuses in HEADERS.items() if re.match(statuses, said)]:
                    answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
            named = f"{verb} {path.removeprefix('/v1')}"
            operation["summary"] = told["summaries"].get(named, operation.get("summary", ""))
            if examples := told["requests"].get(named):
                operation["requestBody"]["content"]["application/json"]["examples"] = examples
            if stated := told["answers"].get(named):
                answer = next(answer for code, answer in answers.items() if code.startswith("2"))
                known = answer.get("content", {})
                merged = {media: {**known.get(media, {}), **more} for media, more in stated.items()}
                answer["content"] = merged
    return schema
