"""All services of one worker: pools by the settings of their service, targets and health beyond them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from weakref import WeakValueDictionary

import msgspec

from gateway_runtime.clock import Clock, monotonic
from gateway_runtime.http.limits import Limits
from gateway_runtime.schema.document import Service, Target
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.upstream import Balance, ForwardProxy, ServiceTimeouts
from gateway_runtime.upstream.connecting import Connector, Surroundings
from gateway_runtime.upstream.health import HealthBook, HealthRow, Key
from gateway_runtime.upstream.platform import Platform
from gateway_runtime.upstream.pool import Pool
from gateway_runtime.upstream.proxy import Proxy
from gateway_runtime.upstream.resolving import Lookup, Resolver
from gateway_runtime.upstream.target import TargetConnections
from gateway_runtime.upstream.tls import INVALID, ServiceTls, plain_tls, service_tls

_encode = msgspec.msgpack.Encoder().encode


class PoolRegistry:
    """What outlives a revision: pools of services that have not changed, connections that another pool can use as well,
    and what is known of the health of targets. `kinds` are the pools of services that do not speak HTTP/1.1."""

    __slots__ = (
        "_clock",
        "_connectors",
        "_kinds",
        "_limits",
        "_pools",
        "_serving",
        "_surroundings",
        "_targets",
        "_uses",
        "health",
    )

    def __init__(
        self,
        limits: Limits | None = None,
        clock: Clock = monotonic,
        lookup: Lookup | None = None,
        kinds: Mapping[str, type[Pool]] | None = None,
    ) -> None:
        self._kinds = kinds or {}
        self._limits = limits or Limits()
        self._clock = clock
        self._surroundings = Surroundings(Resolver(lookup, clock))
        self._pools: dict[bytes, Pool] = {}
        # Those that were kept last.
        self._serving: set[Pool] = set()
        self._targets: dict[tuple[bytes, str, int], TargetConnections] = {}
        # How many pools ask a target.
        self._uses: Counter[TargetConnections] = Counter()
        self._connectors: WeakValueDictionary[bytes, Connector] = WeakValueDictionary()
        self.health = HealthBook(clock)

    def __len__(self) -> int:
        return len(self._pools)

    @property
    def surroundings(self) -> Surroundings:
        """What connections are made with: for what else the gateway asks by itself."""
        return self._surroundings

    @property
    def allow_private(self) -> bool:
        """Whether services may be at private addresses. Changing it ends every connection that was made before."""
        return self._surroundings.allow_private

    @allow_private.setter
    def allow_private(self, allow: bool) -> None:
        if allow != self.allow_private:
            self._surroundings.allow_private = allow
            self._renew()

    @property
    def proxy(self) -> Proxy | None:
        """What services are reached through. Changing it ends every connection that was made before."""
        return self._surroundings.proxy

    @proxy.setter
    def proxy(self, proxy: Proxy | None) -> None:
        if _settings(proxy) != _settings(self.proxy):
            self._surroundings.proxy = proxy
            self._renew()

    @property
    def platform(self) -> Platform:
        """What services may not be. Changing it ends every connection that was made before."""
        return self._surroundings.platform

    @platform.setter
    def platform(self, platform: Platform) -> None:
        if platform.addresses != self.platform.addresses:
            self._surroundings.platform = platform
            self._renew()

    @property
    def limits(self) -> Limits:
        """How long to wait. Changing it holds for all pools from the next connection on."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        for pool in self._pools.values():
            pool.limits = limits

    def get(self, service: Service, path: str = "service") -> Pool:
        """Return the pool of a service: the one there is while nothing about the service has changed.

        Raises `ConfigFault`; `path` is that of the service.
        """
        key = _encode(service)
        pool = self._pools.get(key)
        if pool is None:
            _check(service, path)
            connector = self._connector(service, path)
            pool = self._pools[key] = self._kind(service)(
                service, self._targets_of(service), connector, limits=self._limits, clock=self._clock
            )
            self._uses.update(pool.targets)
        return pool

    def _kind(self, service: Service) -> type[Pool]:
        return self._kinds.get(service.protocol, Pool)

    def _connector(self, service: Service, path: str) -> Connector:
        # The same for all services that speak the same: contexts are large.
        key = _connection_kind(msgspec.structs.replace(service, id=""))
        found = self._connectors.get(key)
        if found is None:
            found = self._connectors[key] = Connector(self._surroundings, _tls(service, path))
        return found

    def _targets_of(self, service: Service) -> list[TargetConnections]:
        kind = _connection_kind(service)
        return [self._target(service, target, kind) for target in service.targets]

    def _target(self, service: Service, target: Target, kind: bytes) -> TargetConnections:
        key = (kind, target.host, target.port)
        found = self._targets.get(key)
        if found is None:
            found = self._targets[key] = self._kind(service).target_type(target.host, target.port, service.scheme)
            found.idle_until = self._clock() + self._limits.upstream_idle_seconds
            proxy = self.proxy
            if proxy is not None and service.scheme == "http" and proxy.is_for(target.host):
                found.through_proxy(proxy.credentials)
        if _is_watched(service) and found.health is None:
            found.health = self.health.of(_health_key(service, target), service.name)
        return found

    def _renew(self) -> None:
        """Begin anew with every target: nothing that was connected before may be used again."""
        before, self._targets = self._targets, {}
        self._uses.clear()
        for pool in self._pools.values():
            pool.use(self._targets_of(pool.service))
            self._uses.update(pool.targets)
        for target in before.values():
            target.close()

    def retain(self, pools: Iterable[Pool]) -> None:
        """Keep these pools in service, and let go of what no one of them needs. What has not changed costs nothing."""
        kept = set(pools)
        gone = [(key, pool) for key, pool in self._pools.items() if pool not in kept]
        new = kept - self._serving
        self._serving = kept
        for key, pool in gone:
            del self._pools[key]
            pool.close()
            self._let_go(pool)
        if any(_is_watched(pool.service) for pool in (*new, *(pool for _, pool in gone))):
            self._retain_health([pool for pool in kept if _is_watched(pool.service)])
        for pool in new:
            pool.start()

    def _let_go(self, pool: Pool) -> None:
        """Close the targets of a pool that no other pool asks."""
        kind = _connection_kind(pool.service)
        for target in pool.targets:
            self._uses[target] -= 1
            if not self._uses[target]:
                del self._uses[target]
                del self._targets[kind, target.host, target.port]
                target.close()

    def _retain_health(self, watched: list[Pool]) -> None:
        """Forget the health of targets that nobody watches any more."""
        theirs = {target for pool in watched for target in pool.targets}
        for target in self._uses:
            if target.health is not None and target not in theirs:
                target.health = None
        known: set[Key] = set()
        checked: set[Key] = set()
        for pool in watched:
            keys = {_health_key(pool.service, target) for target in pool.service.targets}
            known |= keys
            if pool.service.health_check is not None:
                checked |= keys
        self.health.retain(known, checked)

    def sweep(self, now: float) -> None:
        """Close connections that have been idle for too long, and restore targets that were out long enough."""
        for pool in self._pools.values():
            pool.sweep(now)
        self.health.sweep(now)

    def take_health(self) -> list[HealthRow] | None:
        """Return the health of all targets where it has changed since the last time, else None."""
        if not self.health.changed:
            return None
        self.health.changed = False
        return self.health.rows()


