"""Fixtures of publishing: a fake Redis in the place of the shared connection."""

import pytest

from portal.publishing import rollout_services
from portal.publishing.models import Rollout
from tests.portal.base import World
from tests.portal.publishing.fake_redis import FakeRedis
from tests.portal.publishing.staged import move, publish


@pytest.fixture
def fake_redis(monkeypatch: pytest.MonkeyPatch) -> FakeRedis:
    """An empty Redis that all of publishing talks to."""
    server = FakeRedis()
    for module in ("services", "selectors", "reports", "notices", "drift"):
        monkeypatch.setattr(f"portal.publishing.{module}.connection", lambda: server)
    return server


@pytest.fixture
def staging(world: World, fake_redis: FakeRedis) -> None:
    """Revision 1 is published; from now on changes are staged."""
    move(world, "/a")
    publish(world)
    rollout_services.staging_update(gateway=world.gateway, actor=world.ada, stage_changes=True, minimum_requests=10)


@pytest.fixture
def rollout(world: World, staging: None) -> Rollout:
    """Revision 2 has /b as its candidate."""
    move(world, "/b", world.erik)
    publish(world)
    return Rollout.objects.get()
