"""A time limit for an answer that does not mistake a busy worker for a slow answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

STEPS = 5


class Patience:
    """Calls `act` after so many seconds, unless it is cancelled.

    Timers that are due run before what sockets have is read. Where the loop was kept for longer than the time limit (a
    few hundred requests at once do that) the answer may be here, and nobody could look. So the time is waited for in
    steps, after each of which the loop reads: a step that took too long counts as one.
    """

    __slots__ = ("_act", "_left", "_loop", "_step", "_timer")

    def __init__(self, seconds: float, act: Callable[[], None]) -> None:
        self._act = act
        self._loop = asyncio.get_running_loop()
        self._step = seconds / STEPS
        self._left = STEPS
        self._timer = self._loop.call_later(self._step, self._over)

    def cancel(self) -> None:
        """Give up on it."""
        self._timer.cancel()

    def _over(self) -> None:
        self._left -= 1
        if self._left:
            self._timer = self._loop.call_later(self._step, self._over)
        else:
            self._act()
