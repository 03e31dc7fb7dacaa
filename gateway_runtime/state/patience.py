"""A time limit for an answer that does not mistake a busy worker for a slow answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# The loop is late by more than this when something else has kept it.
LATE_SECONDS = 0.005
# So long it may read then what has come meanwhile, and so often at most.
READING_SECONDS = 0.01
TIMES = 5


class Patience:
    """Calls `act` after so many seconds, unless it is cancelled.

    Timers that are due run before what sockets have is read. Where the loop was kept for longer than the time limit (a
    thousand requests at once do that) the answer may be here, and nobody could look.
    """

    __slots__ = ("_act", "_due", "_loop", "_timer", "_times")

    def __init__(self, seconds: float, act: Callable[[], None]) -> None:
        self._act = act
        self._loop = asyncio.get_running_loop()
        self._times = TIMES
        self._due = self._loop.time() + seconds
        self._timer = self._loop.call_at(self._due, self._over)

    def cancel(self) -> None:
        """Give up on it."""
        self._timer.cancel()

    def _over(self) -> None:
        now = self._loop.time()
        if now - self._due <= LATE_SECONDS or not self._times:
            self._act()
            return
        self._times -= 1
        self._due = now + READING_SECONDS
        self._timer = self._loop.call_at(self._due, self._over)
