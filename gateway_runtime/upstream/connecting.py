"""From a target to an open connection: addresses judged, proxy passed, TLS agreed on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
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
from gateway_runtime.upstream.proxy import Proxy, Tunnel, refuse_local_name, tunnel_authority
from gateway_runtime.upstream.resolving import Resolver
from gateway_runtime.upstream.target import TargetConnections
from gateway_runtime.upstream.tls import ServiceTls

# Health checks of one worker at the same time.
AT_ONCE = 32
# An address that does not answer leaves at least this much to try it with, and the rest to the others.
_SHORTEST_TRY_SECONDS = 0.25

Spoken = TypeVar("Spoken", bound=asyncio.Protocol)
MakeConnection = Callable[[TargetConnections], UpstreamConnection]


@dataclass(slots=True)
class Surroundings:
    """What all pools of a worker connect with. Changing it holds from the next connection on."""

    resolver: Resolver
    allow_private: bool = False
    proxy: Proxy | None = None
    # Health checks go on in turn, so that they are no burst.
    checks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))


class Connector:
    """Opens connections for one pool. `tls` is None for plain text; `make` says which protocol is spoken."""

    __slots__ = ("_make", "_surroundings", "_tls")

    def __init__(self, surroundings: Surroundings, tls: ServiceTls | None, make: MakeConnection) -> None:
        self._surroundings = surroundings
        self._tls = tls
        self._make = make

    async def connect(self, target: TargetConnections, seconds: float) -> UpstreamConnection:
        """Return a new connection within so many seconds. Raises `UpstreamError`."""
        proxy = self._surroundings.proxy
        try:
            async with asyncio.timeout(seconds):
                if proxy is not None and proxy.is_for(target.host):
                    return await self._through(proxy, target)
                addresses = await self._addresses(target.host)
                return await self._to_any(target, addresses, seconds)
        except TimeoutError as error:
            raise UpstreamError(CONNECT_TIMEOUT) from error
        except OSError as error:
            raise UpstreamError(connect_failure(error)) from error

    async def _addresses(self, host: str) -> list[str]:
        address = literal_address(host)
        found = [address] if address is not None else await self._surroundings.resolver.resolve(host)
        return allowed_addresses(found, allow_private=self._surroundings.allow_private)

    async def _to_any(self, target: TargetConnections, addresses: list[str], seconds: float) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        failure: OSError | None = None
        tls = self._tls
        for index, address in enumerate(addresses):
            # One address that swallows everything must not use up the time of the others.
            share = max((end - loop.time()) / (len(addresses) - index), _SHORTEST_TRY_SECONDS)
            try:
                async with asyncio.timeout(share):
                    _, connection = await loop.create_connection(
                        lambda: self._make(target),
                        address,
                        target.port,
                        ssl=None if tls is None else tls.context,
                        server_hostname=None if tls is None else tls.server_name or target.host,
                    )
            except OSError as error:
                failure = failure or error
            else:
                return connection
        assert failure is not None
        raise failure

    # Through a proxy

    async def _through(self, proxy: Proxy, target: TargetConnections) -> UpstreamConnection:
        """Connect to the proxy, which is the operator's and is not judged. It resolves names, so only spelling is."""
        if not self._surroundings.allow_private:
            address = literal_address(target.host)
            if address is None:
                refuse_local_name(target.host)
            elif not is_public(address):
                raise UpstreamError(ADDRESS_REFUSED)
        if self._tls is None:
            _, connection = await self._to_proxy(proxy, lambda: self._make(target))
            return connection
        authority = tunnel_authority(target.host, target.port)
        transport, tunnel = await self._to_proxy(proxy, lambda: Tunnel(authority, proxy.credentials))
        return await self._secured(transport, tunnel, target, self._tls)

    async def _to_proxy(self, proxy: Proxy, make: Callable[[], Spoken]) -> tuple[asyncio.Transport, Spoken]:
        address = literal_address(proxy.host)
        addresses = [address] if address is not None else await self._surroundings.resolver.resolve(proxy.host)
        for each in addresses:
            with suppress(OSError):
                return await asyncio.get_running_loop().create_connection(make, each, proxy.port)
        raise UpstreamError(PROXY_FAILED)

    async def _secured(
        self, transport: asyncio.Transport, tunnel: Tunnel, target: TargetConnections, tls: ServiceTls
    ) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        try:
            await tunnel.granted
            connection = self._make(target)
            secured = await loop.start_tls(
                transport, connection, tls.context, server_hostname=tls.server_name or target.host
            )
            if secured is None:
                raise UpstreamError(PROXY_FAILED)
            connection.connection_made(secured)
            return connection
        except BaseException:
            transport.abort()
            raise
