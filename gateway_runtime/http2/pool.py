"""The connections of a service that speaks HTTP/2: few, each shared by many exchanges."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway_runtime.http2.service import ServiceConnection
from gateway_runtime.tasks import spawn
from gateway_runtime.upstream.errors import CONNECT_TIMEOUT, NOT_HTTP2, RESET, UpstreamError
from gateway_runtime.upstream.pool import Pool
from gateway_runtime.upstream.target import TargetConnections

# In which whoever waited for a connection asks on it.
_MOMENT_SECONDS = 1.0


class Http2Target(TargetConnections):
    """One host and port. An exchange gets a stream of the first connection that has room.

    `for_one`: it is not for requests, or not any more, so a connection closes when nobody asks on it.
    """

    __slots__ = ("connecting", "connections", "for_one", "scheme")

    def __init__(self, host: str, port: int, scheme: str) -> None:
        super().__init__(host, port, scheme)
        self.scheme = scheme.encode()
        self.connections: list[ServiceConnection] = []
        # The attempt under way: all exchanges that need a connection wait for the same one.
        self.connecting: asyncio.Task[ServiceConnection | UpstreamError] | None = None
        self.for_one = False

    def through_proxy(self, credentials: bytes) -> None:
        """Change nothing: a proxy for plain text speaks HTTP/1.1, and with TLS it does not see the head."""

    def double(self) -> TargetConnections:
        """Return another one for the same host, with connections and counts of its own."""
        made: Any = super().double()
        made.scheme = self.scheme
        made.for_one = True
        return made

    def acquire(self, now: float) -> Any:
        """Return a stream, or None when a new connection must be made."""
        for connection in self.connections:
            if connection.has_room():
                return connection.reserve()
        return None

    def release(self, connection: Any) -> None:
        """Take a stream back that nothing has been asked with."""
        connection.connection.give_back()

    def keep(self, connection: Any) -> None:
        """Take a stream back that nobody waits for any more."""
        connection.connection.give_back()

    def forget_connection(self, connection: ServiceConnection) -> None:
        """Give no more streams of this one."""
        if connection in self.connections:
            self.connections.remove(connection)

    def close_expired(self, now: float) -> None:
        """Close what has been idle for too long."""
        for connection in self.connections.copy():
            if connection.is_idle() and connection.idle_until <= now:
                connection.retire()

    def close(self) -> None:
        """Close idle connections now, those in use with their last stream, and those that are being made likewise."""
        self.for_one = True
        for connection in self.connections.copy():
            connection.retire()


class Http2Pool(Pool):
    """One service. What is different from HTTP/1.1 is how one gets to ask a target."""

    __slots__ = ()

    target_type = Http2Target

    def make_connection(self, target: Any) -> Any:
        """Return what speaks HTTP/2 to a target."""
        return ServiceConnection(target, self.limits.header_bytes, self._clock)

    async def open(self, target: Any) -> Any:
        """Return a stream of a connection made now, or by somebody else in the meantime. Raises `UpstreamError`."""
        while True:
            stream = target.acquire(0.0)
            if stream is not None:
                return stream
            if target.connecting is None or target.connecting.done():
                target.connecting = spawn("connect-http2", self._connect(target))
            made = await asyncio.shield(target.connecting)
            if isinstance(made, UpstreamError):
                raise UpstreamError(made.response)
            if made.has_room():
                return made.reserve()
            if made.is_idle():
                # It takes nobody at all.
                raise UpstreamError(RESET)

    async def _connect(self, target: Http2Target) -> ServiceConnection | UpstreamError:
        connection: Any = None
        try:
            connection = await super().open(target)
            tls = connection.transport.get_extra_info("ssl_object")
            if tls is not None and tls.selected_alpn_protocol() != "h2":
                raise UpstreamError(NOT_HTTP2)
            async with asyncio.timeout(self.service.timeouts.connect_seconds or self.limits.connect_seconds):
                await connection.ready
        except TimeoutError:
            connection.transport.abort()
            return UpstreamError(CONNECT_TIMEOUT)
        except UpstreamError as error:
            if connection is not None:
                connection.transport.abort()
            return error
        target.connections.append(connection)
        if target.for_one:
            # Whoever wanted it may have gone, and nobody looks after a target that is no longer asked.
            asyncio.get_running_loop().call_later(_MOMENT_SECONDS, target.close)
        return connection
