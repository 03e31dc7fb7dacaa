"""Limits that several workers share exactly: Redis is asked about each request, in one round trip."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol

from gateway_runtime.clock import Clock
from gateway_runtime.state.keyed import Keyed
from gateway_runtime.state.limits import UNKNOWN_QUOTA, Limit, Verdict, Windows
from gateway_runtime.state.pipe import UNKNOWN, Command
from gateway_runtime.state.scripts import TAKE


class Store(Protocol):
    """What a strict limiter needs of the shared storage."""

    @property
    def away(self) -> bool:
        """Tell that it cannot be asked now."""

    def key(self, owner: str, key: str) -> str:
        """Return the name of the counter for a key of a binding."""

    async def call(self, command: Command) -> Any:
        """Ask and wait, not long. Returns the answer or `UNKNOWN`."""


class StrictWindows:
    """Fixed windows in Redis, each opened by its first request.

    What this worker lets through is counted here as well, and that alone decides while Redis is away: then at most N
    times the limit passes with N workers. One that `blocks` says `UNKNOWN_QUOTA` then. Refusals are remembered until
    the window ends, so they ask nobody.
    """

    __slots__ = ("_blocks", "_clock", "_limits", "_local", "_owner", "_spent", "_store")

    def __init__(
        self, limits: tuple[Limit, ...], store: Store, owner: str, clock: Clock, *, blocks: bool = False
    ) -> None:
        self._blocks = blocks
        self._limits = limits
        self._store = store
        self._owner = owner
        self._clock = clock
        self._local = Windows(limits)
        # Until when, and which limit.
        self._spent: dict[str, tuple[float, Verdict]] = {}

    def ask(self, key: str, now: float) -> Verdict | Awaitable[Verdict]:
        """Use one request of every limit of a key, or none when one of them is used up."""
        spent = self._spent.get(key)
        if spent is not None:
            until, verdict = spent
            if now < until:
                return verdict._replace(reset=until - now, retry_after=until - now)
            del self._spent[key]
        if self._store.away:
            return UNKNOWN_QUOTA if self._blocks else self._local.take(key, now)
        return self._ask(key, now)

    async def _ask(self, key: str, now: float) -> Verdict:
        arguments: list[str | int] = [self._store.key(self._owner, key)]
        for maximum, period in self._limits:
            arguments += (maximum, int(period * 1000))
        answer = await self._store.call(Command(tuple(arguments), TAKE))
        if answer is UNKNOWN:
            return UNKNOWN_QUOTA if self._blocks else self._local.take(key, self._clock())
        passes, *windows = answer
        verdict = self._verdict(bool(passes), windows)
        if passes:
            self._local.take(key, now)
        else:
            if len(self._spent) >= Keyed.KEY_LIMIT:
                # They are only there to save questions.
                self._spent.clear()
            # Counted from when it was asked, so it never lasts too long.
            self._spent[key] = (now + verdict.retry_after, verdict)
        return verdict

    def _verdict(self, passes: bool, windows: list[int]) -> Verdict:
        found = [
            (1.0 - used / limit.maximum, limit.maximum, max(0, limit.maximum - used), left / 1000)
            for limit, used, left in zip(self._limits, windows[::2], windows[1::2], strict=True)
        ]
        _, maximum, remaining, reset = min(found)
        if passes:
            return Verdict(maximum, remaining, reset, 0.0)
        return Verdict(maximum, remaining, reset, max(left for _, _, remaining, left in found if not remaining))
