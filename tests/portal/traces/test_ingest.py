"""Traces are taken over once, whatever arrives, and no more of them are kept than is said."""

import datetime
import uuid

import pytest
from django.utils import timezone

from gateway_runtime.schema import keys
from portal.traces import services
from portal.traces.models import Trace, TraceKind, TraceLoss
from portal.traces.services import traces_expire, traces_ingest
from tests.portal.base import World
from tests.portal.traces.base import FakeStream, refused, stored, told

pytestmark = pytest.mark.django_db


def test_a_trace_keeps_what_was_told(world: World) -> None:
    row = stored(world.gateway, told(world.instance))
    assert (row.organization_id, row.environment) == (world.organization.pk, world.production)
    assert (row.kind, row.request_id, row.revision, row.instance) == ("requested", "req-1", 3, str(world.instance.pk))
    assert [step["policy"] for step in row.detail["steps"]][:1] == ["jwt-validation"]
    assert row.would_refuse.split() == ["rate-limiting"]
    assert row.detail["query"] == [["token", "••••••"]]


def test_a_batch_that_is_read_again_changes_nothing(world: World) -> None:
    stream = FakeStream()
    stream.add_batch(world.gateway, told(world.instance), dropped=2)
    streams = dict(stream.streams)
    assert traces_ingest(client=stream) == 1
    stream.streams = streams
    traces_ingest(client=stream)
    assert Trace.objects.count() == 1
    assert TraceLoss.objects.get().dropped == 2
    assert traces_ingest(client=stream) == 0


def test_what_cannot_be_read_is_passed_over(world: World) -> None:
    stream = FakeStream()
    stream.add(keys.traces(str(world.gateway.pk)), {b"other": b"x"})
    stream.add_batch(world.gateway, b"\x81\xa1x\x01", told(world.instance))
    assert traces_ingest(client=stream) == 2
    assert Trace.objects.count() == 1
    assert not any(stream.streams.values())


def test_traces_of_a_gateway_that_is_gone_are_nobodys(world: World) -> None:
    world.gateway.pk = uuid.uuid4()
    stream = FakeStream()
    stream.add_batch(world.gateway, told())
    traces_ingest(client=stream)
    assert not Trace.objects.exists()


def test_no_gateway_tells_of_requests_to_another(world: World) -> None:
    stream = FakeStream()
    stream.add_batch(world.other_gateway, told(world.instance), claims=str(world.gateway.pk))
    assert traces_ingest(client=stream) == 1
    assert not Trace.objects.exists()


def test_old_traces_go(world: World) -> None:
    stored(world.gateway, told(world.instance))
    assert traces_expire(now=timezone.now() + datetime.timedelta(hours=23)) == 0
    assert traces_expire(now=timezone.now() + datetime.timedelta(hours=25)) == 1


def test_of_too_many_the_oldest_go_and_one_kind_does_not_push_out_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(services.KEPT, TraceKind.REFUSAL, 3)
    now = timezone.now().timestamp()
    stored(world.gateway, told(world.instance, at=now - 100))
    for number in range(6):
        stored(world.gateway, refused(world.instance, id=f"r{number}", at=now + number))
    traces_expire()
    assert sorted(Trace.objects.values_list("pk", flat=True)) == ["r3", "r4", "r5", "t1"]
