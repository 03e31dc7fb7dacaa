"""Batches are taken over exactly once and summed by minute."""

import datetime
import uuid
from typing import Any

import msgspec
import pytest

from gateway_runtime.schema import envelope, keys
from gateway_runtime.schema.telemetry import BATCH_FIELD, Batch, TrafficRow
from portal.analytics.models import IngestCursor, ReplicaTally, Span, TrafficMinute, TrafficSummary
from portal.analytics.services import traffic_ingest
from portal.gateways.models import Gateway
from portal.organizations.models import Environment, Organization
from tests.portal.streams import FakeStreams

pytestmark = pytest.mark.django_db

MINUTE = 1_800_000_000 - 1_800_000_000 % 60
API = str(uuid.uuid4())


class FakeStream(FakeStreams):
    """What gateways have counted."""

    def batch(self, batch: Batch, gateway: str = "") -> None:
        """Append a batch to the stream of its gateway, or of another one."""
        self.add(keys.telemetry(gateway or batch.gateway), {BATCH_FIELD.encode(): msgspec.msgpack.encode(batch)})


@pytest.fixture
def gateway() -> Gateway:
    organization = Organization.objects.create(name="Harbour", slug="harbour")
    environment = Environment.objects.create(organization=organization, name="Sandbox", slug="sandbox")
    signing, keys = envelope.new_keys()
    return Gateway.objects.create(
        environment=environment, name="demo", slug="demo", signing_key=signing,
        verify_key=keys.verify, encrypt_key=keys.encrypt,
    )  # fmt: skip


def row(second: int = MINUTE, *, requests: int = 1, status: int = 200, policy: str = "", code: str = "") -> TrafficRow:
    return TrafficRow(second, API, "r1", "", status, policy, code, requests, 10, 100, {40: requests}, {30: requests})


def batch(gateway: Gateway, *rows: TrafficRow, served: int = 0, dropped: int = 0, started_at: float = 1.0) -> Batch:
    return Batch(
        gateway=str(gateway.pk), replica="replica-1", started_at=started_at, sent_at=MINUTE + 1.0,
        served=served, dropped=dropped, rows=list(rows),
    )  # fmt: skip


def summaries() -> dict[tuple[str, str], int]:
    """Return the requests of every summary, by span and instance."""
    return {(each.span, each.instance): each.requests for each in TrafficSummary.objects.all()}


def in_all_spans(requests: int) -> dict[tuple[Any, str], int]:
    return {
        (Span.MINUTE, ""): requests,
        (Span.QUARTER, ""): requests,
        (Span.QUARTER, API): requests,
        (Span.DAY, ""): requests,
        (Span.DAY, API): requests,
    }


def test_seconds_of_one_minute_become_one_row(gateway: Gateway) -> None:
    stream = FakeStream()
    stream.batch(batch(gateway, row(MINUTE), row(MINUTE + 30, requests=2)))
    stream.batch(batch(gateway, row(MINUTE + 59)))
    traffic_ingest(client=stream)
    stored = TrafficMinute.objects.get()
    assert stored.requests == 4
    assert stored.minute == datetime.datetime.fromtimestamp(MINUTE, datetime.UTC)
    assert stored.latency == {"40": 4}


def test_later_batches_add_to_the_row_of_their_minute(gateway: Gateway) -> None:
    stream = FakeStream()
    stream.batch(batch(gateway, row(requests=3)))
    traffic_ingest(client=stream)
    stream.batch(batch(gateway, row(requests=4)))
    traffic_ingest(client=stream)
    assert TrafficMinute.objects.get().requests == 7
    assert TrafficMinute.objects.get().upstream_latency == {"30": 7}


def test_every_batch_adds_to_the_summaries_of_all_spans(gateway: Gateway) -> None:
    stream = FakeStream()
    stream.batch(batch(gateway, row(requests=3)))
    traffic_ingest(client=stream)
    assert summaries() == in_all_spans(3)
    stream.batch(batch(gateway, row(requests=4, status=500)))
    traffic_ingest(client=stream)
    assert summaries() == in_all_spans(7)
    day = TrafficSummary.objects.get(span=Span.DAY, instance=API)
    assert day.figures["statuses"] == {"200": 3, "500": 4}


def test_what_would_have_been_refused_is_stored_beside_requests_and_is_none(gateway: Gateway) -> None:
    stream = FakeStream()
    shadow = TrafficRow(MINUTE, API, "", "app", 429, "rate-limiting", "rate_limit_exceeded", 0, 0, 0, {}, {}, 3)
    stream.batch(batch(gateway, row(requests=5), shadow, served=5))
    traffic_ingest(client=stream)
    stream.batch(batch(gateway, shadow, served=5))
    traffic_ingest(client=stream)
    assert TrafficMinute.objects.get(policy="rate-limiting").shadowed == 6
    assert TrafficMinute.objects.get(policy="").shadowed == 0
    assert ReplicaTally.objects.get().stored == 5


