"""Who is passed over, for how long, and what is remembered when the configuration changes."""

from typing import Any

import pytest
from msgspec import structs

from gateway_runtime.schema.document import (
    Balance,
    Document,
    ForwardProxy,
    HealthCheck,
    Outliers,
    Retries,
    Service,
    Target,
    UpstreamTls,
)
from gateway_runtime.upstream.errors import REFUSED, UpstreamError
from gateway_runtime.upstream.pool import Pool
from gateway_runtime.upstream.registry import PoolRegistry
from tests.gateway_runtime.fakes import FakeClock, FakeUpstream

OUTLIERS = Outliers(consecutive_failures=3, base_seconds=10, max_seconds=35)


def service(many: int = 2, **more: Any) -> Service:
    more.setdefault("outliers", OUTLIERS)
    found = [Target(host=f"10.0.0.{number}", port=9000) for number in range(1, many + 1)]
    return Service(id="s", name="orders", targets=found, **more)


class Kit:
    """A registry with one pool in service."""

    def __init__(self, made: Service | None = None) -> None:
        self.clock = FakeClock()
        self.registry = PoolRegistry(clock=self.clock)
        self.registry.allow_private = True
        self.pool = self.serve(made or service())

    def serve(self, made: Service) -> Pool:
        """Bring a service into service, as a new revision does."""
        self.pool = self.registry.get(made)
        self.registry.retain({self.pool})
        return self.pool

    def fail(self, times: int, target: int = 0) -> None:
        for _ in range(times):
            self.pool.failed(self.pool.targets[target], "upstream_reset")

    def asked(self) -> set[int]:
        """Return which targets are asked, by their place."""
        return {self.pool.targets.index(self.pool.choose()) for _ in range(20)}

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.registry.sweep(self.clock())


def test_a_target_that_fails_in_a_row_is_passed_over() -> None:
    kit = Kit()
    kit.fail(2)
    assert kit.asked() == {0, 1}
    kit.fail(1)
    assert kit.asked() == {1}


def test_an_answer_between_failures_begins_the_count_anew() -> None:
    kit = Kit()
    kit.fail(2)
    assert kit.pool.watch is not None
    kit.pool.watch.answered(kit.pool.targets[0], 200)
    kit.fail(2)
    assert kit.asked() == {0, 1}


@pytest.mark.parametrize(("status", "counts"), [(200, False), (404, False), (500, False), (502, True), (503, True)])
def test_only_the_named_statuses_count(status: int, counts: bool) -> None:
    kit = Kit()
    assert kit.pool.watch is not None
    for _ in range(3):
        kit.pool.watch.answered(kit.pool.targets[0], status)
    assert kit.asked() == ({1} if counts else {0, 1})


def test_it_comes_back_and_one_failure_more_puts_it_out_for_longer() -> None:
    kit = Kit()
    kit.fail(3)
    for seconds in (10, 20, 35, 35):
        kit.pass_time(seconds - 1)
        assert kit.asked() == {1}
        kit.pass_time(1)
        assert kit.asked() == {0, 1}
        kit.fail(1)


def test_after_a_good_time_a_story_begins_anew() -> None:
    kit = Kit()
    kit.fail(3)
    kit.pass_time(10)
    assert kit.pool.watch is not None
    kit.pool.watch.answered(kit.pool.targets[0], 200)
    kit.fail(2)
    assert kit.asked() == {0, 1}, "an answer has ended its trial"
    kit.pass_time(11)
    kit.fail(1)
    kit.pass_time(10)
    assert kit.asked() == {0, 1}, "the time it is out begins with the shortest again"


def test_no_more_than_the_share_is_passed_over() -> None:
    kit = Kit(service(4))
    for target in range(4):
        kit.fail(3, target)
    assert kit.asked() == {2, 3}


def test_one_may_always_be_passed_over_but_never_the_only_one() -> None:
    kit = Kit(service(3, outliers=structs.replace(OUTLIERS, max_ejected_percent=1)))
    kit.fail(3, 0)
    kit.fail(3, 1)
    assert kit.asked() == {1, 2}
    alone = Kit(service(1))
    alone.fail(10)
    assert alone.asked() == {0}


def test_a_share_of_nothing_switches_it_off() -> None:
    kit = Kit(service(outliers=structs.replace(OUTLIERS, max_ejected_percent=0)))
    kit.fail(10)
    assert kit.asked() == {0, 1}


