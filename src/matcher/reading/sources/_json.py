"""Loosely structured JSON: its texts, lists and paths."""

from typing import Any

Json = dict[str, Any]


def text(raw: Any) -> str:
    """The text of a JSON value: of a scalar, of the `#text` of an object, of a list of one."""
    if raw is None or isinstance(raw, bool):
        return "" if raw is None else str(raw).lower()
    if isinstance(raw, dict):
        return text(raw.get("#text"))
    if isinstance(raw, list):
        return (
            text(raw[0])
            if len(raw) == 1
            else " ".join(filter(None, (text(x) for x in raw if not isinstance(x, list))))
        )
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 1e15:
        return str(int(raw))
    return str(raw).strip()


def listed(raw: Any) -> list[Any]:
    """A list as it is, nothing as an empty one, anything else (a single child) as a list of one."""
    return raw if isinstance(raw, list) else [] if raw is None else [raw]


def objects(raw: Any) -> list[Json]:
    """The objects of what may be a list of them, or one alone."""
    return [one for one in listed(raw) if isinstance(one, dict)]


def first(*values: Any) -> Any:
    """The first value that is not empty, or None."""
    return next((value for value in values if value not in (None, "", [], {})), None)


def dig(raw: Any, *path: str) -> Any:
    """The value at a path of keys, or None; a list of one stands for its element."""
    for key in path:
        if isinstance(raw, list) and len(raw) == 1:
            raw = raw[0]
        raw = raw.get(key) if isinstance(raw, dict) else None
    return raw
