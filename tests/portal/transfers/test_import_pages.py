"""Importing over the console and REST."""

import json
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from portal.apis.models import ApiInstance
from portal.core.links import console_url
from tests.portal.base import World, client_of, make_role
from tests.portal.transfers.test_import import MUSEUM

SECRET = "s3cret-of-the-museum"


def museum() -> ApiInstance | None:
    return ApiInstance.objects.filter(api_version__api__name="museum").first()


def test_a_file_is_looked_at_then_taken_in(world: World) -> None:
    client, address = client_of(world.ada), console_url(world.production, "transfers:import")
    assert client.get(address).status_code == 200
    chosen = SimpleUploadedFile("museum.yaml", MUSEUM.encode())
    asked = client.post(address, {"gateway": world.gateway.pk, "file": chosen})
    assert asked.status_code == 422
    assert "variable_MUSEUM_PASSWORD" in asked.content.decode()
    filled = {"gateway": world.gateway.pk, "text": asked.context["form"]["text"].value()}
    shown = client.post(address, {**filled, "variable_MUSEUM_PASSWORD": SECRET})
    assert shown.status_code == 200
    assert "Import (1)" in shown.content.decode()
    assert SECRET not in shown.content.decode()
    assert museum() is None
    kept = shown.context["sealed"]
    assert client_of(world.erik).post(address, {**filled, "sealed": kept, "run": "1"}).status_code == 422
    done = client.post(address, {**filled, "sealed": kept, "run": "1"})
    assert done["Location"] == console_url(world.production, "apis:list")
    assert museum() is not None
    again = client.post(address, filled)
    assert "Unchanged" in again.content.decode()


def test_faults_are_told_with_line_and_nearest_key(world: World) -> None:
    client, address = client_of(world.ada), console_url(world.production, "transfers:import")
    told = client.post(address, {"gateway": world.gateway.pk, "text": MUSEUM.replace("rateLimits", "rateLimitz")})
    assert told.status_code == 422
    assert "pasted.yaml:14: spec.policies[0].config.rateLimitz" in told.content.decode()
    assert client.post(address, {"gateway": world.gateway.pk}).status_code == 422


def test_only_who_may_change_may_import(world: World) -> None:
    address = console_url(world.production, "transfers:import")
    assert client_of(world.ben).get(address).status_code == 403
    assert client_of(world.olaf).get(address).status_code == 404
    body = {"gateway": world.other_gateway.pk, "text": MUSEUM}
    assert client_of(world.ada).post(address, body).status_code == 422


def rest(user: Any, gateway: Any, **more: Any) -> Any:
    body = {"gateway": gateway.pk, "files": [{"name": "a.yaml", "content": MUSEUM}], **more}
    return client_of(user).post("/api/v1/imports/", json.dumps(body, default=str), content_type="application/json")


def test_rest_tells_then_does(world: World) -> None:
    told = rest(world.ada, world.gateway, dry_run=True).json()
    assert ([each["name"] for each in told["missing"]], told["possible"]) == (["MUSEUM_PASSWORD"], False)
    answer = rest(world.ada, world.gateway, variables={"MUSEUM_PASSWORD": SECRET})
    assert (answer.json()["done"], SECRET in answer.content.decode()) == (True, False)
    assert [each["state"] for each in rest(world.ada, world.gateway).json()["changes"]] == ["unchanged"]


def test_rest_is_for_those_who_may(world: World) -> None:
    assert rest(world.ben, world.gateway).status_code == 403
    assert rest(world.olaf, world.gateway).status_code == 400
    make_role(world.cora, world.production, "editor")
    told = rest(world.cora, world.gateway, variables={"MUSEUM_PASSWORD": SECRET}).json()
    assert "your role does not include api.change" in told["faults"][0]["message"]
