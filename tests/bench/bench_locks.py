"""Cost of hostile files, latency of a plain read meanwhile, and memory left by replaced catalogues.

    python tests/bench/bench_locks.py --mutants 10000 --swaps 50

Bombs (tests/bombs.py) and mutants of the sample's files go through the process that reads uploads; the largest memory is that of
any one process of it.  Prints the slowest, the largest, and the 99th percentile of `GET /v1/structures` while they are read.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "src"), str(ROOT / "tests")]

import psutil
from fastapi.testclient import TestClient
from service.app import create_app
from service.settings import Settings
from service.snapshot import Serving

import bombs
from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue
from matcher.matching import recipes
from matcher.reading import confined, files, gather

SAMPLE = ROOT / "data" / "sample"


class Watch(threading.Thread):
    """The largest resident memory of any process that reads, in MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0.0

    def run(self) -> None:
        me = psutil.Process()
        while True:
            for child in me.children(recursive=True):
                try:
                    self.most = max(self.most, child.memory_info().rss / 1e6)
                except psutil.Error:
                    continue
            time.sleep(0.02)


def mutants(count: int, seed: int = 1) -> Iterator[tuple[bytes, str]]:
    """Damaged copies of the sample's files and of the bombs' formats."""
    chance = random.Random(seed)
    sound = [(p.read_bytes(), p.name) for p in sorted(SAMPLE.rglob("*.*")) if p.is_file()]
    kinds = (
        "wide_cell",
        "far_row",
        "overlapped",
        "corrupt_bzip2",
        "pdf_of_operators",
        "sparse_tar",
        "newlines",
    )
    sound += [(bombs.BOMBS[kind][0](), bombs.BOMBS[kind][1]) for kind in kinds]
    for _ in range(count):
        data, name = chance.choice(sound)
        spoilt = bytearray(data)
        for _ in range(chance.choice((1, 3, 30))):
            place = chance.randrange(len(spoilt) or 1)
            spoilt[place : place + chance.choice((0, 1, 8))] = chance.randbytes(chance.choice((0, 1, 8)))
        yield bytes(spoilt[: chance.randrange(len(spoilt)) if chance.random() < 0.2 else None]), name


def read(data: bytes, name: str) -> float:
    begun = time.perf_counter()
    list(files.read_upload(data, name))
    return time.perf_counter() - begun


def served(folder: Path) -> Settings:
    sample = gather.gather([SAMPLE])
    catalogue = build_catalogue(sample.structures, sample.awards, recipes.named("default"))
    save_catalogue(catalogue, folder / "catalogue", lambda fresh: gather.save_notices(sample.tenders, fresh))
    store = f"sqlite:///{folder / 'store.sqlite'}"
    return Settings(catalogue=folder / "catalogue", store=store, log_level="ERROR", rate="1000000/minute")


def reading(settings: Settings, count: int) -> None:
    confined.start()
    watch = Watch()
    watch.start()
    waits: list[float] = []
    done = threading.Event()
    with TestClient(create_app(settings)) as client:

        def ask() -> None:
            while not done.is_set():
                begun = time.perf_counter()
                assert client.get("/v1/structures").status_code == 200
                waits.append(time.perf_counter() - begun)
                time.sleep(0.02)

        asking = threading.Thread(target=ask)
        asking.start()
        for kind, data, name in bombs.every():
            watch.most = 0.0
            print(
                f"{kind:18} {len(data):9,} bytes  {read(data, name):6.2f} s  {watch.most:4.0f} MB", flush=True
            )
        watch.most, slowest = 0.0, 0.0
        for data, name in mutants(count):
            slowest = max(slowest, read(data, name))
        done.set()
        asking.join()
    waits.sort()
    print(f"{count} mutants: the slowest {slowest:.2f} s, the largest {watch.most:.0f} MB")
    print(
        f"{len(waits)} plain reads meanwhile: median {1000 * waits[len(waits) // 2]:.0f} ms, p99 {1000 * waits[int(0.99 * len(waits))]:.0f} ms"
    )


def swapping(settings: Settings, count: int) -> None:
    serving, process = Serving(settings), psutil.Process()
    manifest = settings.catalogue / "manifest.json"
    for number in range(1, count + 1):
        os.utime(manifest, (number, number))
        assert serving.refresh()
        snapshot = serving.get()
        for notice in list(snapshot.notices.values())[:3]:
            snapshot.answers(notice)
        if number % 10 == 0:
            gc.collect()
            print(f"{number} swaps: {process.memory_info().rss / 1e6:.0f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=500)
    parser.add_argument("--swaps", type=int, default=30)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        settings = served(Path(made))
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        reading(settings, asked.mutants)
        swapping(settings, asked.swaps)


if __name__ == "__main__":
    main()
