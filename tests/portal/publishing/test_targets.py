"""How the targets of an API instance are, on its page."""

import pytest

from gateway_runtime.schema.replica import TargetHealth
from portal.core.links import console_url
from portal.publishing.targets import instance_targets
from tests.portal.base import World, client_of
from tests.portal.publishing.fake_redis import FakeRedis
from tests.portal.publishing.test_progress import report

pytestmark = pytest.mark.django_db


@pytest.fixture
def service(world: World) -> str:
    """The id of a service with two targets."""
    service = world.instance.services.get()
    service.settings = {"targets": [{"address": "http://b.example.test:9001"}]}
    service.save()
    return str(service.pk)


def health(service: str, state: str, target: str = "b.example.test:9001") -> TargetHealth:
    return TargetHealth(service=service, target=target, state=state)


def test_every_target_is_there_as_the_worst_replica_sees_it(world: World, service: str, fake_redis: FakeRedis) -> None:
    report(world, fake_redis, targets=[health(service, "healthy")])
    report(world, fake_redis, replica="replica-2", host="edge-2", targets=[health(service, "ejected")])
    first, second = instance_targets(world.instance)
    assert (first.target, first.state) == ("orders.example.test:9001", "")
    assert (second.target, second.state, second.hosts) == ("b.example.test:9001", "ejected", ("edge-2",))
    page = client_of(world.ben).get(console_url(world.production, "apis:detail", world.instance.pk)).content.decode()
    assert "Passed over" in page
    assert "Not told yet" in page


def test_a_target_of_another_service_says_nothing_of_this_one(
    world: World, service: str, fake_redis: FakeRedis
) -> None:
    report(world, fake_redis, targets=[health("another", "unhealthy")])
    assert [seen.state for seen in instance_targets(world.instance)] == ["", ""]


def test_a_single_target_that_nobody_watches_says_so(world: World, fake_redis: FakeRedis) -> None:
    report(world, fake_redis)
    page = client_of(world.ada).get(console_url(world.production, "apis:detail", world.instance.pk)).content.decode()
    assert "Not watched" in page


@pytest.mark.parametrize(("person", "status"), [("ben", 200), ("olaf", 404)])
def test_rest_tells_the_same(world: World, service: str, fake_redis: FakeRedis, person: str, status: int) -> None:
    report(world, fake_redis, targets=[health(service, "unhealthy")])
    answer = client_of(getattr(world, person)).get(f"/api/v1/api-instances/{world.instance.pk}/targets/")
    assert answer.status_code == status
    if status == 200:
        target = {"service": "default", "target": "b.example.test:9001", "state": "unhealthy", "hosts": ["edge-1"]}
        assert target in answer.json()
