"""The targets of one service: which one is asked, and how one gets a connection to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import choice
from typing import TYPE_CHECKING, ClassVar

from gateway_runtime.clock import Clock, monotonic
from gateway_runtime.http.limits import Limits
from gateway_runtime.schema.document import Service
from gateway_runtime.schema.upstream import Outliers
from gateway_runtime.upstream.balancing import balancer_of
from gateway_runtime.upstream.breaker import Breaker
from gateway_runtime.upstream.checking import HealthChecks
from gateway_runtime.upstream.connecting import Connector
from gateway_runtime.upstream.connection import UpstreamConnection
from gateway_runtime.upstream.errors import UpstreamError
from gateway_runtime.upstream.target import TargetConnections
from gateway_runtime.upstream.watching import Watch

if TYPE_CHECKING:
    from gateway_runtime.http.exchange import Exchange

# How many targets one request tries to connect to where nothing else is set.
CONNECT_ATTEMPTS = 3
_CONNECT_FAILURES_COUNT = Outliers()


class Pool:
    """One service as requests see it.

    `choose` is what the settings of the service make it: in the plain case the balancer's own method. `watch` is there
    where answers are looked at. Pools of two revisions share the targets that are the same in both.
    """

    __slots__ = ("__weakref__", "_attempts", "_balancer", "_breaker", "_checks", "_clock", "_connector", "_outliers",
                 "choose", "limits", "service", "targets", "watch")  # fmt: skip

    target_type: ClassVar[type[TargetConnections]] = TargetConnections
    choose: Callable[..., TargetConnections]

    def __init__(
        self,
        service: Service,
        targets: Sequence[TargetConnections],
        connector: Connector,
        *,
        limits: Limits | None = None,
        clock: Clock = monotonic,
    ) -> None:
        self.service = service
        self.limits = limits or Limits()
        self._clock = clock
        self._connector = connector
        self._outliers = service.outliers or _CONNECT_FAILURES_COUNT
        retries, breaker = service.retries, service.circuit_breaker
        self._attempts = CONNECT_ATTEMPTS if retries is None else retries.attempts if retries.enabled else 1
        watched = retries or service.outliers or (breaker and breaker.max_retries is not None)
        self.watch = Watch(self, retries, service.outliers, breaker, clock) if watched else None
        self.targets: tuple[TargetConnections, ...] = ()
        self._checks: HealthChecks | None = None
        self.use(targets)

    def __repr__(self) -> str:
        idle = sum(len(target.idle) for target in self.targets)
        return f"<Pool {self.service.id} [active {self.active} | idle {idle}]>"

    @property
    def active(self) -> int:
        """Return the number of requests under way."""
        return sum(target.active for target in self.targets)

    def use(self, targets: Sequence[TargetConnections]) -> None:
        """Ask these targets from now on, in the order of the service."""
        checked = self._checks is not None
        self.close()
        self.targets = tuple(targets)
        weights = [target.weight for target in self.service.targets]
        self._balancer = balancer_of(self.targets, weights, self.service.balance)
        limits = self.service.circuit_breaker
        self._breaker = Breaker(limits, self._balancer, self.targets, self._clock) if limits else None
        self.choose = (self._breaker or self._balancer).choose
        for target in self.targets:
            if target.health is not None:
                target.health.watchers.append(self._health_changed)
        if any(target.health is not None and target.health.down for target in self.targets):
            self._health_changed()
        if checked:
            self.start()

    def make_connection(self, target: TargetConnections) -> UpstreamConnection:
        """Return what speaks to a target: here it is decided which protocol that is."""
        return UpstreamConnection(target)

    # Connecting

    async def connect(self, first: TargetConnections) -> UpstreamConnection:
        """Return a connection, to another target where `first` cannot be reached. Raises `UpstreamError`."""
        breaker = self._breaker
        if breaker is None:
            return await self._connect_to_any(first)
        free = await breaker.enter(first)
        if free is not None:
            return free
        try:
            return await self._connect_to_any(first)
        finally:
            breaker.leave()

    async def _connect_to_any(self, first: TargetConnections) -> UpstreamConnection:
        failure: UpstreamError | None = None
        watch = None if self.service.retries is None else self.watch
        for number, target in enumerate(self._to_try(first)):
            if number and watch is not None and not watch.may_retry("connect", number):
                break
            try:
                connection = await self.open(target)
            except UpstreamError as error:
                self._connect_failed(target, error.response.code)
                # The first target was the one asked for: its failure says most.
                failure = failure or error
            else:
                self._reached(target)
                return connection
        assert failure is not None
        raise failure

    def _to_try(self, first: TargetConnections) -> Iterator[TargetConnections]:
        """Yield the targets to connect to: those that are passed over come last."""
        yield first
        others = [target for target in self.targets if target is not first]
        others.sort(key=lambda target: target.health is not None and target.health.down)
        yield from others[: self._attempts - 1]

    async def open(self, target: TargetConnections) -> UpstreamConnection:
        """Return a new connection to this target and no other. Raises `UpstreamError`."""
        seconds = self.service.timeouts.connect_seconds or self.limits.connect_seconds
        return await self._connector.connect(target, seconds, self.make_connection)

    # Trying again

    def may_repeat(self, reason: str, tries: int) -> bool:
        """Tell whether a request that could be repeated may be, after so many tries.

        `stale`: a kept connection was closed just when it was used, which every service may do at any time.
        """
        if reason == "stale":
            return tries == 1 and self._attempts > 1
        return self.watch is not None and self.watch.may_retry(reason, tries)

    def another(self, exchange: Exchange, failed: TargetConnections | None) -> TargetConnections:
        """Return the target for one more try: not the one that failed, where that can be. Raises `UpstreamError`."""
        target: TargetConnections = self.choose(exchange)
        if target is not failed:
            return target
        others = [each for each in self.targets if each is not failed and not (each.health and each.health.down)]
        return choice(others) if others else target  # noqa: S311 - no secret

    # Health

    def _health_changed(self) -> None:
        """Choose among the targets that are not down; among all where there is no other."""
        usable = [target for target in self.targets if target.health is None or not target.health.down]
        self._balancer.use(usable or self.targets)

    def failed(self, target: TargetConnections, reason: str) -> None:
        """Count a request that failed at a target."""
        health, settings = target.health, self._outliers
        if health is not None and self.service.outliers and health.failed(settings.consecutive_failures):
            self._eject(target, reason)

    def timed_out(self, target: TargetConnections) -> None:
        """Count an answer that has not come."""
        self.failed(target, "timeout")

    def _connect_failed(self, target: TargetConnections, reason: str) -> None:
        health = target.health
        if health is not None and health.connect_failed(self._outliers.consecutive_connect_failures):
            self._eject(target, reason)

    def _reached(self, target: TargetConnections) -> None:
        health = target.health
        if health is not None:
            health.connect_failures = 0
            if self.service.outliers is None:
                health.on_trial = False

    def _eject(self, target: TargetConnections, reason: str) -> None:
        """Pass a target over, unless too many are out already or there is no other."""
        health, most = target.health, self._outliers.max_ejected_percent
        assert health is not None
        out = sum(1 for each in self.targets if each.health is not None and each.health.ejected_until)
        if health.ejected_until or len(self.targets) < 2 or not most:
            return
        if not out or (out + 1) * 100 <= most * len(self.targets):
            health.eject(self._outliers, reason)

    # Life

    def start(self) -> None:
        """Begin to check the targets, where that is asked for. The pool is in service now."""
        settings = self.service.health_check
        if settings is not None and self._checks is None:
            self._checks = HealthChecks(self, settings, self._connector.surroundings.checks)

    def sweep(self, now: float) -> None:
        """Close connections that have been idle for too long, and say how long those that become idle now may be.

        Those whose target has moved go, too.
        """
        seconds = self.service.timeouts.connection_idle_seconds or self.limits.upstream_idle_seconds
        resolver = self._connector.surroundings.resolver
        for target in self.targets:
            target.idle_until = now + seconds
            if target.made:
                # Of ten thousand services most have no connection at the moment.
                target.close_expired(now)
                target.leave_old_addresses(resolver)

    def close(self) -> None:
        """Let go of everything but the targets, which other pools may have as well."""
        if self._checks is not None:
            self._checks.stop()
            self._checks = None
        for target in self.targets:
            if target.health is not None and self._health_changed in target.health.watchers:
                target.health.watchers.remove(self._health_changed)
