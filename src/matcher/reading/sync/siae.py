"""SIAE from their public directory."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from matcher.reading.sync._client import (
    Client,
    Report,
    _results,
    _save,
    _state,
    _write_json,
    address,
    client_of,
)


def siae(folder: Path, client: Client | None = None) -> Report:
    """Every page of Le Marché's structures; the new set replaces the old one once complete."""
    report = Report("siae", folder)
    url = address("siae")
    with _state(folder) as state, client or client_of("siae") as http:
        known = (
            {k: str(state.get(k, "")) for k in ("etag", "last-modified")}
            if (folder / "pages").is_dir()
            else {}
        )
        coming = folder / "coming"
        number = int(state.get("next", 1)) if coming.is_dir() else 1
        total = int(state.get("total", -1)) if number > 1 else -1
        if number == 1:
            shutil.rmtree(coming, ignore_errors=True)
            coming.mkdir(parents=True)
        seen: set[str] = set(state.get("seen", ())) if number > 1 else set()
        validators = {k: str(state.get(f"new-{k}", "")) for k in ("etag", "last-modified")}
        more = True
        while more:
            # The address of the next page is not followed: a page could send our token elsewhere.
            page, reply = http.json(url, {"page": number, "page_size": 100}, known if number == 1 else None)
            if page is None:
                shutil.rmtree(coming, ignore_errors=True)
                report.unchanged += 1
                report.requests = http.requests
                return report
            results = _results(page, url, "count")
            if number == 1:
                validators = reply.validators
            if 0 <= total != page["count"]:
                report.notes.append(f"the list went from {total} to {page['count']} while it was read")
            total = page["count"]
            before = len(seen)
            seen |= {str(row.get("id") or row.get("siret")) for row in results if isinstance(row, dict)}
            if results:
                _write_json(coming / f"siae_{number:05d}.json", page)
                report.pages += 1
            more = bool(page.get("next")) and len(seen) > before
            number += 1
            state |= {"next": number, "total": total, "seen": sorted(seen)}
            state |= {f"new-{name}": value for name, value in validators.items()}
            _save(folder, state)
        if len(seen) < total:
            report.notes.append(
                f"{len(seen)} of {total} structures: the list changed while it was read; run again later"
            )
            validators = {}
        pages, old = folder / "pages", folder / "old"
        shutil.rmtree(old, ignore_errors=True)
        if pages.exists():
            pages.rename(old)
        coming.rename(pages)
        shutil.rmtree(old, ignore_errors=True)
        _save(folder, {**validators, "total": total, "fetched": datetime.now(UTC).date().isoformat()})
        report.records = len(seen)
        report.requests = http.requests
    return report
