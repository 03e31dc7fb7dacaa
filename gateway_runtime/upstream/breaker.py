"""The ceilings of one service: connections, requests, and requests that wait for a connection."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from gateway_runtime.clock import Clock
from gateway_runtime.schema.upstream import CircuitBreaker
from gateway_runtime.upstream.errors import CIRCUIT_OPEN, UpstreamError

if TYPE_CHECKING:
    from gateway_runtime.http.exchange import Exchange
    from gateway_runtime.upstream.balancing import Balancer
    from gateway_runtime.upstream.connection import UpstreamConnection
    from gateway_runtime.upstream.target import TargetConnections

DEFAULT_PENDING = 1024
# A free connection wakes who waits. Looking by oneself as well makes up for one that was lost to another revision.
_LOOK_SECONDS = 0.25

Waiter = asyncio.Future["UpstreamConnection | None"]


class Breaker:
    """Counts for one pool, in front of its balancer."""

    __slots__ = ("_balancer", "_clock", "_connecting", "_limits", "_most_pending", "_targets", "_waiting")

    def __init__(
        self, limits: CircuitBreaker, balancer: Balancer, targets: tuple[TargetConnections, ...], clock: Clock
    ) -> None:
        self._limits = limits
        self._balancer = balancer
        self._targets = targets
        self._clock = clock
        self._connecting = 0
        self._waiting: deque[Waiter] = deque()
        pending = limits.max_pending_requests
        self._most_pending = DEFAULT_PENDING if pending is None else pending

    def choose(self, exchange: Exchange | None = None) -> TargetConnections:
        """Return the target to ask. Raises `UpstreamError` when as many requests as may be are under way."""
        self._check_requests()
        return self._balancer.choose(exchange)

    def _check_requests(self) -> None:
        most = self._limits.max_requests
        if most is not None and most <= (
            sum(target.active for target in self._targets) + self._connecting + len(self._waiting)
        ):
            raise UpstreamError(CIRCUIT_OPEN)

    async def enter(self, target: TargetConnections) -> UpstreamConnection | None:
        """Return a connection that has become free, or None when one may be made; then `leave` has to follow.

        Raises `UpstreamError` when nobody else may wait.
        """
        # Again, because many may have been let in since the loop came round here.
        self._check_requests()
        if self._has_room():
            self._connecting += 1
            return None
        if (idle := self._any_idle(target)) is not None:
            return idle
        if len(self._waiting) >= self._most_pending:
            raise UpstreamError(CIRCUIT_OPEN)
        return await self._wait(target)

    def leave(self) -> None:
        """An attempt to connect has ended, well or not."""
        self._connecting -= 1
        self.gone()

    async def _wait(self, target: TargetConnections) -> UpstreamConnection | None:
        waiter: Waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            while True:
                for each in self._targets:
                    each.receiver = each.receiver or self
                await asyncio.wait((waiter,), timeout=_LOOK_SECONDS)
                if waiter.done():
                    connection = waiter.result()
                    if connection is None or not connection.transport.is_closing():
                        return connection
                    # Closed by the service just as it became free. The next one is for who has waited longest.
                    waiter = asyncio.get_running_loop().create_future()
                    self._waiting.appendleft(waiter)
                if (idle := self._any_idle(target)) is not None:
                    return idle
                if self._has_room():
                    self._connecting += 1
                    return None
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            if not self._waiting:
                for each in self._targets:
                    if each.receiver is self:
                        each.receiver = None

    def _has_room(self) -> bool:
        most = self._limits.max_connections
        return most is None or sum(target.open for target in self._targets) + self._connecting < most

    def _any_idle(self, first: TargetConnections) -> UpstreamConnection | None:
        """Return an idle connection, of another target where need be: it occupies a place that this request needs."""
        now = self._clock()
        for target in (first, *(each for each in self._targets if each is not first)):
            if (connection := target.acquire(now)) is not None:
                return connection
        return None

    # As the receiver of the targets, while somebody waits

    def take(self, connection: UpstreamConnection) -> None:
        """Give a connection to who has waited longest."""
        if self._waiting:
            self._waiting.popleft().set_result(connection)
        else:
            connection.target.keep(connection)

    def gone(self) -> None:
        """Give the place of a connection that has gone to who has waited longest."""
        if self._waiting and self._has_room():
            # Taken at once, or somebody who comes only now would get it.
            self._connecting += 1
            self._waiting.popleft().set_result(None)
