"""Time for the gateway. Whatever waits or measures takes a clock, so that tests can turn it."""

from asyncio import sleep
from collections.abc import Awaitable, Callable
from time import monotonic, time

# Seconds that never go back. The zero point means nothing.
Clock = Callable[[], float]
# Lets the running task wait for so many seconds.
Sleep = Callable[[float], Awaitable[None]]

__all__ = ["Clock", "Sleep", "monotonic", "sleep", "time"]
