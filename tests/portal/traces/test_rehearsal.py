"""What would happen to a request, without sending it: what runs beside what is saved."""

import json
from typing import Any

import pytest
from django.utils import timezone

from gateway_runtime.schema import document as schema
from portal.apis.models import Destination, InstanceStatus, Service
from portal.contracts.models import ClientApplication, Contract, ContractStatus
from portal.core.links import console_url
from portal.policies.models import PolicyBinding
from portal.publishing.builder import build
from portal.publishing.models import Revision
from portal.publishing.sealing import document_seal
from portal.traces.rehearsal import Asked, rehearse
from portal.traces.rehearsal_forms import is_secret
from tests.portal.base import World, client_of, make_api, make_instance

pytestmark = pytest.mark.django_db


def publish(world: World) -> Revision:
    """Make what is saved run."""
    encoded = schema.encode(build(world.gateway).document)
    number = world.gateway.revisions.count() + 1
    return Revision.objects.create(
        gateway=world.gateway,
        number=number,
        digest=schema.digest(encoded),
        envelope=document_seal(world.gateway, encoded, number=number, digest=schema.digest(encoded)),
        requested_at=timezone.now(),
        published_at=timezone.now(),
    )


def apply(world: World, policy: str, config: dict[str, Any], **fields: Any) -> PolicyBinding:
    return PolicyBinding.objects.create(instance=world.instance, policy=policy, order=10, config=config, **fields)


def lock(world: World, **fields: Any) -> PolicyBinding:
    secrets = json.dumps({"password": "sesame"})
    return apply(world, "http-basic-authentication", {"username": "ada"}, secrets=secrets, **fields)


def asked(path: str = "/orders/17", **fields: Any) -> Asked:
    return Asked(**{"method": "GET", "path": path, "host": "api.example.test", **fields})


def test_a_request_that_goes_on_names_route_target_and_path(world: World) -> None:
    Service.objects.update(url="https://orders.example.test/v2", settings={"targets": [{"address": "https://b.test"}]})
    saved = rehearse(instance=world.instance, asked=asked("/orders/17?full=1")).saved
    assert (saved.route, saved.status, saved.headline) == ("all requests", 0, "It would go on")
    (sent,) = saved.sent
    assert (sent.service, sent.path) == ("default", "/v2/17?full=1")
    assert sent.targets == ("https://orders.example.test:443", "https://b.test:443")


def test_weighted_ways_are_told_with_their_shares_and_paths(world: World) -> None:
    canary = Service.objects.create(instance=world.instance, name="canary", url="http://new.test/api")
    route = world.instance.routes.get()
    route.destinations.update(weight=3)
    Destination.objects.create(route=route, service=canary, order=1, path="/v3")
    sent = rehearse(instance=world.instance, asked=asked()).saved.sent
    assert [(each.service, each.share, each.path) for each in sent] == [
        ("default", 75, "/17"),
        ("canary", 25, "/api/v3/17"),
    ]


def test_what_runs_and_what_is_saved_are_told_apart(world: World) -> None:
    publish(world)
    assert not rehearse(instance=world.instance, asked=asked()).differs
    lock(world)
    found = rehearse(instance=world.instance, asked=asked())
    assert found.differs
    assert found.running.goes_on
    assert (found.saved.status, found.saved.policy) == (401, "http-basic-authentication")
    assert found.saved.reason


def test_each_policy_has_its_verdict(world: World) -> None:
    lock(world, rules=[{"methods": "POST"}])
    apply(world, "rate-limiting", {"rateLimits": [{"maximumRequests": 1, "timePeriodInMilliseconds": 1000}]})
    steps = rehearse(instance=world.instance, asked=asked()).saved.steps
    assert [(step.policy, step.outcome) for step in steps] == [
        ("http-basic-authentication", "not_bound"),
        ("rate-limiting", "continued"),
    ]


def test_a_policy_that_would_ask_somebody_says_so(world: World) -> None:
    config = {
        "jwtOrigin": "httpBearerAuthenticationHeader",
        "signingMethod": "rsa",
        "signingKeyLength": 256,
        "jwtKeyOrigin": "jwks",
        "jwksUrl": "https://keys.example.test/jwks",
    }
    apply(world, "jwt-validation", config)
    token = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.eyJzdWIiOiJhIn0.c2ln"
    saved = rehearse(instance=world.instance, asked=asked(headers=(("authorization", f"Bearer {token}"),))).saved
    assert saved.depends, saved
    assert "could not be asked" in saved.headline


def test_an_application_is_known_without_its_secret(world: World) -> None:
    application = ClientApplication.objects.create(owner=world.cora, name="Till", client_id="till-1")
    contract = Contract.objects.create(application=application, instance=world.instance, status=ContractStatus.ACTIVE)
    apply(world, "client-id-enforcement", {})
    found = rehearse(instance=world.instance, asked=asked(application=application)).saved
    assert (found.application, found.goes_on) == ("Till", True)
    contract.status = ContractStatus.REVOKED
    contract.save()
    assert not rehearse(instance=world.instance, asked=asked(application=application)).saved.goes_on


