"""Notices of French buyers on TED, day by day, by the search API (v3): an expert query, paged by token.

Each notice is kept as the XML that TED publishes, under its publication number: the formats `ted` and `eforms` read it.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from matcher.domain import BadInput
from matcher.reading.sync._client import Gone, Report, Run, Unreachable, address, run
from matcher.reference.paths import write_whole

LIMIT = 250  # notices of a page, the most that the API gives
FIRST_DAYS = 7  # how far back a first run goes


def ted(
    folder: Path, since: date | None = None, until: date | None = None, today: date | None = None
) -> Report:
    """The notices published from `since` to `until`, each fetched once; a day is done once all of its notices are held."""
    now = today or datetime.now(UTC).date()
    last = until or now
    with run("ted", folder) as work:
        state = work.state
        day = since or date.fromisoformat(state.get("through") or str(now - timedelta(days=FIRST_DAYS)))
        if day > last:
            raise BadInput(f"--since {day} is after --until {last}: swap them")
        while day <= last:
            for number, url in _notices(work, day):
                _fetch(work, number, url)
            state["through"] = max(str(state.get("through", "")), str(min(day, now)))
            work.save()
            day += timedelta(days=1)
    return work.report


def prune(folder: Path, before: date) -> int:
    """Delete the notices fetched before a day; they are not fetched again.  Returns how many."""
    old = [path for path in folder.rglob("*.xml") if date.fromtimestamp(path.stat().st_mtime) < before]
    for path in old:
        path.unlink()
    return len(old)


def _notices(work: Run, day: date) -> Iterator[tuple[str, str]]:
    """(publication number, address of the XML) of every notice of a day."""
    url = address("ted")
    question: dict[str, Any] = {
        "query": f"organisation-country-buyer IN (FRA) AND publication-date = {day:%Y%m%d} SORT BY publication-number ASC",
        "fields": ["publication-number", "links"],
        "limit": LIMIT,
        "scope": "ALL",
        "paginationMode": "ITERATION",
    }
    while True:
        page, _ = work.http.json(url, body=question)
        rows = page.get("notices") if isinstance(page, dict) else None
        if not isinstance(rows, list) or page.get("timedOut"):
            raise Unreachable(f"TED answered {day} with another shape, or not in time: run again later")
        work.report.pages += 1
        for row in rows:
            links = row.get("links") if isinstance(row, dict) else None
            number = str(row.get("publication-number", "")) if isinstance(row, dict) else ""
            files = links.get("xml") if isinstance(links, dict) else None
            link = next((one for one in (files or {}).values() if isinstance(one, str)), "")
            if re.fullmatch(r"\d{1,12}-\d{4}", number) and link.startswith(("https://", "http://")):
                yield number, link
            else:
                work.report.notes.append(f"{day}: a notice without a number or an XML")
        token = page.get("iterationNextToken")
        if not token or not rows:
            return
        question["iterationNextToken"] = token


def _fetch(work: Run, number: str, url: str) -> None:
    target = work.folder / number[-4:] / f"{number}.xml"
    if target.exists():
        work.report.unchanged += 1
        return
    try:
        content = work.http.get(url)
    except Gone:
        work.report.notes.append(f"{number}: its XML is not there")
        return
    write_whole(target, content)
    work.report.records += 1
