"""Find an interchangeable part by its file name (`find("matching.signals", "place")`), and import optional packages."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType

from matcher.domain import MissingExtra, NotFound

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
            raise NotFound(
                f"no {name!r} in {room.rpartition('.')[2]}: choose one of {', '.join(names(room))}"
            ) from None
        raise


@contextmanager
def optional(name: str, purpose: str) -> Iterator[None]:
    """Around the imports of an extra of pyproject.toml.  Raises MissingExtra, with the command to type."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{purpose} needs {error.name}: pip install 'maillage[{name}]'") from None
