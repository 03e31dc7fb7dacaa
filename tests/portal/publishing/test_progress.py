"""How far a change is, and what the panel says when something is in the way."""

import time
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.utils import timezone

from gateway_runtime.schema import keys
from gateway_runtime.schema.replica import Acknowledgement, ApplyState, ReplicaStatus
from portal.core.links import console_url
from portal.gateways.models import Replica
from portal.gateways.signals import gateway_configuration_changed
from portal.publishing import services
from portal.publishing.models import Acknowledgement as AcknowledgementRow
from portal.publishing.models import PublishRequest, Revision
from portal.publishing.reports import reports_collect
from portal.publishing.selectors import ReplicaState, Trouble, gateway_deployment, revision_progress
from tests.portal.base import World, client_of
from tests.portal.publishing.fake_redis import FakeRedis

pytestmark = pytest.mark.django_db


def published(world: World) -> Revision:
    gateway_configuration_changed(gateway=world.gateway, actor=world.ada, message="Changed something")
    revision = services.gateway_publish(gateway_id=world.gateway.pk)
    assert revision is not None
    return revision


def report(world: World, server: FakeRedis, **fields: Any) -> None:
    """Let a replica report that it is alive."""
    now = time.time()
    status = ReplicaStatus(
        **{
            "replica": "replica-1",
            "host": "edge-1",
            "pid": 7,
            "version": "0.1.0",
            "workers": 2,
            "started_at": now - 60,
            "seen_at": now,
            **fields,
        }
    )
    hash_ = server.hashes.setdefault(keys.replicas(str(world.gateway.pk)), {})
    hash_[status.replica] = msgspec.json.encode(status)


def answer(revision: Revision, server: FakeRedis, state: ApplyState = ApplyState.APPLIED, **fields: Any) -> None:
    """Let the replica answer a revision 143 ms after it was asked for."""
    report_ = Acknowledgement(
        replica="replica-1",
        revision=revision.number,
        digest=revision.digest,
        state=state,
        applied_at=revision.requested_at.timestamp() + 0.143,
        took_ms=12.0,
        **fields,
    )
    name = keys.acknowledgements(str(revision.gateway_id), revision.number)
    server.hashes.setdefault(name, {})[report_.replica] = msgspec.json.encode(report_)


def panel(world: World) -> str:
    address = console_url(world.production, "publishing:deployment", world.gateway.pk)
    return client_of(world.ada).get(address, {"instance": str(world.instance.pk)}).content.decode()


def polls(html: str) -> bool:
    return 'hx-trigger="every' in html


def test_replica_that_has_not_answered_is_waited_for(world: World, fake_redis: FakeRedis) -> None:
    revision = published(world)
    report(world, fake_redis)
    (progress,) = revision_progress(revision)
    assert progress.state is ReplicaState.WAITING
    assert not gateway_deployment(world.gateway).settled
    assert polls(panel(world))


def test_time_from_save_to_applied_is_told_and_polling_stops(world: World, fake_redis: FakeRedis) -> None:
    revision = published(world)
    report(world, fake_redis, revision=1)
    answer(revision, fake_redis)
    (progress,) = revision_progress(revision)
    assert progress.state is ReplicaState.APPLIED
    assert progress.total_ms == pytest.approx(143, abs=1)
    html = panel(world)
    assert "143\xa0ms" in html
    assert not polls(html)


def test_rejection_is_said_with_its_reason(world: World, fake_redis: FakeRedis) -> None:
    revision = published(world)
    report(world, fake_redis)
    answer(revision, fake_redis, ApplyState.REJECTED, error_code="x", error_path="apis[0]", message="It does not fit.")
    html = panel(world)
    assert "It does not fit." in html
    assert "apis[0]" in html
    assert not polls(html)


def test_replica_that_skipped_to_a_newer_revision_has_it_too(world: World, fake_redis: FakeRedis) -> None:
    revision = published(world)
    report(world, fake_redis, revision=5)
    (progress,) = revision_progress(revision)
    assert (progress.state, progress.total_ms) == (ReplicaState.APPLIED, None)


def test_nothing_connected_is_said_and_not_waited_for(world: World, fake_redis: FakeRedis) -> None:
    published(world)
    report(world, fake_redis, seen_at=time.time() - 60)
    deployment = gateway_deployment(world.gateway)
    assert deployment.trouble is Trouble.NOTHING_CONNECTED
    assert deployment.settled
    assert "Start the gateway" in panel(world)


def test_worker_away_is_said_after_some_seconds(world: World, fake_redis: FakeRedis) -> None:
    gateway_configuration_changed(gateway=world.gateway, actor=world.ada, message="Changed something")
    assert gateway_deployment(world.gateway).trouble is Trouble.NONE
    later = timezone.now() + timedelta(seconds=10)
    deployment = gateway_deployment(world.gateway, later)
    assert deployment.trouble is Trouble.WORKER_AWAY
    assert not deployment.settled
    PublishRequest.objects.update(requested_at=timezone.now() - timedelta(seconds=10))
    assert "worker does not seem to run" in panel(world)


def test_redis_away_is_said(world: World, fake_redis: FakeRedis) -> None:
    gateway_configuration_changed(gateway=world.gateway, actor=world.ada, message="Changed something")
    fake_redis.away = True
    html = panel(world)
    assert "Redis cannot be reached" in html
    assert polls(html)


def test_failed_publish_is_said_with_its_reason(world: World, fake_redis: FakeRedis) -> None:
    gateway_configuration_changed(gateway=world.gateway, actor=world.ada, message="Changed something")
    PublishRequest.objects.update(error="The keys cannot be used.")
    assert "The keys cannot be used." in panel(world)


def test_quarantine_of_the_instance_is_said_on_its_page(world: World, fake_redis: FakeRedis) -> None:
    world.instance.services.update(url="ftp://nowhere")
    published(world)
    html = panel(world)
    assert "ftp://nowhere" in html
    assert "503" in html


def test_reports_are_stored_once_and_read_when_redis_is_away(world: World, fake_redis: FakeRedis) -> None:
    revision = published(world)
    report(world, fake_redis, revision=1)
    answer(revision, fake_redis)
    reports_collect()
    reports_collect()
    assert Replica.objects.get().host == "edge-1"
    assert AcknowledgementRow.objects.get().state == "applied"
    fake_redis.away = True
    (progress,) = revision_progress(revision)
    assert (progress.host, progress.state) == ("edge-1", ReplicaState.APPLIED)
    assert progress.total_ms == pytest.approx(143, abs=1)


def test_one_unreadable_report_does_not_hide_the_others(world: World, fake_redis: FakeRedis) -> None:
    published(world)
    report(world, fake_redis)
    fake_redis.hashes[keys.replicas(str(world.gateway.pk))]["bad"] = b"{"
    reports_collect()
    assert Replica.objects.count() == 1


def test_what_replicas_run_is_not_known_while_redis_is_away(world: World, fake_redis: FakeRedis) -> None:
    revision = published(world)
    report(world, fake_redis)
    answer(revision, fake_redis)
    assert "Live" in panel(world)
    fake_redis.away = True
    html = panel(world)
    assert "nobody knows what replicas run now" in html
    assert "No replica" not in html
    assert "Live" not in html
    assert polls(html)
