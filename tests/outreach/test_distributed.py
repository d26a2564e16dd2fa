"""A cluster gives what one process gives, also when a worker dies."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import night as n
from matcher.domain import BadInput
from matcher.outreach import batch, intake, work
from matcher.outreach.cluster import answers
from matcher.outreach.rules import Rules
from matcher.records.store import Store

distributed = pytest.importorskip("distributed", reason="not installed: pip install 'dask[distributed]'")
_QUIET = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
pytestmark = [pytest.mark.slow, _QUIET]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A scheduler and two workers in processes of their own, each started again where it ends."""
    with distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None) as made:
        yield made


FLOOR = Rules().floor


def tasks(tmp_path: Path) -> list[work.Task]:
    store = Store.open(f"sqlite:///{tmp_path}/s.sqlite")
    summary = batch._begun(store, {}, n.MOMENT)
    tenders = [n.tender(f"d{i}", *list(n.TRADES)[: 1 + i % 3]) for i in range(10)]
    intake.take(store, tenders, None, n.MOMENT, summary)
    found = list(batch.waiting(store, "v", n.MOMENT).values())
    store.close()
    return found


def test_workers_give_what_one_process_gives_and_a_lost_one_no_less(cluster: Any, tmp_path: Path) -> None:
    folder = n.catalogue(tmp_path / "catalogue")
    pending = tasks(tmp_path)
    one = dict(work.match_tasks(str(folder), pending, 50, FLOOR))
    found = {}
    for number, (id, rows) in enumerate(answers(cluster.scheduler_address, folder, pending, 50, FLOOR)):
        found[id] = rows
        if number == 0:
            os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
    assert len(one) == 10 and found == one and any(one.values())


def test_the_whole_run_on_a_cluster(cluster: Any, tmp_path: Path) -> None:
    folder = n.catalogue(tmp_path / "catalogue")
    store = Store.open(f"sqlite:///{tmp_path}/run.sqlite")
    options = batch.Options(rules=Rules(floor=FLOOR), scheduler=cluster.scheduler_address)
    summary = batch.run(store, folder, [n.tender("a", "tonte", "menage")], options, moment=n.MOMENT)
    assert summary.matched == 1 and summary.lots == 2 and summary.digests > 0
    store.close()


def test_no_scheduler_gets_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="dask scheduler"):
        list(answers("nonsense://x", n.catalogue(tmp_path / "c"), tasks(tmp_path), 5, 0.5))
