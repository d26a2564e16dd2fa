"""Time the desk of a territory on real data: the map of Île-de-France, a meeting day, the report of a plan.

Usage: python scripts/bench_territory.py [--data FOLDER]

FOLDER holds `structures/siae_2021.jsonl` and `awards/*.json.gz` (by default that of MATCHER_SHARED).  Reading
and indexing are timed apart: the desk answers from a catalogue that stands.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np

from matcher import gathering, paths, recipes
from matcher.catalogue import Catalogue
from matcher.engine import Matcher
from matcher.territory import choropleth, coverage, ledger, meeting, timetable
from matcher.territory.supply import Supply


def clock(name: str, since: float, cpu: float) -> None:
    print(f"{name}: {time.perf_counter() - since:.2f} s ({time.process_time() - cpu:.2f} s of processor)")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=paths.shared_dir() / "data")
    data = parser.parse_args().data
    t, u = time.perf_counter(), time.process_time()
    found = gathering.gather(
        [
            data / "structures" / "siae_2021.jsonl",
            data / "awards" / "history.json.gz",
            data / "awards" / "development.json.gz",
        ]
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "catalogue"
        Catalogue.build(found.structures, found.awards, recipes.named("weighted")).save(folder)
        clock(f"read and index {len(found.structures)} structures, {len(found.awards)} awards", t, u)

        t, u = time.perf_counter(), time.process_time()
        matcher = Matcher.load(folder)
        supply = Supply(matcher.catalogue)
        areas = coverage.region("11")
        lots = coverage.wanted_of(matcher.catalogue, (), coverage.around(areas))
        made = coverage.cover(supply, lots, areas)
        choropleth.svg(made.values("share"), title="Carte", departments=tuple(made.lots))
        clock(f"map of {len(areas)} departments, {len(supply.trades)} trades, {len(lots)} lots, drawn", t, u)

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

        needs = (
            "nettoyage des locaux",
            "entretien des espaces verts",
            "restauration",
            "collecte de papiers",
            "services numériques",
        )
        buyers = [
            meeting.Guest(
                name=f"Acheteur {i}", needs=(needs[i % len(needs)], needs[(i * 3 + 1) % len(needs)])
            )
            for i in range(40)
        ]
        t, u = time.perf_counter(), time.process_time()
        whole = meeting.plan(
            matcher,
            Supply(matcher.catalogue),
            theme="achats inclusifs",
            place=coverage.somewhere("93200"),
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
