"""What hostile visitors cost the others: files made to stop a reader, catalogues replaced under load, uploads beside honest requests.

    python tests/bench/bench_locks.py mutants --count 10000
    python tests/bench/bench_locks.py swaps --count 50
    python tests/bench/bench_locks.py steady --minutes 20 --rate 50

Each starts a service of its own over the sample and asks it over the network.  `mutants` sends every bomb (tests/bombs.py) and
damaged files of each format, and prints the slowest, the largest process that reads, and the 99th percentile of a plain read
meanwhile.  `swaps` prints the memory of the service.  `steady` sends honest requests on schedule while two others send bombs and
mutants from another address and another process; the exit status is 1 where a file costs too much or an honest request fails.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import io
import itertools
import json
import os
import random
import sys
import tarfile
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Queue, get_context
from multiprocessing.synchronize import Event
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "src"), str(ROOT / "tests")]

import httpx
import numpy as np
import psutil
from bench_service import gauge, put
from race_keys import served

import bombs
from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue
from matcher.matching import recipes
from matcher.reading import gather

SAMPLE = ROOT / "data" / "sample"
SIRET = "00010001600013"  # of the sample
MOST_SECONDS, MOST_MEGABYTES = 5.0, 300.0  # of one file
PLAIN = "/v1/structures"  # the plain read whose waiting is measured
HOSTILE = "127.0.0.2"  # where hostile requests come from; honest ones come from 127.0.0.1
#: Honest requests in turn: pages, lists and searches; one in ten is a match, one in five hundred a notice sent as a file.
HONEST = (
    "/v1/structures", "/v1/notices", "/v1/places?q=Pantin", f"/v1/structures/{SIRET}", "/", "/v1/health", "/v1/structures?q=a",
    "/territoire/facilitateurs", "/v1/notices.atom",
)  # fmt: skip


def formats() -> dict[str, tuple[bytes, str]]:
    """A sound file of each format that is read, with its name."""

    def sample(name: str) -> bytes:
        return (SAMPLE / name).read_bytes()

    boamp, eforms = sample("boamp_page_2.json"), sample("eforms/2026-region-routage.xml")
    tarred = io.BytesIO()
    with tarfile.open(fileobj=tarred, mode="w") as archive:
        entry = tarfile.TarInfo("avis.xml")
        entry.size = len(eforms)
        archive.addfile(entry, io.BytesIO(eforms))
    row = "".join(
        f'<row r="{n}">{bombs._cell("00010001600013")}{bombs._cell("Tonte")}</row>' for n in range(2, 40)
    )
    head = f'<row r="1">{bombs._cell("SIRET")}{bombs._cell("Nom")}</row>'
    paragraph = "<w:p><w:r><w:t>Objet du marché : nettoyage des locaux de Pantin</w:t></w:r></w:p>"
    ted = (
        b'<TED_EXPORT xmlns="http://publications.europa.eu/resource/schema/ted/R2.0.9/publication">'
        + eforms[60:9000]
    )
    lines = "\n".join(json.dumps(each) for each in json.loads(boamp)["results"][:5])
    return {
        "BOAMP (JSON)": (boamp, "boamp.json"), "BOAMP (JSON lines)": (lines.encode(), "boamp.jsonl"), "eForms": (eforms, "avis.xml"),
        "TED": (ted, "ted.xml"), "DECP 2019": (sample("decp_2019.json"), "decp.json"), "DECP 2024": (sample("decp_2024.json"), "decp.json"),
        "structures (CSV)": (sample("structures.csv"), "structures.csv"), "structures (JSON)": (sample("structures_lemarche.json"), "structures.json"),
        "text": (sample("needs.txt"), "besoin.txt"), "XLSX": (bombs.workbook(head + row), "structures.xlsx"),
        "DOCX": (bombs._document(paragraph * 30), "dce.docx"), "PDF": (bombs.pdf_page(b"BT /F 1 Tf (objet du marche) Tj ET\n" * 40, b"", 3), "dce.pdf"),
        "ZIP": (bombs.packed({"avis.xml": eforms, "boamp.json": boamp}), "avis.zip"), "gzip": (gzip.compress(boamp), "boamp.json.gz"),
        "tar": (tarred.getvalue(), "avis.tar"),
    }  # fmt: skip


def mutants(count: int, seed: int = 1) -> Iterator[tuple[str, bytes, str]]:
    """(format, damaged file, its name), each format in turn."""
    chance, sound = random.Random(seed), formats()
    for kind in itertools.islice(itertools.cycle(sound), count):
        data, name = sound[kind]
        spoilt = bytearray(data)
        for _ in range(chance.choice((1, 3, 30))):
            place = chance.randrange(len(spoilt) or 1)
            spoilt[place : place + chance.choice((0, 1, 8))] = chance.randbytes(chance.choice((0, 1, 8)))
        yield kind, bytes(spoilt[: chance.randrange(len(spoilt)) if chance.random() < 0.2 else None]), name


class Watch(threading.Thread):
    """The largest resident memory of any process that reads for the service, in MB."""

    def __init__(self, bench: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.bench, self.most = bench, 0.0

    def run(self) -> None:
        idle = None
        while True:
            with suppress(psutil.Error):
                if idle is None or not idle.is_running():
                    readers = (
                        each
                        for each in self.bench.children(recursive=True)
                        if "matcher.reading.child" in each.cmdline()
                    )
                    idle = next(readers, None)
                for reader in idle.children() if idle else ():
                    self.most = max(self.most, reader.memory_info().rss / 1e6)
            time.sleep(0.05)


class Plain(threading.Thread):
    """A plain read, again and again; how long each waited, in seconds."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url, self.waits, self.failed = url, list[float](), 0

    def run(self) -> None:
        with httpx.Client(base_url=self.url, timeout=60) as client:
            while True:
                begun = time.perf_counter()
                with suppress(httpx.ConnectError):  # the service has ended
                    self.failed += client.get(PLAIN).status_code != 200
                    self.waits.append(time.perf_counter() - begun)
                time.sleep(0.02)


