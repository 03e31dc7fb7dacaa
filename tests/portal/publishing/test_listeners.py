"""Listeners and their certificates on the way to a gateway, and what people read of it."""

import msgspec
import pytest

from gateway_runtime.checks import check_tls
from gateway_runtime.schema import document as schema
from portal.gateways.certificate_services import certificate_update
from portal.gateways.models import ListenerCertificate, Protocol
from portal.publishing.builder import build
from portal.publishing.changes import SettingChange, revision_changes
from portal.publishing.listeners import document_listeners, with_present_certificates
from tests.portal.base import World
from tests.portal.gateways.certificates import BANK, SHOP, chain_of, make_certificate


def secure(world: World, **tls: object) -> None:
    """Let the listener speak TLS with two certificates."""
    world.listener.protocol, world.listener.tls = Protocol.HTTPS, tls
    world.listener.save()
    for position, (pair, name) in enumerate(((SHOP, "Shop"), (BANK, "Bank"))):
        certificate = make_certificate(world.production, pair, name)
        ListenerCertificate.objects.create(
            listener=world.listener, certificate=certificate, position=position, names=["pay.example"] * position
        )


def only_listener(world: World) -> schema.Listener:
    [listener] = build(world.gateway).document.listeners
    return listener


def test_listener_brings_its_certificates_in_order_and_its_terms(world: World) -> None:
    secure(world, minversion="1.3", alpn=["http/1.1"])
    world.listener.proxy_protocol = True
    world.listener.save()
    listener = only_listener(world)
    assert listener.proxy_protocol
    assert listener.tls is not None
    assert [(each.certificate, each.key, each.names) for each in listener.tls.certificates] == [
        (chain_of(SHOP), SHOP.key, []), (chain_of(BANK), BANK.key, ["pay.example"]),
    ]  # fmt: skip
    assert (listener.tls.min_version, listener.tls.alpn) == ("1.3", ("http/1.1",))
    check_tls(listener.tls, None)


def test_listener_for_http_has_no_tls_whatever_is_stored(world: World) -> None:
    secure(world)
    world.listener.protocol = Protocol.HTTP
    world.listener.save()
    assert only_listener(world).tls is None


def test_diff_shows_that_a_key_is_new_and_never_the_key(world: World) -> None:
    secure(world)
    old = build(world.gateway).document
    certificate_update(actor=None, certificate=world.listener.certificates.first().certificate, key=SHOP.key)
    assert revision_changes(old, build(world.gateway).document) == []
    certificate = schema.Certificate(certificate=chain_of(SHOP), key=BANK.key)
    tls = schema.Tls(certificates=[certificate])
    new = msgspec.structs.replace(old, listeners=[msgspec.structs.replace(old.listeners[0], tls=tls)])
    changes = revision_changes(old, new)
    assert SettingChange("tls.certificates[0].key", "••••••", "•••••• (new)") in changes[0].settings
    assert "PRIVATE KEY" not in str([changes, revision_changes(None, old), revision_changes(new, old)])


def test_restored_listener_keeps_the_renewed_certificate(world: World) -> None:
    secure(world)
    before = only_listener(world)
    first = world.listener.certificates.first().certificate
    certificate_update(actor=None, certificate=first, chain=chain_of(BANK), key=BANK.key)
    [restored] = with_present_certificates(world.gateway, [before])
    assert restored.tls is not None
    assert restored.tls.certificates[0].key == BANK.key


@pytest.mark.parametrize("listeners", [1, 3])
def test_number_of_queries_does_not_depend_on_listeners(
    world: World, listeners: int, django_assert_num_queries
) -> None:
    secure(world)
    for number in range(1, listeners):
        world.gateway.listeners.create(name=f"more {number}", port=9000 + number)
    with django_assert_num_queries(2):
        document_listeners(world.gateway)
