"""Instances brought from one environment to another."""

from typing import Any

import pytest

from portal.apis.models import ApiInstance
from portal.apis.service_services import service_update
from portal.apis.services import instance_update
from portal.audit.models import AuditEvent
from portal.core.bulk import State
from portal.core.errors import ApplicationError
from portal.gateways.models import Gateway
from portal.policies.services import policy_apply, policy_update
from portal.policies.settings import secret_settings
from portal.publishing.builder import build
from portal.transfers.import_services import Imported
from portal.transfers.models import Promotion
from portal.transfers.promotion import Parts, instances_promote, promoted_instances
from tests.portal.base import World, make_gateway, make_instance
from tests.portal.transfers.test_import import rich
from tests.portal.transfers.test_part_writing import comparable

SECRET, OTHER = "s3cret-of-production", "s3cret-of-the-sandbox"
NAME = "ORDERS_V1_HTTP_BASIC_AUTHENTICATION_PASSWORD"
GIVEN = {NAME: OTHER, "ORDERS_V1_PARTNERS_HTTP_BASIC_AUTHENTICATION_PASSWORD": OTHER}


@pytest.fixture
def sandbox(world: World) -> Gateway:
    return make_gateway(world.sandbox, "Try", port=8090)


def promote(world: World, gateway: Gateway, *instances: ApiInstance, **more: Any) -> Imported:
    rows = promoted_instances(ApiInstance.objects.filter(pk__in=[each.pk for each in instances or (world.instance,)]))
    return instances_promote(actor=world.ada, instances=rows, gateway=gateway, **more)


def lock(world: World) -> None:
    policy_apply(
        actor=world.ada, instance=world.instance, policy="http-basic-authentication",
        config={"username": "w", "password": SECRET},
    )  # fmt: skip


def test_everything_arrives_and_does_the_same(world: World, sandbox: Gateway) -> None:
    rich(world)
    done = promote(world, sandbox, variables=GIVEN)
    assert (done.done, [each.is_new for each in done.changes]) == (True, [True])
    (old,), (new,) = build(world.gateway).document.apis, build(sandbox).document.apis
    was, now = comparable(old), comparable(new)
    # The deprecation of one environment is none of another, and a secret is its own.
    assert now["deprecation"] is None
    for each in (was, now):
        del each["deprecation"], each["policies"][0][2]["password"]
    assert now == was
    assert new.id != old.id


def test_secrets_are_asked_for_and_never_copied(world: World, sandbox: Gateway) -> None:
    lock(world)
    told = promote(world, sandbox)
    assert [(each.name, each.about) for each in told.missing] == [
        (NAME, "password of Basic authentication on Orders v1"),
    ]  # fmt: skip
    assert not sandbox.api_instances.exists()
    promote(world, sandbox, variables={NAME: OTHER})
    assert secret_settings(sandbox.api_instances.get().policies.get()) == {"password": OTHER}


def test_the_next_promotion_changes_the_same_one_and_keeps_its_secrets(world: World, sandbox: Gateway) -> None:
    lock(world)
    promote(world, sandbox, variables={NAME: OTHER})
    target = sandbox.api_instances.get()
    instance_update(actor=world.ada, instance=world.instance, label="renamed", labels={"a": "b"})
    policy_update(actor=world.ada, binding=world.instance.policies.get(), order=7)
    done = promote(world, sandbox)
    assert (done.missing, [each.is_new for each in done.changes]) == ((), [False])
    target = sandbox.api_instances.get(pk=target.pk)
    assert (target.label, target.labels, target.policies.get().order) == ("renamed", {"a": "b"}, 7)
    assert secret_settings(target.policies.get()) == {"password": OTHER}
    assert Promotion.objects.count() == 1


def test_promoting_again_without_a_change_changes_nothing(world: World, sandbox: Gateway) -> None:
    promote(world, sandbox)
    events = AuditEvent.objects.count()
    again = promote(world, sandbox)
    assert [(each.state, each.differences) for each in again.changes] == [(State.UNCHANGED, ())]
    assert AuditEvent.objects.count() == events


def test_a_rehearsal_tells_the_differences(world: World, sandbox: Gateway) -> None:
    promote(world, sandbox)
    service_update(actor=world.ada, service=world.instance.services.get(), settings={"retries": {"attempts": 2}})
    told = promote(world, sandbox, dry_run=True)
    assert [(each.path, each.before, each.after) for each in told.changes[0].differences] == [
        ("service default · retries · attempts", "", "2"),
    ]  # fmt: skip
    assert sandbox.api_instances.get().services.get().settings == {}


def test_addresses_are_those_of_the_environment(world: World, sandbox: Gateway) -> None:
    url = "https://orders.sandbox.example.test/v1"
    promote(world, sandbox, urls={str(world.instance.pk): {"default": url}})
    assert sandbox.api_instances.get().services.get().url == url
    promote(world, sandbox)
    assert sandbox.api_instances.get().services.get().url == url


def test_only_what_is_chosen_goes_along(world: World, sandbox: Gateway) -> None:
    lock(world)
    world.instance.tiers.create(name="Gold", limits=[])
    instance_update(actor=world.ada, instance=world.instance, labels={"a": "b"})
    promote(world, sandbox, parts=Parts(policies=False, labels=False))
    target = sandbox.api_instances.get()
    assert (target.policies.count(), target.labels, target.tiers.count()) == (0, {}, 0)
    promote(world, sandbox, parts=Parts(services=False, tiers=True), variables={NAME: OTHER})
    target.refresh_from_db()
    assert (target.policies.count(), target.labels, target.tiers.get().name) == (1, {"a": "b"}, "Gold")


def test_it_is_recorded_in_both_environments(world: World, sandbox: Gateway) -> None:
    promote(world, sandbox)
    there, here = AuditEvent.objects.get(action="instance.promote"), AuditEvent.objects.get(action="instance.promoted")
    assert (there.environment_id, there.after["to"]) == (world.production.pk, "Sandbox, Try")
    assert (here.environment_id, here.after["from"]) == (world.sandbox.pk, "Production, Edge")


def test_with_one_that_is_refused_none_arrives(world: World, sandbox: Gateway) -> None:
    make_instance(sandbox, world.other_api.versions.get(), base_path="/orders/inner")
    other = make_instance(world.gateway, world.api_version, base_path="/more", label="more")
    told = promote(world, sandbox, world.instance, other, port=8090)
    assert (told.done, told.possible) == (False, False)
    assert [each.state for each in told.changes] == [State.REFUSED, State.CHANGED]
    assert "overlap" in told.changes[0].text
    assert sandbox.api_instances.count() == 1


def test_a_gateway_must_be_another_one_of_the_same_organization(world: World) -> None:
    for gateway, said in ((world.gateway, "another gateway"), (world.other_gateway, "same organization")):
        with pytest.raises(ApplicationError, match=said):
            promote(world, gateway)
