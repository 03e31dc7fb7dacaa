"""On PostgreSQL: the database, or the worker, ends in the middle of every step of a publish."""

from collections.abc import Iterator

import pytest

from tests.integration.gateway.conftest import backend
from tests.integration.postgresql import PostgresServer
from tests.integration.publish_place import STEPS, PublishPlace, drill, still_on_its_way

pytestmark = pytest.mark.integration
__all__ = ["backend"]


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    """A PostgreSQL that runs."""
    server = PostgresServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, backend: int, database: PostgresServer) -> Iterator[PublishPlace]:
    """Everything that a publish goes through, on PostgreSQL."""
    found = PublishPlace(tmp_path_factory.mktemp("publish"), backend=backend, database_url=database.url)
    yield found
    found.close()


@pytest.mark.parametrize("step", STEPS)
def test_database_killed(place: PublishPlace, database: PostgresServer, step: str) -> None:
    was = str(place.value)
    with drill(place):
        with place.held_at(step):
            place.save()
            place.wait_at(step)
            still_on_its_way(place, step, was)
            database.kill()
            says_that_the_database_is_away(place)
        database.start()


@pytest.mark.parametrize("step", STEPS)
def test_worker_killed(place: PublishPlace, step: str) -> None:
    was = str(place.value)
    with drill(place), place.held_at(step):
        place.save()
        place.wait_at(step)
        still_on_its_way(place, step, was)
        place.kill_worker()


def test_portal_killed_before_it_commits_changes_nothing(place: PublishPlace) -> None:
    with drill(place):
        place.dies_saving("before_commit")
        assert place.page().settled


def test_portal_killed_between_commit_and_job_is_made_up_for(place: PublishPlace) -> None:
    with drill(place):
        place.dies_saving("after_commit")
        assert not place.page().settled


def says_that_the_database_is_away(place: PublishPlace) -> None:
    """Check that page and REST say so with 503, and that the portal says that it is not ready."""
    page = place.browser.get(place.fragment)
    assert page.status_code == 503
    assert "The database does not answer" in page.text
    answer = place.rest.get("/gateways/")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert place.browser.get("/readyz").status_code == 503
