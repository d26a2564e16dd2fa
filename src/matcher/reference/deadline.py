"""A deadline for computing an answer, checked between lots, so that long requests are cut off."""

import time
from contextvars import ContextVar

from matcher.domain import MatcherError

LATE = "the answer takes too long: ask again (the first one loads the models), for fewer lots, or send a job"
UNWRITTEN = "this took longer than a request may, and nothing of it was written: try again in a minute"
_UNTIL: ContextVar[float] = ContextVar("until", default=float("inf"))


class TooLong(MatcherError):
    """The answer could not be computed within the time limit of a request."""


def set_in(seconds: float) -> None:
    """Set the deadline of this context, in seconds from now."""
    _UNTIL.set(time.monotonic() + seconds)


def left() -> float:
    """Seconds until the deadline of this context; infinite where there is none."""
    return _UNTIL.get() - time.monotonic()


def check(why: str = LATE) -> None:
    """Raises TooLong, with this sentence, past the deadline."""
    if time.monotonic() > _UNTIL.get():
        raise TooLong(why)
