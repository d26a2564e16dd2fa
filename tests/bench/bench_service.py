"""Median and 99th percentile of POST /v1/match at a steady rate against a running service, its memory, and swaps.

    matcher synth --structures 100000 --notices 0 --out var/load
    matcher index var/load/structures.csv --out var/load/catalogue
    matcher serve --catalogue var/load/catalogue
    python tests/bench/bench_service.py --rate 50 --seconds 600
    python tests/bench/bench_service.py --rate 50 --seconds 200 --swap var/load/catalogue --swaps 20

Requests leave on time whether or not earlier ones are answered (open loop), so that waiting is counted.  `--swap`
replaces the served catalogue by a fresh copy, `--swaps` times, while requests go on.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np


def gauge(text: str, name: str) -> float:
    """A figure of /v1/metrics."""
    found = re.search(rf"^{name} (\S+)$", text, re.M)
    return float(found.group(1)) if found else float("nan")


async def run(
    url: str, rate: float, seconds: float, needs: list[str], groups: int, swap: Path | None, swaps: int
) -> tuple[list[float], Counter[int], list[float]]:
    """Seconds of each request, how many ended with each status (0: no answer), megabytes every ten seconds."""
    times: list[float] = []
    statuses: Counter[int] = Counter()
    memory: list[float] = []
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:

        async def one(number: int, due: float) -> None:
            body = {"need": needs[number % len(needs)], "place": "93", "n": 10, "groups": groups}
            try:
                status = (await client.post("/v1/match", json=body)).status_code
            except httpx.HTTPError:
                status = 0
            times.append(time.perf_counter() - due)
            statuses[status] += 1

        async def watch() -> None:
            while True:
                told = (await client.get("/v1/metrics")).text
                memory.append(gauge(told, "process_resident_memory_bytes") / 1e6)
                await asyncio.sleep(10)

        async def replace(folder: Path) -> None:
            for number in range(swaps):
                await asyncio.sleep(seconds / (swaps + 1))
                await asyncio.to_thread(put, folder, number)

        watcher = asyncio.create_task(watch())
        replacer = asyncio.create_task(replace(swap)) if swap else None
        begun, tasks = time.perf_counter(), []
        for number in range(int(rate * seconds)):
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(one(number, due)))
        await asyncio.gather(*tasks)
        watcher.cancel()
        if replacer:
            await replacer
    return times, statuses, memory


def put(folder: Path, number: int) -> None:
    """Replace the catalogue by a fresh copy with two renames, as `matcher index` does."""
    fresh, old = (
        folder.with_name(f"{folder.name}.new{number}"),
        folder.with_name(f"{folder.name}.old{number}"),
    )
    shutil.copytree(folder, fresh, copy_function=os.link)
    # hard links share large files; the manifest identifies a catalogue
    manifest = fresh / "manifest.json"
    text = manifest.read_text(encoding="utf-8")
    manifest.unlink()
    manifest.write_text(text, encoding="utf-8")
    folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old)


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--groups", type=int, default=0)
    parser.add_argument("--needs", type=Path, default=Path("data/sample/needs.txt"))
    parser.add_argument("--swap", type=Path, help="The folder of the catalogue that is served.")
    parser.add_argument("--swaps", type=int, default=20)
    asked = parser.parse_args()
    needs = [line for line in asked.needs.read_text(encoding="utf-8").splitlines() if line.strip()]
    health = httpx.get(asked.url + "/v1/health", timeout=60).json()
    before = gauge(httpx.get(asked.url + "/v1/metrics").text, "maillage_catalogue_loads")
    times, statuses, memory = asyncio.run(
        run(asked.url, asked.rate, asked.seconds, needs, asked.groups, asked.swap, asked.swaps)
    )
    median, high, p99 = np.percentile(np.array(times) * 1000, [50, 90, 99])
    bad = sum(count for status, count in statuses.items() if status != 200)
    print(
        f"{health['structures']} structures, {asked.rate:g} requests/s for {asked.seconds:g} s: "
        f"median {median:.1f} ms, p90 {high:.1f} ms, p99 {p99:.1f} ms, {bad} errors of {len(times)}"
    )
    if bad:
        print(f"statuses: {dict(sorted(statuses.items()))} (0: no answer)")
    if memory:
        first, last = memory[: max(1, len(memory) // 5)], memory[-max(1, len(memory) // 5) :]
        print(f"memory: {np.mean(first):.0f} MB at the beginning, {np.mean(last):.0f} MB at the end, {max(memory):.0f} MB at most")  # fmt: skip
    if asked.swap:
        time.sleep(5)
        after = gauge(httpx.get(asked.url + "/v1/metrics").text, "maillage_catalogue_loads")
        print(f"swaps: {asked.swaps} put in place, {after - before:.0f} taken up, {bad} requests failed")


if __name__ == "__main__":
    main()
