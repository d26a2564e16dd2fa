"""Race idempotent writes: many parallel POSTs with one key, on two processes of the service; one record each.

    python tests/bench/race_keys.py --keys 125 --parallel 8                      # 1,000 POSTs, SQLite
    python tests/bench/race_keys.py --keys 125 --parallel 8 --postgres           # on a server of its own

Prints one JSON line; the exit status is 1 where a key made more or less than one record, or a request failed.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from databases import server
from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue
from matcher.matching import recipes
from matcher.reading import gather
from matcher.records import keys
from matcher.records.store import Store

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
SIRET = "00010001600013"  # of the sample


@contextmanager
def served(folder: Path, store: str, count: int = 2) -> Iterator[list[str]]:
    """Addresses of `count` processes of the service on one catalogue and one store."""
    environment = {**os.environ, "MATCHER_CATALOGUE": str(folder), "MATCHER_STORE": store, "MATCHER_SECRET": "s" * 32,
                   "MATCHER_RATE": "1000000/minute", "MATCHER_LOG_LEVEL": "ERROR", "MATCHER_HOME": str(folder.parent)}  # fmt: skip
    ports, running = [], []
    for _ in range(count):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
        command = [sys.executable, "-m", "matcher.cli", "serve", "--port", str(ports[-1])]
        running.append(subprocess.Popen(command, env=environment))
    try:
        for port in ports:
            _ready(f"http://127.0.0.1:{port}/v1/health/readiness")
        yield [f"http://127.0.0.1:{port}" for port in ports]
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(timeout=60)


def _ready(url: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise SystemExit("the service did not start")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=125)
    parser.add_argument("--parallel", type=int, default=8)
    parser.add_argument("--postgres", action="store_true")
    wanted = parser.parse_args()
    with server() if wanted.postgres else nullcontext("") as address:
        return race(wanted.keys, wanted.parallel, address)


def race(keys_: int, parallel: int, address: str) -> int:
    """Race, and print what happened; the status of the process."""
    with tempfile.TemporaryDirectory(prefix="maillage-") as name:
        home = Path(name)
        found = gather.gather([SAMPLE])
        save_catalogue(
            build_catalogue(found.structures, found.awards, recipes.named("default")), home / "catalogue"
        )
        url = address or f"sqlite:///{home / 'store.sqlite'}"
        store = Store.open(url)
        head = {"X-API-Key": keys.create(store, ["buyer", f"structure:{SIRET}"])}
        before = store.counts()
        with served(home / "catalogue", url) as sites, ThreadPoolExecutor(parallel) as pool:
            client = httpx.Client(timeout=60, limits=httpx.Limits(max_connections=parallel))
            began, statuses, answers = time.monotonic(), Counter[int](), dict[int, set[str]]()

            def post(number: int, turn: int) -> tuple[int, int, str]:
                # two kinds of effect in turn: a record of sourcing, and a word on a lot
                path = "/v1/sourcing" if number % 2 else "/v1/feedback"
                body = {"need": "nettoyage de bureaux", "place": "Pantin", "label": str(number)} if number % 2 else {
                    "siret": SIRET, "notice_id": f"race-{number}", "verb": "interested"}  # fmt: skip
                sent = client.post(
                    sites[turn % 2] + path, json=body, headers={**head, "Idempotency-Key": f"k{number}"}
                )
                return number, sent.status_code, sent.text

            for number in range(keys_):
                for key, status, text in pool.map(post, [number] * parallel, range(parallel)):
                    statuses[status] += 1
                    answers.setdefault(key, set()).add(text)
            seconds = time.monotonic() - began
        after = store.counts()
        made = {table: after[table] - before[table] for table in ("sourcing", "feedback", "once")}
        store.close()
    told = {
        "store": url.partition(":")[0], "keys": keys_, "posts": keys_ * parallel, "made": made,
        "keys_with_several_answers": sum(len(texts) > 1 for texts in answers.values()), "statuses": dict(statuses),
        "seconds": round(seconds, 1),
    }  # fmt: skip
    print(json.dumps(told))
    right = made == {"sourcing": keys_ // 2, "feedback": keys_ - keys_ // 2, "once": keys_}
    return 0 if right and set(statuses) <= {200, 201} and not told["keys_with_several_answers"] else 1


if __name__ == "__main__":
    sys.exit(main())
