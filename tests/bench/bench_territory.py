"""Time the desk of a territory on real data: the map of Île-de-France, a meeting day, the report of a plan.

Usage: python tests/bench/bench_territory.py [--data FOLDER]

FOLDER holds `structures/siae_2021.jsonl` and `awards/*.json.gz` (by default that of MATCHER_SHARED).  Reading
and indexing are timed separately: the desk answers from an existing catalogue.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np

from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue
from matcher.domain import Award, Recipe
from matcher.matching.engine import Matcher
from matcher.reading import gather
from matcher.reference import paths
from matcher.reference import trades as trades_
from matcher.territory import areas, choropleth, coverage, ledger, meeting, timetable
from matcher.territory.counts import Desk, trades_of


def clock(name: str, since: float, cpu: float) -> None:
    print(f"{name}: {time.perf_counter() - since:.2f} s ({time.process_time() - cpu:.2f} s of processor)")


def trades(awards: list[Award], departments: frozenset[str]) -> None:
    """Number of awards with a known trade, and agreement with the trade that the code alone names."""
    told = trades_of([a.title for a in awards], [(a.cpv,) if a.cpv else () for a in awards])
    for name, some in (("all", None), ("of the region", departments)):
        chosen = [
            one for a, one in zip(awards, told, strict=True) if some is None or a.place.department in some
        ]
        print(f"{len(chosen)} awards {name}: {sum(map(bool, chosen))} of a trade")
    coded = [(a, named) for a in awards if a.cpv and (named := tuple(trades_.trades_of_cpv((a.cpv,))))][:1500]
    by_title = trades_of([a.title for a, _ in coded], [()] * len(coded))
    sure = [(own[0], named) for own, (_, named) in zip(by_title, coded, strict=True) if own]
    agree = sum(own in named for own, named in sure)
    print(f"by the title alone a trade of {len(sure)} of {len(coded)} awards; that of the code in {agree}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=paths.shared_dir() / "data")
    data = parser.parse_args().data
    t, u = time.perf_counter(), time.process_time()
    found = gather.gather(
        [
            data / "structures" / "siae_2021.jsonl",
            data / "awards" / "history.json.gz",
            data / "awards" / "development.json.gz",
        ]
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "catalogue"
        save_catalogue(build_catalogue(found.structures, found.awards, Recipe()), folder)
        clock(f"read and index {len(found.structures)} structures, {len(found.awards)} awards", t, u)

        zones = areas.region("11")
        trades(found.awards, areas.departments_of(zones))
        t, u = time.perf_counter(), time.process_time()
        matcher = Matcher.load(folder)
        desk = Desk(matcher)
        needs = coverage.in_catalogue(matcher.catalogue, (), areas.departments_of(zones))
        made = coverage.cover(desk, needs, zones)
        choropleth.svg(choropleth.picture(made, "gap"))
        clock(f"map of {len(zones)} departments, {len(made.cells)} cells, {len(needs)} needs, drawn", t, u)
        t, u = time.perf_counter(), time.process_time()
        made = coverage.cover(Desk(matcher), needs, zones, trade="nettoyage")
        clock("the same of one trade", t, u)

        values = np.random.default_rng(0).random((60, 40)) ** 3
        t, u = time.perf_counter(), time.process_time()
        day = timetable.solve(values, 12)
        clock(
            f"60 structures x 40 buyers x 12 slots: {len(day.appointments)} appointments, optimal {day.optimal}",
            t,
            u,
        )
        t, u = time.perf_counter(), time.process_time()
        day = timetable.solve(
            values,
            12,
            tables=30,
            absent={3: {0, 1}},
            buyer_absent={0: {1, 2, 3}, 5: {0, 11}, 7: set(range(6))},
        )
        clock(
            f"the same with absences and 30 tables: {len(day.appointments)} appointments, optimal {day.optimal}",
            t,
            u,
        )

        asked = (
            "nettoyage des locaux",
            "entretien des espaces verts",
            "restauration",
            "collecte de papiers",
            "services numériques",
        )
        buyers = [
            meeting.Guest(
                name=f"Acheteur {i}", needs=(asked[i % len(asked)], asked[(i * 3 + 1) % len(asked)])
            )
            for i in range(40)
        ]
        t, u = time.perf_counter(), time.process_time()
        whole = meeting.plan(
            Desk(matcher),
            theme="achats inclusifs",
            place=areas.somewhere("93200"),
            buyers=buyers,
            on=date(2026, 12, 15),
            minutes=15,
            first="09:00",
        )
        clock(
            f"a whole day from 80 needs: {len(whole.invited)} invited, {len(whole.pitches)} pitches, optimal {whole.timetable.optimal}",
            t,
            u,
        )

        t, u = time.perf_counter(), time.process_time()
        report = ledger.report(matcher.catalogue, awards=found.awards)
        ledger.page(report)
        ledger.workbook(report)
        clock(f"report over {len(found.awards)} awards, HTML and XLSX", t, u)


if __name__ == "__main__":
    main()
