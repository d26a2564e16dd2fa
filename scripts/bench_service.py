"""Median and 99th percentile of POST /v1/match at a steady rate against a running service.

    python scripts/bench_service.py --invent 100000 --out var/bench-catalogue
    matcher serve --catalogue var/bench-catalogue
    python scripts/bench_service.py --rate 50 --seconds 600

Requests leave on time whether or not earlier ones are answered (open loop), so that waiting is counted.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np


async def run(
    url: str, rate: float, seconds: float, needs: list[str], groups: int
) -> tuple[list[float], Counter[int]]:
    """Seconds of each request, and how many ended with each status (0: no answer)."""
    times: list[float] = []
    statuses: Counter[int] = Counter()
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as client:

        async def one(number: int, due: float) -> None:
            body = {"need": needs[number % len(needs)], "place": "93", "n": 10, "groups": groups}
            try:
                status = (await client.post("/v1/match", json=body)).status_code
            except httpx.HTTPError:
                status = 0
            times.append(time.perf_counter() - due)
            statuses[status] += 1

        begun, tasks = time.perf_counter(), []
        for number in range(int(rate * seconds)):
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(one(number, due)))
        await asyncio.gather(*tasks)
    return times, statuses


def invent(count: int, out: Path) -> None:
    """A catalogue of so many structures: those of the sample told again elsewhere, under numbers of nobody."""
    import random
    from dataclasses import replace

    from matcher import gathering, recipes, reference
    from matcher.catalogue import Catalogue
    from matcher.domain import Place

    chance = random.Random(7)
    sample = gathering.gather([Path("data/sample")]).structures
    towns = [c for d in reference.departments() for c in reference.search_commune(d.name, limit=3)]
    made = []
    for number in range(count):
        seed, town = chance.choice(sample), chance.choice(towns)
        siret = f"{number + 300_000:09d}00017"  # Luhn is not asked for here
        words = " ".join(chance.sample(seed.description.split(), min(8, len(seed.description.split()))))
        offers = tuple(
            replace(o, id=f"{siret}#{i}", text=f"{o.text} {words}") for i, o in enumerate(seed.offers)
        )
        place = reference.locate(Place(commune=town.code, label=town.name))
        made.append(
            replace(seed, siret=siret, name=f"{seed.name} {town.name} {number}", offers=offers, place=place)
        )
    Catalogue.build(made, [], recipes.named("default")).save(out)
    print(f"{count} structures in {out}")


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--groups", type=int, default=0)
    parser.add_argument("--needs", type=Path, default=Path("data/sample/needs.txt"))
    parser.add_argument(
        "--invent", type=int, default=0, help="build a catalogue of so many structures instead"
    )
    parser.add_argument("--out", type=Path, default=Path("var/bench-catalogue"))
    asked = parser.parse_args()
    if asked.invent:
        invent(asked.invent, asked.out)
        return
    needs = [line for line in asked.needs.read_text(encoding="utf-8").splitlines() if line.strip()]
    health = httpx.get(asked.url + "/v1/health").json()
    times, statuses = asyncio.run(run(asked.url, asked.rate, asked.seconds, needs, asked.groups))
    median, p99 = np.percentile(np.array(times) * 1000, [50, 99])
    bad = sum(count for status, count in statuses.items() if status != 200)
    print(
        f"{health['structures']} structures, {asked.rate:g} requests/s for {asked.seconds:g} s: "
        f"median {median:.1f} ms, p99 {p99:.1f} ms, {bad} errors of {len(times)}"
    )


if __name__ == "__main__":
    main()
