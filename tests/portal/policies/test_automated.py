"""Policies applied to every API instance that matches: what holds where, who is told, who may change it."""

import json
from typing import Any

import pytest

from gateway_runtime.schema import document as schema
from portal.apis.models import ApiInstance, InstanceStatus
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.policies import automated_services as automated_policies
from portal.policies import services
from portal.policies.coverage import CoverageState, coverage_of
from portal.policies.models import AutomatedPolicy
from portal.policies.selectors import policy_applied
from portal.publishing.builder import build
from portal.publishing.models import PublishRequest
from tests.portal.base import World, make_api, make_gateway, make_instance

BASIC = {"username": "w", "password": "correct-horse"}
LIMIT = {"rateLimits": [{"maximumRequests": 1, "timePeriodInMilliseconds": 1000}]}


def automate(world: World, policy: str = "rate-limiting", **fields: Any) -> AutomatedPolicy:
    return automated_policies.automated_policy_apply(
        actor=world.ada, environment=world.production, policy=policy, **{"config": dict(LIMIT), **fields}
    )


def bind(world: World, policy: str = "rate-limiting", **fields: Any) -> Any:
    return services.policy_apply(
        actor=world.ada, instance=world.instance, policy=policy, **{"config": dict(LIMIT), **fields}
    )


def label(instance: ApiInstance, **labels: str) -> None:
    instance.labels = labels
    instance.save()


def published(world: World, gateway: Any = None) -> dict[str, list[schema.PolicyBinding]]:
    return {api.id: api.policies for api in build(gateway or world.gateway).document.apis}


def policies(world: World) -> list[tuple[str, str]]:
    """Return (policy, mode) of the instance in the order in which requests meet them."""
    ordered = sorted(published(world)[str(world.instance.pk)], key=lambda each: each.order)
    return [(each.policy, str(each.mode)) for each in ordered]


def test_it_holds_for_every_instance_before_their_own(world: World) -> None:
    bind(world, "http-basic-authentication", config=BASIC, order=0)
    automate(world)
    assert policies(world) == [("rate-limiting", "enforce"), ("http-basic-authentication", "enforce")]


def test_each_instance_counts_for_itself(world: World) -> None:
    make_instance(world.gateway, make_api(world.organization, "Stock").versions.get(), base_path="/stock")
    automate(world)
    ids = {each.id for found in published(world).values() for each in found}
    assert len(ids) == 2


def test_an_instance_without_the_labels_is_left_out(world: World) -> None:
    automate(world, selector={"layer": "system"})
    assert policies(world) == []
    label(world.instance, layer="system", more="x")
    assert policies(world) == [("rate-limiting", "enforce")]


def test_other_environments_are_left_alone(world: World) -> None:
    gateway = make_gateway(world.sandbox, "Lab")
    instance = make_instance(gateway, world.api_version)
    automate(world)
    assert published(world, gateway)[str(instance.pk)] == []


def test_it_takes_the_place_of_an_own_one_until_it_goes(world: World) -> None:
    own = bind(world)
    automated = automate(world)
    assert [each.id for each in published(world)[str(world.instance.pk)]] == [f"{automated.pk} {world.instance.pk}"]
    automated_policies.automated_policy_disable(actor=world.ada, automated=automated)
    assert [each.id for each in published(world)[str(world.instance.pk)]] == [str(own.pk)]
    automated_policies.automated_policy_enable(actor=world.ada, automated=automated)
    automated_policies.automated_policy_remove(actor=world.ada, automated=automated)
    assert [each.id for each in published(world)[str(world.instance.pk)]] == [str(own.pk)]


def test_one_that_is_only_tried_out_takes_no_place(world: World) -> None:
    bind(world)
    automate(world, mode="shadow")
    assert policies(world) == [("rate-limiting", "shadow"), ("rate-limiting", "enforce")]


def test_of_two_of_one_kind_the_first_holds(world: World) -> None:
    label(world.instance, layer="system")
    automate(world, order=9)
    first = automate(world, order=3, selector={"layer": "system"})
    assert [each.id for each in published(world)[str(world.instance.pk)]] == [f"{first.pk} {world.instance.pk}"]


def test_the_same_instances_cannot_be_selected_twice_for_one_policy(world: World) -> None:
    automate(world)
    with pytest.raises(ApplicationError) as caught:
        automate(world)
    assert caught.value.code == "policy_already_applied"
    automate(world, selector={"layer": "system"})


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"selector": {"layer": ""}}, "selector"),
        ({"selector": {"not a name": "x"}}, "selector"),
        ({"config": {"rateLimits": []}}, "config.rateLimits"),
        ({"mode": "sometimes"}, "mode"),
        ({"policy": "rate-limitng"}, "policy"),
    ],
)
def test_what_cannot_be_is_named_by_its_place_and_not_saved(world: World, fields: Any, named: str) -> None:
    with pytest.raises(ApplicationError) as caught:
        automate(world, **fields)
    assert list(caught.value.fields) == [named]
    assert not AutomatedPolicy.objects.exists()
    assert not PublishRequest.objects.exists()


