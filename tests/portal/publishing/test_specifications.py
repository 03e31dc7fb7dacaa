"""A policy that works by the specification of its API gets it with the API."""

import json
from typing import Any

from portal.catalog.models import Specification
from portal.publishing.builder import build
from tests.portal.base import World, make_api, make_instance
from tests.portal.publishing.test_builder import apply, only_api

PATHS = {"/orders": {"get": {"responses": {"200": {"description": "ok"}}}}}


def specify(instance: Any, **changes: Any) -> Specification:
    document = {"openapi": "3.0.3", "info": {"title": "Orders", "version": "1"}, "paths": PATHS, **changes}
    return Specification.objects.create(
        api_version=instance.api_version,
        source=json.dumps(document),
        document=document,
        openapi="3.0.3",
        digest="0" * 64,
    )


def validate(instance: Any, **config: Any) -> None:
    apply(instance, "spec-validation", config=config, secrets="{}")


def test_it_is_in_the_document_where_a_policy_asks_for_it(world: World) -> None:
    specify(world.instance)
    assert only_api(build(world.gateway)).specification == ""
    validate(world.instance)
    assert json.loads(only_api(build(world.gateway)).specification)["paths"] == PATHS


def test_one_that_is_given_inline_needs_no_other(world: World) -> None:
    validate(world.instance, source="inline", spec=specify(world.instance).source)
    api = only_api(build(world.gateway))
    assert (api.specification, api.quarantine) == ("", "")


def test_an_api_without_specification_is_fenced_by_name(world: World) -> None:
    validate(world.instance)
    built = build(world.gateway)
    fenced = built.quarantined[str(world.instance.pk)]
    assert fenced["reason"] == (
        "The policy “Schema validation” cannot be used: the API version has no specification. Import one."
    )


def test_a_specification_that_a_gateway_cannot_use_keeps_the_last_good_form(world: World) -> None:
    specification = specify(world.instance)
    validate(world.instance)
    good = build(world.gateway)
    specification.document["paths"] = {"/orders": {"$ref": "file:///etc/passwd"}}
    specification.save()
    built = build(world.gateway, good.document)
    assert only_api(built) == only_api(good)
    assert "leads out of the specification" in built.quarantined[str(world.instance.pk)]["reason"]


def test_all_of_a_gateway_are_read_at_once(world: World, django_assert_num_queries: Any) -> None:
    gateway = type(world.gateway).objects.select_related("environment").get(pk=world.gateway.pk)
    specify(world.instance)
    validate(world.instance)
    with django_assert_num_queries(20):
        build(gateway)
    for number in range(3):
        api = make_api(world.organization, f"Api {number}")
        other = make_instance(world.gateway, api.versions.get(), base_path=f"/api-{number}")
        specify(other)
        validate(other)
    with django_assert_num_queries(20):
        assert all(api.specification for api in build(gateway).document.apis)