def _check(service: Service, path: str) -> None:
    balance = service.balance
    if balance.policy == "consistent_hash" and balance.hash_on == "header" and not balance.header:
        text = "Name the header that decides which target a request goes to."
        raise ConfigFault(f"{path}.balance.header", "required", text)


def _tls(service: Service, path: str) -> ServiceTls | None:
    if service.scheme != "https":
        if service.tls is not None:
            raise ConfigFault(f"{path}.tls", INVALID, "TLS settings are for services with the scheme https.")
        return None
    if service.tls is None:
        return plain_tls(service.protocol)
    return service_tls(service.tls, f"{path}.tls", service.protocol)


def proxy_of(definition: ForwardProxy | None) -> Proxy | None:
    """Return the checked proxy of a document. Raises `ConfigFault`."""
    return None if definition is None else Proxy(definition)


def _settings(proxy: Proxy | None) -> ForwardProxy | None:
    return None if proxy is None else proxy.definition


def _is_watched(service: Service) -> bool:
    """Tell whether the health of its targets matters: where there is a choice, or somebody wants to know."""
    return len(service.targets) > 1 or service.health_check is not None or service.outliers is not None


def _health_key(service: Service, target: Target) -> Key:
    return service.id, target.host, target.port


def _connection_kind(service: Service) -> bytes:
    """Return what all connections of a service have in common: with the same, one can take another's place.

    What decides only who is asked is left out; a setting that is not named here counts.
    """
    return _encode(
        msgspec.structs.replace(
            service,
            name="",
            targets=[],
            balance=Balance(),
            health_check=None,
            outliers=None,
            circuit_breaker=None,
            retries=None,
            timeouts=ServiceTimeouts(),
        )
    )
