"""The connections of a service that speaks HTTP/2: few, each shared by many exchanges."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway_runtime.http2.service import ServiceConnection
from gateway_runtime.tasks import spawn
from gateway_runtime.upstream.errors import NOT_HTTP2, RESET, UpstreamError
from gateway_runtime.upstream.pool import Pool
from gateway_runtime.upstream.target import TargetConnections


class Http2Target(TargetConnections):
    """One host and port. An exchange gets a stream of the first connection that has room."""

    __slots__ = ("connecting", "connections")

    def __init__(self, host: str, port: int, scheme: str) -> None:
        super().__init__(host, port, scheme)
        self.connections: list[ServiceConnection] = []
        # The attempt under way: all exchanges that need a connection wait for the same one.
        self.connecting: asyncio.Task[ServiceConnection | UpstreamError] | None = None

    def acquire(self, now: float) -> Any:
        """Return a stream, or None when a new connection must be made."""
        for connection in self.connections:
            if connection.has_room():
                return connection.reserve()
        return None

    def forget_connection(self, connection: ServiceConnection) -> None:
        """Give no more streams of this one."""
        if connection in self.connections:
            self.connections.remove(connection)

    def close_expired(self, now: float) -> None:
        """Close what has been idle for too long."""
        for connection in self.connections.copy():
            if connection.is_idle() and connection.idle_until <= now:
                connection.retire()

    def close_idle(self) -> None:
        """Close idle connections now, and those in use with their last stream."""
        for connection in self.connections.copy():
            connection.retire()


class Http2Pool(Pool):
    """One service: its targets in turn, and what is connected to each."""

    __slots__ = ("now",)

    target_type = Http2Target
    connection_type = ServiceConnection  # type: ignore[assignment]
    alpn = "h2"

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        # Turned by each sweep.
        self.now = 0.0

    def release(self, connection: Any) -> None:
        """Take a stream back that nothing has been asked with."""
        connection.connection.give_back()

    async def connect(self, first: Any) -> Any:
        """Return a stream of a connection made now, or by somebody else in the meantime. Raises `UpstreamError`."""
        while True:
            stream = first.acquire(self.now)
            if stream is not None:
                return stream
            if first.connecting is None or first.connecting.done():
                first.connecting = spawn("connect-http2", self._open(first))
            made = await asyncio.shield(first.connecting)
            if isinstance(made, UpstreamError):
                raise UpstreamError(made.response)
            if made.has_room():
                return made.reserve()
            if made.is_idle():
                # It takes nobody at all.
                raise UpstreamError(RESET)

    async def _open(self, first: Http2Target) -> ServiceConnection | UpstreamError:
        try:
            connection: Any = await super().connect(first)
        except UpstreamError as error:
            return error
        connection.target.connections.append(connection)
        return connection

    async def _connect_to_any(self, target: Any, addresses: list[str]) -> Any:
        connection: Any = await super()._connect_to_any(target, addresses)
        try:
            tls = connection.transport.get_extra_info("ssl_object")
            if tls is not None and tls.selected_alpn_protocol() != self.alpn:
                raise UpstreamError(NOT_HTTP2)
            await connection.ready
        except BaseException:
            connection.transport.abort()
            raise
        return connection

    def close_expired(self, now: float) -> None:
        """Close connections that have been idle for too long."""
        self.now = now
        super().close_expired(now)
