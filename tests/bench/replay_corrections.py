"""Corrections and cancellations at volume: who is notified of what, exactly once.

    python tests/bench/replay_corrections.py --notices 500

A first night announces the notices; a second brings a correction or a cancellation of each (half change the deadline, a third nothing
that a reader needs, the rest cancel), a third brings the same files again, a fourth run is of the same day.  Prints one JSON line; the
exit status is 1 where an addressee was told twice, told of a change that is none, or not told of one that is.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import select

import night as n
from matcher.domain import Tender
from matcher.records.store import Store
from matcher.records.tables import Digest


def told(store: Store, day: int) -> Counter[tuple[str, str, str]]:
    """(addressee, notice, kind) of every line of a day's digests, and how often."""
    with store.reading() as connection:
        which = Digest.day == (n.MOMENT + timedelta(days=day)).date()
        rows = connection.execute(select(Digest.addressee, Digest.content).where(which))
        return Counter(
            (row.addressee, item["notice_id"], item["kind"]) for row in rows for item in row.content["items"]
        )


def followed(count: int) -> tuple[list[Tender], dict[str, str]]:
    """A notice on each of the first ones, and what its addressees are to be told of it; "" is nothing."""
    made, expected = [], {}
    for i in range(count):
        of = f"r{i}"
        kind = ("correction", "", "correction", "", "correction", "cancellation")[i % 6]
        expected[of] = kind
        if kind == "cancellation":
            made.append(
                replace(n.correction(f"{of}-x", of), nature="cancellation", title="Avis d'annulation")
            )
        else:  # the same deadline again is no news
            due = n.MOMENT + timedelta(days=28 if kind else 21)
            made.append(n.correction(f"{of}-c", of, deadline=due))
    return made, expected


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--notices", type=int, default=500)
    count = parser.parse_args().notices
    began = time.monotonic()
    rules = {"cap": 10 * count, "first_volume": 10**6, "brake": 10**6}
    with (
        tempfile.TemporaryDirectory(prefix="maillage-") as home,
        Store.open(f"sqlite:///{home}/store.sqlite") as store,
    ):
        folder = n.catalogue(Path(home) / "catalogue", n.structures(each=4))
        first = [
            n.tender(f"r{i}", list(n.TRADES)[i % 3], title=f"Services {i} du quartier {i}")
            for i in range(count)
        ]
        n.night(store, folder, *first, **rules)
        news, expected = followed(count)
        n.night(store, folder, *first, *news, day=1, **rules)
        n.night(store, folder, *first, *news, day=2, **rules)
        n.night(store, folder, *first, *news, day=2, **rules)
        announced, followed_, again = told(store, 0), told(store, 1), told(store, 2)
    due = {(who, id, expected[id]) for who, id, _ in announced if expected[id]}
    before = {(who, id) for who, id, _ in announced}
    # a changed notice is matched again: who is reached now and was not before is told of a notice, not of a correction
    fresh = {(who, id, kind) for who, id, kind in followed_ if kind == "notice" and (who, id) not in before}
    result = {
        "notices": count, "announced": len(announced), "due": len(due), "told": len(followed_),
        "missed": len(due - set(followed_)), "newly_reached": len(fresh), "not_due": len(set(followed_) - due - fresh),
        "twice": sum(c > 1 for c in [*announced.values(), *followed_.values()]), "told_again_next_night": len(again),
        "by_kind": dict(Counter(kind for _, _, kind in followed_)), "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip
    print(json.dumps(result))
    return (
        1
        if result["missed"] or result["not_due"] or result["twice"] or result["told_again_next_night"]
        else 0
    )


if __name__ == "__main__":
    sys.exit(main())