def test_a_batch_that_is_read_again_changes_nothing(gateway: Gateway) -> None:
    stream = FakeStream()
    stream.batch(batch(gateway, row(requests=3), served=3))
    streams = dict(stream.streams)
    traffic_ingest(client=stream)
    stream.streams = streams  # the trim was lost, as after a crash
    assert traffic_ingest(client=stream) == 0
    assert TrafficMinute.objects.get().requests == 3
    assert summaries() == in_all_spans(3)
    assert ReplicaTally.objects.get().stored == 3


def test_a_failure_leaves_neither_rows_nor_a_moved_cursor(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = FakeStream()
    stream.batch(batch(gateway, row()))
    monkeypatch.setattr("portal.analytics.services._tally", lambda batches: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        traffic_ingest(client=stream)
    assert not TrafficMinute.objects.exists()
    assert not IngestCursor.objects.exists()
    assert not TrafficSummary.objects.exists()
    monkeypatch.undo()
    assert traffic_ingest(client=stream) == 1
    assert TrafficMinute.objects.get().requests == 1


def test_refusals_keep_their_policy_and_code(gateway: Gateway) -> None:
    stream = FakeStream()
    stream.batch(batch(gateway, row(status=401, policy="http-basic-authentication", code="credentials_missing"), row()))
    traffic_ingest(client=stream)
    refused = TrafficMinute.objects.get(policy="http-basic-authentication")
    assert (refused.status, refused.code, refused.requests) == (401, "credentials_missing", 1)
    assert TrafficMinute.objects.count() == 2


def test_batches_of_a_deleted_gateway_are_passed_over(gateway: Gateway) -> None:
    stream = FakeStream()
    stream.batch(batch(gateway, row()))
    gateway.delete()
    assert traffic_ingest(client=stream) == 0
    assert not TrafficMinute.objects.exists()


@pytest.mark.parametrize("payload", [b"", b"not msgpack", msgspec.msgpack.encode({"gateway": "g"})])
def test_what_is_not_a_batch_does_not_hold_up_the_others(gateway: Gateway, payload: bytes) -> None:
    stream = FakeStream()
    stream.batch(batch(gateway, row()))
    stream.add(keys.telemetry(str(gateway.pk)), {BATCH_FIELD.encode(): payload})
    stream.add(keys.telemetry(str(gateway.pk)), {b"other": b"field"})
    stream.batch(batch(gateway, row()))
    traffic_ingest(client=stream)
    assert TrafficMinute.objects.get().requests == 2
    assert IngestCursor.objects.get().entry == "4-0"


@pytest.mark.parametrize("claimed", ["../etc", "2c1f1f4e-7f0a-4c57-9b7e-0a6b2f1d9c33"])
def test_a_batch_that_speaks_for_another_gateway_is_passed_over(gateway: Gateway, claimed: str) -> None:
    stream = FakeStream()
    stream.batch(msgspec.structs.replace(batch(gateway, row()), gateway=claimed), str(gateway.pk))
    stream.batch(batch(gateway, row()))
    assert traffic_ingest(client=stream) == 2
    assert TrafficMinute.objects.get().requests == 1


def test_each_gateway_is_read_from_where_it_was_left(gateway: Gateway) -> None:
    signing, made = envelope.new_keys()
    second = Gateway.objects.create(
        environment=gateway.environment, name="second", slug="second", signing_key=signing,
        verify_key=made.verify, encrypt_key=made.encrypt,
    )  # fmt: skip
    stream = FakeStream()
    stream.batch(batch(gateway, row(requests=3)))
    stream.batch(batch(second, row(requests=4)))
    assert traffic_ingest(client=stream) == 2
    stream.batch(batch(gateway, row(requests=5)))
    assert traffic_ingest(client=stream) == 1
    stored = dict(TrafficMinute.objects.values_list("gateway_id", "requests"))
    assert stored == {gateway.pk: 8, second.pk: 4}


def test_each_run_of_a_replica_is_tallied_apart(gateway: Gateway) -> None:
    stream = FakeStream()
    stream.batch(batch(gateway, row(requests=5), served=6, dropped=1, started_at=1.0))
    stream.batch(batch(gateway, row(requests=2), served=2, started_at=99.0))
    traffic_ingest(client=stream)
    tallies = ReplicaTally.objects.order_by("started_at").values_list("served", "dropped", "stored")
    assert list(tallies) == [(6, 1, 5), (2, 0, 2)]
