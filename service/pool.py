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
#: Lots of a notice, and characters of them; a longer one is matched by the service itself, so that no short question waits for it.
FEW, SHORT = 5, 20_000


class Unavailable(Exception):
    """No process of the pool can answer."""


class Starter:
    """Starts processes with a catalogue as forks of one that has in memory what all of them need.  Safe to share between threads."""

    def __init__(self) -> None:
        self._lock, self.closed = threading.Lock(), False
        self._control: socket.socket | None = None

    def begin(self, folder: Path, recipe: str | None) -> socket.socket:
        """The socket by which a new process says that it has loaded a catalogue, and is asked for forks.  Raises OSError."""
        ours, theirs = _pair()
        asked = json.dumps([str(folder.absolute()), recipe]).encode()
        with theirs, self._lock:
            for last in (False, True):
                if self.closed:
                    ours.close()
                    raise OSError("the service ends")
                if self._control is None:
                    self._start()
                try:
                    assert self._control is not None
                    socket.send_fds(self._control, [asked], [theirs.fileno()])
                    return ours
                except OSError:  # it has ended
                    self._stop()
                    if last:
                        ours.close()
                        raise
        raise AssertionError("unreachable")

    def _start(self) -> None:
        self._control, theirs = _pair()
        # one thread: a process with threads is not safely forked
        alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        path = os.pathsep.join(entry or "." for entry in sys.path)
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - this very interpreter
                [sys.executable, "-m", CHILD, str(theirs.fileno())], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                env={**os.environ, **alone, "PYTHONPATH": path},
            )  # fmt: skip
        self._end = weakref.finalize(self, _end, self._control, process)  # also where nobody closes it

    def _stop(self) -> None:
        if self._control is not None:
            self._end()
        self._control = None

    def close(self) -> None:
        """End the process, and start none any more; its forks end with their own connections."""
        with self._lock:
            self.closed = True
            self._stop()


def _pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection that keeps messages apart."""
    return socket.socketpair(type=socket.SOCK_SEQPACKET)


def _end(control: socket.socket, process: subprocess.Popen[bytes]) -> None:
    control.close()
    process.kill()  # it has nothing to finish
    process.wait()


class Pool:
    """`count` processes that match one catalogue: the forks of one that has it in memory.  Safe to share between threads.

    They end when it is closed or nobody holds it any more.
    """

    def __init__(
        self, starter: Starter | None = None, count: int = 0, folder: Path = Path(), recipe: str | None = None
    ) -> None:
        self.folder, self.recipe, self.count = folder, recipe, count if starter else 0
        self._starter = starter
        self.ready = False
        self._again = 0.0  # when it may be started once more
        self._control: socket.socket | None = None
        #: connections to processes that wait for a question; None where one that ended could not be replaced
        self._idle: queue.LifoQueue[Connection | None] = queue.LifoQueue()

    def start(self, versions: Mapping[str, str]) -> None:
        """Start the processes, and wait until they answer by these versions; nothing to do where they already do."""
        if self.ready or not self.count or time.monotonic() < self._again:
            return
        if self._starter is None or self._starter.closed:
            return
        self._again = time.monotonic() + RETRY
        try:
            self._control = self._starter.begin(self.folder, self.recipe)
            weakref.finalize(self, self._control.close)
            self._control.settimeout(STARTS)
            found = json.loads(self._control.recv(1 << 16) or b"{}")
            if found != dict(versions):
                raise ValueError("another catalogue is in its place" if found else "it has ended")
            self._idle = queue.LifoQueue()
            for _ in range(self.count):
                self._fork()
        except (OSError, EOFError, ValueError) as error:
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
            self._control.close()
        with contextlib.suppress(queue.Empty):
            while True:
                if (connection := self._idle.get_nowait()) is not None:
                    connection.close()
        self._idle.put(None)  # whoever waits for one matches itself

    def _fork(self) -> None:
        """One more process, once it is ready.  Raises OSError, EOFError."""
        assert self._control is not None
        ours, theirs = socket.socketpair()  # answers may be long: parts, not messages
        with theirs:
            socket.send_fds(self._control, [b"m"], [theirs.fileno()])
        connection = Connection(ours.detach())
        if not connection.poll(STARTS):
            raise EOFError
        connection.recv_bytes()
        self._idle.put(connection)

    def _replace(self) -> None:
        log.warning("a matching process has ended")
        try:
            self._fork()
        except (OSError, EOFError):
            self.close()


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
        if len(tender.lots) <= FEW and sum(len(lot.description) for lot in tender.lots) <= SHORT:
            with contextlib.suppress(Unavailable):
                found: T = self.pool.ask(make=make, tender=tender, denied=self.denied, **asked)
                return found
        return make(super().match(tender, **asked))


def itself(answer: Answer) -> Answer:
    """The answer."""
    return answer
