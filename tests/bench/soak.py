"""A service asked for long by many at once: needs, files, exports, records, pages, sign-ins, while its catalogue is replaced.

    python tests/bench/soak.py --rate 40 --minutes 40

Starts `matcher serve` over a synthetic catalogue, with a store of its own.  Prints what came back of each kind, its 99th
percentile, and the memory of all processes in each fifth of the time.  Fails on a 5xx and on a request without an answer.

Requests leave on time whether or not earlier ones are answered (open loop), so that waiting is counted; `bench_speed.py` asks
by this client too.  On one machine the client takes processors of the service: it writes ready requests to kept connections and
takes 0.6 ms for each, where a full HTTP client took 4.6 to 6.8.
"""

import asyncio
import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import typer

from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue
from matcher.lab import synth
from matcher.matching import recipes, stored
from matcher.records import keys
from matcher.records.store import Store

ROOT = Path(__file__).parents[2]
CALLERS = 20  # keys that requests come from, in turn
#: How many of a thousand requests are of each kind.
MIX = {"need": 896, "file": 4, "page": 70, "export": 2, "feedback": 20, "sign-in": 8}
PAGES = "/ /acheteur /structure /connexion /a-propos /territoire /v1/places?q=pan /static/page.css".split()
FORMATS = ("csv", "xlsx", "json")


def build(listed: Sequence[Any], folder: Path) -> None:
    """Build and save a catalogue as `matcher index` does, with what is read in its texts and names."""
    made = build_catalogue(listed, [], recipes.named("default"))
    save_catalogue(made, folder, lambda fresh: stored.save(made, fresh))


def until(met: Callable[[], bool], every: float = 0.2) -> None:
    """Wait for it, asking seldom enough not to be in the way."""
    while not met():
        time.sleep(every)


def wait(url: str) -> None:
    """Until the service answers, with its catalogue; it is ready once it has prepared what first requests need."""

    def live() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{url}/v1/health/live", timeout=5).status_code == 200
        return False

    until(live, every=0.02)


def ready(url: str) -> bool:
    return httpx.get(f"{url}/v1/health/readiness", timeout=60).status_code == 200


def matching(url: str) -> bool:
    """Do the matching processes of the service answer, where it has some?"""
    told = httpx.get(f"{url}/v1/metrics", timeout=60).text
    return gauge(told, "maillage_matching_processes") > 0 or os.cpu_count() == 1


def family(pid: int) -> list[int]:
    """A process and all that it has started."""
    with contextlib.suppress(OSError):
        tasks = Path(f"/proc/{pid}/task").iterdir()
        below = " ".join((task / "children").read_text(encoding="utf-8") for task in tasks)
        return [pid, *(each for child in below.split() for each in family(int(child)))]
    return []


def memory_of(pid: int) -> float:
    """Megabytes of a process and all that it has started; what some of them share counts once."""
    held = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            told = Path(f"/proc/{each}/smaps_rollup").read_text(encoding="utf-8")
            held += int(told.partition("\nPss:")[2].split()[0])
    return held / 1000


def gauge(text: str, name: str) -> float:
    """A figure of /v1/metrics."""
    found = re.search(rf"^{name} (\S+)$", text, re.M)
    return float(found.group(1)) if found else float("nan")


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Client:
    """Requests over kept connections, as many as are under way."""

    def __init__(self, url: str) -> None:
        self.host, self.port = str(urlsplit(url).hostname), urlsplit(url).port or 80
        self._free: list[Connection] = []

    def request(
        self, method: str, path: str, body: bytes, media: str = "application/json", key: str = ""
    ) -> bytes:
        """A request as it is sent."""
        head = [f"{method} {path} HTTP/1.1", f"host: {self.host}:{self.port}", f"content-type: {media}"]
        head += [f"x-api-key: {key}"] if key else []
        return "\r\n".join([*head, f"content-length: {len(body)}", "", ""]).encode() + body

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """The status of the answer (0: there was none) and its body.

        A kept connection that the server closes just then is asked again on a new one, as every client does (RFC 9112, 9.3.1).
        """
        while self._free:
            if (answer := await self._ask(self._free.pop(), request))[0]:
                return answer
        try:
            return await self._ask(await asyncio.open_connection(self.host, self.port), request)
        except OSError:
            return 0, b""

    async def _ask(self, connection: Connection, request: bytes) -> tuple[int, bytes]:
        reader, writer = connection
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: *(\d+)", head, re.I)
            body = await reader.readexactly(int(length.group(1)) if length else 0)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            return 0, b""
        self._free.append(connection)
        return int(head[9:12]), body


