"""Walking loosely structured JSON: texts, paths and codes of a BOAMP notice, whatever its schema."""

import re
from collections.abc import Iterator
from typing import Any

from matcher.domain import BadInput

Json = dict[str, Any]
MAX_DEPTH = 200


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


def named(raw: Json, *keys: str) -> str:
    """The text of the first of these keys that is not empty."""
    return text(first(*(raw.get(key) for key in keys)))


def dig(raw: Any, *path: str) -> Any:
    """The value at a path of keys, or None; a list of one stands for its element."""
    for key in path:
        if isinstance(raw, list) and len(raw) == 1:
            raw = raw[0]
        raw = raw.get(key) if isinstance(raw, dict) else None
    return raw


def walk(raw: Any, without: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """(path of keys, text) of every scalar, in order, the keys `without` left out.  Does not recurse."""
    stack: list[tuple[str, Any, int]] = [("", raw, 0)]
    while stack:
        path, one, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise BadInput(f"nested deeper than {MAX_DEPTH} levels, which no notice is")
        if isinstance(one, dict):
            stack.extend((f"{path}/{k}", v, depth + 1) for k, v in reversed(one.items()) if k not in without)
        elif isinstance(one, list):
            stack.extend((path, v, depth + 1) for v in reversed(one))
        elif one is not None:
            yield path, text(one)


def found(raw: Any, key: str) -> Iterator[Any]:
    """Every value under a key, wherever it stands, in order.  Does not recurse."""
    stack = [raw]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            if key in one:
                yield one[key]
            stack.extend(reversed(list(one.values())))
        elif isinstance(one, list):
            stack.extend(reversed(one))


def sentences(raw: Any, without: tuple[str, ...] = ()) -> Iterator[str]:
    """The texts of an object that a person wrote: with letters, and neither a link, a code nor a date.

    A short answer ("oui", "non", "☐") is kept with the last word of its key, which it answers.
    """
    for path, value in walk(raw, without):
        key = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", path.rsplit("/", 1)[-1])
        if value.lower() in ("oui", "non", "true", "false", "☐", "☑", "☒"):
            yield f"{key} : {value}"
        elif (
            re.search(r"[^\W\d]{3}", value)
            and not value.startswith("http")
            and (" " in value or len(value) > 12)
        ):
            yield value


def codes(raw: Any, without: tuple[str, ...] = ()) -> Iterator[str]:
    """CPV codes below keys that speak of CPV, the main object's first."""
    pairs = [(path.lower(), value) for path, value in walk(raw, without) if re.search(r"cpv", path, re.I)]
    main = [p for p in pairs if re.search(r"principal", p[0]) and "secondaire" not in p[0]]
    for _, value in [*main, *(p for p in pairs if p not in main)]:
        yield from re.findall(r"(?<!\d)\d{8}(?:-\d)?(?!\d)", value) or [value]
