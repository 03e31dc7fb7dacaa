"""Names to addresses, remembered as long as the name servers say."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

import aiodns

from gateway_runtime.clock import Clock, monotonic
from gateway_runtime.log import log
from gateway_runtime.tasks import spawn
from gateway_runtime.upstream.errors import UNRESOLVED, UpstreamError

# How long an answer counts at least and at most, whatever its time to live; and that there is no such name.
SHORTEST_SECONDS = 1.0
LONGEST_SECONDS = 300.0
NEGATIVE_SECONDS = 5.0
# How long beyond its time an answer is used while no name server answers.
STALE_SECONDS = 600.0
# How long to wait between attempts while no name server answers.
AGAIN_SECONDS = 1.0
# How often at most a name is asked for only because connections to it are kept.
LOOK_AGAIN_SECONDS = 5.0
# Names remembered at most. They are those of the configuration, so this is reached only by its growth.
NAMES_LIMIT = 10_000
_TIMEOUT_SECONDS = 2.0
_TRIES = 2

# What name servers say of a name that does not exist, or has no address (c-ares): that is an answer, and no failure.
_NO_SUCH_NAME = frozenset({aiodns.error.ARES_ENODATA, aiodns.error.ARES_ENOTFOUND, aiodns.error.ARES_EBADNAME})


class NoSuchName(Exception):
    """The name servers have answered: there is no such name."""


# Gives the addresses of a name and for how many seconds they are good. Raises `NoSuchName` or `OSError`.
Lookup = Callable[[str], Awaitable[tuple[list[str], float]]]


class _Known:
    """What is known of one name: its addresses, or that it has none."""

    __slots__ = ("_others", "_preferred", "_turn", "addresses", "asked_at", "good_until", "resolved_until")

    def __init__(self, addresses: list[str], now: float, seconds: float) -> None:
        # The resolver puts the family first that this machine reaches best (RFC 6724).
        self._preferred = [each for each in addresses if (":" in each) == (":" in addresses[0])]
        self._others = [each for each in addresses if each not in self._preferred]
        self._turn = -1
        self.addresses = frozenset(addresses)
        self.asked_at = now
        self.good_until = now + seconds
        self.resolved_until = self.good_until

    def __bool__(self) -> bool:
        """Tell whether the name has an address."""
        return bool(self._preferred)

    def next_first(self) -> list[str]:
        """Return the addresses, each time beginning with another one."""
        turn = self._turn = (self._turn + 1) % len(self._preferred)
        return self._preferred[turn:] + self._preferred[:turn] + self._others


class NameServers:
    """Asks as the machine is set up: its hosts file, its name servers, its search list. Made when first asked."""

    __slots__ = ("_resolver", "_servers")

    def __init__(self, servers: Sequence[str] | None = None) -> None:
        self._servers = servers
        self._resolver: aiodns.DNSResolver | None = None

    async def __call__(self, host: str) -> tuple[list[str], float]:
        """Look a name up."""
        if self._resolver is None:
            self._resolver = aiodns.DNSResolver(timeout=_TIMEOUT_SECONDS, tries=_TRIES, nameservers=self._servers)
        try:
            found = await self._resolver.getaddrinfo(host, family=socket.AF_UNSPEC, type=socket.SOCK_STREAM)
        except aiodns.error.DNSError as error:
            if error.args[0] in _NO_SUCH_NAME:
                raise NoSuchName(host) from error
            raise OSError(str(error.args[-1])) from error
        except UnicodeError as error:
            raise NoSuchName(host) from error
        addresses = [node.addr[0].decode() for node in found.nodes]
        if not addresses:
            raise NoSuchName(host)
        return addresses, float(min(node.ttl for node in found.nodes))


class Resolver:
    """The names of one worker. However many requests wait for a name, it is asked for once."""

    __slots__ = ("_asking", "_clock", "_known", "_lookup")

    def __init__(self, lookup: Lookup | None = None, clock: Clock = monotonic) -> None:
        self._lookup = lookup or NameServers()
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def resolve(self, host: str) -> list[str]:
        """Return the addresses of a name. Raises `UpstreamError` when it has none or nobody can tell."""
        known = self._known.get(host)
        if known is None or known.good_until <= self._clock():
            await self._refresh(host)
            known = self._known.get(host)
        if not known:
            raise UpstreamError(UNRESOLVED)
        return known.next_first()

    def addresses_now(self, host: str) -> frozenset[str]:
        """Return the addresses of a name, for who is connected to one of them; none while that cannot be said.

        An answer whose time is over is asked for again in the background.
        """
        known, now = self._known.get(host), self._clock()
        if known is not None and now < known.good_until:
            return known.addresses
        if known is None or known.asked_at + LOOK_AGAIN_SECONDS <= now:
            self._begin(host)
        return frozenset()

    async def _refresh(self, host: str) -> None:
        await asyncio.shield(self._begin(host))

    def _begin(self, host: str) -> asyncio.Task[None]:
        asking = self._asking.get(host)
        if asking is None:
            # A task of its own: who waits first may give up before the others.
            asking = self._asking[host] = spawn("resolve", self._ask(host))
        return asking

    async def _ask(self, host: str) -> None:
        try:
            self._known[host] = await self._look(host)
        finally:
            del self._asking[host]

    async def _look(self, host: str) -> _Known:
        before = self._known.get(host)
        try:
            addresses, seconds = await self._lookup(host)
        except NoSuchName:
            return _Known([], self._clock(), NEGATIVE_SECONDS)
        except OSError as error:
            now = self._clock()
            if before and now < before.resolved_until + STALE_SECONDS:
                if before.good_until == before.resolved_until:
                    log.warning("name_not_refreshed", host=host, error=str(error))
                before.good_until = now + AGAIN_SECONDS
                before.asked_at = now
                return before
            return _Known([], now, AGAIN_SECONDS)
        if before is None and len(self._known) >= NAMES_LIMIT:
            self._known.clear()
        return _Known(addresses, self._clock(), min(max(seconds, SHORTEST_SECONDS), LONGEST_SECONDS))
