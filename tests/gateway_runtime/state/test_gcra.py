"""What a sliding window promises, over sequences that nobody would think of."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.state.gcra import MICROSECONDS, Rate
from gateway_runtime.state.limits import Limit, Windows

maxima = st.integers(1, 1000)
periods = st.sampled_from([0.001, 0.007, 1.0, 60.0, 86_400.0])
# When requests come, in microseconds after the one before.
gaps = st.lists(st.integers(0, 50_000), min_size=1, max_size=200)


def passed_at(maximum: int, period: float, gaps: list[int]) -> list[int]:
    windows, now, passed = Windows((Limit(maximum, period, sliding=True),)), 0, []
    for gap in gaps:
        now += gap
        if not windows.ask("k", now / MICROSECONDS).retry_after:
            passed.append(now)
    return passed


@given(maxima, periods, gaps)
def test_in_any_span_no_more_pass_than_the_maximum_and_what_came_back_meanwhile(
    maximum: int, period: float, gaps: list[int]
) -> None:
    passed = passed_at(maximum, period, gaps)
    each = Fraction(round(period * MICROSECONDS), maximum)
    for first in range(0, len(passed), 7):
        for last in range(first, len(passed), 5):
            assert last - first + 1 <= maximum + (passed[last] - passed[first]) / each


@given(maxima, periods, gaps)
def test_who_waits_as_long_as_he_is_told_passes_and_a_moment_earlier_he_does_not(
    maximum: int, period: float, gaps: list[int]
) -> None:
    windows, now = Windows((Limit(maximum, period, sliding=True),)), 0
    for gap in gaps:
        now += gap
        wait = round(windows.ask("k", now / MICROSECONDS).retry_after * MICROSECONDS)
        if wait:
            assert windows.ask("k", (now + wait - 1) / MICROSECONDS).retry_after
            now += wait
            assert not windows.ask("k", now / MICROSECONDS).retry_after


@given(maxima, periods, gaps)
def test_as_many_pass_as_are_said_to_remain(maximum: int, period: float, gaps: list[int]) -> None:
    windows, now = Windows((Limit(maximum, period, sliding=True),)), 0
    for gap in gaps:
        now += gap
        verdict = windows.ask("k", now / MICROSECONDS)
    for _ in range(verdict.remaining):
        assert not windows.ask("k", now / MICROSECONDS).retry_after
    assert windows.ask("k", now / MICROSECONDS).retry_after


@given(st.integers(1, 10**9), st.integers(1, 31_622_400_000))
def test_nothing_is_rounded(maximum: int, milliseconds: int) -> None:
    rate = Rate.of(maximum, milliseconds / 1000)
    assert rate.step * maximum + rate.parts == milliseconds * 1000
    assert 0 <= rate.parts < maximum
