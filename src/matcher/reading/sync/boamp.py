"""Notices of the BOAMP, week by week."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from matcher.domain import BadInput
from matcher.reading.sync._client import Report, Unreachable, address
from matcher.reading.sync._pages import Listing, listed, offset
from matcher.reference.identifiers import clean_date

#: The rules of the Opendatasoft explore API, version 2.1: pages of a hundred, as far as 10,000.
LISTING = Listing("results", "total_count", offset(100), ("idweb", "id"), reach=10_001)
WINDOW = 7  # days asked for at once
FIRST_DAYS = 30  # how far back a first run goes


def boamp(
    folder: Path, since: date | None = None, until: date | None = None, today: date | None = None
) -> Report:
    """The BOAMP records published in the weeks from `since` to `until`, page by page, whole weeks at a time.

    A week beyond the API's reach is halved; a day beyond it is exported whole.  Weeks that are over are
    fetched once; a week that reaches yesterday or today is asked again, on condition.
    """
    with listed("boamp", folder, today=today) as lists:
        state, now = lists.state, lists.today
        last = until or now
        through = clean_date(state.get("through"))
        # from the day before the last one fetched, or a month back on a first run
        begin = since or (through - timedelta(days=1) if through else now - timedelta(days=FIRST_DAYS))
        if begin > last:
            raise BadInput(f"--since {begin} is after --until {last}: swap them")
        windows = list(reversed(list(_weeks(begin, last))))
        url = address("boamp").rstrip("/")
        while windows:
            first, end = windows.pop()
            key = f"{first}_{end}"
            question = {"where": f"dateparution>=date'{first}' and dateparution<=date'{end}'"}
            ordered, over = {**question, "order_by": "dateparution,idweb"}, str(end + timedelta(days=2))
            if lists.read(key, f"{url}/records", LISTING, ordered, over) == "beyond":
                if first < end:
                    middle = first + (end - first) // 2
                    windows += [(middle + timedelta(days=1), end), (first, middle)]
                    continue
                page, _ = lists.http.json(f"{url}/exports/json", question)
                if not isinstance(page, list):
                    moved = "the address may have changed"
                    raise Unreachable(f"the BOAMP export answered with another shape: {moved}")
                lists.put(key, page)
            state["through"] = max(str(state.get("through", "")), str(min(end, now)))
            lists.save()
    return lists.report


def prune(folder: Path, before: date) -> int:
    """Delete the pages of the weeks that ended before a day; they are not fetched again.  Returns how many."""
    weeks = folder.rglob("????-??-??_????-??-??_*.json")
    gone = [path for path in weeks if path.name[11:21] < before.isoformat()]
    for path in gone:
        path.unlink()
    return len(gone)


def _weeks(first: date, last: date) -> Iterator[tuple[date, date]]:
    """Whole weeks, Monday to Sunday, so that every run names the same windows."""
    day = first - timedelta(days=first.weekday())
    while day <= last:
        yield day, day + timedelta(days=WINDOW - 1)
        day += timedelta(days=WINDOW)
