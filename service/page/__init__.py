"""The French web pages, mostly without script.  One file of routes for each kind of visitor."""

import importlib
import pkgutil
from pathlib import Path

from fastapi import FastAPI

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"


def include(app: FastAPI) -> None:
    """Include the routes of every page; none is in the schema of the API."""
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        module = importlib.import_module(f"{__name__}.{found.name}")
        if hasattr(module, "router"):
            app.include_router(module.router, include_in_schema=False)


def warm() -> None:
    """Warm up what first pages need: templates, outlines of the map, readers of a need, the store."""
    import alembic.command  # noqa: F401  half a second of processor
    from sqlalchemy.orm import configure_mappers

    from matcher.reference import toponyms
    from matcher.territory import areas, outlines
    from service.asked import from_need
    from service.page import lots, render

    configure_mappers()
    render.compiled(path.name for path in render.TEMPLATES.glob("*.html"))
    need = "Entretien des locaux et des espaces verts à Pantin"
    from_need(need, toponyms.asked("Pantin", need), 100)
    lots.suggested(need)
    outlines.towns(outlines.WHOLE)
    areas.largest()
