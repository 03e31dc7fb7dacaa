"""Which target is asked, which connection is used, and what outlives a revision."""

import gc
from weakref import ref

import pytest
from msgspec import structs

from gateway_runtime.schema.document import CircuitBreaker, Outliers, Retries, Service, Target
from gateway_runtime.schema.platform import PlatformAddress
from gateway_runtime.upstream.balancing import rotation_of
from gateway_runtime.upstream.errors import UpstreamError
from gateway_runtime.upstream.platform import Platform
from gateway_runtime.upstream.pool import Pool
from gateway_runtime.upstream.registry import PoolRegistry
from tests.gateway_runtime.fakes import OK, FakeClock, FakeGateway, FakeUpstream, get


def service(*hosts: str, id: str = "s") -> Service:
    return Service(id=id, name="s", targets=[Target(host=host, port=9000) for host in hosts])


def pool_of(clock: FakeClock, *hosts: str) -> Pool:
    return PoolRegistry(clock=clock).get(service(*hosts))


@pytest.mark.parametrize(
    ("weights", "order"),
    [([100], (0,)), ([100, 100], (0, 1)), ([300, 100], (0, 0, 1, 0)), ([0, 5], (1,)), ([0, 0], (0, 1)), ([], ())],
)
def test_targets_take_turns_by_weight(weights: list[int], order: tuple[int, ...]) -> None:
    assert rotation_of(weights) == order


def test_odd_weights_do_not_make_a_long_rotation() -> None:
    rotation = rotation_of([999_983, 1])
    assert len(rotation) <= 1002
    assert rotation.count(1) == 1


def test_a_pool_without_targets_says_so() -> None:
    with pytest.raises(UpstreamError) as caught:
        pool_of(FakeClock()).choose()
    assert caught.value.response.status == 503


def test_the_connection_used_last_is_used_next() -> None:
    clock = FakeClock()
    pool = pool_of(clock, "a")
    first, second = FakeUpstream(pool), FakeUpstream(pool)
    target = pool.choose()
    assert target.acquire(clock()) is second.connection
    assert target.acquire(clock()) is first.connection
    assert target.acquire(clock()) is None


def test_old_and_closed_connections_are_not_used() -> None:
    clock = FakeClock()
    pool = pool_of(clock, "a")
    old = FakeUpstream(pool)
    clock.advance(61)
    closed = FakeUpstream(pool)
    closed.transport.closed = True
    assert pool.choose().acquire(clock()) is None
    assert old.transport.closed


def test_a_lost_idle_connection_is_forgotten() -> None:
    pool = pool_of(FakeClock(), "a")
    FakeUpstream(pool).go()
    assert repr(pool) == "<Pool s [active 0 | idle 0]>"


def test_a_connection_that_is_to_leave_serves_to_the_end_and_is_closed() -> None:
    gateway = FakeGateway()
    idle, busy = gateway.upstream(), gateway.upstream()
    client = gateway.client()
    client.send(get())
    for each in (idle, busy):
        each.connection.leave()
    assert (idle.transport.closed, busy.transport.closed) == (True, False)
    busy.answer(OK)
    assert client.take().startswith(b"HTTP/1.1 200")
    assert busy.transport.closed


@pytest.mark.parametrize(
    ("host", "port", "scheme", "authority"),
    [
        ("a", 80, "http", b"a"),
        ("a", 443, "https", b"a"),
        ("a", 443, "http", b"a:443"),
        ("::1", 9000, "http", b"[::1]:9000"),
    ],
)
def test_the_host_header_leaves_the_default_port_out(host: str, port: int, scheme: str, authority: bytes) -> None:
    made = Service(id="s", name="s", scheme=scheme, targets=[Target(host=host, port=port)])
    assert PoolRegistry().get(made).targets[0].authority == authority


def test_a_pool_lives_as_long_as_its_service_is_the_same() -> None:
    registry = PoolRegistry()
    pool = registry.get(service("a"))
    assert registry.get(service("a")) is pool
    changed = registry.get(service("b"))
    assert changed is not pool
    idle = FakeUpstream(pool)
    registry.retain({changed})
    assert idle.transport.closed
    assert len(registry) == 1
    late = FakeUpstream(pool)
    assert late.transport.closed


def test_forbidding_private_addresses_holds_for_pools_that_exist() -> None:
    registry = PoolRegistry()
    registry.allow_private = True
    pool = registry.get(service("a"))
    idle = FakeUpstream(pool)
    in_use = FakeUpstream(pool)
    assert pool.targets[0].acquire(0) is in_use.connection
    registry.allow_private = False
    assert not registry.allow_private
    assert idle.transport.closed
    in_use.connection.target.release(in_use.connection)
    assert in_use.transport.closed
    assert pool.choose().acquire(0) is None


def test_a_platform_that_moves_holds_for_connections_that_exist() -> None:
    registry = PoolRegistry()
    pool = registry.get(service("a"))
    idle = FakeUpstream(pool)
    registry.platform = Platform([])
    assert not idle.transport.closed
    registry.platform = Platform([PlatformAddress(host="a", port=9000)])
    assert idle.transport.closed


def test_a_pool_that_is_replaced_goes_without_the_collector() -> None:
    """There is one for each service of each revision, and the collector is told to leave most of them alone."""
    registry = PoolRegistry()
    settings = {"outliers": Outliers(), "retries": Retries(), "circuit_breaker": CircuitBreaker(max_connections=1)}
    gc.disable()
    try:
        for made in (service("a"), service("a", "b"), structs.replace(service("a", "b"), **settings)):
            gone = ref(registry.get(made))
            registry.retain({registry.get(made)})
            assert gone() is not None
            registry.retain({registry.get(service("c"))})
            assert gone() is None, made
    finally:
        gc.enable()
