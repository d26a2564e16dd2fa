"""Queues of the store that threads empty, never a request: mails of the pages, events for webhooks."""

import logging
import threading
from collections import Counter
from collections.abc import Callable

from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from matcher.domain import MatcherError
from matcher.records.store import Busy, Store

log = logging.getLogger("service")
AGAIN = 30.0  # seconds before a retry
SOON = 1.0  # while another process is sending


class Sender:
    """Empties a queue when woken, and every half minute; before that `look` may queue more."""

    def __init__(
        self, name: str, app: FastAPI, drain: Callable[[Store], Counter[str]], look: Callable[[Store], None]
    ) -> None:
        self._name, self._app, self._drain, self._look = name, app, drain, look
        self._woken, self._ended = threading.Event(), False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, or begin again after `close`."""
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        """End after what is being sent."""
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
        store: Store | None = self._app.state.store
        if store is None:
            return AGAIN
        try:
            self._look(store)
        except Exception as error:  # what waits leaves all the same, and the thread goes on
            log.exception("who is to be told could not be found", exc_info=error)
        try:
            counts = self._drain(store)
        except Busy:
            return SOON
        except (MatcherError, SQLAlchemyError, OSError) as error:
            log.warning(f"{self._name} cannot leave now: all stays queued", extra={"why": str(error)[:300]})
            return AGAIN
        if counts:
            log.info(self._name, extra={"outcomes": dict(counts)})
        return SOON if counts["more"] else AGAIN
