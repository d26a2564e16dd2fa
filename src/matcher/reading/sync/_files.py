"""Files that publishers replace: fetched when changed, checked before replacing the old copy."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from matcher.domain import BadInput
from matcher.reading.sync._client import Client, Run, Unreachable, _shown, variable_of


def file(work: Run, url: str, name: str, count: Callable[[Path], int], what: str) -> Path | None:
    """Fetch a file as `name` when it has changed; None where it has not.

    `count` gives its good records: with none, or fewer than four fifths of those held, the old file stands.
    """
    target, fetched = work.folder / name, work.folder / f".{name}.download"
    last = work.state.get(name, {})
    known = last if target.exists() and last.get("url") == url else {}
    validators = work.http.download(url, fetched, known)
    if validators is None:
        work.report.unchanged += 1
        return None
    records = count(fetched)
    before = int(last.get("records", 0))
    if not records or (target.exists() and records < 0.8 * before):
        fetched.unlink()
        raise Unreachable(
            f"{_shown(url)} holds {records} records"
            + (f" where {before} were held: those are kept" if before else "")
            + f"; its form may have changed; look at it, and set {variable_of(what)}"
        )
    fetched.replace(target)
    fetched_on = datetime.now(UTC).date().isoformat()
    work.state[name] = {**validators, "url": url, "records": records, "fetched": fetched_on}
    work.save()
    work.report.pages += 1
    work.report.records += records
    return target


def resource(http: Client, url: str, *marks: str) -> str:
    """The newest file of a data.gouv.fr dataset whose address holds one of the marks; `url` itself for a plain file."""
    if "/datasets/" not in url or "/datasets/r/" in url:
        return url
    found, _ = http.json(url)
    listed = found.get("resources") if isinstance(found, dict) else None
    rows = (row for row in listed or () if isinstance(row, dict))
    files = [row for row in rows if any(mark in str(row.get("url")) for mark in marks)]
    if not files:
        raise Unreachable(
            f"{_shown(url)} lists no file named {' or '.join(marks)}: the dataset may have moved"
        )
    newest = max(files, key=lambda row: str(row.get("last_modified") or ""))
    chosen = str(newest["url"])
    if not chosen.startswith(("https://", "http://")):
        raise BadInput(f"{_shown(url)} lists a file without an http address")
    return chosen
