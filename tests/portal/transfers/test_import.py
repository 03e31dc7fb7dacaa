"""Declarative files taken into an environment."""

import json
from typing import Any

import pytest

from gateway_runtime.policies.registry import all_definitions
from portal.apis.deprecation import instance_deprecate
from portal.apis.models import ApiInstance
from portal.apis.route_services import Way, route_create
from portal.apis.service_services import service_create, service_update
from portal.apis.services import instance_stop, instance_update
from portal.audit.models import AuditEvent
from portal.core.bulk import State
from portal.policies.automated_services import automated_policy_apply
from portal.policies.services import policy_apply, policy_update
from portal.policies.settings import secret_settings
from portal.publishing.builder import build
from portal.publishing.models import PublishRequest
from portal.transfers.export import exported_instances, instances_export
from portal.transfers.import_services import Imported, files_import
from tests.certificates import Authority
from tests.portal.base import World, make_gateway
from tests.portal.policies.marked import MARK, marked
from tests.portal.transfers.test_part_writing import comparable

MUSEUM = """
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {name: museum, labels: {zone: public}}
spec:
  address: http://0.0.0.0:8085/museum
  services:
    exhibits:
      address: https://exhibits.example.test
      routes:
        - {config: {destinationPath: /v3}, rules: [{path: "/rooms(/.*)", methods: GET|HEAD}]}
  policies:
    - policyRef: {name: rate-limiting-flex}
      config: {rateLimits: [{maximumRequests: 100, timePeriodInMilliseconds: 60000}]}
    - policyRef: {name: http-basic-authentication-flex}
      config: {username: guide, password: $MUSEUM_PASSWORD}
"""
SECRETS = {"MUSEUM_PASSWORD": "s3cret-of-the-museum"}


def take(world: World, text: str = MUSEUM, *, gateway: Any = None, **more: Any) -> Imported:
    return files_import(actor=world.ada, gateway=gateway or world.gateway, files=[("a.yaml", text.encode())], **more)


def exported(world: World, **options: Any) -> Any:
    return instances_export(exported_instances(ApiInstance.objects.filter(gateway=world.gateway)), **options)


def rich(world: World) -> None:
    """Give the instance of the world one of everything."""
    instance = world.instance
    main = service_update(actor=world.ada, service=instance.services.get(), url="http://orders.example.test:9001/api")
    stock = service_create(
        actor=world.ada, instance=instance, name="Stock & more", url="https://stock.example.test/v2",
        settings={
            "targets": [{"address": "https://stock-2.example.test"}], "healthCheck": {}, "retries": {"attempts": 2},
        },
    )  # fmt: skip
    route_create(
        actor=world.ada, instance=instance, name="stock", rules=[{"path": "/stock(/.*)?", "headers": {"x-a": "b"}}],
        destinations=[Way(stock, 3, "/inner"), Way(main, 1)],
    )  # fmt: skip
    policy_apply(
        actor=world.ada, instance=instance, policy="http-basic-authentication", mode="shadow",
        config={"username": "w", "password": MARK}, rules=[{"path": "/a"}],
    )  # fmt: skip
    policy_apply(
        actor=world.ada, instance=instance, policy="header-injection", mode="off",
        config={"inboundHeaders": [{"key": "x-shell", "value": "$HOME"}]},
    )  # fmt: skip
    instance_update(
        actor=world.ada, instance=instance, label="partners", labels={"a": "yes"},
        settings={"limits": {"bodyBytes": 9}}, consumer_endpoint="https://api.example.test/orders",
    )  # fmt: skip
    instance_deprecate(actor=world.ada, instance=instance, successor="https://hub.example.test/v2")


def test_a_new_instance_is_what_the_file_says(world: World) -> None:
    done = take(world, variables=SECRETS)
    assert [(each.name, each.is_new, each.state) for each in done.changes] == [("museum v1", True, State.CHANGED)]
    instance = ApiInstance.objects.get(api_version__api__name="museum")
    (api,) = [each for each in build(world.gateway).document.apis if each.id == str(instance.pk)]
    assert (api.base_path, instance.listener.port, instance.labels) == ("/museum", 8085, {"zone": "public"})
    assert api.services[0].targets[0].host == "exhibits.example.test"
    assert (api.routes[0].destination_path, api.routes[0].rules[0].methods) == ("/v3", "GET|HEAD")
    assert [each.policy for each in api.policies] == ["rate-limiting", "http-basic-authentication"]
    assert api.policies[1].config["password"] == "s3cret-of-the-museum"


def test_a_rehearsal_changes_nothing(world: World) -> None:
    told = take(world, variables=SECRETS, dry_run=True)
    assert (told.possible, told.changing, told.done) == (True, 1, False)
    assert not ApiInstance.objects.filter(api_version__api__name="museum").exists()
    assert not PublishRequest.objects.exists()
    assert "s3cret" not in repr(told)


