"""Consortia: speed and optimality on synthetic tenders, and the share of lots covered on real notices.

usage: python tests/bench/bench_consortium.py [--seconds N]        speed and optimality, N seconds allowed (2.5)
       python tests/bench/bench_consortium.py STRUCTURES NOTICES   and the table: single, greedy, exact
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from matcher.console import progress
from matcher.domain import Lot, LotAnswer, Match, Structure, Tender
from matcher.lab import evaluation
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.matching.groups.consortium import _cover, recommend
from matcher.matching.groups.cover import Cover
from matcher.matching.groups.exact import solve
from matcher.matching.groups.table import WHOLE, _constraints, _table
from matcher.reading import files
from matcher.reference import needs

POOL = 40  # structures of each lot that groups are made of
LEAST_LOTS = 3
DENSITIES = (0.05, 0.1, 0.3, 0.6, 1.0)  # share of the structures that answer a lot


def made_up(
    lots: int, structures: int, density: float, seed: int = 0, known: bool = True
) -> tuple[Tender, list[LotAnswer]]:
    """A synthetic tender; each lot is answered by some of the structures, half with a known turnover if `known`."""
    rng = np.random.default_rng(seed)
    listed = [
        Structure(
            siret=f"{n:09d}00010",
            name=f"S{n}",
            turnover=float(rng.lognormal(13, 1)) if known and rng.random() < 0.5 else None,
        )
        for n in range(structures)
    ]
    asked = tuple(
        Lot(id=f"b-{n}", number=str(n), title=f"Prestation {n}", amount=float(rng.integers(20, 300)) * 1e3)
        for n in range(lots)
    )
    answers = []
    for lot in asked:
        able = np.flatnonzero(rng.random(structures) < density)
        value = rng.random(len(able)) ** 2
        matches = tuple(
            Match(lot=lot, structure=listed[j], offer=None, score=float(v), probability=float(v), rank=r)
            for r, (v, j) in enumerate(sorted(zip(value, able, strict=True), key=lambda p: -p[0]), 1)
        )
        answers.append(LotAnswer(lot=lot, matches=matches))
    return Tender(id="b", format="need", title="Marché", lots=asked), answers


def speed(seconds: float = 2.5) -> None:
    """Teams of made-up tenders from sparse to dense, half of the structures with a known turnover, or none."""
    head = ("lots x structures", "density", "turnovers", "teams", "seconds", "cpu", "worst gap", "all proved")
    print("{:>18s} {:>8s} {:>10s} {:>6s} {:>8s} {:>8s} {:>10s} {:>11s}".format(*head))
    tender, answers = made_up(12, 300, 0.05, seed=1)
    recommend(answers, tender=tender)  # warm up: imports are not measured
    worst: dict[tuple[str, int], tuple[float, float, float]] = {}
    for lots, structures in ((12, 300), (40, 1000)):
        for density in DENSITIES:
            for known in (True, False):
                tender, answers = made_up(lots, structures, density, known=known)
                for teams in (1, 3):
                    start, busy = time.perf_counter(), time.process_time()
                    found = recommend(answers, tender=tender, n=teams, seconds=seconds)
                    spent, busy = time.perf_counter() - start, time.process_time() - busy
                    gap, size = max(team.gap for team in found), f"{lots} x {structures}"
                    proved = all(team.optimal for team in found)
                    print(
                        f"{size:>18s} {density:8.2f} {'half' if known else 'none':>10s} {teams:6d} {spent:8.3f} {busy:8.3f} {gap:10.2%} {proved!s:>11s}"
                    )
                    slow, work, loose = worst.get((size, teams), (0.0, 0.0, 0.0))
                    worst[size, teams] = max(slow, spent), max(work, busy), max(loose, gap)
    for (size, teams), (slow, work, loose) in worst.items():
        print(
            f"worst of {size}, {teams} team{'s' * (teams > 1)}: {slow:.3f} s, {work:.3f} s of processor, gap {loose:.2%}"
        )


def _problem(answers: list[LotAnswer], tender: Tender) -> Cover | None:
    """The optimisation problem of a tender without user constraints; None where nobody covers anything."""
    constraints = _constraints(answers, 5, None, (), ())
    table = _table(answers, constraints, tender.published or date.today(), {})
    return _cover(table, constraints, 5, False) if table.tasks and table.bidders else None


def single(cover: Cover) -> int:
    """The coverage of the best structure alone."""
    return int((cover.degree * cover.weight[:, None]).sum(axis=0).max(initial=0))


class Tally:
    """Sums over notices, one row per method."""

    def __init__(self) -> None:
        self.covered = dict.fromkeys(("best single structure", "greedy group", "exact group"), 0.0)
        self.touched = dict(self.covered)
        self.members = dict(self.covered)
        self.lots = self.solved = self.proved = self.better = 0
        self.seconds = 0.0

    def add(self, tender: Tender, answers: list[LotAnswer]) -> None:
        self.lots += len(tender.lots)
        cover = _problem(answers, tender)
        if cover is None:
            return
        start = time.perf_counter()
        exact = solve(cover, seconds=2.5)
        self.seconds += time.perf_counter() - start
        greedy = solve(cover, "greedy")
        if exact is None or greedy is None:
            return
        self.solved += 1
        self.proved += exact.optimal
        self.better += exact.coverage > greedy.coverage
        best = int((cover.degree * cover.weight[:, None]).sum(axis=0).argmax())
        whole = float(cover.weight.sum() * WHOLE)
        for name, coverage, tasks, members in (
            ("best single structure", single(cover), int((cover.degree[:, best] > 0).sum()), 1),
            ("greedy group", greedy.coverage, len(greedy.lead), len(greedy.members)),
            ("exact group", exact.coverage, len(exact.lead), len(exact.members)),
        ):
            self.covered[name] += len(tender.lots) * coverage / whole
            self.touched[name] += len(tender.lots) * tasks / len(cover.weight)
            self.members[name] += members

    def show(self, title: str) -> None:
        print(
            f"\n{title}: {self.solved} notices solved, {self.proved} proved optimal, the exact group covers"
        )
        print(f"more than the greedy one in {self.better}; {self.seconds:.1f} s in the solver")
        print(f"{'':24s} {'covered':>8s} {'touched':>8s} {'members':>8s}")
        for name in self.covered:
            covered, touched = self.covered[name] / self.lots, self.touched[name] / self.lots
            print(f"{name:24s} {covered:8.1%} {touched:8.1%} {self.members[name] / max(self.solved, 1):8.2f}")


def known_for_the_trade(answer: LotAnswer) -> LotAnswer:
    """Only the matches whose texts or NAF name a trade of the lot; none where its trade is not known."""
    parts = needs.asked(answer.lot)
    fits = needs.cover(parts, [m.structure for m in answer.matches])
    kept = tuple(m for j, m in enumerate(answer.matches) if parts and max(row[j] for row in fits) >= 0.5)
    return replace(answer, matches=kept)


def table(structures: str, notices: str) -> None:
    """Share of the lots covered: a full lot counts 1, a partly covered one its degree."""
    recipe = recipes.named("default")
    matcher = Matcher(evaluation.catalogue_of([], [Path(structures)], recipe, []), recipe)
    read = [t for t in files.read([Path(notices)]) if isinstance(t, Tender)]
    large = [t for t in read if len(t.lots) >= LEAST_LOTS]
    loose, strict = Tally(), Tally()
    trades = answered = 0
    for tender in progress(large, "groups"):
        answers = list(matcher.match(tender, POOL, groups=0).lots)
        answered += sum(not a.nobody for a in answers)
        trades += sum(bool(needs.asked(lot)) for lot in tender.lots)
        loose.add(tender, answers)
        strict.add(tender, [known_for_the_trade(a) for a in answers])
    print(
        f"{len(read)} notices, {len(large)} with {LEAST_LOTS} lots or more: {loose.lots} lots, {answered} not given up,"
    )
    print(
        f"{trades} of a trade of the table; {len(matcher.catalogue.catalogue)} structures, {POOL} considered for each lot"
    )
    loose.show("Every structure ranked")
    strict.show("Only structures known for the lot's trade")


def main(*arguments: str) -> None:
    if arguments[:1] == ("--seconds",):
        speed(float(arguments[1]))
        return
    speed()
    if arguments:
        print()
        table(*arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
