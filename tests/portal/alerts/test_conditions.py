"""What a window of traffic is compared with."""

import datetime
from collections import Counter
from typing import Any

import pytest

from gateway_runtime.schema.histogram import bucket
from portal.alerts.conditions import MINUTE, minute_of, times_met, window_measured
from portal.alerts.models import AlertKind, AlertRule
from portal.analytics.figures import Figures
from tests.portal.alerts.factories import NOON

START = minute_of(NOON)


def rule(kind: str = AlertKind.REQUESTS, **values: Any) -> AlertRule:
    return AlertRule(kind=kind, **{"threshold": 10, "window_minutes": 5, "cooldown_minutes": 0, **values})


def figures(count: int = 1, *, status: int = 200, ms: int = 5, policy: str = "") -> Figures:
    found = Figures(statuses=Counter({status: count}), latency=Counter({bucket(ms * 1000): count}))
    if policy:
        found.refusals[policy, "refused", status] = count
    return found


def holds(alert: AlertRule, *minutes: Figures) -> bool:
    """Tell whether an alert is met by minutes that end now, the last one first."""
    return window_measured(alert, {START - ago * MINUTE: each for ago, each in enumerate(minutes)}, START).holds


def test_requests_of_all_minutes_of_the_window_are_added_up() -> None:
    assert holds(rule(), *[figures(3)] * 4)
    assert not holds(rule(), *[figures(2)] * 5)
    # The sixth is outside.
    assert not holds(rule(), *[figures(2)] * 5, figures(50))


def test_the_threshold_itself_is_not_more() -> None:
    assert not holds(rule(), figures(10))
    assert holds(rule(), figures(11))


def test_too_few_requests() -> None:
    assert holds(rule(comparison="below"), figures(9))
    assert holds(rule(comparison="below"))
    assert not holds(rule(comparison="below"), figures(10))


@pytest.mark.parametrize(("status", "counted"), [(500, True), (503, True), (429, True), (404, False), (200, False)])
def test_statuses_by_class_and_by_number(status: int, counted: bool) -> None:
    assert holds(rule(AlertKind.STATUSES, statuses=["5xx", "429"]), figures(11, status=status)) is counted


def test_violations_of_one_policy_or_of_all() -> None:
    refused = figures(11, status=429, policy="rate-limiting")
    assert holds(rule(AlertKind.VIOLATIONS), refused)
    assert holds(rule(AlertKind.VIOLATIONS, policy="rate-limiting"), refused)
    assert not holds(rule(AlertKind.VIOLATIONS, policy="cors"), refused)
    assert not holds(rule(AlertKind.VIOLATIONS), figures(11, status=500))


def test_percentiles_come_from_all_minutes_together() -> None:
    slow = rule(AlertKind.RESPONSE_TIME, measure="p95", threshold=100)
    # One in twenty-one is slow, though it is all there was in its minute.
    assert not holds(slow, figures(1, ms=900), figures(100, ms=5))
    assert holds(slow, figures(10, ms=900), figures(100, ms=5))
    assert not holds(rule(AlertKind.RESPONSE_TIME, measure="p50", threshold=100), figures(10, ms=900), figures(100))


def test_the_mean_is_within_the_width_of_a_bucket() -> None:
    mean = window_measured(
        rule(AlertKind.RESPONSE_TIME, measure="mean"),
        {START: figures(1, ms=100), START - MINUTE: figures(1, ms=300)},
        START,
    ).value
    assert mean == pytest.approx(200, rel=0.0625)


def test_without_requests_there_is_no_response_time() -> None:
    assert not holds(rule(AlertKind.RESPONSE_TIME, threshold=0))


def test_the_past_is_told_once_for_each_time_that_it_begins() -> None:
    minutes = {START + number * MINUTE: figures(11) for number in (0, 1, 30, 31)}
    last = START + datetime.timedelta(hours=1)
    assert times_met(rule(), minutes, START, last) == 2
    assert times_met(rule(cooldown_minutes=45), minutes, START, last) == 1
    assert times_met(rule(threshold=100), minutes, START, last) == 0


def test_the_past_counts_what_was_before_its_first_minute() -> None:
    minutes = {START - MINUTE: figures(8), START: figures(8)}
    assert times_met(rule(), minutes, START, START) == 1
    assert times_met(rule(window_minutes=1), minutes, START, START) == 0
