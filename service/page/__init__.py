"""The pages: French, sober, mostly without script.  One file of routes for each kind of visitor."""

from __future__ import annotations

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
    """Make what every first page needs: the outlines of the map, the chances of the codes of a need."""
    from matcher.territory import outlines
    from service.page import chart, lots

    lots.suggested("entretien des locaux et des espaces verts")
    chart.towns(outlines.WHOLE)
