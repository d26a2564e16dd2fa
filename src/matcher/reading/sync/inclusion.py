"""Structures and services of data.inclusion; a service is kept with the structure that offers it."""

from pathlib import Path
from typing import Any

from matcher.reading.sync._client import Report, _read_json, _write_json, address
from matcher.reading.sync._pages import Listing, listed, paged

LISTING = Listing("items", "total", paged("size", 500), ("source", "id"))


def inclusion(folder: Path, accept_fewer: bool = False) -> Report:
    """Every structure, and every service laid under its own (`services`)."""
    url = address("inclusion").rstrip("/")
    with listed("inclusion", folder, accept_fewer) as lists:
        read = [lists.read(key, f"{url}/{key}", LISTING) for key in ("structures", "services")]
        if set(read) != {"same"}:
            services: dict[str, list[Any]] = {}
            for path in lists.files("services"):
                for service in _read_json(path)["items"]:
                    if isinstance(service, dict):
                        services.setdefault(str(service.get("structure_id")), []).append(service)
            for path in lists.files("structures"):
                page = _read_json(path)
                for row in page["items"]:
                    if isinstance(row, dict):
                        row["services"] = services.get(str(row.get("id")), [])
                _write_json(path, page)
    return lists.report
