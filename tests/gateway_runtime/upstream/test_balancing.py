"""Which target is asked: in turn, by what is under way, or by who asks."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from gateway_runtime.schema.document import Balance, Service, Target
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.upstream.balancing import Balancer, balancer_of
from gateway_runtime.upstream.errors import UpstreamError
from gateway_runtime.upstream.registry import PoolRegistry
from gateway_runtime.upstream.target import TargetConnections

POLICIES = ["round_robin", "least_active", "consistent_hash"]


def targets(many: int) -> list[TargetConnections]:
    return [TargetConnections(f"10.0.0.{number}", 9000, "http") for number in range(many)]


def caller(peer: str = "203.0.113.1", path: bytes = b"/", headers: Any = ()) -> Any:
    request = SimpleNamespace(path=path, headers=lambda: list(headers))
    return SimpleNamespace(client=SimpleNamespace(peer=peer), request=request)


def by_hash(many: int = 5, **settings: Any) -> tuple[Balancer, list[TargetConnections]]:
    found = targets(many)
    return balancer_of(found, [100] * many, Balance(policy="consistent_hash", **settings)), found


@pytest.mark.parametrize("policy", POLICIES)
def test_without_targets_every_policy_says_so(policy: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        balancer_of([], [], Balance(policy=policy)).choose(caller())
    assert caught.value.response.status == 503


@pytest.mark.parametrize("policy", POLICIES)
def test_only_the_usable_targets_are_asked(policy: Any) -> None:
    found = targets(3)
    balancer = balancer_of(found, [100] * 3, Balance(policy=policy))
    balancer.use(found[1:2])
    assert {balancer.choose(caller(f"10.1.1.{n}")) for n in range(50)} == {found[1]}
    balancer.use(found)
    assert len({balancer.choose(caller(f"10.1.1.{n}")) for n in range(200)}) == 3 or policy == "least_active"


@pytest.mark.parametrize("policy", POLICIES)
def test_a_target_without_weight_is_asked_only_when_there_is_no_other(policy: Any) -> None:
    found = targets(2)
    balancer = balancer_of(found, [0, 100], Balance(policy=policy))
    assert {balancer.choose(caller(f"10.1.1.{n}")) for n in range(50)} == {found[1]}
    balancer.use(found[:1])
    assert balancer.choose(caller()) is found[0]


def test_the_one_with_the_least_under_way_is_asked() -> None:
    found = targets(3)
    balancer = balancer_of(found, [100] * 3, Balance(policy="least_active"))
    found[0].active, found[1].active, found[2].active = 4, 2, 3
    assert [balancer.choose() for _ in range(6)] == [found[1]] * 6


def test_equals_take_turns() -> None:
    found = targets(3)
    balancer = balancer_of(found, [100] * 3, Balance(policy="least_active"))
    assert Counter(balancer.choose() for _ in range(9)) == dict.fromkeys(found, 3)


def test_who_has_twice_the_weight_has_twice_as_much_under_way() -> None:
    found = targets(2)
    balancer = balancer_of(found, [200, 100], Balance(policy="least_active"))
    for _ in range(30):
        balancer.choose().active += 1
    assert [target.active for target in found] == [20, 10]


def test_a_caller_keeps_its_target_in_every_worker() -> None:
    first, there = by_hash()
    second, here = by_hash()
    for number in range(200):
        peer = f"198.51.100.{number}"
        assert there.index(first.choose(caller(peer))) == here.index(second.choose(caller(peer)))


def test_callers_are_shared_out_about_evenly() -> None:
    balancer, found = by_hash(5)
    counted = Counter(balancer.choose(caller(f"10.{n % 250}.{n // 250}.7")) for n in range(5000))
    assert all(600 < counted[target] < 1500 for target in found), counted


def test_when_a_target_goes_only_its_callers_move() -> None:
    balancer, found = by_hash(5)
    peers = [f"10.{n % 250}.{n // 250}.7" for n in range(2000)]
    before = {peer: balancer.choose(caller(peer)) for peer in peers}
    balancer.use(found[1:])
    for peer in peers:
        assert balancer.choose(caller(peer)) is before[peer] or before[peer] is found[0]
    balancer.use(found)
    assert {peer: balancer.choose(caller(peer)) for peer in peers} == before


def test_the_header_decides_and_nothing_else() -> None:
    balancer, _ = by_hash(hash_on="header", header="X-Tenant")
    chosen = {
        balancer.choose(caller(f"10.0.0.{n}", b"/%d" % n, [(b"x-tenant", b"blue"), (b"x-other", b"%d" % n)]))
        for n in range(40)
    }
    assert len(chosen) == 1
    tenants = {balancer.choose(caller(headers=[(b"x-tenant", b"%d" % n)])) for n in range(200)}
    assert len(tenants) == 5


def test_the_path_decides_and_nothing_else() -> None:
    balancer, _ = by_hash(hash_on="path")
    assert len({balancer.choose(caller(f"10.0.0.{n}", b"/a")) for n in range(40)}) == 1
    assert len({balancer.choose(caller(path=b"/%d" % n)) for n in range(200)}) == 5


def test_hashing_on_a_header_needs_its_name() -> None:
    service = Service(
        id="s",
        name="s",
        targets=[Target(host="a", port=1)],
        balance=Balance(policy="consistent_hash", hash_on="header"),
    )
    with pytest.raises(ConfigFault) as caught:
        PoolRegistry().get(service, "services[0]")
    assert caught.value.path == "services[0].balance.header"
