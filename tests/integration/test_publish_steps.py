"""The worker, Redis and the database end in the middle of every step of a publish, with traffic all the time.

Each drill ends alike: every worker of the gateway enforces what was saved last, numbers only went up, nothing is left
half, no caller got a wrong answer, and the page never said that a change was live before it was.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.gateway.conftest import backend
from tests.integration.publish_place import PublishPlace, Seen
from tests.stack import wait_until

pytestmark = pytest.mark.integration
__all__ = ["backend"]

# In order. Before “sent” no gateway can know of the change.
BEFORE_SENT = ("started", "built", "numbered", "committed", "half_sent")
STEPS = (*BEFORE_SENT, "sent", "recorded", "finished")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, backend: int) -> Iterator[PublishPlace]:
    """Everything that a publish goes through, with one policy that is enforced everywhere."""
    found = PublishPlace(tmp_path_factory.mktemp("publish"), backend=backend)
    yield found
    found.close()


@contextmanager
def drill(place: PublishPlace) -> Iterator[Seen]:
    """Watch traffic and page through a drill, and check that everything is whole at its end."""
    place.redis.start()  # an earlier drill may have ended without it
    before, was = place.newest(), str(place.value)
    with place.traffic() as seen:
        yield seen
        place.converged()
        # Every worker enforces it; whoever calls from now on gets nothing else.
        at_the_end = len(seen.values)
        wait_until(lambda: len(seen.values) > at_the_end + 3, seconds=10, what="more calls")
    assert seen.wrong == []
    assert set(seen.values) <= {was, str(place.value)}
    assert set(seen.values[at_the_end + 1 :]) == {str(place.value)}
    assert place.newest() >= before
    wait_until(lambda: place.faults() == [], seconds=15, what=f"a whole end: {place.faults()}")


def still_on_its_way(place: PublishPlace, step: str, was: str) -> None:
    """Check that the page does not say that it is done, and that nobody enforces what is not sent."""
    if step in BEFORE_SENT:
        shown = place.page()
        assert not shown.settled, shown
        assert shown.state == "Publishing"
        assert place.enforced() == was
    elif (shown := place.page()).settled:
        assert place.enforced() == str(place.value)


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
