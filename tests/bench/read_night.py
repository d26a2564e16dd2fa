"""A night over real notices, redated to today, for manual review: forty lines of digests, and the report.

    python tests/bench/read_night.py --catalogue CATALOGUE --notices FOLDER -n 40 --report report.html

Nothing is sent; the store is a temporary one.  Redating opens every call at once: a volume no real night has.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from matcher.domain import ANSWERABLE, Tender
from matcher.outreach import batch, digests, report
from matcher.outreach.rules import Rules
from matcher.outreach.work import _opened
from matcher.reading import gather
from matcher.records.store import Store
from matcher.records.tables import Digest
from matcher.reference.french import PARIS

MOMENT = datetime(2026, 11, 24, 9, 0, tzinfo=PARIS)


def redated(tender: Tender) -> Tender:
    """The same call, published yesterday and open for three weeks."""
    due = MOMENT + timedelta(days=21)
    lots = tuple(replace(lot, deadline=None) for lot in tender.lots)
    return replace(tender, published=(MOMENT - timedelta(days=1)).date(), deadline=due, lots=lots)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--catalogue", type=Path, required=True)
    parser.add_argument("--notices", type=Path, required=True)
    parser.add_argument("-n", type=int, default=40, help="lines to print")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--store", default="", help="keep the store at this address")
    wanted = parser.parse_args()
    tenders = [redated(t) for t in gather.gather([wanted.notices]).tenders if t.nature in ANSWERABLE]
    with tempfile.TemporaryDirectory(prefix="maillage-") as home:
        store = Store.open(wanted.store or f"sqlite:///{home}/store.sqlite")
        matcher = _opened(str(wanted.catalogue))
        began = time.monotonic()
        summary = batch.run(store, wanted.catalogue, tenders, batch.Options(rules=Rules()), moment=MOMENT)
        seconds = time.monotonic() - began
        with store.reading() as connection:
            contents = list(connection.execute(select(Digest.content).order_by(Digest.id)).scalars())
        shown = 0
        for content in contents[:: max(1, len(contents) // wanted.n)]:
            if shown >= wanted.n:
                break
            row = matcher.catalogue.row(content["addressee"])
            structure = matcher.catalogue.structure(row)
            offers = " | ".join(o.title or o.text for o in structure.offers)[:300]
            print(
                f"\n##### {structure.kind} {structure.name} ({structure.place.label}), {structure.naf} : {offers}"
            )
            for item in content["items"]:
                print(digests.rendered({**content, "items": [item]}, "text").decode().split("-" * 68)[1])
                shown += 1
        if wanted.report:
            wanted.report.write_text(report.of_run(store, summary.run), encoding="utf-8")
        store.close()
    print(json.dumps({
        "notices": len(tenders), "lots": summary.lots, "matches": summary.matches, "digests": summary.digests,
        "lines": summary.told, "nobody": summary.nobody, "seconds": round(seconds, 1),
    }))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
