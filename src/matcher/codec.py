"""Domain values to and from plain JSON, by their type annotations (pydantic does the work)."""

from collections.abc import Mapping
from datetime import date
from operator import attrgetter
from typing import Any, TypeVar
from warnings import catch_warnings

from matcher.domain import BadInput

T = TypeVar("T")


_ADAPTERS: dict[Any, Any] = {}


def flat(value: Any, columns: str) -> dict[str, Any]:
    """A row of a table: each of `columns`, "heading=path" or a path alone, read from an object or a mapping.

    Days and times are in ISO 8601, several texts are joined by " ; ".
    """
    row: dict[str, Any] = {}
    for column in columns.split(", "):
        heading, _, path = column.rpartition("=")
        cell = value[path] if isinstance(value, Mapping) else attrgetter(path)(value)
        if isinstance(cell, date):
            cell = cell.isoformat()
        row[heading or path] = " ; ".join(cell) if isinstance(cell, tuple) else cell
    return row


def _adapter(cls: Any) -> Any:
    found = _ADAPTERS.get(cls)
    if found is None:
        from pydantic import TypeAdapter

        found = _ADAPTERS[cls] = TypeAdapter(cls)
    return found


def to_json(value: Any) -> Any:
    """Plain lists, dicts, strings and numbers; dates as ISO 8601; NaN as null."""
    return _adapter(type(value)).dump_python(value, mode="json")


def to_text(value: Any, cls: Any = None, *, brief: bool = False) -> bytes:
    """The same as JSON text in UTF-8, in one pass; `cls` where the value's own class says too little (a tuple of lots).

    With `brief` fields that have their default are left out: half the text, read in half the time, by the same readers.
    """
    found: bytes = _adapter(cls or type(value)).serializer.to_json(value, exclude_defaults=brief)
    return found


def from_json(cls: type[T], data: Any) -> T:
    """The value deserialised.  Raises BadInput, naming the first invalid field."""
    return _validated(cls, data, "validate_python")


def from_text(cls: type[T], text: str | bytes) -> T:
    """The value of a JSON text, parsed and validated in one pass.  Raises BadInput, naming the first invalid field."""
    return _validated(cls, text, "validate_json")


def mistyped(value: Any) -> str:
    """What is wrong of a value made elsewhere, naming the first field of another type than declared; "" where nothing is."""
    try:
        with catch_warnings(action="ignore"):
            from_json(type(value), to_json(value))
    except (BadInput, ValueError, AttributeError, TypeError) as error:
        return str(error)
    return ""


def _validated(cls: type[T], data: Any, how: str) -> T:
    try:
        result: T = getattr(_adapter(cls).validator, how)(data)
        return result
    except ValueError as error:
        from pydantic_core import ValidationError

        if not isinstance(error, ValidationError):
            raise
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or cls.__name__
        raise BadInput(f"{cls.__name__}: field {where}: {first['msg']}") from None
