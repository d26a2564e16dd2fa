"""Requests at a steady rate over kept connections, and catalogues that are swapped meanwhile: for `bench_speed.py` and `soak.py`.

Requests leave on time whether or not earlier ones are answered (open loop), so that waiting is counted.  On one machine the
client takes processors of the service: it writes ready requests to kept connections and takes 0.6 ms for each, where a
full HTTP client took 4.6 to 6.8.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def gauge(text: str, name: str) -> float:
    """A figure of /v1/metrics."""
    found = re.search(rf"^{name} (\S+)$", text, re.M)
    return float(found.group(1)) if found else float("nan")


class _Connection(asyncio.Protocol):
    """One kept connection: a request is written, its answer awaited."""

    def __init__(self) -> None:
        self.got, self.open = bytearray(), True
        self.answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.got += data
        head, found, body = bytes(self.got).partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.I)
        if found and len(body) >= (int(length.group(1)) if length else 0):
            self.got.clear()
            self._end(int(head[9:12]), body)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        self._end(0, b"")

    def _end(self, status: int, body: bytes) -> None:
        if self.answer and not self.answer.done():
            self.answer.set_result((status, body))


class Client:
    """Requests over kept connections, as many as are under way."""

    def __init__(self, url: str) -> None:
        self.host, self.port = str(urlsplit(url).hostname), urlsplit(url).port or 80
        self._free: list[_Connection] = []

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
            if (kept := self._free.pop()).open and (answer := await self._ask(kept, request))[0]:
                return answer
        try:
            _, fresh = await asyncio.get_running_loop().create_connection(_Connection, self.host, self.port)
        except OSError:
            return 0, b""
        return await self._ask(fresh, request)

    async def _ask(self, connection: _Connection, request: bytes) -> tuple[int, bytes]:
        connection.answer = asyncio.get_running_loop().create_future()
        connection.transport.write(request)
        answer = await connection.answer
        self._free += [connection] if connection.open else []
        return answer


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


async def paced(
    rate: float,
    seconds: float,
    one: Callable[[int, float], Awaitable[None]],
    held: Callable[[], Awaitable[float]],
    swap: Path | None,
    swaps: int,
) -> list[float]:
    """Call `one` (number, when due) on time, whether or not earlier calls have ended, while the catalogue is swapped.

    Returns what is `held`, every ten seconds.
    """
    memory: list[float] = []

    async def watch() -> None:
        while True:
            memory.append(await held())
            await asyncio.sleep(10)

    async def replace(folder: Path) -> None:
        for number in range(swaps):
            await asyncio.sleep(seconds / (swaps + 1))
            await asyncio.to_thread(put, folder, number)

    watcher = asyncio.create_task(watch())
    replacer = asyncio.create_task(replace(swap)) if swap else None
    begun, tasks = time.perf_counter(), set[asyncio.Task[None]]()
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(one(number, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    watcher.cancel()
    if replacer:
        await replacer
    return memory


async def run(
    url: str,
    rate: float,
    seconds: float,
    needs: list[str],
    held: Callable[[], float],
    swap: Path | None = None,
    swaps: int = 0,
) -> tuple[list[float], Counter[int], list[float]]:
    """Seconds of each request, how many ended with each status (0: no answer), and what is `held`, every ten seconds."""
    times: list[float] = []
    statuses: Counter[int] = Counter()
    client = Client(url)
    ask = {"place": "93", "n": 10, "groups": 0}
    bodies = (json.dumps({"need": need, **ask}).encode() for need in needs)
    asked = [client.request("POST", "/v1/match", body) for body in bodies]

    async def one(number: int, due: float) -> None:
        status, _ = await client.ask(asked[number % len(asked)])
        times.append(time.perf_counter() - due)
        statuses[status] += 1

    return times, statuses, await paced(rate, seconds, one, partial(asyncio.to_thread, held), swap, swaps)


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
