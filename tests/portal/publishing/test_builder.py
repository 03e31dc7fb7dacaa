"""From tables to a document."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway_runtime.schema import document as schema
from gateway_runtime.schema.access_log import AccessLog
from gateway_runtime.schema.limits import ApiLimits
from gateway_runtime.schema.upstream import HealthCheck, UpstreamTls
from portal.apis.models import Destination, InstanceStatus, Service
from portal.contracts.models import ClientApplication, Contract, ContractStatus, Credential, SlaTier
from portal.policies.models import PolicyBinding
from portal.publishing.builder import build
from tests.portal.base import World, make_api, make_instance

BASIC = "http-basic-authentication"


def apply(instance: Any, policy: str = BASIC, **fields: Any) -> PolicyBinding:
    defaults = {"order": 100, "config": {"username": "w"}, "secrets": json.dumps({"password": "s3cret"})}
    return PolicyBinding.objects.create(instance=instance, policy=policy, **{**defaults, **fields})


def only_api(built: Any) -> schema.ApiInstance:
    assert len(built.document.apis) == 1
    return built.document.apis[0]


def test_instance_becomes_services_routes_and_policies(world: World) -> None:
    service = world.instance.services.get()
    service.url = "https://orders.example.test/v2/"
    service.save()
    route = world.instance.routes.get()
    route.rules = [{"methods": "GET|HEAD", "path": "/items/.*"}]
    route.save()
    binding = apply(world.instance)

    api = only_api(build(world.gateway))

    assert (api.base_path, api.listener, api.quarantine) == ("/orders", str(world.listener.pk), "")
    assert api.services[0].scheme == "https"
    assert api.services[0].targets == [schema.Target(host="orders.example.test", port=443)]
    assert api.routes[0].destination_path == "/v2"
    assert api.routes[0].rules == [schema.Rule(path="/items/.*", methods="GET|HEAD")]
    assert api.policies == [
        schema.PolicyBinding(
            id=str(binding.pk), policy=BASIC, order=100, config={"username": "w", "password": "s3cret"}
        )
    ]


def test_settings_of_a_service_are_in_the_document_with_its_secret(world: World) -> None:
    service = world.instance.services.get()
    service.url = "https://orders.example.test/v2"
    service.settings = {
        "targets": [{"address": "https://orders-2.example.test:8443", "weight": 5}],
        "protocol": "http2",
        "tls": {"serverName": "orders", "certificate": "C", "minversion": "1.3"},
        "healthCheck": {"path": "/up"},
    }
    service.secrets = json.dumps({"tls.key": "K"})
    service.save()

    made = only_api(build(world.gateway)).services[0]

    assert made.targets[1:] == [schema.Target(host="orders-2.example.test", port=8443, weight=5)]
    assert made.tls == UpstreamTls(server_name="orders", certificate="C", key="K", min_version="1.3")
    assert (made.protocol, made.health_check, made.outliers) == ("http2", HealthCheck(path="/up"), None)


def test_a_route_with_several_destinations_has_them_with_their_shares(world: World) -> None:
    route = world.instance.routes.get()
    canary = Service.objects.create(instance=world.instance, name="canary", url="http://new.example.test/api")
    Destination.objects.create(route=route, service=canary, order=1, weight=9, path="/v3")

    made = only_api(build(world.gateway)).routes[0]

    assert [(way.service, way.weight, way.destination_path) for way in made.destinations] == [
        (str(world.instance.services.get(name="default").pk), 1, ""),
        (str(canary.pk), 9, "/api/v3"),
    ]


def test_limits_and_access_log_of_an_instance_are_in_the_document(world: World) -> None:
    world.instance.settings = {"limits": {"responseSeconds": 3}, "accessLog": {"sampling": 0.5}}
    world.instance.save()
    api = only_api(build(world.gateway))
    assert (api.limits, api.access_log) == (ApiLimits(response_seconds=3), AccessLog(sampling=0.5))


def test_stored_settings_that_nobody_knows_fence_the_api_by_name(world: World) -> None:
    Service.objects.filter(instance=world.instance).update(settings={"teleport": True})
    built = build(world.gateway)
    assert "“default” cannot be used (teleport)" in built.quarantined[str(world.instance.pk)]["reason"]


def test_root_base_path_is_empty_in_the_document(world: World) -> None:
    world.instance.base_path = "/"
    world.instance.save()
    assert only_api(build(world.gateway)).base_path == ""


def test_disabled_policy_is_left_out(world: World) -> None:
    apply(world.instance, enabled=False)
    assert only_api(build(world.gateway)).policies == []


def test_stopped_instance_is_left_out(world: World) -> None:
    world.instance.status = InstanceStatus.STOPPED
    world.instance.save()
    assert build(world.gateway).document.apis == []


def test_equal_tables_give_equal_bytes(world: World) -> None:
    apply(world.instance)
    assert schema.encode(build(world.gateway).document) == schema.encode(build(world.gateway).document)


def test_number_of_queries_does_not_depend_on_the_number_of_apis(world: World, django_assert_num_queries: Any) -> None:
    gateway = type(world.gateway).objects.select_related("environment").get(pk=world.gateway.pk)
    apply(world.instance)
    with django_assert_num_queries(19):
        build(gateway)
    for number in range(3):
        api = make_api(world.organization, f"Api {number}")
        apply(make_instance(world.gateway, api.versions.get(), base_path=f"/api-{number}"))
    with django_assert_num_queries(19):
        build(gateway)


def contract(world: World, status: str = ContractStatus.ACTIVE) -> Contract:
    application = ClientApplication.objects.create(owner=world.cora, name="App", client_id="app-1")
    Credential.objects.create(application=application, digest="d1", hint="1")
    Credential.objects.create(
        application=application, digest="d2", hint="2", expires_at=timezone.now() - timedelta(seconds=1)
    )
    tier = SlaTier.objects.create(instance=world.instance, name="Gold")
    return Contract.objects.create(application=application, instance=world.instance, tier=tier, status=status)


def test_an_active_contract_brings_the_limits_of_its_tier(world: World) -> None:
    made = contract(world)
    made.tier.limits = [
        {"maximumRequests": 5, "timePeriodInMilliseconds": 60_000},
        {"maximumRequests": 100, "calendarPeriod": "month"},
    ]
    made.tier.save()
    document = build(world.gateway).document
    assert [each.tier for each in document.contracts] == [str(made.tier.pk)]
    assert document.tiers == [
        schema.Tier(
            id=str(made.tier.pk),
            name="Gold",
            limits=[
                schema.TierLimit(maximum_requests=5, period_ms=60_000),
                schema.TierLimit(maximum_requests=100, calendar_period="month"),
            ],
        )
    ]
    Contract.objects.update(status=ContractStatus.REVOKED)
    assert build(world.gateway).document.tiers == []


def test_active_contract_brings_its_application_with_unexpired_secrets_only(world: World) -> None:
    made = contract(world)
    document = build(world.gateway).document
    assert [(c.client_id, c.secrets) for c in document.consumers] == [("app-1", ["d1"])]
    assert document.contracts == [
        schema.Contract(api=str(world.instance.pk), consumer=str(made.application_id), tier=str(made.tier_id))
    ]


@pytest.mark.parametrize("status", [ContractStatus.PENDING, ContractStatus.REVOKED, ContractStatus.REJECTED])
def test_without_an_active_contract_an_application_is_known_and_not_allowed(world: World, status: str) -> None:
    contract(world, status)
    document = build(world.gateway).document
    assert [consumer.client_id for consumer in document.consumers] == ["app-1"]
    assert document.contracts == []


def test_broken_new_instance_is_quarantined_by_name_and_the_rest_publishes(world: World) -> None:
    api = make_api(world.organization, "Broken")
    broken = make_instance(world.gateway, api.versions.get(), base_path="/broken", url="ftp://nowhere")

    built = build(world.gateway)

    by_id = {a.id: a for a in built.document.apis}
    assert by_id[str(broken.pk)].quarantine
    assert not by_id[str(world.instance.pk)].quarantine
    fault = built.quarantined[str(broken.pk)]
    assert fault["name"] == "Broken v1"
    assert "ftp://nowhere" in fault["reason"]
    assert fault["kept"] is False


def test_broken_policy_keeps_the_last_good_form_where_the_instance_is_now(world: World) -> None:
    binding = apply(world.instance)
    good = build(world.gateway).document
    binding.config = {"username": "a:b"}
    binding.save()
    world.instance.base_path = "/moved"
    world.instance.save()

    built = build(world.gateway, good)

    api = only_api(built)
    assert api.policies[0].config == {"username": "w", "password": "s3cret"}
    assert api.base_path == "/moved"
    assert built.quarantined[api.id]["kept"] is True
    assert "colon" in built.quarantined[api.id]["reason"]


def test_unknown_policy_is_never_left_out(world: World) -> None:
    apply(world.instance, policy="rate-limitin")
    api = only_api(build(world.gateway))
    assert api.quarantine
    assert api.services == []


@pytest.mark.parametrize(
    ("portal", "redis", "expected"),
    [
        ("http://localhost:8000", "redis://:pw@10.0.0.5:6380/0", [("localhost", 8000), ("10.0.0.5", 6380)]),
        ("https://portal.example", "rediss://redis.example", [("portal.example", 443), ("redis.example", 6379)]),
        ("http://portal.example", "unix:///run/redis.sock", [("portal.example", 80)]),
    ],
)
def test_the_addresses_of_the_platform_are_in_the_document_without_its_secrets(
    world: World, settings: Any, portal: str, redis: str, expected: list[tuple[str, int]]
) -> None:
    settings.PORTAL_URL, settings.REDIS_URL = portal, redis
    settings.GATEWAY_REDIS_URL = redis
    made = build(world.gateway).document
    assert [(each.host, each.port) for each in made.platform_addresses] == expected
    assert b"pw" not in schema.encode(made)
