"""Documents of others that policies need, such as key sets: fetched when asked for, kept, renewed, shared.

One `Remote` serves every API and every revision that names the same document, so a worker asks for it once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakValueDictionary

from gateway_runtime.clock import Clock, monotonic
from gateway_runtime.fetching.client import Fetched, FetchError, fetch
from gateway_runtime.fetching.url import Url, parse_url
from gateway_runtime.log import log
from gateway_runtime.tasks import spawn
from gateway_runtime.upstream.connecting import Surroundings
from gateway_runtime.upstream.resolving import Resolver

SIZE_LIMIT = 512 * 1024
# What cannot be renewed is used for so long, and then no more.
MAX_AGE_SECONDS = 24 * 3600.0
# Renewed in the background when this share of its time has passed, so that no request waits for it.
RENEW_AT = 0.8
FIRST_BACK_OFF, LAST_BACK_OFF = 1.0, 60.0
# Callers can make up names of keys; what they buy with it is one question in so many seconds.
ASK_AGAIN_SECONDS = 10.0


class Remote:
    """One document at one URL. `value` is the last good one, None before; a new one is another object."""

    __slots__ = (
        "__weakref__", "_asked", "_clock", "_failures", "_fetched", "_not_before", "_of", "_parse", "_renew",
        "_seconds", "_task", "_ttl", "_url", "value",
    )  # fmt: skip

    def __init__(
        self, of: Remotes, url: Url, parse: Callable[[bytes], Any], *, ttl: float, seconds: float, clock: Clock
    ) -> None:
        self._of = of
        self._url = url
        self._parse = parse
        self._ttl = ttl
        self._seconds = seconds
        self._clock = clock
        self.value: Any = None
        self._fetched = 0.0
        self._renew = 0.0
        self._asked = -ASK_AGAIN_SECONDS
        self._failures = 0
        self._not_before = 0.0
        self._task: asyncio.Task[None] | None = None

    def current(self) -> Any:
        """Return the document if it may be used without waiting, else None: then ask `latest`.

        Starts to renew it in the background when that is due. While its source fails, the last good one is used.
        """
        now = self._clock()
        if now < self._renew:
            return self.value
        there = self.value is not None and now < self._fetched + MAX_AGE_SECONDS
        if self._failures:
            self._start(now)
            return self.value if there else None
        if not there:
            return None
        if now < self._fetched + self._ttl:
            self._start(now)
            return self.value
        return None

    async def latest(self) -> Any:
        """Return the document, fetched if need be; the last good one where that fails, None without any."""
        # Between the question and this task's turn, another one may have fetched it.
        if (value := self.current()) is not None:
            return value
        await self._fetching()
        age = self._clock() - self._fetched
        return self.value if self.value is not None and age < MAX_AGE_SECONDS else None

    def fails(self) -> bool:
        """Tell whether the last attempt to fetch it has failed, so that waiting for it is of little use."""
        return self._failures > 0

    def may_ask_again(self) -> bool:
        """Tell whether a document that lacks something may be fetched anew already, or is being fetched."""
        return self._task is not None or self._clock() >= self._asked + ASK_AGAIN_SECONDS

    async def newer(self) -> Any:
        """Fetch anew, because the document lacks something, and return what is there then."""
        if self.may_ask_again():
            await self._fetching()
        return self.value

    async def _fetching(self) -> None:
        """Wait for one fetch, which all who ask at the same time share. Within a back-off there is none."""
        self._start(self._clock())
        if self._task is not None:
            # A request that is given up must not take the fetch from the others.
            await asyncio.shield(self._task)

    def _start(self, now: float) -> None:
        if self._task is None and now >= self._not_before:
            self._asked = now
            self._task = spawn(f"fetch {self._url.authority}", self._fetch())

    async def _fetch(self) -> None:
        try:
            value = self._parse(await self._read())
        except Exception as error:  # whatever is wrong with what others sent: the last good one stays
            self._failures += 1
            now = self._clock()
            self._not_before = now + min(FIRST_BACK_OFF * 2 ** (self._failures - 1), LAST_BACK_OFF)
            code = error.code if isinstance(error, FetchError) else "unreadable"
            log.warning("fetch_failed", host=self._url.authority, code=code, failures=self._failures)
        else:
            self._failures = 0
            self._fetched = self._clock()
            self._renew = self._fetched + self._ttl * RENEW_AT
            self._not_before = 0.0
            if value != self.value:
                self.value = value
        finally:
            self._task = None

    async def _read(self) -> bytes:
        answer = await self._of.fetch(
            self._url, self._of.surroundings, seconds=self._seconds, limit=SIZE_LIMIT,
            headers=(("accept", "application/json"),),
        )  # fmt: skip
        if answer.status != 200:
            raise FetchError(f"status_{answer.status}")
        return answer.body


class Remotes:
    """Every document that a worker's policies use now."""

    def __init__(
        self,
        surroundings: Surroundings | None = None,
        clock: Clock = monotonic,
        fetch: Callable[..., Awaitable[Fetched]] = fetch,
    ) -> None:
        self.surroundings = Surroundings(Resolver()) if surroundings is None else surroundings
        self.fetch = fetch
        self._clock = clock
        # What no policy of any snapshot holds any more is forgotten.
        self._known: WeakValueDictionary[tuple[Any, ...], Remote] = WeakValueDictionary()

    def get(self, url: str, parse: Callable[[bytes], Any], *, ttl: float, seconds: float) -> Remote:
        """Return the document at a URL. `parse` raises `ValueError` for what is none. Raises `ValueError`."""
        key = (url, parse, ttl, seconds)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Remote(self, parse_url(url), parse, ttl=ttl, seconds=seconds, clock=self._clock)
        return found
