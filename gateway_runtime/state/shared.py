"""What all workers of all replicas of a gateway share, as one worker reaches it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from hashlib import blake2b
from typing import Any
from weakref import WeakSet

from gateway_runtime.clock import Clock, monotonic
from gateway_runtime.schema import keys
from gateway_runtime.schema.storage import SharedStorage
from gateway_runtime.state.breaker import Breaker, BreakerState
from gateway_runtime.state.cache import SharedCache
from gateway_runtime.state.connection import connector
from gateway_runtime.state.leases import LeasedWindows
from gateway_runtime.state.limits import Limit
from gateway_runtime.state.pipe import UNKNOWN, Call, Command, Pipe
from gateway_runtime.state.scripts import MEMBERS
from gateway_runtime.state.strict import StrictWindows
from gateway_runtime.tasks import cancel, spawn

MEMBER_SECONDS = 2.0
MEMBER_GONE_SECONDS = 6.0
TICK_SECONDS = 0.5
FIRST_ANSWER_SECONDS = 0.25


class SharedState:
    """The shared storage. Without one, or while it is away, everything it is asked is unknown.

    `away` and `limiters` (how many workers share) are plain values, because limiters read them for each request.
    """

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._storage: SharedStorage | None = None
        self._gateway = ""
        self._name = os.urandom(8).hex()
        self._counters: Pipe | None = None
        self._values: Pipe | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._leased: WeakSet[LeasedWindows] = WeakSet()
        self.limiters = 1

    @property
    def away(self) -> bool:
        """Tell that the storage cannot be asked now."""
        return self._counters is None or self._counters.away

    @property
    def state(self) -> BreakerState | None:
        """Return the state of the breaker, None without a storage."""
        return self._counters.state if self._counters is not None else None

    @property
    def answered(self) -> int:
        """Return how many calls have been answered."""
        return sum(pipe.answered for pipe in (self._counters, self._values) if pipe is not None)

    @property
    def unknown(self) -> int:
        """Return how many calls could not be made or were not answered in time."""
        return sum(pipe.unknown for pipe in (self._counters, self._values) if pipe is not None)

    # The life of it

    async def use(self, storage: SharedStorage | None, gateway: str) -> None:
        """Go over to a storage, and wait a moment for it. Raises `ConfigFault` before anything has changed."""
        if (storage, gateway) == (self._storage, self._gateway):
            return
        connect = connector(storage) if storage is not None else None
        await self.close()
        self._storage, self._gateway = storage, gateway
        if connect is None:
            return
        self._counters = Pipe(connect, self._membership, Breaker("counters", self._clock))
        self._values = Pipe(connect, _ping, Breaker("cache", self._clock))
        self._counters.open()
        self._ticking = spawn("leases", self._tick())
        await self._counters.tried(FIRST_ANSWER_SECONDS)

    async def close(self) -> None:
        """Give back what is leased and let go of the connections."""
        counters, values, self._values = self._counters, self._values, None
        await cancel(self._ticking)
        if counters is not None:
            if not counters.away:
                self._give_back(everything=True)
                await counters.call(Command(("ZREM", *self._members())))
            self._counters = None
            await counters.close()
        if values is not None:
            await values.close()

    async def _tick(self) -> None:
        elapsed = 0.0
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._give_back()
            elapsed += TICK_SECONDS
            if elapsed >= MEMBER_SECONDS and self._counters is not None:
                elapsed = 0.0
                self._counters.ask(*self._membership())

    def _give_back(self, *, everything: bool = False) -> None:
        now = self._clock()
        for limiter in list(self._leased):
            limiter.give_back(now, everything=everything)

    def _members(self) -> tuple[str, str]:
        return keys.limiters(self._gateway), self._name

    def _membership(self) -> Call:
        return Command((*self._members(), int(MEMBER_GONE_SECONDS * 1000)), MEMBERS), self._counted

    def _counted(self, answer: Any) -> None:
        if answer is not UNKNOWN:
            self.limiters = max(1, int(answer))

    # What policies get

    def windows(self, limits: tuple[Limit, ...], owner: str, clock: Clock, *, blocks: bool = False) -> LeasedWindows:
        """Return a limiter that leases."""
        made = LeasedWindows(limits, self, owner, clock, blocks=blocks)
        self._leased.add(made)
        return made

    def strict(self, limits: tuple[Limit, ...], owner: str, clock: Clock, *, blocks: bool = False) -> StrictWindows:
        """Return a limiter that asks about each request."""
        return StrictWindows(limits, self, owner, clock, blocks=blocks)

    def cache(self, owner: str) -> SharedCache:
        """Return a cache. Its connection is its own, so that large values never keep counters waiting."""
        return SharedCache(self, owner)

    # What limiters and caches get

    def key(self, owner: str, key: str) -> str:
        """Return the name of a counter. A digest, so that nobody can read who calls, and of one length."""
        return keys.counter(self._gateway, _digest(owner, key))

    def cached(self, owner: str, key: str) -> str:
        """Return the name of a cached value."""
        return keys.cached(self._gateway, _digest(owner, key))

    def ask(self, command: Command, done: Callable[[Any], None]) -> None:
        """Ask about a counter without waiting."""
        if self._counters is None:
            done(UNKNOWN)
        else:
            self._counters.ask(command, done)

    async def call(self, command: Command) -> Any:
        """Ask about a counter and wait. Returns the answer or `UNKNOWN`."""
        return UNKNOWN if self._counters is None else await self._counters.call(command)

    async def fetch(self, command: Command) -> Any:
        """Ask about a value and wait. Returns the answer or `UNKNOWN`."""
        if self._values is None:
            return UNKNOWN
        # Where no policy has a cache there is no second connection.
        self._values.open()
        return await self._values.call(command)


def _digest(owner: str, key: str) -> str:
    return blake2b(f"{owner}\0{key}".encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _ping() -> Call:
    return Command(("PING",)), lambda _: None
