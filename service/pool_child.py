"""The matching process: a catalogue in memory, forked for each connection that it is sent.

Started by `service.pool`.  Forks share what is in memory here; each answers one question after another, until its
connection is closed.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import pickle
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from matcher.catalogue.files import load_catalogue
from matcher.domain import Answer
from matcher.matching.engine import Matcher
from matcher.reference import deadline
from service import wire  # noqa: F401  makes of answers what is sent
from service.snapshot import matcher_of, warm


def main(control: socket.socket, folder: Path, recipe: str | None) -> None:
    """Say what is in memory, then fork for each connection; ends with the service."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # of a terminal: the service closes the connections when it ends
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended forks are reaped automatically
    matcher = matcher_of(Matcher, load_catalogue(folder), recipe)
    warm(matcher)
    matcher.catalogue.denying({"": ()})  # reads what denials need
    gc.collect()
    gc.freeze()
    control.sendall(json.dumps(matcher.versions).encode() + b"\n")
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not message or not descriptors:
            return
        if os.fork() == 0:
            control.close()
            with contextlib.suppress(OSError, EOFError):  # the service has ended, or has given up waiting
                answer(Connection(descriptors[0]), matcher)
            os._exit(0)
        os.close(descriptors[0])


def answer(connection: Connection, published: Matcher) -> None:
    """Answer questions one by one; None to one that fails: the service answers it itself, and meets its error."""
    matcher, denied = published, {}
    while True:
        asked: dict[str, Any] = pickle.loads(connection.recv_bytes())  # noqa: S301 - from the service, by a socket pair
        if denied != (wanted := asked.pop("denied")):
            matcher, denied = denying(published, wanted), wanted
        connection.send_bytes(pickle.dumps(_answer(matcher, **asked)))


def denying(matcher: Matcher, denied: Mapping[str, tuple[str, ...]]) -> Matcher:
    """The same with these denials."""
    return Matcher(matcher.catalogue.denying(denied), matcher.recipe) if denied else matcher


def _answer(matcher: Matcher, seconds: float, make: Callable[[Answer], Any], **asked: Any) -> Any:
    deadline.set_in(seconds)
    try:
        return make(matcher.match(**asked))
    except Exception:
        return None


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as given, contextlib.suppress(ConnectionError):
        main(given, Path(sys.argv[2]), sys.argv[3] or None)
