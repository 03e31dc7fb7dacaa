"""A listener of the portal served over TLS by a real gateway: its certificate, a renewed one, another port."""

import ssl
import urllib.request
from pathlib import Path

import pytest
from cryptography import x509

from tests.certificates import Authority, Pair
from tests.integration.gateway.conftest import GatewayProcess, backend, call
from tests.integration.portal_home import PortalHome
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration
__all__ = ["backend"]

ROOT = Authority("Harbour Root")
SECURE = """
from portal.gateways.certificate_services import certificate_create
from portal.gateways.listener_services import CertificateUse, listener_update
stored = certificate_create(actor=ada, environment=gateway.environment, name="Shop", chain={chain!r}, key={key!r})
listener_update(actor=ada, listener=gateway.listeners.get(), protocol="https", certificates=[CertificateUse(stored)])
"""
RENEW = """
from portal.gateways.certificate_services import certificate_update
from portal.gateways.models import Certificate
certificate_update(actor=ada, certificate=Certificate.objects.get(), chain={chain!r}, key={key!r})
"""
MOVE = """
from portal.gateways.listener_services import listener_update
listener_update(actor=ada, listener=gateway.listeners.get(), port={port})
"""


def given(script: str, pair: Pair) -> str:
    return script.format(chain=pair.certificate + ROOT.pem, key=pair.key)


def shown(port: int) -> int:
    """Return the serial number of the certificate that a caller is shown."""
    return x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", port)).encode()).serial_number


def status(port: int) -> int:
    """Return the status of a call by a client that checks the certificate."""
    context = ssl.create_default_context(cadata=ROOT.pem)
    with urllib.request.urlopen(f"https://localhost:{port}/orders/1", context=context, timeout=5) as answer:
        code: int = answer.status
        return code


def test_listener_is_served_over_https_renewed_and_moved(home: PortalHome, backend: int, tmp_path: Path) -> None:
    port, other = free_ports(2)
    home.make_world(port=port, backend=backend)
    home.worker()
    home.beat()
    home.run("from portal.publishing.services import publish_request\npublish_request(gateway=gateway)")
    gateway = GatewayProcess(tmp_path, home.registration)
    gateway.start()
    try:
        gateway.wait_for_revision(1)
        assert call(port, "/orders/1").status == 200

        first, second = ROOT.issue("localhost"), ROOT.issue("localhost")
        home.run(given(SECURE, first))
        gateway.wait_for_revision(2)
        assert status(port) == 200
        assert shown(port) == first.parsed.serial_number

        home.run(given(RENEW, second))
        gateway.wait_for_revision(3)
        wait_until(lambda: shown(port) == second.parsed.serial_number, seconds=5, what="the renewed certificate")

        home.run(MOVE.format(port=other))
        gateway.wait_for_revision(4)
        assert status(other) == 200
        assert home.value("select count(*) from publishing_acknowledgement where state != 'applied'") == 0
    finally:
        gateway.terminate()
        gateway.wait()
