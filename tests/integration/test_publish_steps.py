"""The worker, Redis and the database end in the middle of every step of a publish, with traffic all the time.

Each drill ends alike: every worker of the gateway enforces what was saved last, numbers only went up, nothing is left
half, no caller got a wrong answer, and the page never said that a change was live before it was.
"""

import sqlite3
import time
from collections.abc import Iterator

import pytest

from tests.integration.gateway.conftest import backend
from tests.integration.publish_place import STEPS, PublishPlace, drill, still_on_its_way
from tests.stack import wait_until

pytestmark = pytest.mark.integration
__all__ = ["backend"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, backend: int) -> Iterator[PublishPlace]:
    """Everything that a publish goes through, with one policy that is enforced everywhere."""
    found = PublishPlace(tmp_path_factory.mktemp("publish"), backend=backend)
    yield found
    found.close()


@pytest.mark.parametrize("step", STEPS)
def test_worker_killed(place: PublishPlace, step: str) -> None:
    was = str(place.value)
    with drill(place), place.held_at(step):
        place.save()
        place.wait_at(step)
        still_on_its_way(place, step, was)
        place.kill_worker()


@pytest.mark.parametrize("data", [False, True], ids=["with-its-data", "data-lost"])
@pytest.mark.parametrize("step", ["started", "committed", "half_sent", "sent"])
def test_redis_killed(place: PublishPlace, step: str, data: bool) -> None:
    was = str(place.value)
    with drill(place):
        with place.held_at(step):
            place.save()
            place.wait_at(step)
            still_on_its_way(place, step, was)
            place.lose_redis(data=data)
            shown = place.page()
            assert not shown.settled
            assert "Redis cannot be reached" in shown.text
        place.redis.start()


def test_redis_killed_while_the_job_waits(place: PublishPlace) -> None:
    """The job is lost with the queue; the request is a row."""
    with drill(place), place.held_at("started"):
        place.save()
        place.wait_at("started")
        place.lose_redis(data=True)
        place.redis.start()
        place.kill_worker()


def test_database_locked_for_a_while(place: PublishPlace) -> None:
    was = str(place.value)
    with drill(place):
        with place.held_at("started"):
            place.save()
            place.wait_at("started")
            lock = sqlite3.connect(place.home.database, isolation_level=None)
            lock.execute("begin immediate")
        try:
            end = time.monotonic() + 2
            while time.monotonic() < end:
                still_on_its_way(place, "started", was)
        finally:
            lock.rollback()
            lock.close()


def test_portal_killed_before_it_commits_changes_nothing(place: PublishPlace) -> None:
    with drill(place):
        place.dies_saving("before_commit")
        assert place.page().settled


def test_portal_killed_between_commit_and_job_is_made_up_for(place: PublishPlace) -> None:
    with drill(place):
        place.dies_saving("after_commit")
        assert not place.page().settled


def test_worker_killed_while_it_takes_over_reports(place: PublishPlace) -> None:
    with drill(place):
        place.save()
        with place.held_at("reporting"):
            place.wait_at("reporting")
            place.kill_worker()
    stored = (
        "select count(*) from publishing_acknowledgement where state = 'applied' and revision_id ="
        " (select id from publishing_revision order by number desc limit 1)"
    )
    wait_until(lambda: place.home.value(stored) == 1, seconds=15, what="the gateway's answer")
