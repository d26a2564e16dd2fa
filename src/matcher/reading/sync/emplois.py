"""Structures and their jobs, by department, of the State's hiring platform (Les emplois de l'inclusion)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

from matcher.reading.sync._client import Client, Report, address, run
from matcher.reading.sync._pages import Listing, Lists, departments, paged

LISTING = Listing("results", "count", paged("page", "page_size", 100), ("siret", "type"))


def emplois(
    folder: Path,
    asked: Iterable[str] = (),
    client: Client | None = None,
    today: date | None = None,
    accept_fewer: bool = False,
) -> Report:
    """Every structure with its open jobs, of the departments asked for; a department is read once a day."""
    url, day = address("emplois"), today or datetime.now(UTC).date()
    with run("emplois", folder, client) as (http, state, report):
        lists = Lists(http, folder, state, report, accept_fewer, day)
        for code in departments(asked):
            if lists.fetched(code) == day.isoformat():
                report.unchanged += 1
                continue
            lists.read(code, url, LISTING, {"departement": code, "format": "json"})
    return report
