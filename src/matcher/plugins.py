"""Find an interchangeable part by its file name (`find("matching.signals", "place")`), and import optional packages."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from matcher.domain import BadInput, BrokenPlugin, MissingExtra, NotFound

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

PACKAGE = __package__ or "matcher"
#: Room -> the group of entry points by which an installed package adds a sibling to it.
GROUPS = {
    "reading.sources": "maillage.sources",
    "matching.signals": "maillage.signals",
    "learned.encoders": "maillage.encoders",
    "catalogue.indexes": "maillage.indexes",
}


@cache
def names(room: str) -> tuple[str, ...]:
    """The siblings of a room, sorted: one for each file that does not begin with an underscore, and those installed."""
    folder = importlib.import_module(f"{PACKAGE}.{room}")
    files = (m.name for m in pkgutil.iter_modules(folder.__path__) if not m.name.startswith("_"))
    return tuple(sorted({*files, *installed(room)}))


@cache
def installed(room: str) -> dict[str, EntryPoint]:
    """Name -> entry point of the siblings that installed packages add to a room; the room's own files come first."""
    if room not in GROUPS:
        return {}
    from importlib.metadata import entry_points  # takes longer to import than most commands do to start

    return {point.name: point for point in entry_points(group=GROUPS[room])}


def find(room: str, name: str) -> ModuleType:
    """The module of a plugin, by file name, by the name of its entry point, or by dotted path for one outside the tree.

    Raises NotFound, listing the names available, when the room has no such file.
    """
    path = name if "." in name else f"{PACKAGE}.{room}.{name}"
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name and (path == error.name or path.startswith(error.name + ".")):
            if name in installed(room):
                return _imported(installed(room)[name])
            dotted = "put the folder of its package on PYTHONPATH"
            where = dotted if "." in name else f"name a module of your own by its dotted path: PACKAGE.{name}"
            raise NotFound(
                f"no {name!r} in {room.rpartition('.')[2]}: choose one of {', '.join(names(room))}, or {where}"
            ) from None
        if path != name or os.environ.get("MATCHER_DEBUG"):
            raise
        raise BrokenPlugin(
            f"the plug-in {name} needs {error.name}, which is not installed here: install it beside the program"
        ) from None


def loaded(room: str, name: str, options: Mapping[str, Any]) -> Any:
    """What the plugin's `load` makes of its options.  Raises BadInput for one that it does not take, NotFound as `find`."""
    load = find(room, name).load
    try:
        inspect.signature(load).bind(**options)
    except TypeError as error:
        known = ", ".join(inspect.signature(load).parameters) or "none"
        raise BadInput(f"options of {name} in {room.rpartition('.')[2]}: {error}; it takes {known}") from None
    return load(**options)


def _imported(point: EntryPoint) -> ModuleType:
    """The module of an installed package's entry point.  Raises BrokenPlugin, which names it."""
    try:
        return importlib.import_module(point.value)
    except Exception as error:
        if os.environ.get("MATCHER_DEBUG"):
            raise
        package = f" of {point.dist.name}" if point.dist else ""
        raise BrokenPlugin(
            f"the plug-in {point.name} ({point.value}{package}) cannot be imported "
            f"({type(error).__name__}: {error}): mend or uninstall it (MATCHER_DEBUG=1 shows where)"
        ) from error


def called(room: str, module: ModuleType) -> str:
    """The name by which a sibling is asked for."""
    points = installed(room).values()
    return next((p.name for p in points if p.value == module.__name__), module.__name__.rpartition(".")[2])


@contextmanager
def optional(name: str, purpose: str) -> Iterator[None]:
    """Context for importing an optional extra.  Raises MissingExtra, with the command that installs it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{purpose} needs {error.name}: pip install 'maillage[{name}]'") from None
