"""Time the desk of a territory on real data: the map of Île-de-France, a meeting day, the report of a plan.

Usage: python tests/bench/bench_territory.py [--data FOLDER]

FOLDER holds `structures/siae_2021.jsonl` and `awards/*.json.gz` (by default that of MATCHER_SHARED).  Reading
and indexing are timed separately: the desk answers from an existing catalogue.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
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
from matcher.territory import assumptions, choropleth, coverage, ledger, meeting, timetable
from matcher.territory.supply import VAGUE, Supply, asked_of


def clock(name: str, since: float, cpu: float) -> None:
    print(f"{name}: {time.perf_counter() - since:.2f} s ({time.process_time() - cpu:.2f} s of processor)")


def trades(awards: list[Award], departments: frozenset[str]) -> None:
    """Number of awards with a known trade, by its source, and agreement of the family's trade with the title's.

    The second is measured where a title says a trade and the code says none finer: there the family would
    have been used had the title said nothing.
    """
    told = asked_of([(a.title, (a.cpv,) if a.cpv else ()) for a in awards])
    for name, some in (("all", None), ("of the region", departments)):
        chosen = [
            one for a, one in zip(awards, told, strict=True) if some is None or a.place.department in some
        ]
        ways = Counter(
            ("trade" if one.trades else "no trade") + f", {one.way or 'nothing told'}" for one in chosen
        )
        print(
            f"{len(chosen)} awards {name}: "
            + "; ".join(f"{way} {count}" for way, count in ways.most_common())
        )
    agree: dict[str, list[int]] = {}
    for award in awards:
        codes = (award.cpv,) if award.cpv else ()
        family, said = assumptions.family(codes), set(trades_.named(award.title)) - VAGUE
        if family is not None and family.trade and said and not trades_.trades_of_cpv(codes):
            row = agree.setdefault(family.prefix, [0, 0])
            row[0] += family.trade in said
            row[1] += 1
    right, seen = (sum(row[i] for row in agree.values()) for i in (0, 1))
    print(
        f"a family's trade is among those of the title in {right} of {seen} awards ({right / max(seen, 1):.0%})"
    )
    codes_known = [
        (a, tuple(trades_.trades_of_cpv((a.cpv,)))) for a in awards if a.cpv and not trades_.named(a.title)
    ]
    codes_known = [(a, named) for a, named in codes_known if named][:1500]
    guessed = asked_of([(a.title, ()) for a, _ in codes_known])
    sure = [
        (set(one.trades), set(named))
        for one, (_, named) in zip(guessed, codes_known, strict=True)
        if one.trades
    ]
    print(
        f"the CPV model, by the title alone, names a trade in {len(sure)} of {len(codes_known)} awards whose code names one; "
        f"it is the code's in {sum(bool(a & b) for a, b in sure)} of them"
    )


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

        areas = coverage.region("11")
        trades(found.awards, frozenset(area.code for area in areas))
        t, u = time.perf_counter(), time.process_time()
        matcher = Matcher.load(folder)
        supply = Supply(matcher.catalogue)
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