def test_an_application_is_known_by_http_basic_where_the_policy_asks_for_it(world: World) -> None:
    application = ClientApplication.objects.create(owner=world.cora, name="Till", client_id="till-1")
    Contract.objects.create(application=application, instance=world.instance, status=ContractStatus.ACTIVE)
    origin = {"credentialsOriginHasHttpBasicAuthenticationHeader": "httpBasicAuthenticationHeader"}
    apply(world, "client-id-enforcement", origin)
    assert rehearse(instance=world.instance, asked=asked(application=application)).saved.application == "Till"


def test_a_path_of_another_api_names_it(world: World) -> None:
    make_instance(world.gateway, make_api(world.organization, "Returns").versions.get(), base_path="/returns")
    publish(world)
    running = rehearse(instance=world.instance, asked=asked("/returns/1")).running
    assert (running.code, running.elsewhere) == ("no_api_here", "Returns v1")


def test_no_route_is_an_answer_of_the_gateway(world: World) -> None:
    world.instance.routes.update(rules=[{"path": "/items"}])
    saved = rehearse(instance=world.instance, asked=asked()).saved
    assert (saved.status, saved.code, saved.headline) == (404, "no_route", "The gateway would answer it itself")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"status": InstanceStatus.STOPPED}, "stopped"),
        ({"settings": {"teleport": 1}}, "cannot be used"),
    ],
)
def test_why_nothing_can_be_said_of_what_is_saved(world: World, change: dict[str, Any], says: str) -> None:
    for name, value in change.items():
        setattr(world.instance, name, value)
    world.instance.save()
    assert says in rehearse(instance=world.instance, asked=asked()).saved.unavailable


def test_before_the_first_revision_nothing_runs(world: World) -> None:
    found = rehearse(instance=world.instance, asked=asked())
    assert (found.revision, "Nothing has been published" in found.running.unavailable) == (None, True)


def test_a_policy_without_which_it_cannot_be_served_is_named(world: World) -> None:
    apply(world, "no-such-policy", {})
    assert "no-such-policy" in rehearse(instance=world.instance, asked=asked()).saved.unavailable


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "X-Api-Key", "client_secret", "X-Auth-Token"])
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret(name)


class TestPage:
    def address(self, world: World) -> str:
        return console_url(world.production, "traces:rehearsal", world.instance.pk)

    def test_an_address_with_a_request_shows_what_would_happen(self, world: World) -> None:
        page = client_of(world.ada).get(self.address(world), {"path": "/orders/17"}).content.decode()
        assert "It would go on" in page
        assert "all requests" in page

    def test_secrets_stay_out_of_the_link(self, world: World) -> None:
        lock(world)
        typed = {
            "method": "GET",
            "path": "/orders/17?token=hush&full=1",
            "headers": "Authorization: Basic YWRhOnNlc2FtZQ==\nX-Kind: a",
            "client_ip": "192.0.2.7",
            "body": "",
        }
        response = client_of(world.ada).post(self.address(world), typed)
        assert response.context["found"].saved.goes_on
        link = response.context["link"]
        assert "X-Kind" in link
        assert "YWRh" not in link
        assert "hush" not in link

    @pytest.mark.parametrize(
        "wrong", [{"path": "orders"}, {"path": "/a b"}, {"headers": "nothing"}, {"client_ip": "here"}, {"method": "X"}]
    )
    def test_what_cannot_be_a_request_is_said_beside_the_field(self, world: World, wrong: dict[str, str]) -> None:
        response = client_of(world.ada).get(self.address(world), {"path": "/orders", **wrong})
        assert (response.status_code, list(response.context["form"].errors)) == (422, list(wrong))

    @pytest.mark.parametrize(("person", "status"), [("erik", 200), ("ben", 403), ("cora", 404), ("olaf", 404)])
    def test_editors_may(self, world: World, person: str, status: int) -> None:
        assert client_of(getattr(world, person)).get(self.address(world)).status_code == status


class TestApi:
    def post(self, world: World, person: str = "ada", **fields: Any) -> Any:
        body = {"instance": str(world.instance.pk), "path": "/orders/17", **fields}
        return client_of(getattr(world, person)).post("/api/v1/rehearsals/", body, content_type="application/json")

    def test_both_sides_are_told(self, world: World) -> None:
        publish(world)
        lock(world)
        body = self.post(world).json()
        assert (body["revision"], body["differs"]) == (1, True)
        assert body["running"]["sent"][0]["path"] == "/17"
        assert (body["saved"]["status"], body["saved"]["steps"][0]["outcome"]) == (401, "refused")

    def test_headers_are_sent(self, world: World) -> None:
        lock(world)
        body = self.post(world, headers={"Authorization": "Basic YWRhOnNlc2FtZQ=="}).json()
        assert body["saved"]["status"] == 0

    def test_a_wrong_field_is_named(self, world: World) -> None:
        response = self.post(world, client_ip="here")
        assert (response.status_code, list(response.json()["fields"])) == (400, ["/client_ip"])

    @pytest.mark.parametrize(("person", "status"), [("erik", 200), ("ben", 403), ("olaf", 400)])
    def test_editors_may(self, world: World, person: str, status: int) -> None:
        assert self.post(world, person).status_code == status
