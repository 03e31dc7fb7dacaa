"""Limits that several workers share exactly: Redis is asked about each request, in one round trip."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Any, Protocol

from gateway_runtime.clock import Clock, time
from gateway_runtime.state.gcra import MICROSECONDS
from gateway_runtime.state.keyed import Keyed
from gateway_runtime.state.limits import UNKNOWN_QUOTA, Limit, Verdict, Windows
from gateway_runtime.state.pipe import UNKNOWN, Command
from gateway_runtime.state.scripts import TAKE, taking

# A storage may lose a counter, and then nobody should be refused until the end of a month.
REMEMBERED_SECONDS = 1.0


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
    """Windows in Redis: fixed ones are opened by their first request.

    What this worker lets through is counted here as well, and that alone decides while Redis is away: then at most N
    times the limit passes with N workers. One that `blocks` says `UNKNOWN_QUOTA` then. Refusals are remembered until
    one more may pass, and ask nobody; a storage that can be asked is asked again after a second.
    """

    __slots__ = ("_blocks", "_clock", "_limits", "_local", "_owner", "_spent", "_store", "_wall")

    def __init__(
        self,
        limits: tuple[Limit, ...],
        store: Store,
        owner: str,
        clock: Clock,
        *,
        blocks: bool = False,
        wall: Clock = time,
    ) -> None:
        self._blocks = blocks
        self._limits = limits
        self._store = store
        self._owner = owner
        self._clock = clock
        self._wall = wall
        self._local = Windows(limits, wall=wall)
        # Until when nobody is asked, when one more passes, when its window ends, and which limit.
        self._spent: dict[str, tuple[float, float, float, Verdict]] = {}

    def ask(self, key: str, now: float) -> Verdict | Awaitable[Verdict]:
        """Use one request of every limit of a key, or none when one of them is used up."""
        refused = self._refused(key, now)
        if refused is not None:
            return refused
        if self._store.away:
            return UNKNOWN_QUOTA if self._blocks else self._local.ask(key, now)
        return self._ask(key, now)

    def _refused(self, key: str, now: float) -> Verdict | None:
        """Return the refusal that is remembered of a key, if it still holds."""
        spent = self._spent.get(key)
        if spent is None:
            return None
        until, passes, ends, verdict = spent
        if now < until or (now < passes and self._store.away):
            return verdict._replace(reset=ends - now, retry_after=passes - now)
        del self._spent[key]
        return None

    def _refused_now(self, key: str) -> Verdict | None:
        return self._refused(key, self._clock())

    async def _ask(self, key: str, now: float) -> Verdict:
        arguments: list[str | int] = [self._store.key(self._owner, key)]
        wall = self._wall()
        for limit in self._limits:
            arguments += taking(limit, wall)
        # In a burst the first to be refused answer for those behind them.
        known = partial(self._refused_now, key)
        answer = await self._store.call(Command(tuple(arguments), TAKE, known))
        if answer is UNKNOWN:
            return UNKNOWN_QUOTA if self._blocks else self._local.ask(key, self._clock())
        if isinstance(answer, Verdict):
            return answer
        passes, _, *found = answer
        verdict = verdict_of(self._limits, bool(passes), found)
        if passes:
            self._local.ask(key, now)
        else:
            if len(self._spent) >= Keyed.KEY_LIMIT:
                # They are only there to save questions.
                self._spent.clear()
            # Counted from when it was asked, so it never lasts too long.
            passes_at = now + verdict.retry_after
            self._spent[key] = (min(passes_at, now + REMEMBERED_SECONDS), passes_at, now + verdict.reset, verdict)
        return verdict


def verdict_of(limits: tuple[Limit, ...], passes: bool, found: list[int]) -> Verdict:
    """Return what the answer of `TAKE` says, two numbers for each limit."""
    nearest = 2.0
    wait = reset = 0.0
    tight = left = 0
    for position, limit in enumerate(limits):
        first, second = found[2 * position], found[2 * position + 1]
        rate = limit.rate
        if rate is not None:
            remaining, ends, more = rate.remaining(first, second), first / MICROSECONDS, rate.wait(first, second)
        else:
            remaining, ends = limit.maximum - first, second / 1000
            more = ends if remaining <= 0 else 0.0
        share = (remaining if passes else remaining - 1) / limit.maximum
        if share < nearest:
            nearest, tight, left, reset = share, position, remaining, ends
        if more > wait:
            wait = more
    return Verdict(limits[tight].maximum, max(left, 0), reset, 0.0 if passes else wait, tight)
