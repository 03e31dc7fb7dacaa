"""The idle connections of one target."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway_runtime.upstream.connection import UpstreamConnection

_DEFAULT_PORTS = {"http": 80, "https": 443}


class TargetConnections:
    """One host and port. The connection used last is used next, so that the surplus ages and is closed."""

    __slots__ = ("authority", "host", "idle", "line_end", "port")

    def __init__(self, host: str, port: int, scheme: str) -> None:
        self.host = host
        self.port = port
        name = f"[{host}]" if ":" in host else host
        self.authority = (name if _DEFAULT_PORTS.get(scheme) == port else f"{name}:{port}").encode()
        # How the first line of a head for this target ends, and the second.
        self.line_end = b" HTTP/1.1\r\nhost: " + self.authority
        self.idle: deque[UpstreamConnection] = deque()

    def acquire(self, now: float) -> UpstreamConnection | None:
        """Return an idle connection, or None when a new one must be made."""
        idle = self.idle
        while idle:
            connection = idle.pop()
            if connection.idle_until > now and not connection.transport.is_closing():
                connection.idle_until = 0.0
                return connection
            connection.transport.close()
        return None

    def forget(self, connection: UpstreamConnection) -> None:
        """Take a lost connection out of the idle ones. Only an idle one is searched for."""
        if connection.idle_until and connection in self.idle:
            self.idle.remove(connection)

    def close_expired(self, now: float) -> None:
        """Close what has been idle for too long: the oldest are on the left."""
        idle = self.idle
        while idle and idle[0].idle_until <= now:
            idle.popleft().transport.close()

    def close_idle(self) -> None:
        """Close every idle connection."""
        while self.idle:
            self.idle.pop().transport.close()
