"""A cluster gives what one process gives, also when a worker dies."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import night as n
from mail_server import free_port
from matcher.domain import BadInput
from matcher.outreach import batch, intake, work
from matcher.outreach.cluster import answers
from matcher.outreach.rules import Rules
from matcher.records.store import Store

pytest.importorskip("distributed", reason="dask is not installed: pip install 'dask[distributed]'")
_QUIET = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
pytestmark = [pytest.mark.slow, _QUIET]


class Cluster:
    """A scheduler and two workers in processes of their own, as an operator starts them."""

    def __init__(self, folder: Path) -> None:
        self.folder, port = folder, str(free_port())
        self.address = f"tcp://127.0.0.1:{port}"
        scheduler = self._started("scheduler", "--host", "127.0.0.1", "--port", port)
        self.running = [scheduler, self._worker(), self._worker()]

    def _worker(self) -> subprocess.Popen[bytes]:
        return self._started("worker", self.address, "--nthreads", "1", "--no-nanny")

    def _started(self, *command: str) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", "dask", *command, "--no-dashboard"]
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(line, cwd=self.folder, **silent)

    def wait(self) -> None:
        """Until both workers are there."""
        from distributed import Client

        with Client(self.address, timeout=120) as client:
            client.wait_for_workers(2, timeout=120)

    def kill_a_worker(self) -> None:
        """Kill one and start another, as whoever supervises it does."""
        lost = self.running.pop()
        lost.kill()
        lost.wait()
        self.running.append(self._worker())

    def close(self) -> None:
        for each in self.running:
            each.kill()
            each.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    made.wait()
    yield made
    made.close()


FLOOR = Rules().floor


def tasks(tmp_path: Path) -> list[work.Task]:
    store = Store.open(f"sqlite:///{tmp_path}/s.sqlite")
    summary = batch._begun(store, {}, n.MOMENT)
    tenders = [n.tender(f"d{i}", *list(n.TRADES)[: 1 + i % 3]) for i in range(10)]
    intake.take(store, tenders, None, n.MOMENT, summary)
    found = list(batch.waiting(store, "v", n.MOMENT).values())
    store.close()
    return found


def test_workers_give_what_one_process_gives_and_a_lost_one_no_less(cluster: Cluster, tmp_path: Path) -> None:
    folder = n.catalogue(tmp_path / "catalogue")
    pending = tasks(tmp_path)
    one = dict(work.match_tasks(str(folder), pending, 50, FLOOR))
    found = {}
    for number, (id, rows) in enumerate(answers(cluster.address, folder, pending, 50, FLOOR)):
        found[id] = rows
        if number == 0:
            cluster.kill_a_worker()
    assert len(one) == 10 and found == one and any(one.values())


def test_the_whole_run_on_a_cluster(cluster: Cluster, tmp_path: Path) -> None:
    folder = n.catalogue(tmp_path / "catalogue")
    store = Store.open(f"sqlite:///{tmp_path}/run.sqlite")
    options = batch.Options(rules=Rules(floor=FLOOR), scheduler=cluster.address)
    summary = batch.run(store, folder, [n.tender("a", "tonte", "menage")], options, moment=n.MOMENT)
    assert summary.matched == 1 and summary.lots == 2 and summary.digests > 0
    store.close()


def test_no_scheduler_gets_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="dask scheduler"):
        list(answers("nonsense://x", n.catalogue(tmp_path / "c"), tasks(tmp_path), 5, 0.5))