@contextmanager
def prepared() -> Iterator[tuple[str, Path]]:
    """The address of a service over the sample in a process of its own, and the folder of its catalogue."""
    with tempfile.TemporaryDirectory() as made:
        home = Path(made)
        sample = gather.gather([SAMPLE])
        catalogue = build_catalogue(sample.structures, sample.awards, recipes.named("default"))
        save_catalogue(
            catalogue, home / "catalogue", lambda fresh: gather.save_notices(sample.tenders, fresh)
        )
        with served(home / "catalogue", f"sqlite:///{home / 'store.sqlite'}", 1) as (url,):
            yield url, home / "catalogue"


def from_there(url: str) -> httpx.Client:
    """A client at the hostile address."""
    return httpx.Client(base_url=url, timeout=60, transport=httpx.HTTPTransport(local_address=HOSTILE))


def sent(client: httpx.Client, data: bytes, name: str) -> tuple[float, int]:
    """Seconds and status of one upload."""
    begun = time.perf_counter()
    status = client.post("/v1/match/file", files={"file": (name, data)}).status_code
    return time.perf_counter() - begun, status


def uploads(count: int) -> bool:
    """Every bomb and so many mutants; True where none costs too much and no plain read fails."""
    with prepared() as (url, _), from_there(url) as client:
        sent(client, b"Objet : tonte", "a.txt")
        watch, plain, statuses = Watch(psutil.Process()), Plain(url), Counter[int]()
        watch.start()
        plain.start()
        worst: dict[str, tuple[float, float]] = {}
        tried = [(f"bomb: {kind}", data, name) for kind, data, name in bombs.every()]
        for kind, data, name in itertools.chain(tried, mutants(count)):
            watch.most = 0.0
            seconds, status = sent(client, data, name)
            statuses[status] += 1
            slow, large = worst.get(kind, (0.0, 0.0))
            worst[kind] = max(slow, seconds), max(large, watch.most)
        waits = np.array(plain.waits) * 1000
        failed = plain.failed
    for kind, (slow, large) in worst.items():
        print(f"{kind:24} {slow:6.2f} s at most {large:5.0f} MB at most")
    slowest, largest = (max(each) for each in zip(*worst.values(), strict=True))
    print(
        f"{len(tried)} bombs and {count} mutants of {len(formats())} formats: the slowest {slowest:.2f} s, the largest {largest:.0f} MB; "
        f"statuses {dict(sorted(statuses.items()))}"
    )
    print(
        f"{len(waits)} plain reads meanwhile: median {np.median(waits):.0f} ms, p99 {np.percentile(waits, 99):.0f} ms, {failed} failed"
    )
    faults = failed + sum(n for status, n in statuses.items() if status >= 500)
    return slowest <= MOST_SECONDS and largest <= MOST_MEGABYTES and not faults


def swapping(count: int) -> bool:
    """Catalogues put in the place of the one served while requests go on; True where memory stays flat within a tenth."""
    os.environ["MATCHER_RELOAD_SECONDS"] = "0.2"
    with prepared() as (url, folder), httpx.Client(base_url=url, timeout=60) as client:
        needs = [
            line for line in (SAMPLE / "needs.txt").read_text(encoding="utf-8").splitlines() if line.strip()
        ]
        statuses, ended = Counter[int](), threading.Event()

        def ask(turn: int) -> None:
            with httpx.Client(base_url=url, timeout=60) as asking:
                for number in itertools.count(turn):
                    if ended.is_set():
                        return
                    body = {"need": needs[number % len(needs)], "place": "93", "groups": 1}
                    statuses[asking.post("/v1/match", json=body).status_code] += 1
                    statuses[asking.get(HONEST[number % len(HONEST)]).status_code] += 1

        asking = [threading.Thread(target=ask, args=(turn,)) for turn in range(2)]
        for thread in asking:
            thread.start()
        memory = []
        for number in range(1, count + 1):
            before = gauge(client.get("/v1/metrics").text, "maillage_catalogue_loads")
            put(folder, number)
            while gauge(told := client.get("/v1/metrics").text, "maillage_catalogue_loads") == before:
                time.sleep(0.1)
            time.sleep(0.5)
            memory.append(gauge(told, "process_resident_memory_bytes") / 1e6)
            if number % 10 == 0:
                print(f"{number} swaps: {memory[-1]:.0f} MB", flush=True)
        ended.set()
        for thread in asking:
            thread.join()
    first, last = np.mean(memory[4:10]), np.mean(memory[-6:])
    bad = sum(n for status, n in statuses.items() if status >= 500)
    print(
        f"{count} swaps under {statuses.total()} requests: {first:.0f} MB at swaps 5 to 10, {last:.0f} MB at the last six "
        f"({100 * (last / first - 1):+.1f} %), {max(memory):.0f} MB at most, {bad} requests failed"
    )
    return bool(last <= 1.1 * first) and not bad


