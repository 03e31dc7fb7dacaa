"""The targets of one service and their connections, kept from revision to revision while the service is the same."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import count
from math import gcd

import msgspec

from gateway_runtime.clock import Clock, monotonic
from gateway_runtime.http.limits import Limits
from gateway_runtime.schema.document import Service, Target
from gateway_runtime.upstream.addresses import resolve
from gateway_runtime.upstream.connection import UpstreamConnection
from gateway_runtime.upstream.errors import CONNECT_TIMEOUT, NO_TARGET, UpstreamError, connect_failure
from gateway_runtime.upstream.target import TargetConnections

_ROTATION_LIMIT = 1000


@cache
def _verified_context(alpn: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols([alpn])
    return context


def rotation_of(weights: Sequence[int]) -> tuple[int, ...]:
    """Return the order in which targets take turns: each as often as its weight says, spread out evenly."""
    weights = [max(weight, 0) for weight in weights]
    divisor = gcd(*weights) if weights else 0
    if not divisor:
        return tuple(range(len(weights)))
    shares = [weight // divisor for weight in weights]
    total = sum(shares)
    if total > _ROTATION_LIMIT:
        shares = [-(-share * _ROTATION_LIMIT // total) if share else 0 for share in shares]
        total = sum(shares)
    credit = [0] * len(shares)
    order = []
    for _ in range(total):
        credit = [have + share for have, share in zip(credit, shares, strict=True)]
        chosen = credit.index(max(credit))
        credit[chosen] -= total
        order.append(chosen)
    return tuple(order)


class Pool:
    """One service: its targets in turn, and the connections to each."""

    __slots__ = ("_closed", "_idle_until", "_rotation", "_turns", "active", "allow_private", "limits", "scheme",
                 "service_id", "targets")  # fmt: skip

    # What another protocol does in its own way.
    target_type = TargetConnections
    connection_type = UpstreamConnection
    alpn = "http/1.1"

    def __init__(
        self,
        service_id: str,
        targets: Sequence[Target],
        scheme: str = "http",
        *,
        allow_private: bool = False,
        limits: Limits | None = None,
        clock: Clock = monotonic,
    ) -> None:
        self.service_id = service_id
        self.scheme = scheme
        self.allow_private = allow_private
        self.targets = tuple(self.target_type(target.host, target.port, scheme) for target in targets)
        self.active = 0
        self._rotation = tuple(self.targets[index] for index in rotation_of([target.weight for target in targets]))
        self._turns = count()
        self.limits = limits or Limits()
        # Until when a connection that becomes idle now may be used. Reckoned anew by each sweep, not by each request.
        self._idle_until = clock() + self.limits.upstream_idle_seconds
        self._closed = False

    def __repr__(self) -> str:
        idle = sum(len(target.idle) for target in self.targets)
        return f"<Pool {self.service_id} [active {self.active} | idle {idle}]>"

    def choose(self) -> TargetConnections:
        """Return the target whose turn it is. Raises `UpstreamError` when there is none."""
        rotation = self._rotation
        if len(rotation) == 1:
            return rotation[0]
        if not rotation:
            raise UpstreamError(NO_TARGET)
        return rotation[next(self._turns) % len(rotation)]

    def release(self, connection: UpstreamConnection) -> None:
        """Take a connection back whose answer has been read to the end."""
        if self._closed:
            connection.transport.close()
            return
        connection.idle_until = self._idle_until
        connection.target.idle.append(connection)

    async def connect(self, first: TargetConnections) -> UpstreamConnection:
        """Return a new connection, to another target where `first` cannot be reached. Raises `UpstreamError`."""
        failure: UpstreamError | None = None
        for target in (first, *(target for target in self.targets if target is not first)):
            try:
                return await self._connect(target)
            except UpstreamError as error:
                # The first target was the one asked for: its failure says most.
                failure = failure or error
        assert failure is not None
        raise failure

    async def _connect(self, target: TargetConnections) -> UpstreamConnection:
        try:
            async with asyncio.timeout(self.limits.connect_seconds):
                addresses = await resolve(target.host, target.port, allow_private=self.allow_private)
                return await self._connect_to_any(target, addresses)
        except TimeoutError as error:
            raise UpstreamError(CONNECT_TIMEOUT) from error
        except OSError as error:
            raise UpstreamError(connect_failure(error)) from error

    async def _connect_to_any(self, target: TargetConnections, addresses: list[str]) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        failure: OSError | None = None
        secure = self.scheme == "https"
        for address in addresses:
            try:
                _, connection = await loop.create_connection(
                    lambda: self.connection_type(self, target),
                    address,
                    target.port,
                    ssl=_verified_context(self.alpn) if secure else None,
                    server_hostname=target.host if secure else None,
                )
            except OSError as error:
                failure = failure or error
            else:
                return connection
        assert failure is not None
        raise failure

    def close_expired(self, now: float) -> None:
        """Close connections that have been idle for too long."""
        self._idle_until = now + self.limits.upstream_idle_seconds
        for target in self.targets:
            target.close_expired(now)

    def close_idle(self) -> None:
        """Close every idle connection; those in use stay."""
        for target in self.targets:
            target.close_idle()

    def close(self) -> None:
        """Close idle connections now and the others when their exchange ends."""
        self._closed = True
        self.close_idle()


class PoolRegistry:
    """The pools of a worker by the digest of their service. `kinds` are those that do not speak HTTP/1.1."""

    __slots__ = ("_allow_private", "_clock", "_kinds", "_limits", "_pools")

    def __init__(
        self, limits: Limits | None = None, clock: Clock = monotonic, kinds: Mapping[str, type[Pool]] | None = None
    ) -> None:
        self._kinds = kinds or {}
        self._limits = limits or Limits()
        self._clock = clock
        self._pools: dict[bytes, Pool] = {}
        self._allow_private = False

    def __len__(self) -> int:
        return len(self._pools)

    @property
    def allow_private(self) -> bool:
        """Whether services may be at private addresses. Changing it holds for all pools from the next connection on."""
        return self._allow_private

    @allow_private.setter
    def allow_private(self, allow: bool) -> None:
        if allow != self._allow_private:
            self._allow_private = allow
            for pool in self._pools.values():
                pool.allow_private = allow
                pool.close_idle()

    @property
    def limits(self) -> Limits:
        """How long to wait. Changing it holds for all pools from the next connection on."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        for pool in self._pools.values():
            pool.limits = limits

    def get(self, service: Service) -> Pool:
        """Return the pool of a service: the one there is while nothing about the service has changed."""
        key = msgspec.msgpack.encode(service)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = self._kinds.get(service.protocol, Pool)(
                service.id,
                service.targets,
                service.scheme,
                allow_private=self._allow_private,
                limits=self._limits,
                clock=self._clock,
            )
        return pool

    def retain(self, pools: Iterable[Pool]) -> None:
        """Close every pool that is not one of these."""
        kept = set(pools)
        for key, pool in list(self._pools.items()):
            if pool not in kept:
                del self._pools[key]
                pool.close()

    def close_expired(self, now: float) -> None:
        """Close connections that have been idle for too long."""
        for pool in self._pools.values():
            pool.close_expired(now)
