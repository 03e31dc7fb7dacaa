"""How a candidate does, and what its budget makes of it."""

import datetime

import pytest
from django.utils import timezone

from portal.publishing import rollout_services, tasks
from portal.publishing.models import Hold, Revision, Rollout, RolloutState
from portal.publishing.verdict import rollout_figures
from tests.portal.base import World
from tests.portal.publishing.staged import move, publish, replica, seen

pytestmark = pytest.mark.django_db


def test_requests_are_counted_by_the_revision_that_answered(world: World, rollout: Rollout) -> None:
    seen(world, rollout, 0, 200, 200, 503)
    seen(world, rollout, 2, 200, 500)
    seen(world, rollout, 2, 429, policy="rate-limiting")
    stable, candidate = rollout_figures(rollout)
    assert (stable.requests, stable.errors, stable.refused) == (3, 1, 0)
    assert (candidate.requests, candidate.errors, candidate.refused) == (3, 1, 1)
    assert candidate.p95_ms is not None


def test_only_apis_that_differ_are_counted(world: World, rollout: Rollout) -> None:
    Rollout.objects.update(instances=[])
    seen(world, rollout, 0, 200)
    assert rollout_figures(rollout)[0].requests == 0


def test_budget_undoes_the_candidate_by_itself(world: World, rollout: Rollout) -> None:
    seen(world, rollout, 2, *[200] * 9, 500)
    tasks.judge()
    rollout.refresh_from_db()
    assert (rollout.state, rollout.ended_by) == (RolloutState.UNDONE, "Portico")
    assert rollout.reason == "1 of 10 requests to the candidate failed within 5 min; its budget is 5 %."
    assert Hold.objects.exists()


@pytest.mark.parametrize(
    ("statuses", "revision", "ago"),
    [((500,) * 9, 2, 0), ((500,) * 10, 0, 0), ((200,) * 19 + (500,), 2, 0)],
    ids=["too few", "of the stable one", "just within"],
)
def test_budget_lets_it_go_on(
    world: World, rollout: Rollout, statuses: tuple[int, ...], revision: int, ago: float
) -> None:
    seen(world, rollout, revision, *statuses, ago=ago)
    tasks.judge()
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.OPEN


def test_failures_before_the_window_do_not_count(world: World, rollout: Rollout) -> None:
    long_ago = timezone.now() - datetime.timedelta(hours=1)
    Rollout.objects.update(created_at=long_ago)
    Revision.objects.update(created_at=long_ago)
    seen(world, rollout, 2, *[500] * 10, ago=400)
    tasks.judge()
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.OPEN


def test_refusals_count_where_that_is_wanted(world: World, rollout: Rollout) -> None:
    seen(world, rollout, 2, *[429] * 10, policy="rate-limiting")
    tasks.judge()
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.OPEN
    rollout_services.rollout_update(rollout=rollout, actor=world.ada, refusals_count=True)
    tasks.judge()
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.UNDONE


def test_failures_of_an_earlier_candidate_do_not_undo_the_next(world: World, rollout: Rollout) -> None:
    seen(world, rollout, 2, *[500] * 10)
    move(world, "/c")
    publish(world)
    tasks.judge()
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.OPEN


def test_candidate_within_its_budget_for_long_enough_is_promoted(world: World, rollout: Rollout) -> None:
    Rollout.objects.update(promote_after_minutes=10, created_at=timezone.now() - datetime.timedelta(minutes=11))
    seen(world, rollout, 2, *[200] * 10)
    tasks.judge()
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.OPEN
    Revision.objects.update(created_at=timezone.now() - datetime.timedelta(minutes=11))
    tasks.judge()
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.PROMOTED
    assert rollout.reason == "Within its budget for 10 min: 0 of 10 requests failed."


def test_candidate_that_nobody_asked_is_not_promoted_by_itself(world: World, rollout: Rollout) -> None:
    long_ago = timezone.now() - datetime.timedelta(minutes=11)
    Rollout.objects.update(promote_after_minutes=10, created_at=long_ago)
    Revision.objects.update(created_at=long_ago)
    tasks.judge()
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.OPEN


def test_candidate_that_a_replica_cannot_take_is_undone(world: World, rollout: Rollout) -> None:
    replica(world, revision=2, error_code="candidate_refused", message="Orders v1: broken.")
    tasks.judge()
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.UNDONE
    assert rollout.reason == "host-1 could not take the candidate: Orders v1: broken."
