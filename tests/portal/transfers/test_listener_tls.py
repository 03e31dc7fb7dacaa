"""The TLS of a listener in files: said without keys, compared on import, never taken over."""

from typing import Any

import pytest

from portal.apis.models import ApiInstance
from portal.gateways.listener_services import CertificateUse, listener_update
from portal.gateways.models import Gateway
from portal.transfers.export import Exported, exported_instances, instances_export
from portal.transfers.import_services import files_import
from tests.portal.base import World, make_gateway
from tests.portal.gateways.certificates import SHOP, make_certificate
from tests.portal.transfers.test_export import loaded

pytestmark = pytest.mark.django_db
TERMS = {"minversion": "1.3"}


def secure(world: World, gateway: Gateway, name: str = "Shop", **tls: Any) -> None:
    """Let the only listener of a gateway speak TLS."""
    use = CertificateUse(make_certificate(world.production, SHOP, name))
    listener_update(actor=world.ada, listener=gateway.listeners.get(), protocol="https", certificates=[use], tls=tls)


def export(world: World) -> Exported:
    return instances_export(exported_instances(ApiInstance.objects.filter(gateway=world.gateway)))


def told(world: World, gateway: Gateway) -> list[str]:
    """Return what an import into a gateway tells of TLS."""
    files = [("a.yaml", export(world).text.encode())]
    done = files_import(actor=world.ada, gateway=gateway, files=files, dry_run=True)
    assert done.faults == ()
    return [note.message for note in done.notes if note.code == "listener_tls"]


def test_file_says_hosts_and_terms_and_no_certificate(world: World) -> None:
    secure(world, world.gateway, **TERMS)
    exported = export(world)
    said = '{"hosts": ["shop.example", "www.shop.example"], "minversion": "1.3"}'
    assert f"portico/listenerTls: '{said}'" in exported.text
    assert "PRIVATE KEY" not in exported.text
    assert "BEGIN CERTIFICATE" not in exported.text
    assert exported.notes == (
        "Orders v1 is served over HTTPS on port 8080 for shop.example, www.shop.example. Certificate and key are "
        "not in the file: for a gateway without a portal begin its address with https and bind the policy tls.",
    )
    assert [each.base_path for each in loaded(exported).document.apis] == [world.instance.base_path.rstrip("/")]


def test_plain_text_says_nothing(world: World) -> None:
    exported = export(world)
    assert "listenerTls" not in exported.text
    assert exported.notes == ()
    assert told(world, world.gateway) == []


def test_import_tells_that_the_port_speaks_http(world: World) -> None:
    secure(world, world.gateway)
    other = make_gateway(world.production, "Other")
    assert told(world, other) == [
        "Where this was exported, port 8080 spoke HTTPS for shop.example, www.shop.example. On Other it speaks HTTP: "
        "give its listener a certificate and the same TLS."
    ]


def test_import_tells_which_terms_are_others(world: World) -> None:
    secure(world, world.gateway, **TERMS)
    other = make_gateway(world.production, "Other")
    secure(world, other, "Other shop", alpn=["http/1.1"])
    assert told(world, other) == [
        "Where this was exported, port 8080 had other TLS than on Other: minversion 1.3 there, as usual here; "
        'alpn as usual there, ["http/1.1"] here.'
    ]


def test_import_with_the_same_tls_tells_nothing_and_changes_no_listener(world: World) -> None:
    secure(world, world.gateway, **TERMS)
    assert told(world, world.gateway) == []
    assert world.gateway.listeners.get().tls == TERMS


@pytest.mark.parametrize("said", ["no JSON", "[1]", '{"hosts": 7}'])
def test_annotation_of_somebody_else_harms_nothing(world: World, said: str) -> None:
    secure(world, world.gateway)
    text = export(world).text.replace('{"hosts": ["shop.example", "www.shop.example"]}', said)
    assert said in text
    other = make_gateway(world.production, "Other")
    done = files_import(actor=world.ada, gateway=other, files=[("a.yaml", text.encode())], dry_run=True)
    assert done.faults == ()
    assert [note.code for note in done.notes] == ["listener_tls"]
