"""Deprecating an API instance, and a version with its instances."""

import json
from datetime import date
from typing import Any

import pytest

from gateway_runtime.schema.deprecation import Deprecation
from portal.apis.deprecation import instance_deprecate, instance_undeprecate, version_deprecate
from portal.apis.models import ApiInstance
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.publishing.builder import build
from tests.portal.base import PortalTestCase, World, client_of, make_instance
from tests.portal.cases import ObjectPageCases

SINCE, SUNSET, SUCCESSOR = date(2026, 6, 1), date(2027, 1, 1), "https://hub.example.test/apis/orders?version=v2#new"


def deprecate(world: World, **more: Any) -> ApiInstance:
    return instance_deprecate(actor=world.ada, instance=world.instance, **{"since": SINCE, **more})


def test_a_gateway_is_told_since_when_until_when_and_what_is_next(world: World) -> None:
    deprecate(world, sunset=SUNSET, successor=SUCCESSOR)
    (api,) = build(world.gateway).document.apis
    assert api.deprecation == Deprecation(since=1_780_272_000, sunset=1_798_761_600, successor=SUCCESSOR)
    event = AuditEvent.objects.get(action="instance.deprecate")
    assert (event.before["deprecated"], event.after["sunset"]) == (False, "2027-01-01")


def test_taking_it_back_leaves_nothing(world: World) -> None:
    deprecate(world, sunset=SUNSET)
    instance_undeprecate(actor=world.ada, instance=world.instance)
    (api,) = build(world.gateway).document.apis
    assert api.deprecation is None
    assert AuditEvent.objects.filter(action="instance.undeprecate").count() == 1


def test_what_was_deprecated_before_days_were_kept_says_nothing(world: World) -> None:
    world.instance.deprecated = True
    world.instance.save()
    (api,) = build(world.gateway).document.apis
    assert api.deprecation is None


def test_the_same_again_is_no_change(world: World) -> None:
    deprecate(world)
    deprecate(world)
    instance_undeprecate(actor=world.ada, instance=world.instance)
    instance_undeprecate(actor=world.ada, instance=world.instance)
    assert AuditEvent.objects.filter(action__endswith="deprecate").count() == 2


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("sunset", {"sunset": date(2026, 5, 31)}),
        ("successor", {"successor": "/apis/orders"}),
        ("successor", {"successor": "javascript:alert(1)"}),
        ("successor", {"successor": 'https://a/>; rel="x'}),
        ("successor", {"successor": "https://a/\nx: y"}),
        ("successor", {"successor": "https://a/?q=ä"}),
    ],
)
def test_what_cannot_be_said_is_refused_beside_its_field(world: World, field: str, more: dict[str, Any]) -> None:
    with pytest.raises(ApplicationError) as caught:
        deprecate(world, **more)
    assert set(caught.value.fields) == {field}


def test_a_version_goes_with_its_instances(world: World) -> None:
    make_instance(world.gateway, world.api_version, base_path="/more")
    version_deprecate(
        actor=world.ada, api_version=world.api_version, instances=ApiInstance.objects.filter(gateway=world.gateway),
        since=SINCE,
    )  # fmt: skip
    assert world.api_version.lifecycle == "deprecated"
    assert set(ApiInstance.objects.filter(gateway=world.gateway).values_list("deprecated_on", flat=True)) == {SINCE}


def test_patch_alone_begins_today(world: World) -> None:
    address = f"/api/v1/api-instances/{world.instance.pk}/"
    client = client_of(world.ada)
    body = client.patch(address, json.dumps({"deprecated": True}), content_type="application/json").json()
    assert body["deprecated_on"]
    body = client.patch(address, json.dumps({"deprecated": False}), content_type="application/json").json()
    assert body["deprecated_on"] is None


def rest(user: Any, address: str, **body: Any) -> Any:
    return client_of(user).post(f"/api/v1/{address}/deprecate/", json.dumps(body), content_type="application/json")


def test_rest_says_the_same(world: World) -> None:
    address = f"api-instances/{world.instance.pk}"
    assert rest(world.ben, address).status_code == 403
    assert rest(world.olaf, address).status_code == 404
    body = rest(world.ada, address, since="2026-06-01", sunset="2027-01-01").json()
    assert (body["deprecated"], body["deprecated_on"], body["sunset_on"]) == (True, "2026-06-01", "2027-01-01")
    wrong = rest(world.ada, address, sunset="2026-01-01")
    assert (wrong.status_code, list(wrong.json()["fields"])) == (400, ["/sunset"])
    client_of(world.ada).post(f"/api/v1/{address}/undeprecate/")
    assert not ApiInstance.objects.get(pk=world.instance.pk).deprecated


def test_rest_deprecates_a_version(world: World) -> None:
    address = f"api-versions/{world.api_version.pk}"
    assert rest(world.olaf, address).status_code == 404
    assert rest(world.ben, address).status_code == 403
    body = rest(world.ada, address, since="2026-06-01").json()
    assert (body["lifecycle"], body["instances"]) == ("deprecated", [str(world.instance.pk)])


def test_the_hub_shows_the_days(world: World) -> None:
    deprecate(world, sunset=SUNSET, successor=SUCCESSOR)
    page = client_of(world.ben).get("/hub/apis/acme/orders/")
    text = page.content.decode()
    assert "1 Jun 2026" in text
    assert "1 Jan 2027" in text
    assert "What comes after it" in text


class DeprecatePageTests(ObjectPageCases, PortalTestCase):
    edit_page = "apis:deprecate"
    actions = ("apis:undeprecate",)
    target, other_target = "instance", "other_instance"
    form = {"since": "2026-06-01", "sunset": "2027-01-01", "successor": SUCCESSOR}


class DeprecateVersionPageTests(ObjectPageCases, PortalTestCase):
    edit_page = "apis:deprecate_version"
    target, other_target = "api", "other_api"

    def _form(self, name: str) -> dict[str, Any]:
        return {"since": "2026-06-01", "api_version": str(self.world.api_version.pk)}


def test_the_page_begins_with_what_was_said_and_offers_the_way_back(world: World) -> None:
    deprecate(world, sunset=SUNSET)
    page = client_of(world.ada).get(console_url(world.production, "apis:deprecate", world.instance.pk))
    text = page.content.decode()
    assert 'value="2027-01-01"' in text
    assert "Not deprecated any more" in text
