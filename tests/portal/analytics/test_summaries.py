"""Summaries say exactly what the minutes say that they are made of, in whatever batches these came."""

import datetime
import uuid
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from portal.analytics.figures import Figures
from portal.analytics.models import Span, TrafficMinute, TrafficSummary
from portal.analytics.ranges import QUICK_RANGES, quick_range
from portal.analytics.retention import traffic_forget
from portal.analytics.selectors import _counted, _summed
from portal.analytics.summaries import span_start, summaries_add
from tests.portal.base import World
from tests.portal.traffic import traffic_store

NOW = datetime.datetime(2026, 3, 4, 10, 37, tzinfo=datetime.UTC)
ENVIRONMENT, ORGANIZATION, GATEWAY = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
INSTANCES = (str(uuid.uuid4()), str(uuid.uuid4()), "")

histograms = st.dictionaries(st.integers(0, 90).map(str), st.integers(1, 50), max_size=3)


@st.composite
def minutes(draw: Any) -> TrafficMinute:
    """What one minute adds to one set of labels."""
    shadowed = draw(st.integers(0, 3))
    policy = draw(st.sampled_from(["", "rate-limiting"]))
    return TrafficMinute(
        minute=NOW - datetime.timedelta(minutes=draw(st.integers(0, 1300))),
        environment_id=ENVIRONMENT, organization_id=ORGANIZATION, gateway_id=GATEWAY,
        instance=draw(st.sampled_from(INSTANCES)), route=draw(st.sampled_from(["", "r"])),
        application=draw(st.sampled_from(["", "a", "b"])), status=draw(st.sampled_from([200, 404, 429])),
        policy=policy, code="used_up" if policy else "", requests=0 if shadowed else draw(st.integers(0, 9)),
        bytes_in=draw(st.integers(0, 9)), bytes_out=draw(st.integers(0, 9)), shadowed=shadowed,
        latency=draw(histograms), upstream_latency=draw(histograms),
    )  # fmt: skip


class AgreementTests(TestCase):
    """Both ways lead to the same figures."""

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.lists(minutes(), max_size=6), max_size=4))
    def test_summaries_of_batches_are_the_sum_of_their_minutes(self, batches: list[list[TrafficMinute]]) -> None:
        for batch in batches:
            summaries_add(batch)
        rows = [row for batch in batches for row in batch]
        for instance in INSTANCES:
            for span in (Span.QUARTER, Span.DAY):
                expected: dict[datetime.datetime, Figures] = {}
                for row in rows:
                    if instance in ("", row.instance):
                        expected.setdefault(span_start(row.minute, span), Figures()).add(row)
                stored = TrafficSummary.objects.filter(instance=instance, span=span)
                found = {summary.start: summary.figures for summary in stored}
                assert found == {start: figures.written() for start, figures in expected.items()}


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["24h", "7d"])
def test_a_chart_of_summaries_is_that_of_minutes(world: World, key: str) -> None:
    for number in range(200):
        traffic_store(
            world.instance, minute=NOW - datetime.timedelta(minutes=number * 7), requests=number,
            status=200 + number % 3, application=str(number % 5), latency={str(number % 80): number + 1},
        )  # fmt: skip
    time_range = quick_range(key, NOW)
    summed = _summed(TrafficSummary.objects.filter(instance=str(world.instance.pk)), time_range)
    assert summed == _counted(TrafficMinute.objects.all(), time_range)
    assert summed


@pytest.mark.django_db
def test_the_finer_the_sooner_they_are_forgotten(world: World, settings: Any) -> None:
    settings.KEEP_TRAFFIC_DAYS = (8, 35, 400)
    now = timezone.now()
    for days in (1, 10, 40, 500):
        traffic_store(world.instance, minute=now - datetime.timedelta(days=days), requests=days)
    while traffic_forget():
        pass
    assert list(TrafficMinute.objects.values_list("requests", flat=True)) == [1]

    def kept(span: str) -> set[int]:
        return set(TrafficSummary.objects.filter(span=span).values_list("requests", flat=True))

    assert (kept(Span.MINUTE), kept(Span.QUARTER), kept(Span.DAY)) == ({1}, {1, 10}, {1, 10, 40})


@pytest.mark.django_db
def test_a_piece_at_a_time_is_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.analytics.retention.PIECE", 2)
    for number in range(3):
        traffic_store(
            world.instance, minute=timezone.now() - datetime.timedelta(days=20), requests=1, application=str(number)
        )
    traffic_forget()
    assert TrafficMinute.objects.count() == 1


@pytest.mark.parametrize("key", QUICK_RANGES)
def test_points_are_not_finer_than_what_is_read(key: str) -> None:
    time_range = quick_range(key, NOW)
    assert all(span_start(point, time_range.span) == point for point in time_range.points())
    assert len(time_range.points()) <= 100