def attack(url: str, ended: Event, told: Queue[tuple[Counter[int], float, float]]) -> None:
    """Two senders of bombs and mutants, in a process of their own: honest requests must wait for the service alone.

    Tells how many ended with each status, the longest wait in seconds and the memory of the largest reader in MB.
    """
    uploaded, slowest, watch = Counter[int](), [0.0], Watch(psutil.Process(os.getppid()))
    watch.start()
    tried = [(data, name) for _, data, name in bombs.every() if len(data) < 8_000_000]

    def send(seed: int) -> None:
        files = itertools.cycle([*tried, *((data, name) for _, data, name in mutants(300, seed))])
        with from_there(url) as client:
            while not ended.is_set():
                with suppress(httpx.HTTPError):
                    seconds, status = sent(client, *next(files))
                    uploaded[status] += 1
                    slowest[0] = max(slowest[0], seconds)

    senders = [threading.Thread(target=send, args=(seed,)) for seed in (1, 2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    told.put((uploaded, slowest[0], watch.most))


def steady(minutes: float, rate: float) -> bool:
    """Honest requests on schedule beside two hostile senders; True where none of the honest ones fails."""
    apart = get_context("spawn")
    ended, told = apart.Event(), apart.Queue()
    with prepared() as (url, _):
        hostile = apart.Process(target=attack, args=(url, ended, told))
        hostile.start()
        waits, statuses = asyncio.run(_on_schedule(url, minutes * 60, rate))
        ended.set()
        uploaded, slowest, largest = told.get()
        hostile.join()
    bad = sum(n for what, n in statuses.items() if what[1] != 200)
    print(
        f"{uploaded.total()} hostile uploads: {dict(sorted(uploaded.items()))}; the slowest {slowest:.1f} s with its waiting, "
        f"the largest {largest:.0f} MB"
    )
    for what, times in sorted(waits.items()):
        ms = np.array(times) * 1000
        print(
            f"{what:8} {len(ms):6} requests: median {np.median(ms):.0f} ms, p99 {np.percentile(ms, 99):.0f} ms"
        )
    print(f"{minutes:g} minutes at {rate:g} requests/s: {bad} errors of {statuses.total()} honest requests")
    if bad:
        print({f"{path}: {status}": n for (path, status), n in statuses.items() if status != 200})
    return not bad


async def _on_schedule(
    url: str, seconds: float, rate: float
) -> tuple[dict[str, list[float]], Counter[tuple[str, int]]]:
    """Seconds from when each honest request was due, by kind, and how many ended with each status (0: no answer)."""
    waits: dict[str, list[float]] = {"read": [], "match": [], "upload": []}
    upload = ("avis.xml", (SAMPLE / "eforms/2026-region-routage.xml").read_bytes())
    statuses: Counter[tuple[str, int]] = Counter()
    bounds = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=bounds) as client:

        async def one(number: int, due: float) -> None:
            kind, path = "read", HONEST[number % len(HONEST)]
            if number % 10 == 0:
                kind, path = ("upload", "/v1/match/file") if number % 500 == 0 else ("match", "/v1/match")
            try:
                if kind == "upload":
                    status = (await client.post(path, files={"file": upload})).status_code
                elif kind == "match":
                    body = {"need": "entretien des espaces verts", "place": "93", "n": 10, "groups": 0}
                    status = (await client.post(path, json=body)).status_code
                else:
                    status = (await client.get(path, follow_redirects=True)).status_code
            except httpx.HTTPError:
                status = 0
            waits[kind].append(time.perf_counter() - due)
            statuses[path, status] += 1

        begun, tasks = time.perf_counter(), set[asyncio.Task[None]]()
        for number in range(int(rate * seconds)):
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            task = asyncio.create_task(one(number, due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
    return waits, statuses


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("mutants", "swaps", "steady"))
    parser.add_argument("--count", type=int, default=50, help="Mutants, or swaps.")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--rate", type=float, default=50)
    asked = parser.parse_args()
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors", flush=True)
    held = {
        "mutants": lambda: uploads(asked.count),
        "swaps": lambda: swapping(asked.count),
        "steady": lambda: steady(asked.minutes, asked.rate),
    }[asked.what]()
    print("holds" if held else "does not hold")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
