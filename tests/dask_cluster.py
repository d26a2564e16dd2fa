"""A cluster of Dask in processes of its own: whatever becomes of it, the process of the tests goes on."""

import subprocess
import sys
from pathlib import Path

from mail_server import free_port


class Cluster:
    """A scheduler and two workers, as an operator starts them."""

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

        with Client(self.address, timeout=120) as client:  # type: ignore[no-untyped-call]
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
