"""The scripts in a real Redis say the same as the counting in memory, on the same requests at the same moments."""

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from gateway_runtime.schema.calendar_period import CalendarPeriod
from gateway_runtime.state.limits import Limit, Windows
from gateway_runtime.state.pipe import Command
from gateway_runtime.state.scripts import LEASE, TAKE, leasing, taking
from gateway_runtime.state.strict import verdict_of
from tests.integration.conftest import RedisServer

pytestmark = pytest.mark.integration

KEY = "portico:gateway:g:counter:{k}"


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Any:
    server = RedisServer(tmp_path_factory.mktemp("scripts"))
    server.start()
    yield server.client()
    server.kill()


def take(redis: Redis, limits: tuple[Limit, ...], wall: float) -> list[int]:
    arguments: list[str | int] = [KEY]
    for limit in limits:
        arguments += taking(limit, wall)
    return redis.execute_command(*Command(tuple(arguments), TAKE).whole())


def local_of(limits: tuple[Limit, ...], like: Windows | None = None) -> Windows:
    """Return what counts here. Fixed windows get 1024 milliseconds a second, so that no time has to be rounded."""
    return Windows(
        tuple(each if each.rate else Limit(each.maximum, each.period_ms / 1024) for each in limits), like=like
    )


def same(redis: Redis, limits: tuple[Limit, ...], pauses: list[float], like: tuple[Limit, ...] = ()) -> list[bool]:
    """Ask both about each request at the moment that Redis names. Return which have passed."""
    redis.delete(KEY)
    base = int(time.time()) * 1_000_000
    sliding = limits[0].rate is not None
    local = local_of(limits)
    passed = []
    for number, pause in enumerate(pauses):
        if like and number == len(pauses) // 2:
            limits, local = like, local_of(like, local)
        if pause:
            time.sleep(pause)
        passes, now_us, *found = take(redis, limits, time.time())
        now = (now_us - base) / 1_000_000 if sliding else (now_us - base) // 1000 / 1024
        expected = local.ask("k", now)
        verdict = verdict_of(limits, bool(passes), found)
        assert (verdict.limit, verdict.remaining, verdict.position) == (
            expected.limit, expected.remaining, expected.position,
        )  # fmt: skip
        second = 1.0 if sliding else 1.024
        assert verdict.reset == pytest.approx(expected.reset * second, abs=2e-6)
        assert verdict.retry_after == pytest.approx(expected.retry_after * second, abs=2e-6)
        passed.append(not verdict.retry_after)
    return passed


pauses = st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.0002, 0.001, 0.004]), min_size=5, max_size=60)
alike = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@alike
@given(st.sampled_from([1, 2, 3, 7, 10, 999]), st.sampled_from([0.001, 0.005, 0.01, 0.0333, 1.0]), pauses)
def test_a_sliding_window_says_the_same_here_and_there(
    redis: Redis, maximum: int, period: float, pauses: list[float]
) -> None:
    same(redis, (Limit(maximum, period, sliding=True),), pauses)


@alike
@given(st.integers(1, 8), st.integers(1, 8), st.sampled_from([0.004, 0.02]), pauses)
def test_several_sliding_windows_say_the_same_here_and_there(
    redis: Redis, first: int, second: int, period: float, pauses: list[float]
) -> None:
    limits = (Limit(first, period, sliding=True), Limit(first + second, period * 3, sliding=True))
    same(redis, limits, pauses)


@alike
@given(st.integers(1, 5), st.integers(1, 9), st.sampled_from([0.003, 0.01]), pauses)
def test_fixed_windows_say_the_same_here_and_there(
    redis: Redis, first: int, second: int, period: float, pauses: list[float]
) -> None:
    same(redis, (Limit(first, period), Limit(first + second, period * 4)), pauses)


