"""Bytes kept for a while: in the memory of one worker, or shared. Bounded in every direction."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable
from typing import Any, Protocol

from gateway_runtime.clock import Clock
from gateway_runtime.state.pipe import Command, Unknown

ENTRY_BYTES = 1024 * 1024
TOTAL_BYTES = 64 * 1024 * 1024


class ByteCache(Protocol):
    """What policies keep. What is too large is not kept; what cannot be kept or found is no error."""

    def get(self, key: str) -> Awaitable[bytes | Unknown | None]:
        """Return the value, None where there is none, `UNKNOWN` where that cannot be found out."""

    def set(self, key: str, value: bytes, seconds: float) -> Awaitable[bool]:
        """Keep a value for so long. Return whether it is kept."""

    def first(self, key: str, seconds: float) -> Awaitable[bool | Unknown]:
        """Tell whether a key is there for the first time within so long, and remember it.

        Of all who ask at the same time one gets True. `UNKNOWN` where that cannot be found out.
        """


class LocalCache:
    """In memory. The oldest go first when there is no room."""

    def __init__(self, clock: Clock, *, entries: int, total_bytes: int = TOTAL_BYTES) -> None:
        self._clock = clock
        self._entries = entries
        self._total = total_bytes
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self.size = 0

    async def get(self, key: str) -> bytes | Unknown | None:
        """Return the value, or None."""
        found = self._kept.get(key)
        if found is None:
            return None
        if found[0] <= self._clock():
            self._drop(key)
            return None
        return found[1]

    async def set(self, key: str, value: bytes, seconds: float) -> bool:
        """Keep a value for so long. Return whether it is kept."""
        if key in self._kept:
            self._drop(key)
        if len(value) > min(ENTRY_BYTES, self._total) or seconds <= 0:
            return False
        self._kept[key] = (self._clock() + seconds, value)
        self.size += len(value)
        while self.size > self._total or len(self._kept) > self._entries:
            self._drop(next(iter(self._kept)))
        return True

    async def first(self, key: str, seconds: float) -> bool | Unknown:
        """Tell whether a key is new, and remember it for so long."""
        return await self.get(key) is None and await self.set(key, b"", seconds)

    def _drop(self, key: str) -> None:
        self.size -= len(self._kept.pop(key)[1])


class Store(Protocol):
    """What a cache needs of the shared storage."""

    def cached(self, owner: str, key: str) -> str:
        """Return the name of a value of a binding."""

    async def fetch(self, command: Command) -> Any:
        """Ask and wait, not long, without keeping counters waiting. Returns the answer or `UNKNOWN`."""

    async def call(self, command: Command) -> Any:
        """Ask about something small and wait, not long. Returns the answer or `UNKNOWN`."""


class SharedCache:
    """In Redis, which forgets by itself when the time is over."""

    def __init__(self, store: Store, owner: str) -> None:
        self._store = store
        self._owner = owner

    async def get(self, key: str) -> bytes | Unknown | None:
        """Return the value, None where there is none, `UNKNOWN` where that cannot be found out."""
        found: bytes | Unknown | None = await self._store.fetch(Command(("GET", self._store.cached(self._owner, key))))
        return found

    async def set(self, key: str, value: bytes, seconds: float) -> bool:
        """Keep a value for so long. Return whether it is kept."""
        if len(value) > ENTRY_BYTES or seconds <= 0:
            return False
        name = self._store.cached(self._owner, key)
        answer = await self._store.fetch(Command(("SET", name, value, "PX", max(1, int(seconds * 1000)))))
        return bool(answer in (b"OK", "OK", True))

    async def first(self, key: str, seconds: float) -> bool | Unknown:
        """Tell whether a key is new for all replicas, and remember it for so long."""
        if seconds <= 0:
            return False
        name = self._store.cached(self._owner, key)
        # With the counters: it is as small as one of them, and their connection is there from the beginning.
        answer = await self._store.call(Command(("SET", name, b"", "PX", max(1, int(seconds * 1000)), "NX")))
        return answer if isinstance(answer, Unknown) else answer in (b"OK", "OK", True)
