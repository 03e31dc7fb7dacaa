"""Changes of services: what is checked, kept and told."""

import json

import pytest
from django.db import connection

from portal.apis.service_services import service_create, service_delete, service_update
from portal.apis.service_settings import masked_settings, service_document, service_secrets
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.core.setting_forms.secrets import MASK
from tests.certificates import Authority

URL = "https://orders-eu.example.test/api"
PAIR = Authority().issue("gateway.example.test")


def create(world, **changes):
    values = {"actor": world.ada, "instance": world.instance, "name": "europe", "url": URL, "settings": {}}
    return service_create(**values | changes)


def with_client_certificate(world):
    return create(world, settings={"tls": {"certificate": PAIR.certificate, "key": PAIR.key}})


def fault_of(world, settings, url=URL):
    with pytest.raises(ApplicationError) as caught:
        create(world, url=url, settings=settings)
    return caught.value


def test_a_service_is_its_url_where_nothing_else_is_said(world, messages):
    service = create(world)
    assert (service.url, service.settings) == (URL, {})
    assert messages == ["Added service europe to Orders v1"]


def test_two_services_of_one_name_are_refused(world):
    with pytest.raises(ApplicationError, match="already has a service named DEFAULT"):
        create(world, name="DEFAULT")


@pytest.mark.parametrize(
    ("settings", "field", "says"),
    [
        ({"teleport": 1}, "settings.teleport", "There is no setting “teleport”"),
        ({"healthCheck": {"intervalSeconds": 0}}, "settings.healthCheck.intervalSeconds", "Use 0.1 or more."),
        ({"targets": [{"address": "http://b.example.test"}]}, "settings.targets.0.address", "Write https here"),
        ({"targets": [{"address": "https://b.example.test/x"}]}, "settings.targets.0.address", "Leave the path out"),
        ({"targets": [{"address": "https://10.0.0.1"}]}, "settings.targets.0.address", "private address"),
        ({"targets": [{"address": "https://ORDERS-eu.example.test:443"}]}, "settings.targets.0.address", "twice"),
        ({"balance": {"policy": "consistent_hash", "hashOn": "header"}}, "settings.balance.header", "which header"),
        ({"tls": {"trustedCA": "no certificate"}}, "settings.tls.trustedCA", "certificate"),
        ({"tls": {"certificate": PAIR.certificate}}, "settings.tls.key", "key"),
        ({"tls": {"ciphers": ["NONE"]}}, "settings.tls.ciphers.0", "NONE"),
        ([], "settings", "object"),
    ],
)
def test_what_is_wrong_is_said_beside_the_very_setting(world, settings, field, says):
    fields = fault_of(world, settings).fields
    assert list(fields) == [field]
    assert says in fields[field]


def test_tls_for_an_address_that_begins_with_http_is_refused(world):
    fault = fault_of(world, {"tls": {"serverName": "x"}}, url="http://orders-eu.example.test")
    assert (fault.code, list(fault.fields)) == ("service_not_tls", ["settings.tls"])


def test_the_key_is_encrypted_at_rest_and_masked_wherever_it_is_shown(world):
    service = with_client_certificate(world)
    with connection.cursor() as cursor:
        cursor.execute("SELECT settings, secrets FROM apis_service WHERE name = 'europe'")
        assert "PRIVATE KEY" not in str(cursor.fetchone())
    assert masked_settings(service)["tls"]["key"] == MASK
    assert "PRIVATE KEY" not in json.dumps([*AuditEvent.objects.values_list("before", "after")])


@pytest.mark.parametrize("sent", ["", MASK, None])
def test_a_key_that_is_left_empty_is_kept(world, sent):
    service = with_client_certificate(world)
    tls = {"certificate": PAIR.certificate, "serverName": "x"} | ({} if sent is None else {"key": sent})
    service = service_update(actor=world.ada, service=service, settings={"tls": tls})
    assert service_secrets(service) == {"tls.key": PAIR.key}


def test_the_key_goes_with_its_certificate(world):
    service = with_client_certificate(world)
    service = service_update(actor=world.ada, service=service, settings={"tls": {"serverName": "x"}})
    assert service_secrets(service) == {}


def test_a_new_key_is_told_by_the_audit_trail_and_not_shown(world):
    service, other = with_client_certificate(world), Authority().issue("gateway.example.test")
    tls = {"certificate": other.certificate, "key": other.key}
    service_update(actor=world.ada, service=service, settings={"tls": tls})
    after = AuditEvent.objects.get(action="service.update").after
    assert (after["secrets"], after["settings"]["tls"]["key"]) == ("changed", MASK)


def test_the_url_alone_is_changed_and_everything_else_stays(world):
    service = create(world, settings={"retries": {"attempts": 2}})
    service = service_update(actor=world.ada, service=service, url="https://orders-us.example.test/")
    document, path = service_document(service)
    assert (document.targets[0].host, document.retries.attempts, path) == ("orders-us.example.test", 2, "")


def test_another_scheme_is_refused_while_targets_have_the_old_one(world):
    service = create(world, settings={"targets": [{"address": "https://b.example.test"}]})
    with pytest.raises(ApplicationError, match="Write http here"):
        service_update(actor=world.ada, service=service, url="http://orders-eu.example.test")


def test_a_change_that_changes_nothing_publishes_nothing(world, messages):
    service = create(world)
    service_update(actor=world.ada, service=service, url=URL, settings={})
    assert messages == ["Added service europe to Orders v1"]


def test_service_in_use_stays(world):
    with pytest.raises(ApplicationError, match="all requests"):
        service_delete(actor=world.ada, service=world.instance.services.get())
