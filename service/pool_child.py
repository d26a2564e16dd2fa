"""The matching processes: forks of one that has in memory what every catalogue needs, each with a catalogue, and forks of these.

Started by `service.pool`, which sends the first, for each catalogue, its folder and a socket.  Its fork loads the catalogue
and forks as many as are to match; all of them take questions, each a connection, from that socket, until it is closed.
"""

import contextlib
import gc
import json
import logging
import os
import signal
import socket
import time
from pathlib import Path

from matcher import codec
from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import load_catalogue
from matcher.domain import MatcherError, Offer, Place, Structure, Tender
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.outreach.sourcing import exports
from matcher.outreach.sourcing.record import Record
from matcher.reference import deadline, forking
from service import wire
from service.asked import Taken
from service.pool import BEYOND, Question
from service.problems import bare
from service.snapshot import matcher_of, warm

log = logging.getLogger("service")
AGAIN = 0.5  # seconds until one that was ended is replaced
OFFERS = (Offer(id="1", title="Nettoyage de locaux"), Offer(id="2", title="Entretien d'espaces verts"))
PLACE = Place(department="93", latitude=48.9, longitude=2.4)
SAMPLE = Structure(siret="00000000000000", name="Entretien", kind="EI", place=PLACE, offers=OFFERS)


def serve(task: bytes, given: list[int]) -> None:
    """Load a catalogue, then keep as many forks of this process at work as are asked for, until they end by themselves.

    Or write one record in a format, within so many seconds.
    """
    asked = json.loads(task)
    if asked[0] in exports.FORMATS:
        os.nice(5)  # questions come first
        signal.setitimer(signal.ITIMER_REAL, asked[1])  # ends this process
        with socket.socket(fileno=given[0]) as connection:
            record = codec.from_text(Record, connection.makefile("rb").read())
            connection.sendall(exports.FORMATS[asked[0]][0](record))
        return
    folder, recipe, count = asked
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        matcher = matcher_of(Matcher, load_catalogue(Path(folder)), recipe)
    except MatcherError as error:
        log.warning("no process to match: %s", bare(str(error)))
        return
    warm(matcher)
    matcher.catalogue.denying({"": ()})  # reads what denials need
    gc.collect()
    gc.freeze()  # forks share what is in memory here
    with socket.socket(fileno=given[0]) as control:
        for _ in range(count):
            work(matcher, control)
        with contextlib.suppress(ChildProcessError):
            while True:
                if os.wait()[1]:
                    log.warning("a matching process has ended")
                    time.sleep(AGAIN)
                    work(matcher, control)


def work(published: Matcher, control: socket.socket) -> None:
    """Fork; the fork says by which versions it matches, and answers questions until nobody can ask any."""
    if os.fork():
        return
    status = 1
    try:
        matcher, denied = published, dict[str, tuple[str, ...]]()
        warm(matcher)  # a fork maps the files of the catalogue anew
        with contextlib.suppress(BlockingIOError):  # only those of the first ones are read
            control.send(json.dumps(matcher.versions).encode(), socket.MSG_DONTWAIT)
        while files := socket.recv_fds(control, 1, 1)[1]:
            with socket.socket(fileno=files[0]) as connection, contextlib.suppress(OSError):
                head, _, said = connection.makefile("rb").read().partition(b"\n")
                question = codec.from_text(Question, head)
                if denied != question.denied:
                    denied = dict(question.denied)
                    matcher = Matcher(published.catalogue.denying(denied), published.recipe)
                signal.setitimer(signal.ITIMER_REAL, question.seconds + BEYOND)  # ends this process
                connection.sendall(answer(matcher, question, said))
            signal.setitimer(signal.ITIMER_REAL, 0)
        status = 0
    except ConnectionError:  # the service has ended
        status = 0
    finally:
        os._exit(status)


def answer(matcher: Matcher, question: Question, said: bytes) -> bytes:
    """JSON; nothing to a question that fails: the service answers it itself, and meets its error."""
    deadline.set_in(question.seconds)
    asked = {name: getattr(question, name) for name in ("n", "filters", "as_of", "incumbents", "groups")}
    try:
        if not question.sent:
            return codec.to_text(matcher.match(codec.from_text(Tender, said), **asked))
        taken = codec.from_text(Taken, said)
        body, nobody = wire.body(matcher.match(taken.tender, **asked), taken)
        return b"%d\n%b" % (nobody, body)
    except Exception:
        return b""


if __name__ == "__main__":
    warm(Matcher(build_catalogue([SAMPLE], [], recipes.named("default"))))
    forking.serve(serve)
