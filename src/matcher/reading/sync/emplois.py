"""Structures and their jobs, by department, of the State's hiring platform (Les emplois de l'inclusion)."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from matcher.reading.sync._client import Report, address
from matcher.reading.sync._pages import Listing, departments, listed, paged

LISTING = Listing("results", "count", paged("page_size", 100), ("siret", "type"))


def emplois(
    folder: Path, asked: Iterable[str] = (), today: date | None = None, accept_fewer: bool = False
) -> Report:
    """Every structure with its open jobs, of the departments asked for; a department is read once a day."""
    url = address("emplois")
    with listed("emplois", folder, accept_fewer, today) as lists:
        for code in departments(asked):
            question = {"departement": code, "format": "json"}
            lists.read(code, url, LISTING, question, after=lists.today.isoformat())
    return lists.report
