"""Resources of the API: one file each, its `router` is included because it exists.

To add one, write `routes/NAME.py` with `router = Router(tags=["NAME"])`; its paths stand under `/v1`.
"""

from __future__ import annotations

import importlib
import pkgutil

from fastapi import FastAPI

from service.problems import Problem, documented


def include(app: FastAPI) -> None:
    """Include every resource, and the model of a problem in the schema."""
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        module = importlib.import_module(f"{__name__}.{found.name}")
        errors = getattr(module, "ERRORS", documented(404))
        app.include_router(module.router, prefix="/v1", responses=errors)
    plain = app.openapi

    def with_problem() -> dict[str, object]:
        if app.openapi_schema is None:
            schema = plain()
            models = schema.setdefault("components", {}).setdefault("schemas", {})
            described = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            models.update(described.pop("$defs", {}))
            models["Problem"] = described
            for path in schema["paths"].values():
                for verb in path.values():
                    answer = verb.get("responses", {}).get("422", {})
                    answer["content"] = {
                        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                    }
                    answer.setdefault("description", "Unprocessable Content")
                    verb.setdefault("responses", {})["422"] = answer
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = with_problem  # type: ignore[method-assign]
