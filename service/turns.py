"""Turns of requests that compute: so many at once, never all of one caller, and the next one that of who holds fewest."""

from __future__ import annotations

import asyncio
from collections import Counter


class TooMany(Exception):
    """No further request may wait, of all callers or of this one."""


class Turns:
    """Places for requests under way, and a bounded queue for those that wait.

    The last free place is for a caller who holds none: long requests of one visitor never keep all others waiting.
    """

    def __init__(self, places: int, most: int, most_of_one: int) -> None:
        self._places = self._free = places
        self._most, self._most_of_one = most, most_of_one
        self._held: Counter[str] = Counter()
        self._queue: list[tuple[str, asyncio.Future[None]]] = []

    async def take(self, caller: str, seconds: float) -> None:
        """Wait for a place.  Raises TooMany, and TimeoutError where none is free in time."""
        if self._may(caller):  # whoever waits may not: else `give` would have let them in
            self._enter(caller)
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

    def _may(self, caller: str) -> bool:
        """May this caller have a place now?"""
        return self._free > 1 or (self._free == 1 and (self._places == 1 or not self._held[caller]))

    def _enter(self, caller: str) -> None:
        self._free -= 1
        self._held[caller] += 1

    def give(self, caller: str) -> None:
        """Give a place back: to who waits and holds fewest, of these to the first."""
        self._held -= Counter({caller: 1})
        self._free += 1
        while waiting := [each for each in self._queue if not each[1].done()]:  # some just ended their wait
            name, turn = min(waiting, key=lambda each: self._held[each[0]])
            if not self._may(name):
                return
            self._queue.remove((name, turn))
            self._enter(name)
            turn.set_result(None)
