"""`portico rollout`, against the real interface."""

from typing import Any

import pytest

from portal.publishing import rollout_services, services
from portal.publishing.models import Hold, Rollout, RolloutState
from tests.portal.base import World
from tests.portal.cli.test_transfers import run
from tests.portal.publishing.conftest import fake_redis
from tests.portal.publishing.staged import move, publish

pytestmark = pytest.mark.django_db
__all__ = ["fake_redis", "run"]

HERE = ("--environment", "production", "--organization", "acme")


@pytest.fixture
def waiting(world: World, fake_redis: Any) -> None:
    """Revision 1 was restored as 3, and a change waits."""
    move(world, "/a")
    first = publish(world)
    move(world, "/b")
    publish(world)
    services.revision_restore(revision=first, actor=world.ada)
    move(world, "/c")
    publish(world)


def test_what_waits_is_staged_and_promoted(world: World, waiting: None, run: Any) -> None:
    result = run("rollout", "start", "edge", "--percent", "25", *HERE)
    assert result.exit_code == 0, result.output
    assert Rollout.objects.get().percent == 25
    number = publish(world).number
    assert f"revision {number} beside 3, 25 %, open" in run("rollout", "list", *HERE).stdout
    refused = run("rollout", "promote", "edge", "--candidate", "1", *HERE)
    assert (refused.exit_code, f"revision {number} by now" in refused.output) == (1, True)
    promoted = run("rollout", "promote", "edge", "--candidate", str(number), *HERE)
    assert promoted.exit_code == 0, promoted.output
    assert Rollout.objects.get().state == RolloutState.PROMOTED


def test_candidate_is_undone(world: World, waiting: None, run: Any) -> None:
    rollout_services.rollout_start(gateway=world.gateway, actor=world.ada)
    publish(world)
    result = run("rollout", "undo", "edge", *HERE)
    assert result.exit_code == 0, result.output
    assert Hold.objects.exists()
    again = run("rollout", "undo", "edge", *HERE)
    assert (again.exit_code, "Nothing is staged on Edge." in again.output) == (1, True)


def test_share_and_replica_are_not_given_together(world: World, run: Any) -> None:
    result = run("rollout", "start", "edge", "--percent", "5", "--replica", "r", *HERE)
    assert result.exit_code == 2


def test_replica_that_is_not_connected_is_refused_in_a_sentence(world: World, waiting: None, run: Any) -> None:
    result = run("rollout", "start", "edge", "--replica", "r", *HERE)
    assert "Choose a replica that is connected now." in result.output
