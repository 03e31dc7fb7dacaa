"""Giving and taking roles: nobody above their own, and an owner always remains."""

import pytest

from portal.accounts.models import User
from portal.accounts.services import api_token_create
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.organizations.models import Environment, Role, RoleBinding
from portal.organizations.selectors import grantable_roles, highest_role
from portal.organizations.services import invitation_renew, role_grant, role_invite, role_revoke
from tests.portal.base import World, make_role, make_user


def binding_of(user: User) -> RoleBinding:
    return RoleBinding.objects.get(user=user)


def refused(code: str):
    return pytest.raises(ApplicationError, check=lambda error: error.code == code)


def test_owner_gives_every_role(world: World) -> None:
    for role in Role:
        role_grant(actor=world.ada, user=world.cora, organization=world.organization, role=role)
        assert highest_role(user=world.cora, organization=world.organization, environment=None) == role
    assert RoleBinding.objects.filter(user=world.cora).count() == 1


@pytest.mark.parametrize("actor", ["erik", "ben", "cora", "olaf"])
def test_nobody_gives_a_role_above_their_own(world: World, actor: str) -> None:
    with refused("role_above_own"):
        role_grant(actor=getattr(world, actor), user=world.cora, organization=world.organization, role=Role.OWNER)
    assert not RoleBinding.objects.filter(user=world.cora).exists()


def test_nobody_lowers_or_removes_who_is_above_them(world: World) -> None:
    with refused("role_above_own"):
        role_grant(actor=world.erik, user=world.ada, organization=world.organization, role=Role.VIEWER)
    with refused("role_above_own"):
        role_revoke(actor=world.erik, binding=binding_of(world.ada))
    assert binding_of(world.ada).role == Role.OWNER


def test_owner_of_one_environment_gives_nothing_elsewhere(world: World) -> None:
    make_role(world.cora, world.sandbox, Role.OWNER)
    for place in (None, world.production):
        with refused("role_above_own"):
            role_grant(
                actor=world.cora,
                user=world.ben,
                organization=world.organization,
                environment=place,
                role=Role.OWNER,
            )
    given = role_grant(
        actor=world.cora, user=world.ben, organization=world.organization, environment=world.sandbox, role=Role.OWNER
    )
    assert given.environment == world.sandbox


def test_environment_of_another_organization_is_refused(world: World) -> None:
    with refused("environment_elsewhere"):
        role_grant(
            actor=world.ada,
            user=world.cora,
            organization=world.organization,
            environment=world.other_environment,
            role=Role.OWNER,
        )


def test_last_owner_can_be_neither_removed_nor_lowered(world: World) -> None:
    with refused("last_owner"):
        role_revoke(actor=world.ada, binding=binding_of(world.ada))
    with refused("last_owner"):
        role_grant(actor=world.ada, user=world.ada, organization=world.organization, role=Role.EDITOR)
    assert binding_of(world.ada).role == Role.OWNER


def test_owner_who_cannot_sign_in_does_not_count(world: World) -> None:
    make_role(make_user("Old Owner", is_active=False), world.organization, Role.OWNER)
    with refused("last_owner"):
        role_revoke(actor=world.ada, binding=binding_of(world.ada))


def test_owner_of_an_environment_does_not_count(world: World) -> None:
    make_role(world.cora, world.production, Role.OWNER)
    with refused("last_owner"):
        role_revoke(actor=world.ada, binding=binding_of(world.ada))


def test_one_of_two_owners_can_leave(world: World) -> None:
    role_grant(actor=world.ada, user=world.cora, organization=world.organization, role=Role.OWNER)
    role_revoke(actor=world.ada, binding=binding_of(world.ada))
    assert not RoleBinding.objects.filter(user=world.ada).exists()


def test_changes_are_recorded_with_before_and_after(world: World) -> None:
    role_grant(actor=world.ada, user=world.ben, organization=world.organization, role=Role.EDITOR)
    role_revoke(actor=world.ada, binding=binding_of(world.ben))
    revoked, granted = AuditEvent.objects.order_by("-created_at")
    assert (granted.action, granted.before["role"], granted.after["role"]) == ("role.grant", "viewer", "editor")
    assert (revoked.action, revoked.before["person"]) == ("role.revoke", world.ben.email)
    assert {granted.organization_id, revoked.organization_id} == {world.organization.pk}


def test_giving_the_same_role_again_changes_nothing(world: World) -> None:
    role_grant(actor=world.ada, user=world.ben, organization=world.organization, role=Role.VIEWER)
    assert not AuditEvent.objects.exists()


def test_roles_on_offer_end_with_one_s_own(world: World) -> None:
    offered = [value for value, _ in grantable_roles(user=world.erik, organization=world.organization)]
    assert offered == ["editor", "viewer"]


class TestInvitation:
    def test_known_person_is_added_at_once(self, world: World) -> None:
        made = role_invite(
            actor=world.ada, organization=world.organization, role=Role.VIEWER, email="CORA@example.test"
        )
        assert made.binding.user == world.cora
        assert made.link == ""

    def test_unknown_person_gets_an_account_and_a_link(self, world: World) -> None:
        made = role_invite(
            actor=world.ada, organization=world.organization, role=Role.VIEWER, email="eve@example.test", name="Eve"
        )
        assert str(made.binding.user) == "Eve"
        assert not made.binding.user.has_usable_password()
        assert made.link.startswith("http://localhost:8000/invitation/")

    def test_nobody_gets_a_link_to_an_account_that_exists(self, world: World) -> None:
        role_invite(actor=world.ada, organization=world.organization, role=Role.OWNER, email="eve@example.test")
        again = role_invite(
            actor=world.olaf, organization=world.other_organization, role=Role.VIEWER, email="eve@example.test"
        )
        assert again.link == ""
        with refused("role_above_own"):
            invitation_renew(actor=world.olaf, binding=again.binding)

    def test_link_can_be_made_again_until_the_first_sign_in(self, world: World) -> None:
        made = role_invite(actor=world.ada, organization=world.organization, role=Role.VIEWER, email="eve@example.test")
        assert invitation_renew(actor=world.ada, binding=made.binding).link
        with refused("invitation_used"):
            invitation_renew(actor=world.ada, binding=binding_of(world.ben))

    def test_role_above_one_s_own_makes_no_account(self, world: World) -> None:
        with refused("role_above_own"):
            role_invite(actor=world.erik, organization=world.organization, role=Role.OWNER, email="eve@example.test")
        assert not User.objects.filter(email="eve@example.test").exists()

    def test_same_place_twice_is_refused(self, world: World) -> None:
        with refused("role_exists"):
            role_invite(actor=world.ada, organization=world.organization, role=Role.OWNER, email=world.ben.email)


def test_removed_person_s_token_sees_nothing_more(world: World) -> None:
    secret = api_token_create(user=world.ben, actor=world.ben, name="x").secret
    role_revoke(actor=world.ada, binding=binding_of(world.ben))
    assert secret
    assert not Environment.objects.visible_to(world.ben, "environment.view").exists()
