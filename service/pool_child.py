"""The matching processes: forks of one that has in memory what every catalogue needs, each with a catalogue, and forks of these.

Started by `service.pool`.  The first is sent, for each catalogue, its folder and a socket; its fork loads the catalogue
and is sent, by that socket, a connection for each process that is to match.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import pickle
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import load_catalogue
from matcher.domain import Answer, MatcherError, Offer, Place, Structure
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.reference import deadline
from service import wire  # noqa: F401  makes of answers what is sent
from service.problems import bare
from service.snapshot import matcher_of, warm

log = logging.getLogger("service")
SAMPLE = Structure(
    siret="00000000000000", name="Entretien", kind="EI", place=Place(department="93", latitude=48.9, longitude=2.4),
    offers=(Offer(id="1", title="Nettoyage de locaux"), Offer(id="2", title="Entretien d'espaces verts")),
)  # fmt: skip


def main(control: socket.socket) -> None:
    """Fork for each catalogue, until the service ends."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # of a terminal: the service closes the connections when it ends
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended forks are reaped automatically
    warm(Matcher(build_catalogue([SAMPLE], [], recipes.named("default"))))
    fork_for_each(control, serve)


def serve(message: bytes, given: int) -> None:
    """Load a catalogue, say which it is, then fork for each connection, until the other end is closed."""
    folder, recipe = json.loads(message)
    matcher = matcher_of(Matcher, load_catalogue(Path(folder)), recipe)
    warm(matcher)
    matcher.catalogue.denying({"": ()})  # reads what denials need
    with socket.socket(fileno=given) as control:
        control.sendall(json.dumps(matcher.versions).encode())
        fork_for_each(control, lambda _, connection: answer(Connection(connection), matcher))


def fork_for_each(control: socket.socket, work: Callable[[bytes, int], None]) -> None:
    """Do the work of each message and its descriptor in a fork, until the other end is closed."""
    gc.collect()
    gc.freeze()  # forks share what is in memory here
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 4096, 1)
        if not descriptors:
            return
        if os.fork() == 0:
            control.close()
            try:
                work(message, descriptors[0])
            except (OSError, EOFError):  # the service has ended, or has given up waiting
                pass
            except MatcherError as error:
                log.warning("no process to match: %s", bare(str(error)))
            finally:
                os._exit(0)
        os.close(descriptors[0])


def answer(connection: Connection, published: Matcher) -> None:
    """Answer questions one by one; None to one that fails: the service answers it itself, and meets its error."""
    matcher, denied = published, dict[str, tuple[str, ...]]()
    warm(matcher)  # a fork maps the files of the catalogue anew
    connection.send_bytes(b"")
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
        main(given)
