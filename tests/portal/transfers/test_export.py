"""API instances as a declarative file: the same for a gateway without a portal, and without secrets."""

from typing import Any

import pytest

from gateway_runtime.local.loading import load_files
from gateway_runtime.policies.registry import all_definitions, read_config
from portal.apis.models import ApiInstance, InstanceStatus
from portal.apis.route_services import Way, route_create
from portal.apis.service_services import service_create
from portal.apis.services import instance_update
from portal.contracts.models import ClientApplication, Contract, ContractStatus, Credential, SlaTier
from portal.core.errors import ApplicationError
from portal.policies.automated_services import automated_policy_apply
from portal.policies.services import policy_apply
from portal.publishing.builder import build
from portal.publishing.specifications import asks
from portal.transfers.export import Exported, exported_instances, instances_export
from tests.portal.base import World, make_api, make_instance
from tests.portal.policies.marked import MARK, marked
from tests.portal.transfers.test_part_writing import comparable

IPS = {"ips": ["10.0.0.1"], "ipExpression": "#[attributes.remoteAddress]"}


def export(world: World, **options: Any) -> Exported:
    return instances_export(exported_instances(ApiInstance.objects.filter(gateway=world.gateway)), **options)


def loaded(exported: Exported) -> Any:
    variables = {each.name: each.value for each in exported.variables}
    return load_files([("export.yaml", exported.text.encode())], variables)


def without_numbers(part: dict[str, Any]) -> dict[str, Any]:
    """Leave the order of policies to their sequence: what answers preflights gets a number of its own from a file."""
    return part | {"policies": [(name, *rest) for name, _, *rest in part["policies"]]}


@pytest.mark.parametrize("policy", all_definitions(), ids=lambda policy: policy.name)
def test_every_policy_means_the_same_in_local_mode(world: World, policy: Any) -> None:
    config = marked(policy)
    policy_apply(actor=world.ada, instance=world.instance, policy=policy.name, config=config)
    exported = export(world)
    assert MARK not in exported.text
    assert all(MARK not in repr(each) for each in exported.variables)
    if policy.needs_specification and asks(policy, read_config(policy, config)):
        assert "works by the specification" in exported.notes[0]
        return
    (api,) = build(world.gateway).document.apis
    (found,) = loaded(exported).document.apis
    assert without_numbers(comparable(found)) == without_numbers(comparable(api))


def test_services_routes_and_paths_mean_the_same(world: World) -> None:
    instance = world.instance
    stock = service_create(
        actor=world.ada,
        instance=instance,
        name="Stock & more",
        url="https://stock.example.test/v2",
        settings={
            "targets": [{"address": "https://stock-2.example.test", "weight": 3}],
            "healthCheck": {"path": "/up"},
        },
    )
    main = instance.services.get(name="default")
    route_create(
        actor=world.ada, instance=instance, name="stock", rules=[{"path": "/stock(/.*)?", "methods": "GET|HEAD"}],
        destinations=[Way(stock, 3, "/inner"), Way(main, 1)],
    )  # fmt: skip
    instance_update(actor=world.ada, instance=instance, settings={"limits": {"responseSeconds": 3.5}})
    (api,) = build(world.gateway).document.apis
    (found,) = loaded(export(world)).document.apis
    assert comparable(found) == comparable(api)


def test_two_instances_of_one_version_have_names_of_their_own(world: World) -> None:
    make_instance(world.gateway, world.api_version, base_path="/orders-too")
    make_instance(world.gateway, make_api(world.organization, "Stock").versions.get(), base_path="/stock")
    assert sorted(loaded(export(world)).bindings) == [
        "default/orders-v1", "default/orders-v1-orders-too", "default/stock-v1",
    ]  # fmt: skip


def test_policies_of_the_environment_act_in_the_file_where_they_are_asked_for(world: World) -> None:
    policy_apply(actor=world.ada, instance=world.instance, policy="ip-blocklist", config=IPS)
    automated_policy_apply(actor=world.ada, environment=world.production, policy="ip-blocklist", config=IPS)
    automated_policy_apply(
        actor=world.ada, environment=world.production, policy="ip-allowlist", config=IPS, selector={"a": "b"}
    )
    (api,) = build(world.gateway).document.apis
    (found,) = loaded(export(world, automated=True)).document.apis
    assert comparable(found) == comparable(api)
    (own,) = loaded(export(world)).document.apis[0].policies
    assert own.order > 0


def test_labels_are_kept_for_selectors(world: World) -> None:
    world.instance.labels = {"layer": "system", "answer": "yes"}
    world.instance.save()
    assert loaded(export(world)).resources[0].labels == {"layer": "system", "answer": "yes"}


def test_tiers_and_contracts_come_on_choice(world: World) -> None:
    tier = SlaTier.objects.create(
        instance=world.instance, name="Gold", limits=[{"maximumRequests": 5, "timePeriodInMilliseconds": 1000}]
    )
    application = ClientApplication.objects.create(owner=world.cora, name="Box office", client_id="box")
    Credential.objects.create(application=application, digest="ab" * 32, hint="abab")
    Contract.objects.create(application=application, instance=world.instance, tier=tier, status=ContractStatus.ACTIVE)
    policy_apply(actor=world.ada, instance=world.instance, policy="client-id-enforcement", config=marked_client())
    exported = export(world, tiers=True, contracts=True)
    assert "abab" not in exported.text
    document = loaded(exported).document
    assert [(each.client_id, each.secrets) for each in document.consumers] == [("box", ["ab" * 32])]
    (limit,) = document.tiers[0].limits
    assert (limit.maximum_requests, limit.period_ms, document.contracts[0].tier) == (5, 1000, document.tiers[0].id)
    assert not loaded(export(world)).document.tiers


def marked_client() -> dict[str, Any]:
    (found,) = [each for each in all_definitions() if each.name == "client-id-enforcement"]
    return found.example


def test_the_file_begins_with_the_variables_to_be_set(world: World) -> None:
    policy_apply(
        actor=world.ada, instance=world.instance, policy="http-basic-authentication",
        config={"username": "w", "password": "s3cret-word"},
    )  # fmt: skip
    exported = export(world)
    name = "ORDERS_V1_HTTP_BASIC_AUTHENTICATION_PASSWORD"
    assert [each.name for each in exported.variables] == [name]
    assert f"# {name}: password of " in exported.text
    assert "s3cret-word" not in exported.text


def test_a_name_cannot_end_a_comment(world: World) -> None:
    world.instance.label = "a\nkind: Service"
    world.instance.status = InstanceStatus.STOPPED
    world.instance.save()
    exported = export(world)
    assert exported.text.startswith("# Orders v1 (a kind: Service) is stopped.")
    assert len(loaded(exported).document.apis) == 1


def test_what_cannot_be_published_is_not_exported(world: World) -> None:
    world.instance.routes.all().delete()
    with pytest.raises(ApplicationError, match="has no route"):
        export(world)
