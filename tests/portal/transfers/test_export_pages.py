"""Exporting over the console and REST."""

import json
from typing import Any

import yaml

from portal.audit.models import AuditEvent
from portal.core.links import console_url
from portal.policies.services import policy_apply
from tests.portal.base import World, client_of

SECRET = "s3cret-of-the-depot"


def address(world: World, *instances: Any, **more: str) -> str:
    asked = "&".join([f"instance={each.pk}" for each in instances] + [f"{k}={v}" for k, v in more.items()])
    return f"{console_url(world.production, 'transfers:export')}?{asked}"


def with_secret(world: World) -> None:
    policy_apply(
        actor=world.ada, instance=world.instance, policy="http-basic-authentication",
        config={"username": "w", "password": SECRET},
    )  # fmt: skip


def test_the_page_shows_the_file_and_its_variables_without_secrets(world: World) -> None:
    with_secret(world)
    page = client_of(world.ben).get(address(world, world.instance))
    text = page.content.decode()
    assert "kind: ApiInstance" in text
    assert "ORDERS_V1_HTTP_BASIC_AUTHENTICATION_PASSWORD" in text
    assert SECRET not in text


def test_the_file_is_saved_and_that_is_recorded(world: World) -> None:
    with_secret(world)
    answer = client_of(world.ben).post(address(world, world.instance), {"tiers": "on"})
    assert answer["Content-Disposition"] == 'attachment; filename="orders-v1.yaml"'
    kinds = [each["kind"] for each in yaml.safe_load_all(answer.content)]
    assert kinds == ["ApiInstance", "Service", "PolicyBinding", "PolicyBinding"]
    event = AuditEvent.objects.get(action="instance.export")
    assert (event.actor_name, event.after["tiers"], event.environment_id) == ("Ben Viewer", True, world.production.pk)


def test_an_instance_that_cannot_be_published_is_told_on_the_page(world: World) -> None:
    world.instance.routes.all().delete()
    page = client_of(world.ben).get(address(world, world.instance))
    assert "cannot be exported as it is" in page.content.decode()
    assert client_of(world.ben).post(address(world, world.instance)).status_code == 422


def test_nobody_exports_what_they_may_not_see(world: World) -> None:
    for user in (world.cora, world.olaf):
        assert client_of(user).get(address(world, world.instance)).status_code == 404
    assert client_of(world.ada).get(address(world, world.instance, world.other_instance)).status_code == 404
    nothing = client_of(world.ada).get(address(world))
    assert nothing["Location"] == console_url(world.production, "apis:list")
    assert client_of(world.ada).get(address(world) + "instance=x").status_code == 404


def rest(user: Any, **body: Any) -> Any:
    return client_of(user).post("/api/v1/exports/", json.dumps(body, default=str), content_type="application/json")


def test_rest_answers_with_the_file_and_what_to_set(world: World) -> None:
    with_secret(world)
    body = rest(world.ben, instances=[world.instance.pk]).json()
    assert [each["name"] for each in body["variables"]] == ["ORDERS_V1_HTTP_BASIC_AUTHENTICATION_PASSWORD"]
    assert set(body["variables"][0]) == {"name", "about"}
    assert SECRET not in json.dumps(body)
    assert AuditEvent.objects.filter(action="instance.export").count() == 1


def test_rest_does_not_know_instances_of_others(world: World) -> None:
    assert rest(world.olaf, instances=[world.instance.pk]).status_code == 400
    assert rest(world.ada, instances=[]).status_code == 400
