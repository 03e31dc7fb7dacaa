"""Creating organizations and environments, and the installation's first owner."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.organizations import reactions
from portal.organizations.models import Environment, Organization, Role, RoleBinding
from portal.organizations.services import (
    environment_change,
    environment_create,
    organization_create,
    organization_rename,
)
from tests.portal.base import PASSWORD, World, make_user


def test_organization_comes_with_owner_and_environments(db: None) -> None:
    ada = make_user("Ada Owner")
    organization = organization_create(actor=ada, name="Blue Kettle Ltd")
    assert organization.slug == "blue-kettle-ltd"
    assert RoleBinding.objects.get().role == Role.OWNER
    assert [(row.slug, row.kind) for row in organization.environments.all()] == [
        ("production", "production"),
        ("sandbox", "sandbox"),
    ]
    assert AuditEvent.objects.filter(organization_id=organization.pk).count() == 3


@pytest.mark.parametrize(
    ("name", "slug", "field"),
    [("Acme", "", "slug"), ("New", "", "slug"), ("…", "", "slug"), ("Fine", "not fine", "slug"), ("", "x", "name")],
)
def test_unusable_names_are_told_by_field(world: World, name: str, slug: str, field: str) -> None:
    with pytest.raises(ApplicationError) as raised:
        organization_create(actor=world.ada, name=name, slug=slug)
    assert field in raised.value.fields
    assert Organization.objects.count() == 2


def test_environments_of_two_organizations_may_share_a_short_name(world: World) -> None:
    assert {world.production.slug, world.other_environment.slug} == {"production"}
    with pytest.raises(ApplicationError) as raised:
        environment_create(actor=world.ada, organization=world.organization, name="production")
    assert "slug" in raised.value.fields


def test_change_of_an_environment_is_recorded_and_told_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Environment] = []
    monkeypatch.setattr(reactions, "_reactions", [lambda *, environment, actor: told.append(environment)])
    settings = {"name": "Sandbox", "kind": "sandbox", "allow_private_targets": True}
    for _ in range(2):
        environment_change(environment=world.sandbox, actor=world.ada, **settings)
    assert told == [world.sandbox]
    event = AuditEvent.objects.get()
    assert event.differences == [("allow private targets", "No", "Yes")]
    assert event.environment_id == world.sandbox.pk


def test_another_colour_is_recorded_and_is_nothing_to_gateways(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Environment] = []
    monkeypatch.setattr(reactions, "_reactions", [lambda *, environment, actor: told.append(environment)])
    settings = {"name": "Sandbox", "kind": "sandbox", "allow_private_targets": False}
    environment_change(environment=world.sandbox, actor=world.ada, colour="violet", **settings)
    assert AuditEvent.objects.get().differences == [("colour", "—", "violet")]
    assert told == []
    with pytest.raises(ApplicationError):
        environment_change(environment=world.sandbox, actor=world.ada, colour="plaid", **settings)


def test_organization_can_be_renamed(world: World) -> None:
    organization_rename(organization=world.organization, actor=world.ada, name="Acme & Co")
    world.organization.refresh_from_db()
    assert (world.organization.name, world.organization.slug) == ("Acme & Co", "acme")


class TestCreateOwner:
    @pytest.fixture(autouse=True)
    def _environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PORTICO_ADMIN_EMAIL", "Root@Example.test")
        monkeypatch.delenv("PORTICO_ADMIN_PASSWORD", raising=False)

    @staticmethod
    def run() -> dict[str, object]:
        out = StringIO()
        call_command("create_owner", "--organization", "Blue Kettle", stdout=out)
        return json.loads(out.getvalue())

    def test_makes_operator_and_organization(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PORTICO_ADMIN_PASSWORD", PASSWORD)
        assert self.run() == {"created": True, "email": "root@example.test", "organization": "blue-kettle"}
        user = User.objects.get()
        assert user.is_operator
        assert user.email_confirmed
        assert user.check_password(PASSWORD)
        assert RoleBinding.objects.get().role == Role.OWNER

    def test_prints_a_password_only_when_it_made_it(self, db: None) -> None:
        password = str(self.run()["password"])
        assert len(password) >= 20
        assert User.objects.get().check_password(password)

    def test_password_can_come_from_a_file(self, db: None, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "password").write_text(PASSWORD + "\n")
        monkeypatch.setenv("PORTICO_ADMIN_PASSWORD_FILE", str(tmp_path / "password"))
        assert "password" not in self.run()
        assert User.objects.get().check_password(PASSWORD)

    def test_second_run_changes_nothing(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run()
        before = User.objects.values().get()
        monkeypatch.setenv("PORTICO_ADMIN_EMAIL", "other@example.test")
        monkeypatch.setenv("PORTICO_ADMIN_PASSWORD", PASSWORD)
        assert self.run() == {"created": False}
        assert User.objects.values().get() == before

    def test_weak_password_is_one_sentence(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PORTICO_ADMIN_PASSWORD", "short")
        with pytest.raises(CommandError, match="too short"):
            self.run()
        assert not User.objects.exists()
        assert not Organization.objects.exists()
