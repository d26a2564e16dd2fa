"""A service asked for long by many at once: needs, files, exports, records, pages, sign-ins, while its catalogue is replaced.

    python tests/bench/soak.py --rate 40 --minutes 40

Starts `matcher serve` over a synthetic catalogue, with a store of its own.  Requests leave on time whether or not earlier
ones are answered.  Prints what came back of each kind, its 99th percentile, and the memory of all processes in each
fifth of the time.  Fails on a 5xx and on a request without an answer.
"""

import asyncio
import json
import random
import re
import ssl
import sys
import tempfile
import time
from collections import Counter, defaultdict
from functools import partial
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import httpx
import numpy as np
import typer
from bench_service import Client, gauge, paced, started
from bench_speed import ROOT, _held, _matching, _ready, _wait, build, until

from matcher.lab import synth
from matcher.records import keys
from matcher.records.store import Store

CALLERS = 20  # keys that requests come from, in turn
#: How many of a thousand requests are of each kind.
MIX = {"need": 896, "file": 4, "page": 70, "export": 2, "feedback": 20, "sign-in": 8}
PAGES = "/ /acheteur /structure /connexion /a-propos /territoire /v1/places?q=pan /static/page.css".split()
FORMATS = ("csv", "xlsx", "json")


class Soak:
    """Requests of each kind by several callers, and what came back."""

    def __init__(self, url: str, tokens: list[str], sirets: list[str], chance: random.Random) -> None:
        self.url, self.tokens, self.sirets, self.chance = url, tokens, sirets, chance
        self.client = Client(url)
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
                path, body = "/v1/match", json.dumps(need | {"n": 10}).encode()
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

    async def run(self, rate: float, seconds: float, folder: Path, swaps: int, pid: int) -> list[float]:
        """Megabytes of all processes, every ten seconds."""
        for _ in range(CALLERS):  # records to export
            await self._ask("record")
        kinds = self.chance.choices([*MIX], [*MIX.values()], k=int(rate * seconds))
        held = partial(asyncio.to_thread, _held, pid)
        return await paced(
            rate, seconds, lambda number, due: self.one(kinds[number], due), held, folder, swaps
        )


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
            _wait(url)
            until(lambda: _ready(url) and _matching(url))
            soak = Soak(url, tokens, sirets, random.Random(seed))
            memory = asyncio.run(soak.run(rate, 60 * minutes, folder, swaps, pid))
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
    print(
        f"memory of all processes, by fifths of the time: {', '.join(fifths)} MB; at most {max(memory):.0f} MB"
    )
    raise typer.Exit(bool(bad))


if __name__ == "__main__":
    typer.run(main)
