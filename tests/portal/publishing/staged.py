"""What tests of staged changes do again and again."""

from typing import Any

from django.utils import timezone

from gateway_runtime.schema import document as schema
from gateway_runtime.schema.telemetry import Batch, TrafficRow
from portal.gateways.models import Replica
from portal.gateways.signals import gateway_configuration_changed
from portal.publishing import services
from portal.publishing.models import Revision, Rollout
from portal.publishing.rollout_traffic import rollout_traffic_count
from portal.publishing.sealing import revision_document
from tests.portal.base import World


def publish(world: World) -> Revision:
    revision = services.gateway_publish(gateway_id=world.gateway.pk)
    assert revision is not None
    return revision


def move(world: World, base_path: str, actor: Any = None) -> None:
    world.instance.base_path = base_path
    world.instance.save()
    gateway_configuration_changed(gateway=world.gateway, actor=actor or world.ada, message=f"Moved to {base_path}")


def running(world: World) -> schema.Document:
    return revision_document(Revision.objects.filter(gateway=world.gateway).order_by("-number")[0])


def replica(world: World, **fields: Any) -> Replica:
    now = timezone.now()
    values = {
        "replica_id": "r1", "host": "host-1", "pid": 1, "version": "1", "workers": 1, "started_at": now,
        "seen_at": now, "revision": 1, "state": "applied", **fields,
    }  # fmt: skip
    return Replica.objects.create(gateway=world.gateway, **values)


def seen(world: World, rollout: Rollout, revision: int, *statuses: int, policy: str = "", ago: float = 0) -> None:
    second = int(timezone.now().timestamp() - ago)
    rows = [
        TrafficRow(second, str(world.instance.pk), "r", "", status, policy, "", 1, 0, 0, {5: 1}, {}, 0, revision)
        for status in statuses
    ]
    batch = Batch(
        gateway=str(world.gateway.pk), replica="r1", started_at=1.0, sent_at=1.0, served=0, dropped=0, rows=rows
    )
    rollout_traffic_count([batch])
