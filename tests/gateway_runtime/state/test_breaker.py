import json
from io import StringIO

import pytest

from gateway_runtime.log import log
from gateway_runtime.state.breaker import Breaker, BreakerState
from tests.gateway_runtime.fakes import FakeClock


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    stream = StringIO()
    monkeypatch.setattr(log, "_stream", stream)
    return stream


def closed(clock: FakeClock) -> Breaker:
    breaker = Breaker("counters", clock)
    breaker.trying()
    breaker.answered()
    return breaker


def test_it_begins_open_and_closes_after_a_trial() -> None:
    breaker = Breaker("counters", FakeClock())
    assert (breaker.state, breaker.pause) == (BreakerState.OPEN, 0)
    breaker.trying()
    assert breaker.state is BreakerState.HALF_OPEN
    breaker.answered()
    assert breaker.closed


def test_the_third_failure_within_ten_seconds_opens_it() -> None:
    clock = FakeClock()
    breaker = closed(clock)
    for _ in range(2):
        breaker.failed("late")
        clock.advance(4)
    assert breaker.closed
    breaker.failed("late")
    assert not breaker.closed


def test_failures_that_are_far_apart_do_not() -> None:
    clock = FakeClock()
    breaker = closed(clock)
    for _ in range(5):
        breaker.failed("late")
        clock.advance(6)
    assert breaker.closed


def test_trials_become_rarer() -> None:
    breaker = Breaker("counters", FakeClock())
    pauses = []
    for _ in range(6):
        breaker.trying()
        breaker.failed("late")
        pauses.append(breaker.pause)
    assert pauses == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0]


def test_each_change_is_told_once(lines: StringIO) -> None:
    clock = FakeClock()
    breaker = closed(clock)
    for _ in range(6):
        breaker.failed("late")
    breaker.trying()
    breaker.failed("late")
    breaker.trying()
    breaker.answered()
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [(line["event"], line["use"]) for line in told] == [
        ("shared_storage_away", "counters"),
        ("shared_storage_back", "counters"),
    ]
    assert told[0]["reason"] == "late"
