"""Counting against limits in fixed windows, in the memory of one worker."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import NamedTuple, Protocol

from gateway_runtime.state.keyed import Keyed


class Limit(NamedTuple):
    """So many in so many seconds."""

    maximum: int
    period: float


class Verdict(NamedTuple):
    """The limit nearest to its end. `retry_after` is 0 when the request may pass; times are seconds."""

    limit: int
    remaining: int
    reset: float
    retry_after: float


# Nobody can say now whether a request may pass. Compared by identity.
UNKNOWN_QUOTA = Verdict(0, 0, 0.0, 1.0)


class Limiter(Protocol):
    """Counts by key against several limits: all must have quota left, and a refused request uses none."""

    def take(self, key: str, now: float) -> Verdict:
        """Use one of every limit of a key at once. `now` is monotonic seconds."""


class WaitingLimiter(Protocol):
    """A limiter that asks somebody else about each request."""

    def ask(self, key: str, now: float) -> Verdict | Awaitable[Verdict]:
        """Use one of every limit of a key. What is known here is told at once."""


class Windows(Keyed[list[float]]):
    """Fixed windows, each opened by its first request: per key a flat list of (end, count) for each limit."""

    __slots__ = ("_limits",)

    def __init__(self, limits: tuple[Limit, ...], key_limit: int = Keyed.KEY_LIMIT) -> None:
        super().__init__(key_limit)
        self._limits = limits

    def take(self, key: str, now: float) -> Verdict:
        """Use one request of every limit of a key, or none when one of them is used up."""
        windows = self._entries.get(key)
        if windows is None:
            windows = self._open(key, now)
        retry_after = 0.0
        nearest = 1.0
        position = tight = 0
        for maximum, period in self._limits:
            if windows[position] <= now:
                windows[position] = now + period
                windows[position + 1] = 0
            share = 1.0 - windows[position + 1] / maximum
            if share < nearest:
                nearest, tight = share, position
            if share <= 0.0 and windows[position] - now > retry_after:
                retry_after = windows[position] - now
            position += 2
        if not retry_after:
            for index in range(1, position, 2):
                windows[index] += 1
        limit = self._limits[tight // 2][0]
        return Verdict(limit, limit - int(windows[tight + 1]), windows[tight] - now, retry_after)

    def _make(self, key: str) -> list[float]:
        return [0.0, 0.0] * len(self._limits)

    def _ended(self, entry: list[float], now: float) -> bool:
        return all(end <= now for end in entry[::2])
