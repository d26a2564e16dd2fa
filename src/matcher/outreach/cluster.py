"""The nightly matching on a Dask cluster: work cut by notices, the catalogue published once a worker.

A lost worker costs a retry, not a result: this process alone writes to the store, whole notices at a time.
"""

import hashlib
import io
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from matcher import plugins
from matcher.domain import BadInput
from matcher.outreach.work import Task, match_tasks

RETRIES = 5
PART = 32 << 20  # bytes of the catalogue sent per message
SHARE = 8  # notices in one piece of work


def stamp(folder: Path) -> str:
    """The version of a saved catalogue: a hash of its manifest."""
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()[:16]


def _local(version: str) -> Path:
    return Path(tempfile.gettempdir()) / f"maillage-catalogue-{version}"


def _held(folder: str, version: str) -> str:
    """On a worker: where this machine holds this version of the catalogue, at the same path or received before; else ""."""
    places = (Path(folder), _local(version))
    held = (path for path in places if (path / "manifest.json").is_file() and stamp(path) == version)
    return str(next(held, ""))


def _receive(version: str, number: int, part: bytes) -> None:
    with (_local(version).with_suffix(".tar")).open("wb" if number == 0 else "ab") as sink:
        sink.write(part)


def _unpack(version: str) -> None:
    """On a worker: the catalogue appears whole, once, to be memory-mapped by every task of that machine."""
    target, packed = _local(version), _local(version).with_suffix(".tar")
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(prefix="maillage-"))
        with tarfile.open(packed) as archive:
            archive.extractall(fresh, filter="data")
        try:
            fresh.rename(target)
        except OSError:
            if not target.exists():
                raise
    packed.unlink(missing_ok=True)


def publish(client: Any, folder: Path) -> int:
    """Give the catalogue to each worker that lacks it, once a machine; returns how many were given it."""
    version = stamp(folder)
    has = client.run(_held, str(folder), version)
    hosts: dict[str, str] = {}
    for worker in sorted(address for address, held in has.items() if not held):
        hosts.setdefault(worker.rpartition(":")[0], worker)
    if not hosts:
        return 0
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.add(path, arcname=str(path.relative_to(folder)), recursive=False)
    view = packed.getbuffer()
    chosen = list(hosts.values())
    for number, low in enumerate(range(0, len(view), PART)):
        client.run(_receive, version, number, bytes(view[low : low + PART]), workers=chosen)
    client.run(_unpack, version, workers=chosen)
    return len(chosen)


def _work(
    folder: str, version: str, tasks: Sequence[Task], top: int, floor: float
) -> list[tuple[str, list[dict[str, Any]]]]:
    return match_tasks(_held(folder, version), tasks, top, floor)


def answers(
    scheduler: str, folder: Path, tasks: Sequence[Task], top: int, floor: float
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The rows of each notice, as the cluster whose scheduler is at tcp://host:port answers; the same as in one process.

    Raises MissingExtra, BadInput where nothing answers.
    """
    if not tasks:
        return
    with plugins.optional("cluster", "a cluster"):
        from distributed import Client, as_completed

    folder = folder.resolve()
    try:
        client: Any = Client(scheduler, timeout=15)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise BadInput(
            f"no Dask scheduler answers at {scheduler!r} ({type(error).__name__}): start one with `dask scheduler`"
        ) from None
    try:
        client.wait_for_workers(1, timeout=60)
        publish(client, folder)
        version = stamp(folder)
        size = max(1, min(SHARE, len(tasks) // (4 * max(1, len(client.nthreads()))) or 1))
        futures = [
            client.submit(
                _work, str(folder), version, tasks[low : low + size], top, floor, pure=False, retries=RETRIES
            )
            for low in range(0, len(tasks), size)
        ]
        for future in as_completed(futures):  # type: ignore[no-untyped-call]
            yield from future.result()
            future.release()
    except TimeoutError:
        raise BadInput(f"the cluster at {scheduler} has no worker: run `dask worker {scheduler}`") from None
    finally:
        client.close()
