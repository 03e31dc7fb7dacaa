"""Who runs what: live from Redis, else as last stored."""

from typing import Any

import msgspec
import pytest
from django.utils import timezone

from gateway_runtime.schema import keys
from gateway_runtime.schema.replica import ApplyState, ReplicaStatus
from portal.core.links import console_url
from portal.gateways.models import Gateway, Replica
from portal.gateways.signals import gateway_configuration_changed
from portal.publishing import services
from portal.publishing.drift import DriftState, GatewayDrift, gateways_drift
from tests.portal.base import World, client_of
from tests.portal.publishing.fake_redis import FakeRedis

pytestmark = pytest.mark.django_db


@pytest.fixture
def three(world: World, fake_redis: FakeRedis) -> None:
    """Revision 3 is the newest."""
    for base_path in ("/a", "/b", "/c"):
        world.instance.base_path = base_path
        world.instance.save()
        gateway_configuration_changed(gateway=world.gateway, message="x")
        services.gateway_publish(gateway_id=world.gateway.pk)


def report(world: World, server: FakeRedis, name: str, **fields: Any) -> None:
    now = timezone.now().timestamp()
    values: dict[str, Any] = {
        "host": f"host-{name}", "pid": 1, "version": "1", "workers": 1, "started_at": now, "seen_at": now,
        "applied_at": now, "state": ApplyState.APPLIED, **fields,
    }  # fmt: skip
    status = ReplicaStatus(replica=name, **values)
    server.hashes.setdefault(keys.replicas(str(world.gateway.pk)), {})[name] = msgspec.json.encode(status)


def drift(world: World) -> GatewayDrift:
    (found,) = gateways_drift(Gateway.objects.filter(pk=world.gateway.pk))
    return found


def test_replicas_are_told_by_how_they_stand_to_the_newest(world: World, three: None, fake_redis: FakeRedis) -> None:
    report(world, fake_redis, "newest", revision=3)
    report(world, fake_redis, "behind", revision=1)
    report(world, fake_redis, "refusing", revision=2, state=ApplyState.REJECTED, message="Port 80 is in use.")
    report(world, fake_redis, "silent", revision=3, seen_at=timezone.now().timestamp() - 60)
    found = drift(world)
    assert [(each.replica_id, each.state, each.behind) for each in found.replicas] == [
        ("behind", DriftState.BEHIND, 2),
        ("refusing", DriftState.REJECTED, 1),
        ("newest", DriftState.IN_SYNC, 0),
        ("silent", DriftState.DISCONNECTED, 0),
    ]
    assert (found.newest, found.behind, found.by_revision) == (3, 2, [(3, 1), (2, 1), (1, 1)])
    assert found.replicas[1].reason == "Port 80 is in use."


def test_candidate_of_a_replica_is_told_with_its_share(world: World, three: None, fake_redis: FakeRedis) -> None:
    report(world, fake_redis, "r", revision=3, candidate=3, candidate_share=0.1)
    (replica,) = drift(world).replicas
    assert (replica.candidate, replica.share) == (3, 10)


def test_without_redis_it_is_told_as_last_stored(world: World, three: None, fake_redis: FakeRedis) -> None:
    now = timezone.now()
    Replica.objects.create(
        gateway=world.gateway, replica_id="r", host="h", pid=1, version="1", workers=1, started_at=now, seen_at=now,
        revision=2, state="applied",
    )  # fmt: skip
    fake_redis.away = True
    assert [(each.replica_id, each.state) for each in drift(world).replicas] == [("r", DriftState.BEHIND)]


def test_pages_show_one_gateway_and_all_of_the_environment(world: World, three: None, fake_redis: FakeRedis) -> None:
    report(world, fake_redis, "r", revision=2, candidate=3, candidate_share=0.5)
    for address in (
        console_url(world.production, "publishing:drift", world.gateway.pk),
        console_url(world.production, "fleet:drift"),
    ):
        page = client_of(world.ben).get(address).content.decode()
        assert "1 replica on revision 2" in page, address
        assert "Candidate" in page, address
        assert client_of(world.olaf).get(address).status_code == 404
    assert "1 replica not on the newest" in client_of(world.ben).get(
        console_url(world.production, "gateways:list")
    ).content.decode()  # fmt: skip


def test_pages_have_something_to_say_without_replicas(world: World, fake_redis: FakeRedis) -> None:
    page = client_of(world.ben).get(console_url(world.production, "fleet:drift")).content.decode()
    assert "No replica has reported yet" in page
    empty = client_of(world.ada).get(console_url(world.sandbox, "fleet:drift")).content.decode()
    assert "No gateway yet" in empty


def test_rest_tells_who_runs_what(world: World, three: None, fake_redis: FakeRedis) -> None:
    report(world, fake_redis, "r", revision=2)
    (row,) = client_of(world.ben).get("/api/v1/running-revisions/").json()
    assert (row["gateway_name"], row["newest"], row["behind"]) == ("Edge", 3, 1)
    assert row["replicas"][0]["state"] == "out_of_sync"
    assert client_of(world.olaf).get("/api/v1/running-revisions/", {"gateway": str(world.gateway.pk)}).json() == []
    assert client_of(world.ben).get("/api/v1/running-revisions/", {"gateway": "x"}).status_code == 400


def test_number_of_queries_does_not_depend_on_the_number_of_gateways(
    world: World, three: None, fake_redis: FakeRedis, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        gateways_drift(Gateway.objects.all())
