"""Time for the gateway. Whatever waits or measures takes a clock, so that tests can turn it."""

from collections.abc import Callable
from time import monotonic

# Seconds that never go back. The zero point means nothing.
Clock = Callable[[], float]

__all__ = ["Clock", "monotonic"]
