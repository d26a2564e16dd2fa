"""Processes that match, so that neither threads of one interpreter nor a catalogue that is loaded hold up answers.

A pool serves one catalogue: what takes its place has a pool of its own, and the two are exchanged at once.  Where none of
its processes can answer, the service matches itself.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pickle
import queue
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from matcher.catalogue.catalogue import Catalogue
from matcher.domain import Answer, Filters, Recipe, Tender
from matcher.matching.engine import Matcher
from matcher.reference import deadline

T = TypeVar("T")
log = logging.getLogger("service")
CHILD = "service.pool_child"
STARTS = 120.0  # seconds for a catalogue to be loaded
RETRY = 60.0  # seconds between two attempts at that
BEYOND = 5.0  # seconds past its deadline after which a process is given up
LONGEST = 3600.0  # seconds of a question without a deadline
FEW = 5  # lots of a notice; one of more is matched by the service itself, and no short question waits for it


class Unavailable(Exception):
    """No process of the pool can answer."""


class Pool:
    """`count` processes that match one catalogue: the forks of one that has it in memory.  Safe to share between threads."""

    def __init__(self, count: int = 0, folder: Path = Path(), recipe: str | None = None) -> None:
        self.folder, self.recipe, self.count = folder, recipe, count
        self.ready = False
        self._again = 0.0  # when it may be started once more
        self._control: socket.socket | None = None
        #: connections to processes that wait for a question; None where one that ended could not be replaced
        self._idle: queue.LifoQueue[Connection | None] = queue.LifoQueue()

    def start(self, versions: Mapping[str, str]) -> None:
        """Start the processes, and wait until they answer by these versions; nothing to do where they already do."""
        if self.ready or not self.count or time.monotonic() < self._again:
            return
        self._again = time.monotonic() + RETRY
        self._control, process = _started(self.folder, self.recipe)
        self._end = weakref.finalize(self, _reap, self._control, process)  # also where nobody closes it
        try:
            with self._control.makefile("rb") as said:
                found = json.loads(said.readline() or b"{}")
            if found != dict(versions):
                raise ValueError("another catalogue is in its place" if found else "it has ended")
            self._idle = queue.LifoQueue()
            for _ in range(self.count):
                self._fork()
        except (OSError, ValueError) as error:
            log.warning("no process to match: the service matches itself", extra={"why": str(error)})
            self.close()
        else:
            self.ready = True

    def ask(self, **asked: Any) -> Any:
        """What a process says to a question (`pool_child.answer`).  Raises Unavailable."""
        if not self.ready:
            raise Unavailable
        left = min(max(deadline.left(), 0.0), LONGEST)
        question = pickle.dumps({**asked, "seconds": left})
        try:
            connection = self._idle.get(timeout=left)
        except queue.Empty:
            raise Unavailable from None
        if connection is None:
            self._idle.put(None)
            raise Unavailable
        try:
            connection.send_bytes(question)
            if not connection.poll(left + BEYOND):
                raise EOFError
            said = connection.recv_bytes()
        except (OSError, EOFError):  # it was killed, or does not end
            connection.close()
            self._replace()
            raise Unavailable from None
        self._idle.put(connection)
        found = pickle.loads(said)  # noqa: S301 - from a process of ours, by a socket pair
        if found is None:
            raise Unavailable
        return found

    def close(self) -> None:
        """End the processes, those at work once they have answered."""
        self.ready = False
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_RDWR)  # wakes who waits for its start
            self._end()
        with contextlib.suppress(queue.Empty):
            while True:
                if (connection := self._idle.get_nowait()) is not None:
                    connection.close()
        self._idle.put(None)  # whoever waits for one matches itself

    def _fork(self) -> None:
        """One more process.  Raises OSError."""
        assert self._control is not None
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [b"m"], [theirs.fileno()])
        self._idle.put(Connection(ours.detach()))

    def _replace(self) -> None:
        log.warning("a matching process has ended")
        try:
            self._fork()
        except OSError:
            self.close()


def _started(folder: Path, recipe: str | None) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """A process that loads the catalogue, and the socket by which it says so and is asked for forks."""
    control, theirs = socket.socketpair()
    # one thread: a process with threads is not safely forked
    alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    path = os.pathsep.join(entry or "." for entry in sys.path)
    with theirs:
        process = subprocess.Popen(  # noqa: S603 - this very interpreter
            [sys.executable, "-m", CHILD, str(theirs.fileno()), str(folder), recipe or ""], pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL, env={**os.environ, **alone, "PYTHONPATH": path},
        )  # fmt: skip
    control.settimeout(STARTS)
    return control, process


def _reap(control: socket.socket, process: subprocess.Popen[bytes]) -> None:
    control.close()
    process.terminate()
    with contextlib.suppress(RuntimeError):  # no thread is started while the interpreter ends
        threading.Thread(target=process.wait, daemon=True).start()


class Shared(Matcher):
    """A matcher whose pool computes its answers where it can."""

    def __init__(
        self, catalogue: Catalogue, recipe: Recipe | None, *, pool: Pool, denied: Mapping[str, Iterable[str]]
    ) -> None:
        super().__init__(catalogue, recipe)
        self.pool, self.denied = pool, {siret: tuple(skills) for siret, skills in denied.items()}

    def match(
        self, tender: Tender, n: int = 10, *, filters: Filters | None = None, as_of: date | None = None,
        incumbents: bool = False, groups: int = 3,
    ) -> Answer:  # fmt: skip
        asked = {"filters": filters, "as_of": as_of, "incumbents": incumbents, "groups": groups}
        return self.match_into(itself, tender, n=n, **asked)

    def match_into(self, make: Callable[[Answer], T], tender: Tender, **asked: Any) -> T:
        """`make` of the answer of `match`, computed where that is: it and what it makes can be pickled."""
        if len(tender.lots) <= FEW:
            with contextlib.suppress(Unavailable):
                found: T = self.pool.ask(make=make, tender=tender, denied=self.denied, **asked)
                return found
        return make(super().match(tender, **asked))


def itself(answer: Answer) -> Answer:
    """The answer."""
    return answer
