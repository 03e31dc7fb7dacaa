"""Whether the demo gateway may run here, and whether it has to register before."""

from pathlib import Path

import msgspec
import pytest

from portal.cli.up.prepare import registration
from portal.demo.company import GATEWAY, GATEWAY_SLUG, ORGANIZATION_SLUG
from portal.gateways.models import Gateway
from portal.gateways.registration_services import registration_renew, registration_revoke
from portal.gateways.registration_tokens import gateway_register
from tests.portal.base import make_environment, make_gateway, make_organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo() -> Gateway:
    """The demo company's gateway."""
    organization = make_organization()
    organization.slug = ORGANIZATION_SLUG
    organization.save()
    gateway = make_gateway(make_environment(organization))
    gateway.name, gateway.slug = GATEWAY, GATEWAY_SLUG
    gateway.save()
    return gateway


def registered(path: Path, token: str) -> Path:
    """Register as the launcher does."""
    path.write_bytes(msgspec.yaml.encode(gateway_register(name=GATEWAY_SLUG, token=token)))
    return path


def test_at_first_it_gets_a_token_and_afterwards_none(demo: Gateway, tmp_path: Path) -> None:
    path = tmp_path / "registration.yaml"
    found = registration(path)
    assert found["gateway_runs"] is True
    registered(path, str(found["registration_token"]))
    assert registration(path) == {"gateway_runs": True, "registration_token": ""}


def test_after_a_renewal_it_registers_again(demo: Gateway, tmp_path: Path) -> None:
    path = tmp_path / "registration.yaml"
    registered(path, str(registration(path)["registration_token"]))
    registration_renew(actor=None, gateway=demo)
    registered(path, str(registration(path)["registration_token"]))
    assert registration(path)["registration_token"] == ""


def test_one_that_was_revoked_is_not_brought_back(demo: Gateway, tmp_path: Path) -> None:
    path = tmp_path / "registration.yaml"
    registered(path, str(registration(path)["registration_token"]))
    registration_revoke(actor=None, gateway=demo)
    assert registration(path) == {"gateway_runs": False, "registration_token": ""}


def test_one_that_was_removed_is_not_started(tmp_path: Path) -> None:
    assert registration(tmp_path / "registration.yaml") == {"gateway_runs": False, "registration_token": ""}