def test_the_same_file_again_changes_nothing(world: World) -> None:
    take(world, variables=SECRETS)
    events = AuditEvent.objects.count()
    again = take(world)
    assert [(each.is_new, each.state, each.differences) for each in again.changes] == [(False, State.UNCHANGED, ())]
    assert AuditEvent.objects.count() == events


def test_what_is_exported_is_unchanged_when_it_is_taken_in_again(world: World) -> None:
    rich(world)
    file = exported(world, tiers=True)
    assert MARK not in file.text
    again = take(world, file.text)
    assert (again.faults, again.missing) == ((), ())
    assert [(each.state, each.differences) for each in again.changes] == [(State.UNCHANGED, ())]


def test_what_is_exported_is_the_same_on_another_gateway(world: World) -> None:
    rich(world)
    file = exported(world)
    second = make_gateway(world.sandbox, "Second", port=8090)
    done = take(world, file.text, gateway=second, variables={each.name: each.value for each in file.variables})
    assert done.faults == ()
    (old,), (new,) = build(world.gateway).document.apis, build(second).document.apis
    assert comparable(new) == comparable(old)
    made = second.api_instances.get()
    assert (str(made), made.consumer_endpoint) == ("Orders v1 (partners)", "https://api.example.test/orders")


@pytest.mark.parametrize("policy", all_definitions(), ids=lambda policy: policy.name)
def test_every_policy_comes_back_as_it_was(world: World, policy: Any) -> None:
    policy_apply(actor=world.ada, instance=world.instance, policy=policy.name, config=marked(policy))
    again = take(world, exported(world).text)
    assert (again.faults, again.missing) == ((), ())
    assert [each.differences for each in again.changes] == [()]


def test_differences_are_told_without_secrets(world: World) -> None:
    take(world, variables=SECRETS)
    changed = MUSEUM.replace("maximumRequests: 100", "maximumRequests: 5").replace("/v3", "/v4")
    told = take(world, changed, variables={"MUSEUM_PASSWORD": "an0ther-secret"}, dry_run=True)
    found = {each.path: (each.before, each.after) for each in told.changes[0].differences}
    assert found["policy Basic authentication · password"] == ("••••••", "•••••• (new)")
    assert "5" in found["policy Rate limiting · rateLimits"][1]
    assert found["route 1 · to"] == ('["exhibits/v3, weight 1"]', '["exhibits/v4, weight 1"]')
    assert "s3cret" not in repr(told)


def test_secrets_that_are_there_are_kept_and_others_are_asked_for(world: World) -> None:
    told = take(world)
    assert [(each.name, each.about) for each in told.missing] == [
        ("MUSEUM_PASSWORD", "password of http-basic-authentication-flex on museum"),
    ]  # fmt: skip
    assert told.missing[0].where == "a.yaml:16: spec.policies[1].config.password"
    take(world, variables=SECRETS)
    assert take(world).missing == ()
    binding = ApiInstance.objects.get(api_version__api__name="museum").policies.get(policy="http-basic-authentication")
    assert secret_settings(binding) == {"password": "s3cret-of-the-museum"}


def test_the_key_shown_to_a_service_is_kept(world: World) -> None:
    pair = Authority().issue("inner.example.test")
    service_update(
        actor=world.ada, service=world.instance.services.get(), url="https://orders.example.test",
        settings={"tls": {"certificate": pair.certificate, "key": pair.key}},
    )  # fmt: skip
    again = take(world, exported(world).text)
    assert (again.faults, again.missing) == ((), ())
    assert [each.differences for each in again.changes] == [()]


def test_variables_of_the_portal_itself_are_never_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSEUM_PASSWORD", "of-the-portal")
    assert [each.name for each in take(world).missing] == ["MUSEUM_PASSWORD"]


@pytest.mark.parametrize(
    ("before", "after", "where", "said"),
    [
        ("rateLimits", "rateLimit", "a.yaml:14: spec.policies[0].config.rateLimit", "Did you mean “rateLimits”?"),
        ("rate-limiting-flex", "rate-limitting-flex", "a.yaml:13", "Did you mean “rate-limiting”?"),
        ("https://exhibits.example.test", "https://10.0.0.1", "a.yaml:9: spec.services.exhibits.address", "private"),
        ("zone: public", "zone: a b", "a.yaml:4: metadata.labels", "The value of “zone”"),
        ("/museum\n", "/orders/x\n", "a.yaml:6: spec.address", "overlap on port 8080"),
        ("GET|HEAD", "GET|HAED", "a.yaml:11: spec.services.exhibits.routes[0].rules[0].methods", "no method HAED"),
    ],
)
def test_every_fault_has_its_place(world: World, before: str, after: str, where: str, said: str) -> None:
    text = MUSEUM.replace(before, after)
    if "/orders/x" in after:
        text = text.replace("8085", "8080")
    told = take(world, text, variables=SECRETS)
    assert told.changes == () or not told.done
    (fault,) = told.faults
    assert where in fault.where
    assert said in fault.message
    assert not ApiInstance.objects.filter(api_version__api__name="museum").exists()