def test_every_gateway_concerned_is_published_once_and_no_other(world: World) -> None:
    label(world.instance, layer="system")
    second = make_gateway(world.production, "West", port=8090)
    stock = make_api(world.organization, "Stock").versions.get()
    for path in ("/a", "/b"):
        make_instance(second, stock, base_path=path, labels={"layer": "process"}, label=path)
    idle = make_gateway(world.production, "Idle", port=8099)
    automated = automate(world, selector={"layer": "system"})
    asked = dict(PublishRequest.objects.values_list("gateway_id", "requested"))
    assert asked == {world.gateway.pk: 1}
    automated_policies.automated_policy_update(actor=world.ada, automated=automated, selector={"layer": "process"})
    asked = dict(PublishRequest.objects.values_list("gateway_id", "requested"))
    assert asked == {world.gateway.pk: 2, second.pk: 1}
    assert idle.pk not in asked


def test_changes_are_audited_without_secrets(world: World) -> None:
    automated = automate(world, "http-basic-authentication", config=dict(BASIC))
    automated_policies.automated_policy_update(
        actor=world.ada, automated=automated, config={**BASIC, "password": "another"}, mode="shadow"
    )
    automated_policies.automated_policy_remove(actor=world.ada, automated=automated)
    events = list(AuditEvent.objects.order_by("created_at"))
    assert [event.action for event in events] == [
        "automated_policy.apply",
        "automated_policy.update",
        "automated_policy.remove",
    ]
    assert {event.environment_id for event in events} == {world.production.pk}
    assert (events[1].before["mode"], events[1].after["mode"]) == ("enforce", "shadow")
    assert events[1].before["config"] != events[1].after["config"]
    for event in events:
        text = json.dumps([event.before, event.after, event.message])
        assert "correct-horse" not in text
        assert "another" not in text


def test_coverage_says_which_instances_are_covered_and_why_others_are_not(world: World) -> None:
    stock = make_api(world.organization, "Stock").versions.get()
    named = {"layer": "system"}
    label(world.instance, **named)
    bind(world)
    made = {
        name: make_instance(world.gateway, stock, base_path=f"/{name}", label=name, labels=labels)
        for name, labels in (("covered", named), ("stopped", named), ("bare", {}), ("special", {**named, "tier": "1"}))
    }
    made["stopped"].status = InstanceStatus.STOPPED
    made["stopped"].save()
    automate(world, order=1, selector={"tier": "1"})
    automated = automate(world, order=2, selector=named)
    found = {row.instance.pk: row for row in coverage_of(automated, ApiInstance.objects.all())}
    assert {name: found[instance.pk].state for name, instance in made.items()} == {
        "covered": CoverageState.COVERED,
        "stopped": CoverageState.STOPPED,
        "bare": CoverageState.LABELS,
        "special": CoverageState.ANOTHER,
    }
    assert found[world.instance.pk].state == CoverageState.REPLACES
    assert found[made["bare"].pk].reason == "It lacks the label layer=system."
    assert world.other_instance.pk not in found
    automated_policies.automated_policy_disable(actor=world.ada, automated=automated)
    automated.refresh_from_db()
    assert {row.state for row in coverage_of(automated, ApiInstance.objects.all())} == {CoverageState.OFF}


def test_coverage_costs_the_same_for_any_number_of_instances(world: World, django_assert_num_queries: Any) -> None:
    automated = automate(world)
    for number in range(4):
        make_instance(world.gateway, world.api_version, base_path=f"/{number}", label=str(number))
    with django_assert_num_queries(4):
        assert len(coverage_of(automated, ApiInstance.objects.all())) == 5


def test_a_policy_that_cannot_be_read_fences_off_what_it_is_for(world: World) -> None:
    automate(world)
    AutomatedPolicy.objects.update(config={"rateLimits": []})
    built = build(world.gateway)
    assert str(world.instance.pk) in built.quarantined
    assert built.document.apis[0].quarantine


def test_it_ticks_the_step_of_the_checklist(world: World) -> None:
    assert not policy_applied(world.production)
    automated = automate(world)
    assert policy_applied(world.production)
    automated_policies.automated_policy_disable(actor=world.ada, automated=automated)
    assert not policy_applied(world.production)
