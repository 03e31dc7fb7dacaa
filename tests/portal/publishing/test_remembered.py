"""Parts of a document that were made before: taken again exactly as long as they would be made the same."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.apis.models import ApiInstance, Destination, InstanceStatus, Route, Service
from portal.catalog.models import Api, ApiVersion, Specification
from portal.policies.models import AutomatedPolicy, PolicyBinding
from portal.publishing import remembered
from portal.publishing.builder import build
from tests.portal.base import World, make_api, make_instance

INJECT = {"outboundHeaders": [{"key": "x-drill", "value": "1"}]}
VALIDATE: dict[str, Any] = {}
ITEMS = {"get": {"responses": {"200": {"description": "ok"}}}}
DOCUMENT = {"openapi": "3.0.3", "info": {"title": "Orders", "version": "1"}, "paths": {"/items": ITEMS}}


@pytest.fixture(autouse=True)
def furnished(world: World) -> None:
    """Another instance, and on the first one of everything that a part is made of."""
    other = make_api(world.organization, "Other").versions.get()
    make_instance(world.gateway, other, base_path="/other")
    route = world.instance.routes.get()
    second = Service.objects.create(instance=world.instance, name="second", url="http://second.example.test")
    Destination.objects.create(route=route, service=second, order=2, weight=9)
    PolicyBinding.objects.create(instance=world.instance, policy="header-injection", order=1, config=INJECT)
    PolicyBinding.objects.create(instance=world.instance, policy="spec-validation", order=2, config=VALIDATE)
    AutomatedPolicy.objects.create(
        environment=world.gateway.environment, policy="header-removal", order=1, config={"inboundHeaders": ["x-one"]}
    )
    Specification.objects.create(
        api_version=world.instance.api_version, source="{}", document=DOCUMENT, openapi="3.0.3", digest="1"
    )
    remembered.forget()


# By `update`, so that not even the time of the change says that there was one.
CHANGES: dict[str, Callable[[World], Any]] = {
    "base path": lambda w: ApiInstance.objects.filter(pk=w.instance.pk).update(base_path="/elsewhere"),
    "label": lambda w: ApiInstance.objects.filter(pk=w.instance.pk).update(label="blue"),
    "labels": lambda w: AutomatedPolicy.objects.update(selector={"team": "a"}),
    "limits": lambda w: ApiInstance.objects.update(settings={"limits": {"connections": 3}}),
    "deprecation": lambda w: ApiInstance.objects.update(deprecated=True, deprecated_on=date(2026, 1, 1)),
    "name of the API": lambda w: Api.objects.update(name="Renamed"),
    "version": lambda w: ApiVersion.objects.update(version="v7"),
    "stopped": lambda w: ApiInstance.objects.filter(pk=w.instance.pk).update(status=InstanceStatus.STOPPED),
    "service": lambda w: Service.objects.update(url="https://moved.example.test"),
    "service taken away": lambda w: (
        Destination.objects.filter(service__name="second").delete(),
        Service.objects.filter(name="second").delete(),
    ),
    "rule": lambda w: Route.objects.update(rules=[{"methods": "GET"}]),
    "weight": lambda w: Destination.objects.filter(service__name="second").update(weight=4),
    "order of ways": lambda w: Destination.objects.filter(service__name="second").update(order=0, path="/x"),
    "policy": lambda w: PolicyBinding.objects.filter(policy="header-injection").update(order=7),
    "policy off": lambda w: PolicyBinding.objects.filter(policy="header-injection").update(enabled=False),
    "secret": lambda w: PolicyBinding.objects.filter(order=1).update(secrets='{"outboundHeaders": []}'),
    "broken policy": lambda w: PolicyBinding.objects.filter(policy="header-injection").update(config={"no": 1}),
    "automated policy": lambda w: AutomatedPolicy.objects.update(config={"inboundHeaders": ["x-two"]}),
    "automated policy off": lambda w: AutomatedPolicy.objects.update(enabled=False),
    "specification": lambda w: Specification.objects.update(document={**DOCUMENT, "paths": {}}, digest="2"),
    "specification taken away": lambda w: Specification.objects.all().delete(),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_taken_again_is_what_would_be_made_anew(world: World, change: Callable[[World], Any]) -> None:
    before = build(world.gateway)
    change(world)
    found = build(world.gateway)
    remembered.forget()
    assert found == build(world.gateway)
    assert found != before


def test_every_table_a_part_is_made_from_is_looked_at(world: World) -> None:
    with CaptureQueriesContext(
        connection,
    ) as made:
        assert len(list(remembered._made(world.gateway, [world.instance.pk], 1))) == 2
    with CaptureQueriesContext(connection) as looked_at:
        remembered._made_of(world.gateway)
    assert tables(made) - tables(looked_at) == {"gateways_listener"}  # it is named by its id, which is a column


def tables(queries: CaptureQueriesContext) -> set[str]:
    """Return the tables that queries read."""
    sql = " ".join(query["sql"] for query in queries.captured_queries)
    return set(re.findall(r'(?:FROM|JOIN) "(\w+)"', sql))


def test_only_what_has_changed_is_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    build(world.gateway)
    made: list[Any] = []
    part = remembered.api_part
    monkeypatch.setattr(remembered, "api_part", lambda instance, *rest: made.append(instance) or part(instance, *rest))
    PolicyBinding.objects.filter(policy="header-injection").update(order=7)
    build(world.gateway)
    assert made == [world.instance]
    build(world.gateway)
    assert made == [world.instance]


def test_parts_of_so_many_gateways_are_remembered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "GATEWAYS", 0)
    build(world.gateway)
    assert not remembered._gateways
