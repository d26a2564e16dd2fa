"""Processes that match, so that neither threads of one interpreter nor a catalogue that is loaded hold up answers.

A pool serves one catalogue: what takes its place has a pool of its own, and the two are exchanged at once.  Where none of
its processes can answer, the service matches itself.
"""

import contextlib
import json
import logging
import socket
import time
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from matcher import codec
from matcher.catalogue.catalogue import Catalogue
from matcher.domain import Answer, Filters, Recipe, Tender
from matcher.matching.engine import Matcher
from matcher.outreach.sourcing.record import Record
from matcher.reference import deadline
from matcher.reference.forking import ForkServer

log = logging.getLogger("service")
STARTS = 120.0  # seconds for a catalogue to be loaded
RETRY = 60.0  # seconds between two attempts at that
BEYOND = 5.0  # seconds past its deadline after which a process is given up
LONGEST = 3600.0  # seconds of a question without a deadline
#: Lots of a notice, and characters of them; a longer one is matched by the service itself, so that no short question waits for it.
FEW, SHORT = 5, 20_000


class Unavailable(Exception):
    """No process of the pool can answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a tender besides its text, as `Matcher.match` takes it."""

    n: int = 10
    filters: Filters | None = None
    as_of: date | None = None
    incumbents: bool = False
    groups: int = 3
    denied: Mapping[str, tuple[str, ...]]
    seconds: float  # for the answer
    sent: bool  # is the answer wanted as it is sent to who asked?


class Pool:
    """`count` processes that match one catalogue.  Safe to share between threads.

    They are forks of one that has it in memory, itself a fork of the server's, and end when the pool is closed or nobody
    holds it any more.  Each takes the next question of one queue, which is the kernel's.
    """

    def __init__(
        self,
        server: ForkServer | None = None,
        count: int = 0,
        folder: Path = Path(),
        recipe: str | None = None,
    ) -> None:
        self.folder, self.recipe, self.count = folder, recipe, count if server else 0
        self._server = server
        self.ready = False
        self._again = 0.0  # when it may be started once more
        self._control: socket.socket | None = None

    def start(self, versions: Mapping[str, str]) -> None:
        """Start the processes, and wait until they answer by these versions, unless they already do."""
        if self._server is None or not self.count or self.ready or time.monotonic() < self._again:
            return
        self._again = time.monotonic() + RETRY
        self._control, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        weakref.finalize(self, self._control.close)
        self._control.settimeout(STARTS)
        try:
            with theirs:
                asked = [str(self.folder.absolute()), self.recipe, self.count]
                self._server.fork(json.dumps(asked).encode(), theirs.fileno())
            for _ in range(self.count):
                found = self._control.recv(1 << 16)
                if not found or json.loads(found) != dict(versions):
                    raise ValueError("another catalogue is in its place" if found else "it has ended")
        except (OSError, ValueError) as error:
            log.warning("no process to match: the service matches itself", extra={"why": str(error)})
            self.close()
        else:
            self.ready = True

    def ask(self, *parts: bytes) -> bytes:
        """What a process says to a question (`pool_child.answer`), lines of JSON.  Raises Unavailable."""
        if not self.ready or self._control is None:
            raise Unavailable
        ours, theirs = socket.socketpair()
        with ours, contextlib.suppress(OSError):  # it was killed, or does not end
            with theirs:
                try:
                    socket.send_fds(self._control, [b"q"], [theirs.fileno()])
                except OSError:
                    self.close()  # none is left
                    raise
            return _said(ours, b"\n".join(parts))
        raise Unavailable

    def close(self) -> None:
        """End the processes, those at work once they have answered."""
        self.ready = False
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_RDWR)  # wakes who waits for its start
            self._control.close()


def written(server: ForkServer, kind: str, record: Record) -> bytes:
    """The file of a record by another process, which holds up nobody; empty where none can.  Raises TooLong."""
    ours, theirs = socket.socketpair()
    with ours, contextlib.suppress(OSError, Unavailable):
        with theirs:
            server.fork(json.dumps([kind, _seconds()]).encode(), theirs.fileno())
        return _said(ours, codec.to_text(record))
    deadline.check()
    return b""


def _seconds() -> float:
    return min(max(deadline.left(), 0.0), LONGEST)


def _said(process: socket.socket, asked: bytes) -> bytes:
    """What a process answers.  Raises OSError where late, Unavailable where it has nothing to say."""
    process.settimeout(_seconds() + BEYOND)
    process.sendall(asked)
    process.shutdown(socket.SHUT_WR)
    if found := process.makefile("rb").read():
        return found
    raise Unavailable


class Shared(Matcher):
    """A matcher whose pool computes its answers where it can."""

    def __init__(
        self, catalogue: Catalogue, recipe: Recipe | None, *, pool: Pool, denied: Mapping[str, Iterable[str]]
    ) -> None:
        super().__init__(catalogue, recipe)
        self.pool, self.denied = pool, {siret: tuple(skills) for siret, skills in denied.items()}

    def match(self, tender: Tender, n: int = 10, **asked: Any) -> Answer:
        with contextlib.suppress(Unavailable):
            return codec.from_text(Answer, self.ask(tender, tender, sent=False, n=n, **asked))
        return super().match(tender, n, **asked)

    def ask(self, tender: Tender, what: Any, *, sent: bool, **asked: Any) -> bytes:
        """The pool's answer to the tender, or with `sent` to what was taken with it.  Raises Unavailable."""
        if len(tender.lots) > FEW or sum(len(lot.description) for lot in tender.lots) > SHORT:
            raise Unavailable
        question = Question(denied=self.denied, seconds=_seconds(), sent=sent, **asked)
        return self.pool.ask(codec.to_text(question), codec.to_text(what))
