"""One target: its idle connections, what is under way to it, and how a head for it begins."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from gateway_runtime.upstream.addresses import literal_address
from gateway_runtime.upstream.errors import UpstreamError

if TYPE_CHECKING:
    from gateway_runtime.upstream.connection import UpstreamConnection
    from gateway_runtime.upstream.health import TargetHealth
    from gateway_runtime.upstream.resolving import Resolver

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Receiver(Protocol):
    """Who gets a connection that becomes free, before it becomes an idle one."""

    def take(self, connection: UpstreamConnection) -> None: ...

    def gone(self) -> None: ...


class _Closed:
    """Takes connections to a target that nobody asks any more."""

    def take(self, connection: UpstreamConnection) -> None:
        connection.transport.close()

    def gone(self) -> None:
        pass


_CLOSED = _Closed()


class TargetConnections:
    """One host and port. The connection used last is used next, so that the surplus ages and is closed.

    Revisions share it while a connection for one could be one for the other. `active` counts requests under way,
    `made` has every open connection, `health` is there where somebody keeps an eye on the target.
    """

    __slots__ = ("_named", "active", "authority", "health", "host", "idle", "idle_until", "line_end", "line_start",
                 "made", "port", "receiver")  # fmt: skip

    def __init__(self, host: str, port: int, scheme: str, health: TargetHealth | None = None) -> None:
        self.host = host
        self.port = port
        self.health = health
        self.active = 0
        self.made: set[UpstreamConnection] = set()
        self._named = _is_name(host)
        name = f"[{host}]" if ":" in host else host
        self.authority = (name if _DEFAULT_PORTS.get(scheme) == port else f"{name}:{port}").encode()
        # What stands between method and path in a head for this target, and how its first line ends, and the second.
        self.line_start = b" "
        self.line_end = b" HTTP/1.1\r\nhost: " + self.authority
        self.idle: deque[UpstreamConnection] = deque()
        # Until when a connection that becomes idle now may be used. Reckoned anew by each sweep, not by each request.
        self.idle_until = 0.0
        self.receiver: Receiver | None = None

    def __repr__(self) -> str:
        return f"<Target {self.authority.decode()} [active {self.active} | idle {len(self.idle)}]>"

    @property
    def open(self) -> int:
        """Return how many connections there are."""
        return len(self.made)

    def through_proxy(self, credentials: bytes) -> None:
        """Make heads that a proxy understands: the absolute form (RFC 9112 section 3.2.2), and who asks it."""
        self.line_start = b" http://" + self.authority
        if credentials:
            self.line_end = b" HTTP/1.1\r\nproxy-authorization: " + credentials + b"\r\nhost: " + self.authority

    def double(self) -> TargetConnections:
        """Return another one for the same host, with connections and counts of its own."""
        made = type(self)(self.host, self.port, "")
        made.authority, made.line_start, made.line_end = self.authority, self.line_start, self.line_end
        return made

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

    def release(self, connection: UpstreamConnection) -> None:
        """Take a connection back whose answer has been read to the end."""
        if self.receiver is not None:
            self.receiver.take(connection)
            return
        # As in `keep`: a call of it would cost every request.
        connection.idle_until = self.idle_until
        self.idle.append(connection)

    def keep(self, connection: UpstreamConnection) -> None:
        """Make a connection an idle one."""
        connection.idle_until = self.idle_until
        self.idle.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        """Count a lost connection out, and take it out of the idle ones. Only an idle one is searched for."""
        self.made.discard(connection)
        if connection.idle_until and connection in self.idle:
            self.idle.remove(connection)
        if self.receiver is not None:
            self.receiver.gone()

    def close_expired(self, now: float) -> None:
        """Close what has been idle for too long: the oldest are on the left."""
        idle = self.idle
        while idle and idle[0].idle_until <= now:
            idle.popleft().transport.close()

    def leave_old_addresses(self, resolver: Resolver) -> None:
        """Ask no more on connections to addresses that the name of this target does not have any more."""
        # A connection that goes through a proxy has no address here.
        if not (self._named and any(each.address for each in self.made)):
            return
        addresses = resolver.addresses_now(self.host)
        if addresses:
            for connection in [each for each in self.made if each.address and each.address not in addresses]:
                connection.leave()

    def close(self) -> None:
        """Close idle connections now and the others when their exchange ends."""
        self.receiver = _CLOSED
        while self.idle:
            self.idle.pop().transport.close()


def _is_name(host: str) -> bool:
    try:
        return literal_address(host) is None
    except UpstreamError:
        return False
