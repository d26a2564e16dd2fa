"""Sandboxed reading in a disposable process, with limits on CPU time, memory, files and output.

One warm idle reader (`reading.child`) is forked for each file, so that a hostile file harms only its own process.
Records come back as JSON, never as pickles.
"""

import atexit
import contextlib
import itertools
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, BinaryIO

from matcher import codec, console
from matcher.domain import Award, Rejected, Structure, Tender
from matcher.reading.limits import UPLOAD, Limits
from matcher.reading.sources import Columns, Record
from matcher.reference import forking

CHILD = "matcher.reading.child"
KINDS: dict[bytes, type[Any]] = {b"T": Tender, b"S": Structure, b"A": Award, b"R": Rejected}
LETTERS = {kind: letter for letter, kind in KINDS.items()}
END, FAILED, PID = b"E", b"F", b"P"
AT_ONCE = 2  # files read at the same time
STARTS = 60.0  # seconds for the reader to start
BUSY = "too many files are being read: try again in a minute"


def too_heavy(limits: Limits) -> str:
    """The sentence for a file whose reading passes these limits."""
    most = f"takes more than {limits.cpu} s or {limits.memory >> 20} MB to read"
    return f"{most}, or is damaged: open it and save it again, or give the text of the notice alone"


_READER = forking.ForkServer(CHILD)
_PLACES = threading.BoundedSemaphore(AT_ONCE)
atexit.register(_READER.close)


def _own_reader() -> None:
    """A forked process starts its own reader."""
    global _READER, _PLACES
    _READER, _PLACES = forking.ForkServer(CHILD), threading.BoundedSemaphore(AT_ONCE)


os.register_at_fork(after_in_child=_own_reader)


def start() -> None:
    """Start the idle reader before the first file arrives."""
    list(read_bytes(b" ", "start.txt", UPLOAD))


def read_bytes(data: bytes, name: str, limits: Limits) -> Iterator[Record]:
    """Records of in-memory bytes (such as an upload), read in another process."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        yield from read(file, name, limits)


def read(
    stream: BinaryIO,
    name: str,
    limits: Limits,
    *,
    source: str | None = None,
    columns: Columns = None,
    walked: bool = False,
) -> Iterator[Record]:
    """Records of an open file, read in another process; a file that exceeds a limit is rejected with a reason.

    Raises TimeoutError where no reader is free in time.
    """
    task = {"name": name, "source": source, "columns": columns, "walked": walked, "quiet": console.quiet()}
    try:
        for kind, body in _answers(stream, task, limits):
            yield from codec.from_text(tuple[KINDS[kind], ...], body)  # type: ignore[valid-type]
    except _Exceeded:
        yield Rejected(path=name, record=name, reason=too_heavy(limits))


class _Exceeded(Exception):
    """The reading process passed a limit, or ended without an answer."""


def _answers(stream: BinaryIO, task: Mapping[str, Any], limits: Limits) -> Iterator[tuple[bytes, bytes]]:
    """(kind, bytes) of what a new process answers to a task on this file.  Raises TimeoutError, _Exceeded."""
    if not _PLACES.acquire(timeout=limits.wall):
        raise TimeoutError(BUSY)
    try:
        ours, theirs = Pipe()
        with ours:
            with theirs:
                _READER.fork(b"r", theirs.fileno(), stream.fileno())
            yield from _answer(ours, {**task, "limits": asdict(limits)}, limits)
    finally:
        _PLACES.release()


def _answer(connection: Connection, task: Mapping[str, Any], limits: Limits) -> Iterator[tuple[bytes, bytes]]:
    until, left, process = time.monotonic() + STARTS, limits.answer, 0
    try:
        connection.send_bytes(json.dumps(task).encode())
        while connection.poll(max(0.01, until - time.monotonic())):
            message = connection.recv_bytes(left + 1)
            kind, body = message[:1], message[1:]
            left -= len(body)
            if kind == PID:
                process, until = int(body), time.monotonic() + limits.wall + 1
            elif kind == END:
                process = 0
                return
            elif kind == FAILED:
                break
            else:
                yield kind, body
    except (OSError, EOFError):  # ended by a limit, or more than it may answer
        pass
    finally:
        # its end of the connection is still open, so the process id has not been reused
        if process and not _ended(connection):
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
    if not process:
        raise OSError("the reader did not start")
    raise _Exceeded


def _ended(connection: Connection) -> bool:
    """Has the other end closed the connection?"""
    try:
        return connection.poll() and not connection.recv_bytes()
    except EOFError:
        return True
    except OSError:
        return connection.closed


def messages(records: Iterator[Record], most: int) -> Iterator[bytes]:
    """Runs of records of one kind, the letter of the kind first, at most `most` records each."""
    for kind, run in itertools.groupby(records, type):
        while some := tuple(itertools.islice(run, most)):
            yield LETTERS[kind] + codec.to_text(some, tuple[kind, ...])  # type: ignore[valid-type]