@contextmanager
def started(folder: Path, **environment: str) -> Iterator[tuple[str, int]]:
    """The address and the process of `matcher serve` over a catalogue, on a free port, until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "matcher.cli", "serve", "--port", str(port), "--catalogue", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=os.environ | environment) as running:
        try:
            yield f"http://127.0.0.1:{port}", running.pid
        finally:
            running.send_signal(signal.SIGTERM)


def put(folder: Path, number: int) -> None:
    """Replace the catalogue by a fresh copy with two renames, as `matcher index` does."""
    fresh, old = (folder.with_name(f"{folder.name}.{word}{number}") for word in ("new", "old"))
    shutil.copytree(folder, fresh, copy_function=os.link)
    # hard links share large files; the manifest identifies a catalogue
    manifest = fresh / "manifest.json"
    text = manifest.read_text(encoding="utf-8")
    manifest.unlink()
    manifest.write_text(text, encoding="utf-8")
    folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old)


class Soak:
    """Requests of each kind by several callers, and what came back."""

    def __init__(
        self, url: str, tokens: Sequence[str] = ("",), sirets: Sequence[str] = (), seed: int = 0
    ) -> None:
        self.url, self.tokens, self.sirets, self.chance = url, tokens, sirets, random.Random(seed)
        self.tls = ssl.create_default_context()  # made once: it takes longer than a request
        lines = (ROOT / "data/sample/needs.txt").read_text(encoding="utf-8").splitlines()
        self.needs = [line for line in lines if line.strip()]
        self.files = [path.read_bytes() for path in sorted((ROOT / "data/sample/eforms").iterdir())]
        self.records: list[tuple[str, str]] = []  # of whom, and which
        self.statuses: dict[str, Counter[int]] = defaultdict(Counter)
        self.times: dict[str, list[float]] = defaultdict(list)

    async def one(self, kind: str, due: float) -> None:
        """One request, counted from when it was due."""
        status = await (self._sign_in() if kind == "sign-in" else self._ask(kind))
        self.times[kind].append(time.perf_counter() - due)
        self.statuses[kind][status] += 1

    async def _ask(self, kind: str) -> int:
        token, media, body = self.chance.choice(self.tokens), "application/json", b""
        method, path = "POST", f"/v1/{kind}"
        need = {"need": self.chance.choice(self.needs), "place": "93"}
        match kind:
            case "need":
                path, body = "/v1/match", json.dumps(need | {"n": 10, "groups": 0}).encode()
            case "record":
                path, body = "/v1/sourcing", json.dumps(need).encode()
            case "file":
                path, media = "/v1/match/file", "multipart/form-data; boundary=x"
                head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="avis.xml"\r\n\r\n'
                body = head + self.chance.choice(self.files) + b"\r\n--x--\r\n"
            case "feedback":
                said = {"siret": self.chance.choice(self.sirets), "verb": "contacted"}
                body = json.dumps(said | {"notice_id": f"n{self.chance.random()}"}).encode()
            case "page":
                method, path = "GET", self.chance.choice(PAGES)
            case "export":
                token, record = self.chance.choice(self.records)
                method, path = "GET", f"/v1/sourcing/{record}/export/{self.chance.choice(FORMATS)}"
        status, answer = await self.client.ask(self.client.request(method, path, body, media, token))
        if kind == "record" and status == 201:
            self.records.append((token, json.loads(answer)["id"]))
        return status

    async def _sign_in(self) -> int:
        """By a key, as a browser does: the page, its form, the page that it leads to."""
        try:
            async with httpx.AsyncClient(base_url=self.url, timeout=60, verify=self.tls) as browser:
                page = await browser.get("/connexion")
                csrf = re.findall(r'name="csrf" value="(\w+)"', page.text)[0]
                sent = {"key": self.chance.choice(self.tokens), "csrf": csrf}
                answer = await browser.post("/connexion", data=sent, follow_redirects=True)
        except httpx.HTTPError:
            return 0
        return answer.status_code

    async def run(
        self, rate: float, seconds: float, pid: int, swap: Path | None = None, swaps: int = 0, **mix: int
    ) -> list[float]:
        """Ask on time, whether or not earlier requests are answered, while the catalogue is swapped.

        `mix`: how many of the requests are of each kind.  Returns megabytes of all processes, every ten seconds.
        """
        self.client = Client(self.url)  # connections are of one loop
        for _ in range(CALLERS if mix.get("export") else 0):  # records to export
            await self._ask("record")
        kinds = self.chance.choices([*mix], [*mix.values()], k=int(rate * seconds))
        memory: list[float] = []

        async def watch() -> None:
            while True:
                memory.append(await asyncio.to_thread(memory_of, pid))
                await asyncio.sleep(10)

        async def replace(folder: Path) -> None:
            for number in range(swaps):
                await asyncio.sleep(seconds / (swaps + 1))
                await asyncio.to_thread(put, folder, number)

        watcher = asyncio.create_task(watch())
        replacer = asyncio.create_task(replace(swap)) if swap else None
        begun, tasks = time.perf_counter(), set[asyncio.Task[None]]()
        for number, kind in enumerate(kinds):
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            task = asyncio.create_task(self.one(kind, due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        watcher.cancel()
        if replacer:
            await replacer
        return memory


def main(
    rate: float = 40, minutes: float = 40, structures: int = 20_000, swaps: int = 10, seed: int = 0
) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder, store = Path(made) / "catalogue", f"sqlite:///{made}/store.sqlite"
        listed = list(islice(synth.structures(structures), structures))
        sirets = [structure.siret for structure in listed[:1000]]
        build(listed, folder)
        del listed
        with Store.open(store) as opened:
            tokens = [keys.create(opened, ["buyer"]) for _ in range(CALLERS)]
        given = {"MATCHER_STORE": store, "MATCHER_RATE": "1000000/minute", "MATCHER_LOG_LEVEL": "ERROR"}
        with started(folder, **given, MATCHER_HOME=made) as (url, pid):
            wait(url)
            until(lambda: ready(url) and matching(url))
            soak = Soak(url, tokens, sirets, seed)
            memory = asyncio.run(soak.run(rate, 60 * minutes, pid, folder, swaps, **MIX))
            time.sleep(10)
            metrics = httpx.get(f"{url}/v1/metrics", headers={"x-api-key": tokens[0]}).text
            loads = gauge(metrics, "maillage_catalogue_loads")
    every = [each for times in soak.times.values() for each in times]
    bad = sum(n for of in soak.statuses.values() for status, n in of.items() if status >= 500 or not status)
    print(
        f"{len(every)} requests in {minutes:g} minutes, {swaps} swaps ({loads:.0f} loads): {bad} failed, p99 {np.percentile(every, 99):.3f} s"
    )
    for kind, times in sorted(soak.times.items()):
        median, p99 = np.percentile(times, [50, 99])
        print(f"{kind}: {len(times)}, median {median:.3f} s, p99 {p99:.3f} s, {dict(soak.statuses[kind])}")
    fifths = [f"{np.median(part):.0f}" for part in np.array_split(memory, 5)]
    print(f"memory of all processes, by fifths: {', '.join(fifths)} MB; at most {max(memory):.0f} MB")
    raise typer.Exit(bool(bad))


if __name__ == "__main__":
    typer.run(main)
