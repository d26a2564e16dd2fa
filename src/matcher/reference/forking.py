"""Processes forked from one that has a module in memory: each has at once what would take seconds to import and read."""

import contextlib
import gc
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable

#: What these processes are told of their surroundings: neither secrets nor where the store is.
SHOWN = re.compile(
    r"PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|VIRTUAL_ENV|PYTHON\w+|OMP_\w+|MATCHER_(?:HOME|DEBUG)"
)


class ForkServer:
    """A process that runs a module, which calls `serve`: started by the first task, and again where it has ended.

    Safe to share between threads.
    """

    def __init__(self, module: str) -> None:
        self.module = module
        self.process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._lock, self._closed = threading.Lock(), False

    def fork(self, task: bytes, file: int, *files: int) -> None:
        """A fork, given a task and open files.  Raises OSError where there can be none."""
        with self._lock:
            for last in (False, True):
                if self._closed:
                    raise OSError("the service ends")
                if self._control is None:
                    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)  # keeps messages apart
                    kept = {name: value for name, value in os.environ.items() if SHOWN.fullmatch(name)}
                    # one thread: a process with threads is not safely forked
                    alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
                    path = os.pathsep.join(entry or "." for entry in sys.path)
                    with theirs:
                        self.process = subprocess.Popen(  # noqa: S603 - this very interpreter
                            [sys.executable, "-m", self.module, str(theirs.fileno())],
                            pass_fds=[theirs.fileno()],
                            stdin=subprocess.DEVNULL,
                            env={**kept, **alone, "PYTHONPATH": path},
                        )
                    self._control = ours
                try:
                    socket.send_fds(self._control, [task], [file, *files])
                    return
                except OSError:  # it has ended
                    self._stop()
                    if last:
                        raise

    def _stop(self) -> None:
        if self._control is not None and self.process is not None:
            self._control.close()
            self.process.kill()  # it has nothing to finish
            self.process.wait()
        self._control = None

    def close(self) -> None:
        """End the process, and start none any more; its forks end by themselves."""
        with self._lock:
            self._closed = True
            self._stop()


def serve(work: Callable[[bytes, list[int]], None]) -> None:
    """In a module that a `ForkServer` runs: fork for each task, and end when nobody can send one any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended forks are reaped automatically
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: who started this process ends it
    gc.collect()
    gc.freeze()  # forks share what is in memory here
    with socket.socket(fileno=int(sys.argv[1])) as control, contextlib.suppress(ConnectionError):
        while True:
            task, files, _, _ = socket.recv_fds(control, 1 << 14, 2)
            if not files:
                return
            if os.fork() == 0:
                control.close()
                with contextlib.suppress(BaseException):  # who asked sees its connection closed
                    work(task, files)
                os._exit(0)
            for file in files:
                os.close(file)
