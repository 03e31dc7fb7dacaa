"""Promoting over the console and REST."""

import json
from typing import Any

import pytest

from portal.core.links import console_url
from portal.gateways.models import Gateway
from tests.portal.base import World, client_of, make_gateway, make_role
from tests.portal.transfers.test_promotion import NAME, OTHER, SECRET, lock


@pytest.fixture
def sandbox(world: World) -> Gateway:
    return make_gateway(world.sandbox, "Try", port=8090)


def page(world: World, *instances: Any) -> str:
    asked = "&".join(f"instance={each.pk}" for each in instances or (world.instance,))
    return f"{console_url(world.production, 'transfers:promote')}?{asked}"


def test_differences_are_shown_then_promoted(world: World, sandbox: Gateway) -> None:
    lock(world)
    client = client_of(world.ada)
    filled = {"gateway": sandbox.pk, "services": "on", "policies": "on", "url_0": "https://try.example.test"}
    asked = client.post(page(world), filled)
    assert (asked.status_code, f"variable_{NAME}" in asked.content.decode()) == (422, True)
    shown = client.post(page(world), {**filled, f"variable_{NAME}": OTHER})
    text = shown.content.decode()
    assert "Promote (1)" in text
    assert "try.example.test" in text
    assert SECRET not in text
    assert OTHER not in text
    assert not sandbox.api_instances.exists()
    done = client.post(page(world), {**filled, "sealed": shown.context["sealed"], "run": "1"})
    target = sandbox.api_instances.get()
    assert done["Location"] == target.get_absolute_url()
    assert target.services.get().url == "https://try.example.test"
    assert "Came from" in client.get(target.get_absolute_url()).content.decode()
    assert "Promoted to" in client.get(world.instance.get_absolute_url()).content.decode()


def test_a_refused_one_is_told_beside_its_name(world: World, sandbox: Gateway) -> None:
    filled = {"gateway": sandbox.pk, "services": "on", "url_0": "http://10.0.0.1"}
    told = client_of(world.ada).post(page(world), filled)
    assert (told.status_code, "private address" in told.content.decode()) == (422, True)


def test_without_another_gateway_the_page_says_so(world: World) -> None:
    assert "There is no other gateway" in client_of(world.ada).get(page(world)).content.decode()


def test_only_gateways_that_one_may_change_are_offered(world: World, sandbox: Gateway) -> None:
    assert "There is no other gateway" in client_of(world.ben).get(page(world)).content.decode()
    make_role(world.ben, world.sandbox, "editor")
    assert "Sandbox: Try" in client_of(world.ben).get(page(world)).content.decode()
    assert client_of(world.ben).post(page(world), {"gateway": world.other_gateway.pk}).status_code == 422
    assert client_of(world.olaf).get(page(world)).status_code == 404
    assert client_of(world.ada).get(page(world, world.other_instance)).status_code == 404


def test_chosen_rows_of_the_list_are_promoted(world: World, sandbox: Gateway) -> None:
    client = client_of(world.ada)
    list_page = console_url(world.production, "apis:list")
    for action in ("promote", "export"):
        there = client.post(list_page, {"action": action, "row": str(world.instance.pk)})["Location"]
        assert client.get(there).status_code == 200


def rest(user: Any, world: World, gateway: Any, **more: Any) -> Any:
    body = {"instances": [world.instance.pk], "gateway": gateway.pk, **more}
    return client_of(user).post("/api/v1/promotions/", json.dumps(body, default=str), content_type="application/json")


def test_rest_does_the_same(world: World, sandbox: Gateway) -> None:
    urls = {str(world.instance.pk): {"default": "https://try.example.test"}}
    told = rest(world.ada, world, sandbox, urls=urls, dry_run=True).json()
    assert (told["possible"], told["changes"][0]["is_new"], told["done"]) == (True, True, False)
    assert rest(world.ada, world, sandbox, urls=urls).json()["done"]
    assert rest(world.ada, world, sandbox).json()["changes"][0]["state"] == "unchanged"
    assert rest(world.ben, world, sandbox).status_code == 403
    assert rest(world.ada, world, world.other_gateway).status_code == 400
    assert rest(world.ada, world, world.gateway).json()["code"] == "gateway_the_same"
