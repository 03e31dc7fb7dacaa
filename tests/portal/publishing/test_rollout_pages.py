"""Pages and REST of staged changes."""

import pytest

from portal.core.links import console_url
from portal.policies.services import policy_apply
from portal.publishing import tasks
from portal.publishing.models import Rollout, RolloutState
from tests.portal.base import World, client_of
from tests.portal.publishing.fake_redis import FakeRedis
from tests.portal.publishing.staged import publish, replica, seen

pytestmark = pytest.mark.django_db


def test_gateway_page_compares_the_two(world: World, rollout: Rollout) -> None:
    seen(world, rollout, 2, 200, 500)
    page = client_of(world.ada).get(world.gateway.get_absolute_url()).content.decode()
    assert "Candidate, revision 2" in page
    assert "50 %" in page
    assert "Promote" in page
    assert "base_path" in page
    viewer = client_of(world.ben).get(world.gateway.get_absolute_url()).content.decode()
    assert "take the permission gateway.publish" in viewer


def test_whoever_saves_is_told_that_it_is_staged(world: World, staging: None) -> None:
    body = {
        "instance": str(world.instance.pk),
        "policy": "http-basic-authentication",
        "config": {"username": "w", "password": "s3cret-s3cret"},
    }
    answer = client_of(world.ada).post("/api/v1/policy-bindings/", body, content_type="application/json")
    assert answer["Portico-Remark"] == f"change-staged gateway={world.gateway.pk}"


def test_pages_below_the_gateway_say_that_something_is_staged(world: World, rollout: Rollout) -> None:
    page = client_of(world.ada).get(world.instance.get_absolute_url()).content.decode()
    assert "has a staged change, revision 2" in page


@pytest.mark.parametrize("name", ["rollout_promote", "rollout_undo"])
@pytest.mark.parametrize(
    ("person", "status"), [("ada", 302), ("erik", 302), ("ben", 403), ("cora", 404), ("olaf", 404)]
)
def test_who_may_end_a_rollout(world: World, rollout: Rollout, name: str, person: str, status: int) -> None:
    address = console_url(world.production, f"publishing:{name}", world.gateway.pk)
    assert client_of(getattr(world, person)).post(address, {"candidate": 2}).status_code == status
    rollout.refresh_from_db()
    assert (rollout.state == RolloutState.OPEN) is (status != 302)


@pytest.mark.parametrize("name", ["staging", "stage", "rollout_edit"])
def test_who_may_open_the_forms(world: World, rollout: Rollout, name: str) -> None:
    address = console_url(world.production, f"publishing:{name}", world.gateway.pk)
    answers = {person: client_of(getattr(world, person)).get(address).status_code for person in ("ada", "ben", "olaf")}
    assert answers == {"ada": 200, "ben": 403, "olaf": 404}


def test_form_says_what_a_save_does(world: World, fake_redis: FakeRedis) -> None:
    address = console_url(world.production, "publishing:staging", world.gateway.pk)
    ada = client_of(world.ada)
    values = {"stage_changes": "on", "kind": "percent", "percent": "", "minimum_requests": 10, "window_minutes": 5}
    assert "Give a share" in ada.post(address, values).content.decode()
    assert ada.post(address, {**values, "percent": "25"}).status_code == 302
    staging = world.gateway.staging
    assert (staging.stage_changes, staging.percent, staging.error_percent) == (True, 25, None)


def test_rest_stages_promotes_and_undoes(world: World, rollout: Rollout) -> None:
    ada, ben = client_of(world.ada), client_of(world.ben)
    one = ben.get(f"/api/v1/rollouts/{rollout.pk}/").json()
    assert (one["stable_number"], one["candidate_number"], one["state"]) == (1, 2, "open")
    assert one["changes"][0]["sentence"] == "API “Orders v1”: base_path /a → /b"
    assert one["figures"]["candidate"]["requests"] == 0
    address = f"/api/v1/rollouts/{rollout.pk}"
    assert ben.post(f"{address}/undo/").status_code == 403
    assert client_of(world.olaf).post(f"{address}/undo/").status_code == 404
    wider = ada.patch(f"{address}/", {"percent": 50}, content_type="application/json")
    assert (wider.status_code, wider.json()["percent"]) == (200, 50)
    publish(world)
    assert ada.post(f"{address}/promote/", {"candidate": 9}, content_type="application/json").status_code == 409
    assert ada.post(f"{address}/undo/").json()["number"] == 4
    publish(world)
    begun = ada.post(
        "/api/v1/rollouts/", {"gateway": str(world.gateway.pk), "percent": 20}, content_type="application/json"
    )
    assert begun.status_code == 201, begun.content
    publish(world)
    promoted = ada.post(f"/api/v1/rollouts/{begun.json()['id']}/promote/", content_type="application/json")
    assert (promoted.status_code, promoted.json()["number"]) == (201, 6)
    assert ada.post(f"/api/v1/rollouts/{begun.json()['id']}/undo/").status_code == 409


def test_rest_says_what_a_save_does(world: World, fake_redis: FakeRedis) -> None:
    address = f"/api/v1/gateways/{world.gateway.pk}/staging/"
    ada = client_of(world.ada)
    assert ada.get(address).json()["stage_changes"] is False
    assert ada.patch(address, {"stage_changes": True}, content_type="application/json").json()["stage_changes"] is True
    assert client_of(world.ben).patch(address, {}, content_type="application/json").status_code == 403
    assert client_of(world.olaf).get(address).status_code == 404
    wrong = ada.patch(address, {"kind": "replica"}, content_type="application/json")
    assert (wrong.status_code, list(wrong.json()["fields"])) == (400, ["/replica_id"])


def test_policy_in_a_candidate_is_told_without_its_secrets(world: World, staging: None) -> None:
    policy_apply(
        actor=world.ada,
        instance=world.instance,
        policy="http-basic-authentication",
        config={"username": "w", "password": "s3cret-s3cret"},
    )
    publish(world)
    page = client_of(world.ada).get(world.gateway.get_absolute_url()).content.decode()
    assert "Basic authentication" in page
    assert "s3cret" not in page


def test_gateway_and_revisions_say_why_a_candidate_was_undone_by_itself(world: World, rollout: Rollout) -> None:
    told = "The candidate: 2 workers of this replica ended while they served it, the last one with signal 9 (SIGKILL)."
    replica(world, revision=2, error_code="candidate_refused", message=told)
    tasks.judge()
    publish(world)
    for page in (world.gateway.get_absolute_url(), console_url(world.production, "publishing:list", world.gateway.pk)):
        assert f"host-1 could not take the candidate: {told}" in client_of(world.ada).get(page).content.decode()
