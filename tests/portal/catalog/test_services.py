"""Changes of the catalog."""

import pytest

from portal.audit.models import AuditEvent
from portal.catalog.models import Api, Specification
from portal.catalog.services import (
    NewApi,
    api_create,
    api_create_from,
    api_delete,
    api_import,
    api_update,
    api_version_create,
    api_version_delete,
    specification_import,
)
from portal.core.errors import ApplicationError
from tests.portal.base import make_api
from tests.portal.catalog.specifications import ORDERS

RETURNS = ORDERS.replace("title: Orders", "title: Returns")


def test_api_is_created_with_its_first_version(world):
    api = api_create(actor=world.ada, organization=world.organization, name=" Returns ", version="v2")
    assert (api.name, api.slug, api.versions.get().version) == ("Returns", "returns", "v2")
    assert AuditEvent.objects.get(action="api.create").organization_id == world.organization.pk


def test_taken_name_is_refused_whatever_its_case(world):
    with pytest.raises(ApplicationError, match="already an API named ORDERS"):
        api_create(actor=world.ada, organization=world.organization, name="ORDERS")


def test_same_name_in_another_organization_is_fine(world):
    assert api_create(actor=world.olaf, organization=world.other_organization, name="Orders").slug == "orders"


def test_unusable_values_are_refused_by_field(world):
    with pytest.raises(ApplicationError) as caught:
        api_create(actor=world.ada, organization=world.organization, name="x" * 121, layer="sideways")
    assert set(caught.value.fields) == {"name", "layer"}


def test_import_takes_name_version_and_description(world):
    version = api_import(actor=world.ada, organization=world.organization, source=RETURNS.encode(), layer="process")
    assert (version.api.name, version.version, version.api.layer) == ("Returns", "1.2.0", "process")
    assert version.api.summary == "Orders of the shop."
    assert version.specification.document["info"]["title"] == "Returns"


def test_import_adds_a_version_to_the_api_of_that_name(world):
    version = api_import(actor=world.ada, organization=world.organization, source=ORDERS)
    assert version.api == world.api
    assert set(world.api.versions.values_list("version", flat=True)) == {"v1", "1.2.0"}
    with pytest.raises(ApplicationError, match=r"already has version 1\.2\.0"):
        api_import(actor=world.ada, organization=world.organization, source=ORDERS)


def test_long_description_is_kept_whole_and_summarised(world):
    source = RETURNS.replace("Orders of the shop.", f'"# Returns\\n\\n{"Long words. " * 40}"')
    api = api_import(actor=world.ada, organization=world.organization, source=source).api
    assert api.summary == "Returns"
    assert api.description.startswith("# Returns")


def test_faulty_specification_leaves_no_api(world):
    with pytest.raises(ApplicationError):
        api_create_from(
            actor=world.ada, organization=world.organization, new=NewApi(name="Returns", source="openapi: 3.0.3")
        )
    assert not Api.objects.filter(name="Returns").exists()


def test_replacing_a_specification_is_audited_with_both_digests(world):
    first = specification_import(actor=world.ada, api_version=world.api_version, source=ORDERS)
    second = specification_import(actor=world.ada, api_version=world.api_version, source=RETURNS)
    assert Specification.objects.count() == 1
    event = AuditEvent.objects.get(action="specification.replace")
    assert (event.before["digest"], event.after["digest"]) == (first.digest, second.digest)


def test_faulty_replacement_keeps_the_former_one(world):
    specification_import(actor=world.ada, api_version=world.api_version, source=ORDERS)
    with pytest.raises(ApplicationError):
        specification_import(actor=world.ada, api_version=world.api_version, source="swagger: '2.0'")
    assert Specification.objects.get().source == ORDERS


def test_update_changes_only_what_is_given(world):
    api = api_update(actor=world.ada, api=world.api, summary="New")
    assert (api.summary, api.name, api.slug) == ("New", "Orders", "orders")
    event = AuditEvent.objects.get(action="api.update")
    assert (event.before["summary"], event.after["summary"]) == ("", "New")


def test_deployed_api_and_version_stay_and_the_instances_are_named(world):
    with pytest.raises(ApplicationError, match="Orders v1 in Production"):
        api_delete(actor=world.ada, api=world.api)
    api_version_create(actor=world.ada, api=world.api, version="v2")
    with pytest.raises(ApplicationError, match="Orders v1 in Production"):
        api_version_delete(actor=world.ada, api_version=world.api_version)


def test_last_version_stays(world):
    api = make_api(world.organization, "Returns")
    with pytest.raises(ApplicationError, match="only version"):
        api_version_delete(actor=world.ada, api_version=api.versions.get())
    api_delete(actor=world.ada, api=api)
    assert not Api.objects.filter(name="Returns").exists()
