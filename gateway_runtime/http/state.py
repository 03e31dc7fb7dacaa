"""What all connections of one worker share."""

from __future__ import annotations

import asyncio
import os
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from gateway_runtime.clock import Clock, monotonic
from gateway_runtime.http.limits import Limits
from gateway_runtime.http.origin import TrustedProxies
from gateway_runtime.http.via import PSEUDONYM
from gateway_runtime.http2.pool import Http2Pool
from gateway_runtime.telemetry.refusals import Refusals
from gateway_runtime.telemetry.tracing import Tracer
from gateway_runtime.upstream.registry import PoolRegistry

if TYPE_CHECKING:
    from gateway_runtime.configuration.snapshot import Snapshot
    from gateway_runtime.http.protocol import ClientConnection
    from gateway_runtime.http.tunnel import Tunnel
    from gateway_runtime.http2.caller import CallerConnection
    from gateway_runtime.telemetry.access_log import AccessLogger


class TrafficRecorder(Protocol):
    """Counts one finished exchange."""

    def record(
        self,
        api_id: str,
        route_id: str,
        application: str,
        status: int,
        policy: str,
        code: str,
        bytes_in: int,
        bytes_out: int,
        latency_us: int,
        upstream_us: int,
    ) -> None: ...


@dataclass(slots=True, kw_only=True, eq=False)
class WorkerState:
    """One worker: the snapshot it serves, who it counts with, its connections and limits.

    `now` is the coarse clock for deadlines, turned by the sweeper; `clock` is exact. A request takes `snapshot` once.
    """

    recorder: TrafficRecorder
    snapshot: Snapshot | None = None
    refusals: Refusals = field(default_factory=Refusals)
    tracer: Tracer = field(default_factory=Tracer)
    # For requests that no API takes.
    access_log: AccessLogger | None = None
    draining: bool = False
    limits: Limits = field(default_factory=Limits)
    clock: Clock = monotonic
    pools: PoolRegistry = None  # type: ignore[assignment]
    connections: set[ClientConnection | CallerConnection] = field(default_factory=set)
    tunnels: set[Tunnel] = field(default_factory=set)
    # Open connections, those whose handshake is under way included, and how many of them come from each address.
    open: int = 0
    addresses: dict[str, int] = field(default_factory=dict)
    # Connections that were not let in by the reason, since last sent on.
    turned_away: Counter[str] = field(default_factory=Counter)
    # Whose word about the caller counts, and what this gateway calls itself in `Via`.
    proxies: TrustedProxies | None = None
    pseudonym: bytes = PSEUDONYM
    # Those of TLS by how they ended, since they were last sent on.
    handshakes: Counter[str] = field(default_factory=Counter)
    now: float = 0.0
    # When what a connection begins to wait for now has to have come, as of `now`.
    head_by: float = 0.0
    body_by: float = 0.0
    answer_by: float = 0.0
    stream_by: float = 0.0
    idle_by: float = 0.0
    # Transports that have been closed and may still have something to send, each with when it is cut.
    _leaving: deque[tuple[float, asyncio.Transport]] = field(default_factory=deque)
    sweeper: asyncio.Task[Any] | None = None
    # Gives an id that no other request has: this worker's random part and a number.
    new_request_id: Callable[[], bytes] = field(init=False)
    _prefix: bytes = field(default_factory=lambda: os.urandom(9).hex().encode() + b"-")

    def __post_init__(self) -> None:
        # All of it runs in C, without a frame of Python for each request.
        self.new_request_id = map((self._prefix + b"%x").__mod__, count()).__next__
        self.turn()
        if self.pools is None:
            self.pools = PoolRegistry(self.limits, self.clock, kinds={"http2": Http2Pool})

    def turn(self) -> None:
        """Turn the coarse clock. Deadlines are counted here, and not for each request that has one."""
        now = self.now = self.clock()
        limits = self.limits
        self.head_by = now + limits.header_seconds
        self.body_by = now + limits.body_seconds
        self.answer_by = now + limits.response_seconds
        self.stream_by = now + limits.stream_seconds
        self.idle_by = now + limits.keep_alive_seconds

    def reserve(self, address: str) -> bool:
        """Count one more connection from an address, if it may come.

        A trusted proxy brings the connections of many clients, so that their number says nothing about it.
        """
        limits = self.limits
        addresses = self.addresses
        if 0 < limits.connections <= self.open:
            self.turned_away["connections"] += 1
            return False
        count = addresses.get(address, 0)
        if 0 < limits.connections_per_address <= count and (self.proxies is None or address not in self.proxies):
            self.turned_away["connections_per_address"] += 1
            return False
        addresses[address] = count + 1
        self.open += 1
        return True

    def release(self, address: str) -> None:
        """Count one connection less."""
        self.open -= 1
        left = self.addresses[address] = self.addresses[address] - 1
        if not left:
            del self.addresses[address]

    def leave(self, transport: asyncio.Transport) -> None:
        """Let a closed transport send what it has, for a moment."""
        self._leaving.append((self.now + self.limits.linger_seconds, transport))

    def cut_late(self) -> None:
        """Cut the closed transports whose moment is over."""
        while self._leaving and self._leaving[0][0] <= self.now:
            self._leaving.popleft()[1].abort()
