"""Upgrades of the program: notices of every format, read by two versions, of which the second reads otherwise: nobody is told.

    python tests/bench/upgrades.py ../shared/data/notices data/sample [--count 500] [--seed 1]

Each notice is announced one night, then read by the next version, which changes one to all of the fields that a reader draws
from a publication, and matched against a larger catalogue.  A false correction is a mail, or a change noted, of the second night.
"""

import json
import random
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import typer
from sqlalchemy import select

import night as n
from matcher.domain import ANSWERABLE, Clause, Lot, Place, Reservation, Tender
from matcher.reading import files
from matcher.records.store import Store
from matcher.records.tables import Notice

HERE = Place(label="Montreuil", department="93")
#: Field of a lot -> as the next version reads it.
READ_OTHERWISE: dict[str, Any] = {
    "title": lambda lot: f"{lot.title} (lu autrement)",
    "description": lambda lot: f"{lot.description} Lu autrement.",
    "cpv": lambda lot: (*lot.cpv, "77310000"),
    "places": lambda lot: (*lot.places, Place(label="Bagnolet", department="93")),
    "amount": lambda lot: (lot.amount or 0.0) + 1.0,
    "duration_months": lambda lot: (lot.duration_months or 0.0) + 1.0,
    "renewals": lambda lot: (lot.renewals or 0) + 1,
    "clauses": lambda lot: (*lot.clauses, Clause(passage="lue depuis")),
    "reservation": lambda lot: None if lot.reservation else Reservation(articles=("L2113-13",)),
}


def opened(tender: Tender, number: int) -> Tender:
    """A notice as it stood when it was open, in the town of the structures."""
    lots = tuple(replace(lot, deadline=None, places=(HERE,)) for lot in tender.lots)
    return replace(
        tender,
        id=f"{number}-{tender.id}",
        lots=lots,
        deadline=n.MOMENT + timedelta(days=21),
        published=n.MOMENT.date(),
        folder="",
        related=(),
    )


def read_otherwise(tender: Tender, chance: random.Random) -> Tender:
    def otherwise(lot: Lot) -> Lot:
        fields = chance.sample(sorted(READ_OTHERWISE), chance.randint(1, len(READ_OTHERWISE)))
        return replace(lot, **{name: READ_OTHERWISE[name](lot) for name in fields})

    return replace(
        tender, lots=tuple(map(otherwise, tender.lots)), change=chance.choice(("", "lu autrement"))
    )


def main(paths: list[Path], count: int = 500, seed: int = 1) -> None:
    chance = random.Random(seed)
    found = [t for t in files.read(paths, walked=True) if isinstance(t, Tender) and t.nature in ANSWERABLE]
    notices = [opened(tender, at) for at, tender in enumerate(found)]
    upgrades = mailed = changed = 0
    with tempfile.TemporaryDirectory(prefix="maillage-") as name:
        home = Path(name)
        folder = n.catalogue(home / "catalogue")
        newer = n.catalogue(home / "newer", n.structures(each=9))
        with Store.open(f"sqlite:///{home}/store.sqlite") as store:
            first = n.night(store, folder, *notices, cap=100_000)
            while upgrades < count:
                version = f"version {upgrades}"
                files.reader = lambda version=version: version  # type: ignore[misc]
                read = [read_otherwise(tender, chance) for tender in notices]
                again = n.night(store, newer, *read, day=1 + upgrades // len(notices), cap=100_000)
                upgrades, mailed = upgrades + len(notices), mailed + again.digests + again.told
                changed += again.changed + again.new
            noted = sum(bool(changes) for changes in store.ask(select(Notice.changes)).scalars())
    told = {
        "notices": len(notices),
        "formats": dict(Counter(t.format for t in notices)),
        "digests_before": first.digests,
        "lots_told_before": first.told,
        "upgrades": upgrades,
        "mails_and_lots_after": mailed,
        "notices_taken_for_changed": changed,
        "changes_noted": noted,
    }
    print(json.dumps(told))
    raise typer.Exit(1 if mailed or changed or noted or not first.told else 0)


if __name__ == "__main__":
    typer.run(main)
