import pytest

from gateway_runtime.schema.calendar_period import CalendarPeriod
from gateway_runtime.state.leases import LeasedWindows
from gateway_runtime.state.limits import Limit, Windows

from .fakes import FakeCounters, FakeStore, Time


def test_keys_are_bounded_and_overflowing_ones_share_a_window() -> None:
    windows = Windows((Limit(1, 10.0),), key_limit=2)
    assert [windows.ask(key, 1.0).retry_after > 0 for key in ("a", "b", "c", "d", "a")] == [
        False,
        False,
        False,
        True,
        True,
    ]
    assert len(windows) == 3


def test_two_that_count_together_still_do_after_making_room() -> None:
    first = Windows((Limit(1, 10.0),), key_limit=2)
    second = Windows((Limit(2, 10.0),), key_limit=2, like=first)
    for key in ("a", "b"):
        first.ask(key, 0.0)
    assert first.ask("c", 11.0).retry_after == 0
    assert [second.ask("c", 11.0).retry_after for _ in range(2)] == [0, 10.0]


def test_ended_windows_make_room_for_new_keys() -> None:
    windows = Windows((Limit(1, 10.0),), key_limit=2)
    for key in ("a", "b"):
        windows.ask(key, 1.0)
    assert not windows.ask("c", 12.0).retry_after
    assert not windows.ask("d", 12.0).retry_after
    assert windows.ask("c", 12.0).retry_after


def test_a_refused_request_opens_no_window() -> None:
    windows = Windows((Limit(5, 1.0), Limit(1, 10.0)))
    assert not windows.ask("k", 0.0).retry_after
    assert windows.ask("k", 9.5).retry_after == 0.5
    # The window of a second begins here, not with the refused request before.
    assert not windows.ask("k", 10.0).retry_after
    assert windows.ask("k", 10.9).reset == 9.1
    other = Windows((Limit(1, 1.0), Limit(2, 10.0)))
    assert [other.ask("k", now).retry_after for now in (0.0, 1.0, 9.5)] == [0.0, 0.0, 0.5]
    assert [other.ask("k", now).retry_after for now in (10.0, 10.9)] == [0.0, 0.09999999999999964]


@pytest.mark.parametrize(
    "limit",
    [Limit(5, 10.0), Limit(5, 10.0, sliding=True), Limit.by_calendar(5, CalendarPeriod.DAY, "UTC")],
    ids=["fixed", "sliding", "calendar"],
)
def test_callers_who_make_up_keys_cost_no_more_memory_than_the_bound(limit: Limit) -> None:
    windows = Windows((limit,), key_limit=100, wall=lambda: 1_000_000_000.0)
    for number in range(20_000):
        windows.ask(f"key {number}", number * 0.1)
        assert len(windows) <= 101


def test_leases_for_keys_that_are_made_up_are_bounded_too() -> None:
    time = Time()
    limiter = LeasedWindows((Limit(500, 10.0),), FakeStore(FakeCounters(time)), "o", lambda: time.now, key_limit=100)
    for number in range(5_000):
        limiter.ask(f"key {number}", time.now)
        time.advance(0.1)
        if not number % 10:
            limiter.give_back(time.now)
    assert len(limiter) <= 101
    assert len(limiter._holding) <= 101
