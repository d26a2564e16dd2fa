"""Until when an answer is worth computing: asked between two lots, so that long work for one request ends."""

from __future__ import annotations

import time
from contextvars import ContextVar

from matcher.domain import MatcherError

_UNTIL: ContextVar[float] = ContextVar("until", default=float("inf"))


class TooLong(MatcherError):
    """The answer is not computed in the time that a request may take."""


def set_in(seconds: float) -> None:
    """Work begun from here on in this context ends in so many seconds."""
    _UNTIL.set(time.monotonic() + seconds)


def check() -> None:
    """Raises TooLong past the deadline."""
    if time.monotonic() > _UNTIL.get():
        raise TooLong("the answer takes too long: ask for fewer lots or a shorter text, or send a job")
