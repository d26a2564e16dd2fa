"""Mails of the pages are sent from a queue by one thread of the service, never by a request."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from matcher.domain import MatcherError
from matcher.outreach import post
from matcher.outreach.sourcing import questions
from matcher.outreach.transport import MailTransport
from matcher.records.store import Store

log = logging.getLogger("service")
AGAIN = 30.0  # seconds before a retry
SOON = 1.0  # while another process is sending


class Mailer:
    """Empties the queue when woken, and every half minute; before that `look` may queue more."""

    def __init__(
        self, store: Callable[[], Store | None], transport: MailTransport, look: Callable[[], None]
    ) -> None:
        self._store, self._transport, self._look = store, transport, look
        self._woken, self._ended = threading.Event(), False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, or begin again after `close`."""
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="mailer", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        """End after the letter being sent."""
        self._ended = True
        self._woken.set()
        if self._thread is not None:
            self._thread.join(timeout=20)

    def _run(self) -> None:
        while not self._ended:
            self._woken.clear()
            self._woken.wait(self._empty())

    def _empty(self) -> float:
        """Send what waits; returns the seconds after which to look again."""
        store = self._store()
        if store is None:
            return AGAIN
        try:
            self._look()
        except Exception as error:  # what waits leaves all the same, and the thread goes on
            log.exception("who is to be told could not be found", exc_info=error)
        try:
            counts = post.drain(store, self._transport, questions.SETTLE)
        except post.Busy:
            return SOON
        except (MatcherError, SQLAlchemyError, OSError) as error:
            log.warning("mail cannot leave now: letters stay queued", extra={"why": str(error)[:300]})
            return AGAIN
        if counts:
            log.info("mail", extra={"outcomes": dict(counts)})
        return AGAIN
