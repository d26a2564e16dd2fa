"""Find an interchangeable part by the name of its file: `find("signals", "place")` reads signals/place.py."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType

from matcher.domain import NotFound

PACKAGE = __package__ or "matcher"


@cache
def names(room: str) -> tuple[str, ...]:
    """The siblings of a room, sorted: one for each file that does not begin with an underscore."""
    folder = importlib.import_module(f"{PACKAGE}.{room}")
    return tuple(sorted(m.name for m in pkgutil.iter_modules(folder.__path__) if not m.name.startswith("_")))


def find(room: str, name: str) -> ModuleType:
    """The module of a plug, by file name, or by dotted path for a plug outside the tree.

    Raises NotFound, naming what there is, when the room has no such file.
    """
    path = name if "." in name else f"{PACKAGE}.{room}.{name}"
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name and (path == error.name or path.startswith(error.name + ".")):
            raise NotFound(f"no {name!r} in {room}: choose one of {', '.join(names(room))}") from None
        raise
