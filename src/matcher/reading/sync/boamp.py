"""Notices of the BOAMP, window by window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from matcher.domain import BadInput
from matcher.reading.sync._client import (
    Client,
    Report,
    Unreachable,
    _forget,
    _results,
    _save,
    _write_json,
    address,
    run,
)

#: The rules of the Opendatasoft explore API, version 2.1.
ODS_LIMIT, ODS_REACH = 100, 10_000


WINDOW = 7  # days asked for at once


FIRST_DAYS = 30  # how far back a first run goes


def boamp(
    folder: Path,
    since: date | None = None,
    until: date | None = None,
    client: Client | None = None,
    today: date | None = None,
) -> Report:
    """The BOAMP records published in the weeks from `since` to `until`, page by page, whole weeks at a time.

    A week beyond the API's reach of 10,000 is halved; a day beyond it is exported whole.  Weeks that are over are
    fetched once; a week that reaches yesterday or today is asked again, on condition.
    """
    now = today or datetime.now(UTC).date()
    last = until or now
    with run("boamp", folder, client) as (http, state, report):
        begin = since or _resumed(state, now)
        if begin > last:
            raise BadInput(f"--since {begin} is after --until {last}: swap them")
        windows = list(reversed(list(_weeks(begin, last))))
        state.setdefault("windows", {})
        while windows:
            first, end = windows.pop()
            key = f"{first}_{end}"
            known = state["windows"].get(key, {})
            if known.get("final"):
                report.unchanged += 1
                continue
            found = _boamp_window(http, folder, state, first, end, known, report)
            if found == "beyond":
                _forget(folder, key)
                state["windows"].pop(key, None)
                middle = first + (end - first) // 2
                windows += [(middle + timedelta(days=1), end), (first, middle)]
                continue
            if found == "same":
                report.unchanged += 1
            # A past week is read once, unless it changed while being read.
            state["windows"].setdefault(key, {})["final"] = found != "moved" and end < now - timedelta(days=1)
            state.pop("partial", None)
            state["through"] = max(str(state.get("through", "")), str(min(end, now)))
            _save(folder, state)
    return report


def prune(folder: Path, before: date) -> int:
    """Delete the pages of the weeks that ended before a day; they are not fetched again.  Returns how many."""
    gone = 0
    for path in folder.glob("????-??-??_????-??-??_*.json"):
        if path.name[11:21] < before.isoformat():
            path.unlink()
            gone += 1
    return gone


def _resumed(state: Mapping[str, Any], now: date) -> date:
    """From the day before the last one fetched, or a month back on a first run."""
    try:
        return date.fromisoformat(str(state.get("through", ""))) - timedelta(days=1)
    except ValueError:
        return now - timedelta(days=FIRST_DAYS)


def _weeks(first: date, last: date) -> Iterator[tuple[date, date]]:
    """Whole weeks, Monday to Sunday, so that every run names the same windows."""
    day = first - timedelta(days=first.weekday())
    while day <= last:
        yield day, day + timedelta(days=WINDOW - 1)
        day += timedelta(days=WINDOW)


def _boamp_window(
    http: Client,
    folder: Path,
    state: dict[str, Any],
    first: date,
    end: date,
    known: Mapping[str, Any],
    report: Report,
) -> Literal["same", "read", "moved", "beyond"]:
    """Fetch one window: unchanged, read, changed while being read, or beyond the paging limit."""
    url = address("boamp").rstrip("/")
    where = f"dateparution>=date'{first}' and dateparution<=date'{end}'"
    params = {"where": where, "order_by": "dateparution,idweb", "limit": ODS_LIMIT}
    key, ids, total = f"{first}_{end}", set[str](), 0
    for _ in range(3):  # notices published meanwhile shift the pages: the window is then read again
        partial = state.get("partial") or {}
        resumed = partial.get("window") == key
        offset, total = (int(partial["next"]), int(partial["total"])) if resumed else (0, -1)
        ids = set(partial["ids"]) if resumed else set()
        moved = False
        while total < 0 or offset < total:
            page, reply = http.json(
                f"{url}/records", {**params, "offset": offset}, known if total < 0 else None
            )
            if page is None:
                return "same"
            results = _results(page, url, "total_count")
            if total < 0:
                total = page["total_count"]
                if total > ODS_REACH:
                    return "beyond" if first < end else _boamp_day(http, folder, first, where, total, report)
                _forget(folder, key)
                state["windows"][key] = {**reply.validators, "total": total}
            moved = page["total_count"] != total
            if moved or not results:
                break
            ids |= {
                str(record.get("idweb") or record.get("id")) for record in results if isinstance(record, dict)
            }
            _write_json(folder / f"{key}_{offset:05d}.json", page)
            report.pages += 1
            offset += ODS_LIMIT
            state["partial"] = {"window": key, "next": offset, "total": total, "ids": sorted(ids)}
            _save(folder, state)
        state.pop("partial", None)
        known = {}
        if not moved and len(ids) >= total:
            report.records += total
            return "read"
    report.notes.append(
        f"{key}: {len(ids)} of {total} records, the list changed while it was read; run again later"
    )
    report.records += len(ids)
    state["windows"][key] = {"total": total}
    return "moved"


def _boamp_day(
    http: Client, folder: Path, day: date, where: str, total: int, report: Report
) -> Literal["read", "moved"]:
    """A day beyond the paging limit, by the export, which has none."""
    page, _ = http.json(f"{address('boamp').rstrip('/')}/exports/json", {"where": where})
    if not isinstance(page, list):
        raise Unreachable("the BOAMP export answered with another shape: the address may have changed")
    _forget(folder, f"{day}_{day}")
    _write_json(folder / f"{day}_{day}_export.json", {"total_count": len(page), "results": page})
    report.pages += 1
    report.records += len(page)
    if len(page) < total:
        report.notes.append(f"{day}: {len(page)} of {total} records exported; run again later")
        return "moved"
    return "read"
