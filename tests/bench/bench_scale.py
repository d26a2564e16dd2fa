"""Scaling: build, update, recall of the approximate search, and a nightly batch, at several sizes.

    python tests/bench/bench_scale.py --structures 10000 100000 --notices 2000 --jobs 2 --out docs/scale.json

Structures and notices are those of `matcher synth`.  Both wall-clock and CPU seconds are given (on a
busy machine only the latter are comparable).  `--out` keeps earlier sizes that are not measured again.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from matcher.catalogue.build import build_catalogue, update_catalogue
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.files import load_catalogue, save_catalogue
from matcher.domain import Structure
from matcher.lab import synth
from matcher.matching import recipes, stored
from matcher.outreach import batch, intake, rules
from matcher.records.store import Store

BLOCK = 100_000  # rows compared at once
UPDATED = 0.01  # share of the structures that an update changes


@contextmanager
def timed(into: dict[str, Any], name: str) -> Iterator[None]:
    def used() -> float:
        kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, kinds))

    clock, work = time.perf_counter(), used()
    yield
    into[f"{name}_seconds"] = round(time.perf_counter() - clock, 2)
    into[f"{name}_cpu"] = round(used() - work, 2)
    print(f"  {name}: {into[f'{name}_seconds']} s ({into[f'{name}_cpu']} s of processor)", flush=True)


@contextmanager
def peak(into: dict[str, Any], name: str) -> Iterator[None]:
    """The most memory (MB) that this process holds of its own meanwhile, and with the pages of files that it maps."""
    over, held = threading.Event(), [0, 0]

    def look() -> None:
        while not over.wait(0.2):
            said = dict(
                line.split(":", 1)
                for line in Path("/proc/self/status").read_text().splitlines()
                if ":" in line
            )
            now = (int(said["RssAnon"].split()[0]) // 1024, int(said["VmRSS"].split()[0]) // 1024)
            held[:] = [max(pair) for pair in zip(held, now, strict=True)]

    watcher = threading.Thread(target=look)
    watcher.start()
    yield
    over.set()
    watcher.join()
    into[name], into[name.replace("_mb", "_with_files_mb")] = held
    print(f"  {name}: {held[0]} MB, with files {held[1]} MB", flush=True)


def drained(listed: list[Structure]) -> Iterator[Structure]:
    """Consume a list, freeing its items: a million structures are gigabytes."""
    while listed:
        yield listed.pop()


def recall(catalogue: Catalogue, questions: int, depths: Sequence[int] = (100, 800)) -> dict[str, float]:
    """Recall of the exact k nearest rows by the vector index, over generated lots, and the cost of one search.

    A row as near as the k-th counts, and no row twice: many rows hold the same text.
    """
    lots = [lot for tender in synth.tenders(questions, seed=11) for lot in tender.lots][:questions]
    asked = catalogue.encoder.encode([f"{lot.title}. {lot.description}" for lot in lots], role="query")
    nearest = np.full((len(asked), max(depths)), -np.inf, dtype=np.float32)  # of each question, best first
    for low in range(0, len(catalogue.vectors), BLOCK):
        scores = asked @ np.asarray(catalogue.vectors[low : low + BLOCK], dtype=np.float32).T
        both = np.concatenate([nearest, scores], axis=1)
        nearest = -np.sort(np.partition(-both, max(depths) - 1, axis=1)[:, : max(depths)], axis=1)
    shares: dict[str, float] = {}
    index = catalogue.index("meaning")
    for k in depths:
        found = []
        for vector, exact in zip(asked, nearest, strict=True):
            rows = np.unique(index.search("", vector, k))
            scores = np.asarray(catalogue.vectors[rows], dtype=np.float32) @ vector
            found.append(float((scores >= exact[k - 1] - 1e-6).sum()) / k)
        shares[f"recall_at_{k}"] = round(float(np.mean(found)), 4)
        shares[f"worst_recall_at_{k}"] = round(min(found), 4)
    began = time.process_time()
    for vector in asked:
        index.search("", vector, 800)
    shares["ms_of_processor_a_search"] = round(1000 * (time.process_time() - began) / len(asked), 2)
    print(f"  {index.kind}: {shares}", flush=True)
    return shares


def memory(folder: Path) -> dict[str, int]:
    """What a process of its own holds after it has matched 200 notices: all of it, and what is not mapped from files."""
    code = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from matcher.lab import synth\n"
        "from matcher.matching.engine import Matcher\n"
        "matcher = Matcher.load(sys.argv[1])\n"
        "for tender in synth.tenders(200, seed=21):\n"
        "    for query in matcher.queries(tender): matcher.rank(query)\n"
        "said = dict(line.split(':') for line in Path('/proc/self/status').read_text().splitlines() if ':' in line)\n"
        "print(json.dumps({name: int(said[key].split()[0]) // 1024 for name, key in "
        "(('memory_mb', 'VmRSS'), ('memory_of_its_own_mb', 'RssAnon')) if key in said}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], check=True, capture_output=True, text=True
    )
    held: dict[str, int] = json.loads(done.stdout)
    print(f"  memory: {held}", flush=True)
    return held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--structures", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--notices", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--top", type=int, default=10)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    results: list[dict[str, Any]] = []
    if asked.out and asked.out.is_file():
        results = json.loads(asked.out.read_text())
    for size in asked.structures:
        print(f"{size} structures", flush=True)
        row: dict[str, Any] = {"structures": size, "notices": asked.notices, "jobs": asked.jobs}
        listed = list(synth.structures(size))
        row["offers"] = sum(len(s.offers) for s in listed)
        some = listed[:: round(1 / UPDATED)]
        with tempfile.TemporaryDirectory(prefix="maillage-") as name:
            folder = Path(name) / "catalogue"
            with timed(row, "build"), peak(row, "memory_of_the_build_mb"):
                made = build_catalogue(drained(listed), recipe=recipes.named("default"), home=folder)
                save_catalogue(made, folder, lambda fresh, made=made: stored.save(made, fresh))  # type: ignore[misc]
            del made
            held = load_catalogue(folder)
            row["evidence"], row["index"] = held.evidence.num_rows, held.indexes["faiss"].kind
            row |= recall(held, asked.questions)
            row["disk_mb"] = round(sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 2**20)
            del held
            row |= memory(folder)
            tenders = list(synth.tenders(asked.notices))
            row["lots"] = sum(len(t.lots) for t in tenders)
            store = Store.open(f"sqlite:///{name}/store.sqlite")
            options = batch.Options(
                rules=rules.Rules(floor=0.0, first_volume=10**9), top=asked.top, jobs=asked.jobs
            )
            at = synth.datetime.now(synth.UTC)
            summary = batch._begun(store, {}, at)
            intake.take(store, tenders, None, at, summary)
            pending = batch.waiting(store, "v", at)
            # start-up of the processes is negligible in a night, but half of the time for a few notices
            with timed(row, "start"):
                for _ in batch.answers(folder, dict(list(pending.items())[: asked.jobs]), options):
                    pass
            with timed(row, "match_all_lots"):
                found = batch.answers(folder, pending, options)
                while some := [(pending[key], rows) for key, rows in islice(found, batch.TOGETHER)]:
                    batch.write(store, some, {}, at)
            worked = row["match_all_lots_cpu"] - row["start_cpu"]
            row["ms_of_processor_a_lot"] = round(1000 * worked / row["lots"], 2)
            row["matches"] = store.counts()["match"]
            store.close()
            held, fresh = load_catalogue(folder), synth.changed(some, 1.0)
            with timed(row, "update_of_1_percent"):
                save_catalogue(update_catalogue(held, fresh), folder)
            del held
        results = sorted(
            [*(r for r in results if r["structures"] != size), row], key=lambda r: r["structures"]
        )
        print(json.dumps(row), flush=True)
        if asked.out:
            asked.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
