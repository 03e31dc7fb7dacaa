"""The demo company is made once and then only follows ports that have moved."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from portal.accounts.models import User
from portal.apis.models import ApiInstance
from portal.apis.selectors import instance_implementation_url
from portal.apis.services import instance_update
from portal.contracts.models import Contract, ContractStatus
from portal.demo import company
from portal.demo.seed import SeededCompany, demo_company_seed
from portal.gateways.models import Gateway
from portal.organizations.models import Organization, RoleBinding

EMAIL = "olivia@harbourgoods.example"
PASSWORD = "a quiet harbour in june"
PORTS = {api.service: 9301 + position for position, api in enumerate(company.APIS)}

Seed = Callable[..., SeededCompany]

pytestmark = pytest.mark.django_db


@pytest.fixture
def seed(tmp_path: Path) -> Seed:
    def run(*, ports: dict[str, int] = PORTS, demo_password: str = "") -> SeededCompany:
        (tmp_path / "demo").mkdir(exist_ok=True)
        (tmp_path / "demo" / "ports.json").write_text(json.dumps(ports))
        return demo_company_seed(email=EMAIL, password=PASSWORD, home=tmp_path, demo_password=demo_password)

    return run


def urls() -> dict[str, str]:
    return {
        instance.api_version.api.slug: instance_implementation_url(instance) for instance in ApiInstance.objects.all()
    }


def test_company_has_its_apis_on_the_demo_gateway(seed: Seed, settings: Any) -> None:
    assert seed() == SeededCompany(owner_email=EMAIL, owner_created=True)
    instances = ApiInstance.objects.filter(gateway__slug=company.GATEWAY_SLUG)
    assert {instance.base_path for instance in instances} == {api.base_path for api in company.APIS}
    assert {instance.listener.port for instance in instances} == {settings.GATEWAY_PORT}
    assert urls() == {service: f"http://127.0.0.1:{port}" for service, port in PORTS.items()}
    assert {instance.api_version.specification.openapi for instance in instances} == {"3.1.0"}
    assert Organization.objects.count() == 2


def test_owner_can_sign_in_and_everybody_else_cannot(seed: Seed) -> None:
    seed()
    owner = User.objects.get(email=EMAIL)
    assert owner.check_password(PASSWORD)
    assert owner.is_operator
    others = User.objects.exclude(pk=owner.pk)
    assert others.count() == 3
    assert not any(person.has_usable_password() for person in others)


def test_demo_password_lets_the_others_in(seed: Seed) -> None:
    seed(demo_password="lanterns over the pier")
    ada = User.objects.get(email="ada@harbourgoods.example")
    assert ada.check_password("lanterns over the pier")


def test_roles_are_owner_editor_and_viewer(seed: Seed) -> None:
    seed()
    bindings = RoleBinding.objects.filter(organization__slug=company.ORGANIZATION_SLUG)
    assert {binding.user.email.partition("@")[0]: binding.role for binding in bindings} == {
        "olivia": "owner",
        "ada": "editor",
        "ben": "viewer",
    }


def test_a_request_for_the_manual_tier_waits(seed: Seed) -> None:
    seed()
    contract = Contract.objects.get()
    assert contract.status == ContractStatus.PENDING
    assert {tier.name: tier.approval for tier in contract.instance.tiers.all()} == {
        "Free": "automatic",
        "Gold": "manual",
    }


def test_second_run_changes_nothing(seed: Seed) -> None:
    seed()
    before = [(row.pk, row.updated_at) for row in ApiInstance.objects.order_by("pk")]
    assert seed() == SeededCompany(owner_email=EMAIL, owner_created=False)
    assert [(row.pk, row.updated_at) for row in ApiInstance.objects.order_by("pk")] == before
    assert User.objects.count() == 4


def test_instances_follow_their_services(seed: Seed) -> None:
    seed()
    moved = PORTS | {"orders": 9555}
    seed(ports=moved)
    assert urls() == {service: f"http://127.0.0.1:{port}" for service, port in moved.items()}


def test_instance_that_somebody_pointed_elsewhere_stays(seed: Seed) -> None:
    seed()
    instance = ApiInstance.objects.get(base_path="/orders")
    instance_update(actor=None, instance=instance, implementation_url="http://orders.example.com/v2")
    seed(ports=PORTS | {"orders": 9555})
    assert urls()["orders"] == "http://orders.example.com/v2"


def test_removed_instance_is_not_made_again(seed: Seed) -> None:
    seed()
    ApiInstance.objects.get(base_path="/shop").delete()
    seed()
    assert not ApiInstance.objects.filter(base_path="/shop").exists()


def test_demo_listener_follows_the_gateways_port(seed: Seed, settings: Any) -> None:
    seed()
    settings.GATEWAY_PORT = 8099
    seed()
    gateway = Gateway.objects.get(slug=company.GATEWAY_SLUG)
    assert [listener.port for listener in gateway.listeners.all()] == [8099]
    assert {instance.listener.port for instance in gateway.api_instances.all()} == {8099}


def test_command_shows_a_made_password_once(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("seed_demo")
    assert "shown only this once" in capsys.readouterr().out
    call_command("seed_demo")
    assert capsys.readouterr().out == "Harbour Goods is there.\n"