def test_without_settings_only_connections_that_cannot_be_had_count(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = Kit(service(outliers=None))
    assert kit.pool.watch is None
    kit.fail(100)
    assert kit.asked() == {0, 1}
    connect(kit, monkeypatch, broken={0})
    assert kit.asked() == {1}
    kit.pass_time(5)
    assert kit.asked() == {0, 1}


def connect(kit: Kit, monkeypatch: pytest.MonkeyPatch, *, broken: set[int], first: int = 0) -> list[int]:
    """Connect once. Return which targets have been tried."""
    tried: list[int] = []

    async def open(self: Pool, target: Any) -> Any:
        place = self.targets.index(target)
        tried.append(place)
        if place in broken:
            raise UpstreamError(REFUSED)
        return FakeUpstream(self, place, idle=False).connection

    monkeypatch.setattr(Pool, "open", open)
    coroutine = kit.pool.connect(kit.pool.targets[first])
    with pytest.raises((StopIteration, UpstreamError)):
        coroutine.send(None)
    return tried


def test_a_target_that_cannot_be_reached_gives_way_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    assert connect(Kit(service(3)), monkeypatch, broken={0}) == [0, 1]


def test_those_that_are_passed_over_are_tried_last(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = Kit(service(3))
    kit.fail(3, 1)
    assert connect(kit, monkeypatch, broken={0}) == [0, 2]


def test_not_every_target_of_many_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    assert connect(Kit(service(6, outliers=None)), monkeypatch, broken={*range(6)}) == [0, 1, 2]
    off = Kit(service(6, retries=Retries(enabled=False)))
    assert connect(off, monkeypatch, broken={*range(6)}) == [0]
    not_connect = Kit(service(6, retries=Retries(failures=("reset",))))
    assert connect(not_connect, monkeypatch, broken={*range(6)}) == [0]


def test_checks_in_a_row_take_a_target_out_and_back() -> None:
    settings = HealthCheck(unhealthy_after=3, healthy_after=2)
    kit = Kit()
    health = kit.pool.targets[0].health
    assert health is not None
    heard = []
    for failure in ("timeout", "timeout", "", "timeout", "timeout", "timeout", "", "timeout", "", ""):
        health.checked(settings, failure)
        heard.append(kit.asked() == {0, 1})
    assert heard == [True, True, True, True, True, False, False, False, False, True]


def test_when_all_are_down_all_are_asked() -> None:
    kit = Kit()
    for target in kit.pool.targets:
        assert target.health is not None
        for _ in range(3):
            target.health.checked(HealthCheck(), "timeout")
    assert kit.asked() == {0, 1}


# What outlives a revision


@pytest.mark.parametrize(
    "change",
    [
        {"balance": Balance(policy="least_active")},
        {"retries": Retries()},
        {"name": "orders of the shop"},
        {"outliers": structs.replace(OUTLIERS, max_ejected_percent=80)},
        {"targets": [Target(host="10.0.0.1", port=9000, weight=7), Target(host="10.0.0.2", port=9000)]},
        {"targets": [Target(host=f"10.0.0.{number}", port=9000) for number in (3, 1, 2)]},
        {"scheme": "https"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_ejected_target_stays_out_when_its_service_changes(change: dict[str, Any]) -> None:
    kit = Kit()
    kit.fail(3)
    kit.serve(structs.replace(service(), **change))
    hosts = {kit.pool.targets[place].host for place in kit.asked()}
    assert "10.0.0.1" not in hosts
    assert "10.0.0.2" in hosts
    kit.pass_time(10)
    assert "10.0.0.1" in {kit.pool.targets[place].host for place in kit.asked()}


def test_another_service_with_the_same_target_has_its_own_health() -> None:
    kit = Kit()
    kit.fail(3)
    other = kit.registry.get(structs.replace(service(), id="t"))
    assert {other.choose().host for _ in range(9)} == {"10.0.0.1", "10.0.0.2"}


def test_a_target_that_was_away_is_a_new_one() -> None:
    kit = Kit()
    kit.fail(3)
    kit.serve(service(1, outliers=None))
    kit.serve(structs.replace(service(), targets=service().targets[1:]))
    kit.serve(service())
    assert kit.asked() == {0, 1}


def test_what_checks_said_is_void_where_nobody_checks_any_more() -> None:
    kit = Kit()
    health = kit.pool.targets[0].health
    assert health is not None
    for _ in range(3):
        health.checked(HealthCheck(), "timeout")
    assert kit.asked() == {1}
    kit.serve(structs.replace(service(), name="renamed"))
    assert kit.asked() == {0, 1}


def test_a_revision_that_is_not_taken_changes_nothing() -> None:
    kit = Kit()
    proposed = kit.registry.get(service(3))
    kit.fail(3)
    assert kit.asked() == {1}
    assert {proposed.targets.index(proposed.choose()) for _ in range(9)} == {1, 2}
    kit.registry.retain({kit.pool})
    assert kit.asked() == {1}


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"balance": Balance(policy="least_active")}, True),
        ({"targets": [Target(host="10.0.0.1", port=9000, weight=7)]}, True),
        ({"retries": Retries()}, True),
        ({"outliers": None}, True),
        ({"scheme": "https"}, False),
        ({"targets": [Target(host="10.0.0.1", port=9001)]}, False),
        ({"targets": [Target(host="10.0.0.9", port=9000)]}, False),
    ],
)
def test_idle_connections_are_kept_while_they_lead_to_the_same_place(change: dict[str, Any], kept: bool) -> None:
    kit = Kit()
    idle = FakeUpstream(kit.pool)
    kit.serve(structs.replace(service(), **change))
    assert idle.transport.closed is not kept
    acquired = kit.pool.targets[0].acquire(kit.clock())
    assert (acquired is idle.connection) is kept


def test_a_connection_in_use_over_a_change_is_kept_as_well() -> None:
    kit = Kit()
    busy = FakeUpstream(kit.pool)
    assert kit.pool.targets[0].acquire(kit.clock()) is busy.connection
    kit.serve(structs.replace(service(), retries=Retries()))
    busy.connection.target.release(busy.connection)
    assert kit.pool.targets[0].acquire(kit.clock()) is busy.connection


def test_changes_are_told_once() -> None:
    kit = Kit()
    assert [row.state for row in kit.registry.take_health() or []] == ["healthy", "healthy"]
    assert kit.registry.take_health() is None
    kit.fail(3)
    assert [(row.target, row.state) for row in kit.registry.take_health() or []] == [
        ("10.0.0.1:9000", "ejected"), ("10.0.0.2:9000", "healthy"),
    ]  # fmt: skip
    assert kit.registry.take_health() is None


def test_the_settings_of_a_service_keep_their_secrets() -> None:
    made = Document(
        gateway="g",
        name="g",
        forward_proxy=ForwardProxy(address="http://p:1", username="ada", password="OPEN-SESAME"),
    )
    assert "OPEN-SESAME" not in repr(made)
    assert "OPEN-SESAME" not in repr(service(tls=UpstreamTls(certificate="c", key="OPEN-SESAME")))
