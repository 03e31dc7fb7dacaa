"""From a target to an open connection: addresses judged, proxy passed, TLS agreed on."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from gateway_runtime.upstream.addresses import allowed_addresses, is_public, literal_address
from gateway_runtime.upstream.connection import UpstreamConnection
from gateway_runtime.upstream.errors import (
    ADDRESS_REFUSED,
    CONNECT_TIMEOUT,
    PROXY_FAILED,
    UpstreamError,
    connect_failure,
)
from gateway_runtime.upstream.platform import NO_PLATFORM, Platform
from gateway_runtime.upstream.proxy import Proxy, Tunnel, refuse_local_name, tunnel_authority
from gateway_runtime.upstream.resolving import Resolver
from gateway_runtime.upstream.target import TargetConnections
from gateway_runtime.upstream.tls import ServiceTls

# Health checks of one worker that begin at the same time.
AT_ONCE = 32
# An address that does not answer leaves at least this much to try it with, and the rest to the others.
_SHORTEST_TRY_SECONDS = 0.25

Spoken = TypeVar("Spoken", bound=asyncio.Protocol)
Made = TypeVar("Made")
MakeConnection = Callable[[TargetConnections], UpstreamConnection]


@dataclass(slots=True)
class Surroundings:
    """What all pools of a worker connect with. Changing it holds from the next connection on."""

    resolver: Resolver
    allow_private: bool = False
    proxy: Proxy | None = None
    platform: Platform = NO_PLATFORM
    # Health checks go on in turn, so that they are no burst.
    checks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host that may be connected to at a port. Raises `UpstreamError`."""
        address = literal_address(host)
        found = [address] if address is not None else await self.resolver.resolve(host)
        allowed = allowed_addresses(found, allow_private=self.allow_private)
        return await self.platform.others(host, allowed, port, self.resolver)


class Connector:
    """Opens connections for all pools that speak the same. `tls` is None for plain text."""

    __slots__ = ("__weakref__", "surroundings", "tls")

    def __init__(self, surroundings: Surroundings, tls: ServiceTls | None) -> None:
        self.surroundings = surroundings
        self.tls = tls

    async def connect(self, target: TargetConnections, seconds: float, make: MakeConnection) -> UpstreamConnection:
        """Return a new connection within so many seconds, as `make` makes them. Raises `UpstreamError`."""
        proxy = self.surroundings.proxy
        try:
            async with asyncio.timeout(seconds):
                if proxy is not None and proxy.is_for(target.host):
                    return await self._through(proxy, target, seconds, make)
                addresses = await self.surroundings.addresses(target.host, target.port)
                return await self._to_any(target, addresses, seconds, make)
        except TimeoutError as error:
            raise UpstreamError(CONNECT_TIMEOUT) from error
        except OSError as error:
            raise UpstreamError(connect_failure(error)) from error

    async def _to_any(
        self, target: TargetConnections, addresses: list[str], seconds: float, make: MakeConnection
    ) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        tls = self.tls

        async def open_at(address: str) -> UpstreamConnection:
            _, connection = await loop.create_connection(
                lambda: make(target),
                address,
                target.port,
                ssl=None if tls is None else tls.context,
                server_hostname=None if tls is None else tls.server_name or target.host,
            )
            connection.address = address
            return connection

        return await first_of(addresses, seconds, open_at)

    # Through a proxy

    async def _through(
        self, proxy: Proxy, target: TargetConnections, seconds: float, make: MakeConnection
    ) -> UpstreamConnection:
        """Connect to the proxy, which is the operator's and is not judged. It resolves names, so only spelling is."""
        if self.surroundings.platform.has(target.host, target.port):
            raise UpstreamError(ADDRESS_REFUSED)
        if not self.surroundings.allow_private:
            address = literal_address(target.host)
            if address is None:
                refuse_local_name(target.host)
            elif not is_public(address):
                raise UpstreamError(ADDRESS_REFUSED)
        if self.tls is None:
            _, connection = await self._to_proxy(proxy, seconds, lambda: make(target))
            return connection
        authority = tunnel_authority(target.host, target.port)
        transport, tunnel = await self._to_proxy(proxy, seconds, lambda: Tunnel(authority, proxy.credentials))
        return await self._secured(transport, tunnel, make(target), self.tls, self.tls.server_name or target.host)

    async def _to_proxy(
        self, proxy: Proxy, seconds: float, make: Callable[[], Spoken]
    ) -> tuple[asyncio.Transport, Spoken]:
        loop = asyncio.get_running_loop()
        address = literal_address(proxy.host)
        addresses = [address] if address is not None else await self.surroundings.resolver.resolve(proxy.host)
        try:
            return await first_of(addresses, seconds, lambda each: loop.create_connection(make, each, proxy.port))
        except OSError as error:
            raise UpstreamError(PROXY_FAILED) from error

    async def _secured(
        self, transport: asyncio.Transport, tunnel: Tunnel, connection: UpstreamConnection, tls: ServiceTls, name: str
    ) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        try:
            await tunnel.granted
            secured = await loop.start_tls(transport, connection, tls.context, server_hostname=name)
            if secured is None:
                raise UpstreamError(PROXY_FAILED)
            connection.connection_made(secured)
            return connection
        except BaseException:
            transport.abort()
            raise


async def first_of(addresses: list[str], seconds: float, open_at: Callable[[str], Awaitable[Made]]) -> Made:
    """Return what can be had at the first address that lets one in. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    failure: OSError | None = None
    for index, address in enumerate(addresses):
        # One address that swallows everything must not use up the time of the others.
        share = max((end - loop.time()) / (len(addresses) - index), _SHORTEST_TRY_SECONDS)
        try:
            async with asyncio.timeout(share):
                return await open_at(address)
        except OSError as error:
            if failure is None or (isinstance(error, ssl.SSLError) and not isinstance(failure, ssl.SSLError)):
                # An address that was reached says more than those where nobody is.
                failure = error
    assert failure is not None
    raise failure
