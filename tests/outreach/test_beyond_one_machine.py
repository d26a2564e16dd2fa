"""Beyond one machine: a night on two workers and two replicas of the service over one PostgreSQL with pgvector.

A worker is killed while it matches and a replica while it is asked: one answer for each question, one effect for each
write, one claim for each mail.
"""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest import MonkeyPatch

import night as n
from dask_cluster import Cluster
from databases import schema
from mail_server import MailServer, free_port
from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import load_catalogue, save_catalogue
from matcher.domain import MatcherError
from matcher.outreach import delivery
from matcher.outreach.rules import Rules
from matcher.reading import gather
from matcher.records import keys
from matcher.records.store import Store

pytest.importorskip("distributed", reason="dask is not installed: pip install 'maillage[cluster]'")
_QUIET = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
pytestmark = [pytest.mark.slow, pytest.mark.postgres, _QUIET]
NOTICES = 12
ASKED = 18
# the night as an operator's own process: store, catalogue and scheduler are its arguments
NIGHT = f"""
import itertools, json, sys
from pathlib import Path
from distributed import Client

import night as n
from matcher.outreach import batch
from matcher.outreach.rules import Rules
from matcher.records.store import Store

address, catalogue, scheduler = sys.argv[1:]
with Client(scheduler, timeout=120) as client:
    client.wait_for_workers(2, timeout=120)
print("begins", flush=True)
trades = itertools.cycle(("tonte", "menage", "repas"))
tenders = [n.tender(f"n{{number}}", next(trades)) for number in range({NOTICES})]
options = batch.Options(rules=Rules(floor=0.0005), scheduler=scheduler)
summary = batch.run(Store.open(address), Path(catalogue), tenders, options, moment=n.MOMENT)
print(json.dumps([summary.matched, summary.lots, summary.digests]))
"""


class Replicas:
    """Two processes of the service, asked in turn as a load balancer does: who does not answer is left out."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.ports = [free_port(), free_port()]
        command = [sys.executable, "-m", "matcher.cli", "serve", "--port"]
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.running = [subprocess.Popen([*command, str(p)], env=environment, **silent) for p in self.ports]
        for port in self.ports:
            for _ in range(900):
                try:
                    self.send(port, "GET", "/v1/health/readiness")
                    break
                except OSError:
                    time.sleep(0.1)

    def send(self, port: int, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = None if body is None else json.dumps(body).encode()
        head = {"content-type": "application/json", **headers}
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, head, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def ask(self, turn: int, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """The port that answered, and its answer; the other is tried where one is gone."""
        for port in (self.ports[turn % 2], self.ports[1 - turn % 2]):
            try:
                return port, self.send(port, method, path, body, **headers)
            except urllib.error.HTTPError:
                raise
            except OSError:
                continue
        raise AssertionError("no replica answers")

    def kill(self, place: int) -> None:
        self.running[place].send_signal(signal.SIGKILL)
        self.running[place].wait()

    def close(self) -> None:
        for each in self.running:
            each.kill()
            each.wait()


@pytest.fixture
def store_address(postgres: str) -> str:
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
    with psycopg.connect(postgres, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone():
            pytest.skip("no pgvector: apt-get install postgresql-17-pgvector")
    return schema(postgres)


@pytest.fixture
def catalogue(tmp_path: Path, postgres: str, monkeypatch: MonkeyPatch, store_address: str) -> Path:
    """A catalogue whose vectors are at the server, with its notices."""
    monkeypatch.setenv("MATCHER_VECTORS", postgres)
    recipe = replace(n.RECIPE, indexes=("pgvector", "lexical"))
    made = build_catalogue(n.structures(), recipe=recipe)
    save_catalogue(made, tmp_path / "catalogue")
    made.index("meaning").close()
    gather.save_notices([n.tender("indexed", "tonte")], tmp_path / "catalogue")
    return tmp_path / "catalogue"


@pytest.fixture
def replicas(catalogue: Path, store_address: str) -> Iterator[Replicas]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MATCHER_")}
    made = Replicas(
        {
            **kept,
            "MATCHER_CATALOGUE": str(catalogue),
            "MATCHER_STORE": store_address,
            "MATCHER_SECRET": "s" * 32,
            "MATCHER_VECTORS": os.environ["MATCHER_VECTORS"],
            "MATCHER_HOME": str(catalogue.parent / "home"),
        }
    )
    yield made
    made.close()


def answer_of(told: Any) -> list[tuple[str, float]]:
    return [(m["structure"]["siret"], m["score"]) for lot in told["lots"] for m in lot["matches"]]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    made.close()


def test_a_night_and_the_pages_survive_a_worker_and_a_replica(
    catalogue: Path, store_address: str, replicas: Replicas, cluster: Cluster
) -> None:
    store = Store.open(store_address)
    key = keys.create(store, ["buyer"])
    command = [sys.executable, "-c", NIGHT, store_address, str(catalogue), cluster.address]
    environment = {**os.environ, "PYTHONPATH": str(Path(n.__file__).parent)}
    night = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert night.stdout and night.stdout.readline() == "begins\n"
    body = {"need": "tonte des pelouses", "place": "Montreuil (93)", "groups": 0}
    answers, ports = [], Counter[int]()
    kept: list[Any] = []
    for turn in range(ASKED):
        if turn == ASKED // 2:
            replicas.kill(0)
        if turn == 1:
            cluster.kill_a_worker()
        port, told = replicas.ask(turn, "POST", "/v1/match", body)
        ports[port] += 1
        answers.append(answer_of(told))
        if turn in (0, 1, ASKED - 1):  # the same write by both, and again after one is gone
            head = {"X-API-Key": key, "Idempotency-Key": "one"}
            kept.append(replicas.ask(turn, "POST", "/v1/sourcing", {**body, "label": "tonte"}, **head)[1])
    summary, _ = night.communicate(timeout=300)
    matched, lots, digests = json.loads(summary)
    assert len(set(map(tuple, answers))) == 1 and len(answers[0]) > 3  # one answer
    assert ports[replicas.ports[0]] == ASKED // 4 + 1 and ports.total() == ASKED  # none is lost
    assert kept[0] == kept[1] == kept[2]  # one effect
    assert len(replicas.ask(1, "GET", "/v1/sourcing", **{"X-API-Key": key})[1]) == 1
    assert (matched, lots) == (NOTICES, NOTICES) and digests > 0
    assert one_claim(store_address, catalogue) == digests
    store.close()
    gc.collect()  # connections of threads that ended, while their warnings are left alone


def one_claim(store_address: str, catalogue: Path) -> int:
    """How many mails left when two senders were at it at once; none left twice."""
    server = MailServer()
    rules, held = Rules(smtp=server.url), load_catalogue(catalogue)

    def send() -> None:
        mine = Store.open(store_address)
        try:
            delivery.deliver(mine, held, rules, at=n.MOMENT)
        except MatcherError:
            pass  # another sender is at it
        finally:
            mine.close()

    senders = [threading.Thread(target=send) for _ in range(2)]
    with server.running():
        for each in senders:
            each.start()
        for each in senders:
            each.join(60)
        send()  # what was left
    held.index("meaning").close()
    left = Counter(address for to, _ in server.received for address in to)
    assert set(left.values()) == {1}, left
    return left.total()