@alike
@given(st.integers(1, 9), st.integers(1, 9), pauses)
def test_another_maximum_says_the_same_here_and_there(
    redis: Redis, before: int, after: int, pauses: list[float]
) -> None:
    for sliding in (True, False):
        limits = (Limit(before, 0.02, sliding=sliding),)
        same(redis, limits, pauses, like=(Limit(after, 0.02, sliding=sliding),))


def test_a_sliding_window_over_a_long_time_lets_pass_its_rate(redis: Redis) -> None:
    passed = same(redis, (Limit(50, 0.1, sliding=True),), [0.0005] * 600)
    # 50 at once, and then one each 2 ms; how long it took is only known roughly.
    assert 150 < sum(passed) < 600


@pytest.mark.parametrize(
    ("limit", "longest"),
    [
        (Limit(5, 1.5), 1500),
        (Limit(5, 60.0, sliding=True), 12_000),
        (Limit.by_calendar(5, CalendarPeriod.DAY, "UTC"), 86_400_000),
    ],
    ids=["fixed", "sliding", "calendar"],
)
def test_a_counter_is_gone_when_it_says_nothing_more(redis: Redis, limit: Limit, longest: int) -> None:
    redis.delete(KEY)
    take(redis, (limit,), time.time())
    assert 0 < redis.pttl(KEY) <= longest + 100
    if limit.calendar is not None:
        end = limit.calendar.ends(time.time())[1]
        assert abs(redis.pttl(KEY) - (end + 100 - time.time() * 1000)) < 1000


def test_a_refusal_writes_nothing_and_extends_nothing(redis: Redis) -> None:
    redis.delete(KEY)
    limits = (Limit(1, 60.0), Limit(1, 0.5, sliding=True))
    assert take(redis, limits, time.time())[0] == 1
    before = redis.hgetall(KEY)
    for _ in range(20):
        assert take(redis, limits, time.time())[0] == 0
    assert redis.hgetall(KEY) == before


@pytest.mark.parametrize("wrong_by", [-80_000, 80_000], ids=["behind", "ahead"])
def test_the_clock_of_redis_decides_on_the_period(redis: Redis, wrong_by: int) -> None:
    """A node whose clock is wrong by most of a day counts in the same day as all others."""
    limit = Limit.by_calendar(2, CalendarPeriod.DAY, "UTC")
    redis.delete(KEY)
    wall = time.time()
    found = [take(redis, (limit,), wall), take(redis, (limit,), wall + wrong_by), take(redis, (limit,), wall)]
    assert [answer[0] for answer in found] == [1, 1, 0]
    end = limit.calendar.ends(wall)[1]  # type: ignore[union-attr]
    assert all(abs(answer[1] / 1000 + answer[3] - end) < 2 for answer in found)


def lease(redis: Redis, limit: Limit, limiters: int, **numbers: int) -> list[int]:
    given = {"window": 0, "debt": 0, "back": 0, "need": 0, "want": 0, **numbers}
    command = Command((KEY, limiters, *leasing(limit, time.time(), **given)), LEASE)
    return redis.execute_command(*command.whole())


def test_who_waits_gets_all_that_is_left_and_the_rest_is_shared(redis: Redis) -> None:
    redis.delete(KEY)
    limit = Limit(100, 60.0)
    _, used, ends, granted = lease(redis, limit, 4, need=50, want=40)
    assert (used, granted) == (63, 63)  # 50, and of the other 50 a fourth
    _, used, _, granted = lease(redis, limit, 4, window=ends, back=13, debt=2)
    assert (used, granted) == (52, 0)
    _, used, _, granted = lease(redis, limit, 4, need=60)
    assert (used, granted) == (100, 48)


def test_leased_and_asked_counts_are_one(redis: Redis) -> None:
    redis.delete(KEY)
    limit = Limit(10, 60.0)
    lease(redis, limit, 1, need=9)
    assert [take(redis, (limit,), time.time())[0] for _ in range(2)] == [1, 0]
