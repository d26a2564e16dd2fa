"""Timings on this machine: build, load, match on real structures and suppliers, then what each bench script prints.

Timings depend on the machine and its load; they are printed, never asserted.
"""

from __future__ import annotations

import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue
from matcher.domain import Award, Structure
from matcher.lab import evaluation
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.reading import files
from matcher.reference import paths


def main() -> None:
    data = paths.shared_dir() / "data"
    print(f"{platform.machine()}, Python {platform.python_version()}")
    started = time.perf_counter()
    command = [sys.executable, "-m", "matcher.cli", "--help"]
    subprocess.run(command, check=True, capture_output=True)
    print(f"matcher --help: {time.perf_counter() - started:.2f} s")
    if not data.is_dir():
        print("no real data: set MATCHER_SHARED")
        return
    started = time.perf_counter()
    structures = [
        r
        for r in files.read([data / "structures/siae_2021.jsonl"], source="directory")
        if isinstance(r, Structure)
    ]
    awards = [r for r in files.read([data / "awards/history.json.gz"], source="decp") if isinstance(r, Award)]
    read = time.perf_counter()
    catalogue = build_catalogue(structures, awards, recipes.named("default"))
    built = time.perf_counter()
    print(
        f"{len(structures)} structures and {len(awards)} awards: read in {read - started:.1f} s, built in {built - read:.1f} s"
    )
    with tempfile.TemporaryDirectory() as folder:
        save_catalogue(catalogue, Path(folder) / "c")
        started = time.perf_counter()
        matcher = Matcher.load(Path(folder) / "c")
        print(
            f"loaded in {time.perf_counter() - started:.2f} s ({len(matcher.catalogue.catalogue)} candidates)"
        )
        asked = list(evaluation.questions(data / "awards/siae_dev.queries.jsonl", []))
        matcher.match(asked[0].tender)
        exact = Matcher(matcher.catalogue, exhaustive=True)
        kept = []
        for question in asked:
            for query in matcher.queries(question.tender):
                wanted, found = ({s for s, _ in m.rank(query).sirens(10)} for m in (exact, matcher))
                kept.append(len(wanted & found) / max(1, len(wanted)))
        print(f"of the first ten of all, the shortlist holds {statistics.mean(kept):.4f}")
        for groups, said in ((0, "one match, reasons included"), (3, "and three groups")):
            walls, works = [], []
            for question in asked * 3:
                wall, work = time.perf_counter(), time.process_time()
                matcher.match(question.tender, 10, groups=groups)
                walls.append(1000 * (time.perf_counter() - wall))
                works.append(1000 * (time.process_time() - work))
            print(
                f"{said}: median {statistics.median(walls):.1f} ms ({statistics.median(works):.1f} ms of CPU)"
            )


if __name__ == "__main__":
    main()
