"""Turns of requests that compute: so many at once, and the next one that of the caller who holds fewest."""

from __future__ import annotations

import asyncio
from collections import Counter


class TooMany(Exception):
    """No further request may wait, of all callers or of this one."""


class Turns:
    """Places for requests under way, and a bounded queue for those that wait.

    One caller may fill every place while nobody else asks; as soon as another waits, the next place is theirs.
    """

    def __init__(self, places: int, most: int, most_of_one: int) -> None:
        self._free, self._most, self._most_of_one = places, most, most_of_one
        self._held: Counter[str] = Counter()
        self._queue: list[tuple[str, asyncio.Future[None]]] = []

    async def take(self, caller: str, seconds: float) -> None:
        """Wait for a place.  Raises TooMany, and TimeoutError where none is free in time."""
        if self._free and not self._queue:
            self._free -= 1
            self._held[caller] += 1
            return
        waiting = sum(name == caller for name, _ in self._queue)
        if len(self._queue) >= self._most or waiting >= self._most_of_one:
            raise TooMany
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((caller, turn))
        try:
            async with asyncio.timeout(seconds):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.give(caller)  # it came as the wait ended
            else:
                self._queue.remove((caller, turn))
            raise

    def give(self, caller: str) -> None:
        """Give a place back: to who waits and holds fewest, of these to the first."""
        self._held -= Counter({caller: 1})
        self._free += 1
        if self._queue:
            name, turn = min(self._queue, key=lambda waiting: self._held[waiting[0]])
            self._queue.remove((name, turn))
            self._free -= 1
            self._held[name] += 1
            turn.set_result(None)
