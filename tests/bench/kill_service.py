"""Kill the service at random instants while requests write, start it again and repeat what was not answered: nothing lost, nothing doubled.

    python tests/bench/kill_service.py --kills 100

Each request has an Idempotency-Key and is repeated after a kill until it is answered.  At the end every key has one effect, and
everything that was answered is in the store.  Prints one JSON line; the exit status is 1 where a key made more or less than that.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # services are forked: threads of matrix libraries do not follow

import httpx
import uvicorn
from fastapi.testclient import TestClient
from kill_batch import child
from service.app import create_app
from service.settings import Settings
from sqlalchemy import select

from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue
from matcher.domain import Offer, Place, Recipe, Structure
from matcher.reading import confined
from matcher.records import keys
from matcher.records.store import Store
from matcher.records.tables import Feedback, Sourcing

SIRET = "00010001600013"
LONGEST = 0.6  # seconds from the first answer of a service to its end, at most


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def serve(given: Settings, port: int) -> None:
    confined.start = lambda: None  # no file is sent here
    uvicorn.run(create_app(given), port=port, log_level="critical")


def warm(given: Settings, head: dict[str, str]) -> None:
    """Have in memory what every service needs, so that kills strike the work and not the start."""
    with TestClient(create_app(given), headers=head) as client:
        for number in (0, 1):
            path, body = asked(number)
            client.post(path, json=body)


def ready(url: str) -> None:
    for _ in range(3_000):
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/v1/health/live", timeout=30).status_code == 200:
                return
        time.sleep(0.02)
    raise SystemExit("the service did not start")


def asked(number: int) -> tuple[str, dict[str, Any]]:
    """A request that writes: a record of sourcing and a word on a lot in turn."""
    if number % 2:
        return "/v1/sourcing", {"need": "taille de haies", "place": "Pantin", "label": str(number)}
    return "/v1/feedback", {"siret": SIRET, "notice_id": f"kill-{number}", "verb": "interested"}


def write_until_killed(url: str, head: dict[str, str], answered: dict[int, str]) -> None:
    """Send what comes next, and what was not answered before, until nobody answers."""
    with httpx.Client(base_url=url, timeout=60) as client:
        while True:
            number = len(answered)
            path, body = asked(number)
            try:
                answer = client.post(path, json=body, headers={**head, "Idempotency-Key": f"k{number}"})
            except httpx.HTTPError:
                return
            if answer.status_code not in (200, 201):
                raise SystemExit(f"{answer.status_code} {answer.text}")
            answered[number] = str(answer.json().get("id", ""))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    chance, answered, kills = random.Random(wanted.seed), dict[int, str](), 0
    with tempfile.TemporaryDirectory(prefix="maillage-") as name:
        home = Path(name)
        os.environ["MATCHER_HOME"] = name
        place = Place(commune="93055", postcode="93500", label="Pantin")
        one = Structure(
            siret=SIRET, name="Les Allées", kind="EI", place=place, offers=(Offer(id="1", title="Taille de haies"),)
        )  # fmt: skip
        save_catalogue(build_catalogue([one], [], Recipe()), home / "catalogue")
        address = f"sqlite:///{home / 'store.sqlite'}"
        beside = f"sqlite:///{home / 'beside.sqlite'}"
        with Store.open(beside) as store:
            own = {"X-API-Key": keys.create(store, ["buyer", f"structure:{SIRET}"])}
        warm(Settings(catalogue=home / "catalogue", store=beside, log_level="ERROR"), own)
        with Store.open(address) as store:
            head = {"X-API-Key": keys.create(store, ["buyer", f"structure:{SIRET}"])}
        while kills < wanted.kills:
            port = free_port()
            given = Settings(
                catalogue=home / "catalogue", store=address, log_level="ERROR", rate="1000000/minute", secret="s" * 32
            )  # fmt: skip
            pid = child(serve, given, port)
            ready(f"http://127.0.0.1:{port}")
            killer = threading.Timer(chance.uniform(0, LONGEST), os.kill, (pid, signal.SIGKILL))
            killer.start()
            write_until_killed(f"http://127.0.0.1:{port}", head, answered)
            killer.join()
            os.waitpid(pid, 0)
            kills += 1
        with Store.open(address) as store, store.reading() as connection:
            records = [row.id for row in connection.execute(select(Sourcing.id))]
            words = [row.notice_id for row in connection.execute(select(Feedback.notice_id))]
            counts = store.counts()
    kept = {f"kill-{n}" for n in answered if n % 2 == 0} | {i for i in answered.values() if i}
    lost = len(kept - set(records) - set(words))
    # the last request may have been written and not answered
    doubled = max(0, len(records) + len(words) - len(answered) - 1)
    told = {
        "kills": kills,
        "answered": len(answered),
        "lost": lost,
        "doubled": doubled,
        "keys": counts["once"],
    }
    print(json.dumps(told))
    return 1 if lost or doubled or counts["once"] != len(records) + len(words) else 0


if __name__ == "__main__":
    sys.exit(main())