def test_with_one_fault_nothing_is_taken_in(world: World) -> None:
    other = MUSEUM.replace("museum", "palace").replace("https://exhibits", "https://10.0.0.1/exhibits")
    told = take(world, MUSEUM + "---" + other, variables=SECRETS)
    assert told.faults
    assert not told.done
    assert not ApiInstance.objects.filter(api_version__api__name="museum").exists()


def test_what_is_not_in_the_file_any_more_goes(world: World) -> None:
    take(world, variables=SECRETS)
    text = MUSEUM[: MUSEUM.index("    - policyRef: {name: http-basic")]
    take(world, text)
    instance = ApiInstance.objects.get(api_version__api__name="museum")
    assert [each.policy for each in instance.policies.all()] == ["rate-limiting"]


def test_renamed_services_and_swapped_routes_arrive(world: World) -> None:
    take(world, variables=SECRETS)
    text = MUSEUM.replace("exhibits:", "rooms:").replace(
        "GET|HEAD}]}", 'GET|HEAD}]}\n        - {rules: [{path: "/shop"}]}\n        - {config: {destinationPath: /x}}'
    )
    done = take(world, text)
    assert done.faults == ()
    instance = ApiInstance.objects.get(api_version__api__name="museum")
    assert [each.name for each in instance.services.all()] == ["rooms"]
    (api,) = [each for each in build(world.gateway).document.apis if each.id == str(instance.pk)]
    assert [each.destination_path for each in api.routes] == ["/v3", "", "/x"]


def test_tiers_are_offered_again(world: World) -> None:
    world.instance.tiers.create(
        name="Gold", description="For partners", approval="automatic",
        limits=[{"maximumRequests": 5, "timePeriodInMilliseconds": 1000}],
    )  # fmt: skip
    text = exported(world, tiers=True).text
    assert [each.differences for each in take(world, text).changes] == [()]
    second = make_gateway(world.sandbox, "Second", port=8090)
    take(world, text, gateway=second)
    tier = second.api_instances.get().tiers.get()
    assert (tier.name, tier.description, tier.approval, tier.limits) == (
        "Gold", "For partners", "automatic", [{"maximumRequests": 5, "timePeriodInMilliseconds": 1000}],
    )  # fmt: skip


def test_automated_policies_and_settings_of_a_gateway_are_left_out_and_told(world: World) -> None:
    automated_policy_apply(
        actor=world.ada, environment=world.production, policy="ip-blocklist",
        config={"ips": ["10.0.0.1"], "ipExpression": "#[attributes.remoteAddress]"},
    )  # fmt: skip
    text = (
        exported(world, automated=True).text
        + """---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: Configuration
metadata: {name: settings}
spec: {logging: {runtimeLogs: {logLevel: warn}}}
"""
    )
    told = take(world, text)
    assert {each.message for each in told.notes} >= {
        "It acts on all of an environment and is not imported.", "Settings of a gateway are not imported.",
    }  # fmt: skip
    assert [each.differences for each in told.changes] == [()]


def test_a_stopped_instance_is_stopped_again(world: World) -> None:
    instance_stop(actor=world.ada, instance=world.instance)
    second = make_gateway(world.sandbox, "Second", port=8090)
    take(world, exported(world).text, gateway=second)
    assert second.api_instances.get().status == "stopped"


def test_new_apis_need_their_own_permission(world: World) -> None:
    told = take(world, variables=SECRETS, may_create_apis=False)
    assert "is not in the catalog" in told.faults[0].message


def test_a_broken_file_tells_the_line(world: World) -> None:
    told = take(world, "a: [\n")
    assert (told.faults[0].line, told.faults[0].code) == (2, "not_yaml")
    assert json.dumps([str(each) for each in told.faults])


def test_a_policy_that_was_changed_by_hand_is_put_back(world: World) -> None:
    take(world, variables=SECRETS)
    binding = ApiInstance.objects.get(api_version__api__name="museum").policies.get(policy="rate-limiting")
    policy_update(actor=world.ada, binding=binding, mode="off")
    assert [each.path for each in take(world).changes[0].differences] == ["policy Rate limiting · mode"]
