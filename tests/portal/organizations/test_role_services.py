"""Giving and taking roles: nobody above their own, and an owner always remains."""

import pytest

from portal.accounts.models import User
from portal.accounts.services import api_token_create
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.organizations.models import Environment, Role, RoleBinding
from portal.organizations.selectors import grantable_roles
from portal.organizations.services import invitation_renew, role_change, role_grant, role_invite, role_revoke
from tests.portal.base import World, make_role, make_user


def binding_of(user: User) -> RoleBinding:
    return RoleBinding.objects.get(user=user)


def refused(code: str):
    return pytest.raises(ApplicationError, check=lambda error: error.code == code)


def test_owner_gives_every_role(world: World) -> None:
    for role in Role:
        role_grant(actor=world.ada, user=world.cora, organization=world.organization, role=role)
    assert {each.role for each in RoleBinding.objects.filter(user=world.cora)} == set(Role)


@pytest.mark.parametrize("actor", ["erik", "ben", "cora", "olaf"])
def test_nobody_gives_a_role_above_their_own(world: World, actor: str) -> None:
    with refused("role_above_own"):
        role_grant(actor=getattr(world, actor), user=world.cora, organization=world.organization, role=Role.OWNER)
    assert not RoleBinding.objects.filter(user=world.cora).exists()


def test_nobody_lowers_or_removes_who_is_above_them(world: World) -> None:
    with refused("role_above_own"):
        role_change(actor=world.erik, binding=binding_of(world.ada), role=Role.VIEWER)
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
        role_change(actor=world.ada, binding=binding_of(world.ada), role=Role.EDITOR)
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
    role_change(actor=world.ada, binding=binding_of(world.ben), role=Role.EDITOR)
    role_revoke(actor=world.ada, binding=binding_of(world.ben))
    revoked, changed = AuditEvent.objects.order_by("-created_at")
    assert (changed.action, changed.before["role"], changed.after["role"]) == ("role.change", "viewer", "editor")
    assert (revoked.action, revoked.before["person"]) == ("role.revoke", world.ben.email)
    assert {changed.organization_id, revoked.organization_id} == {world.organization.pk}


def test_giving_the_same_role_again_changes_nothing(world: World) -> None:
    role_grant(actor=world.ada, user=world.ben, organization=world.organization, role=Role.VIEWER)
    assert not AuditEvent.objects.exists()


def test_second_role_is_added_to_the_first(world: World) -> None:
    role_grant(actor=world.ada, user=world.ben, organization=world.organization, role=Role.POLICY_MANAGER)
    assert {each.role for each in RoleBinding.objects.filter(user=world.ben)} == {"viewer", "policy_manager"}


def test_role_is_not_changed_into_one_that_the_person_holds_beside_it(world: World) -> None:
    role_grant(actor=world.ada, user=world.ben, organization=world.organization, role=Role.EDITOR)
    viewer = RoleBinding.objects.get(user=world.ben, role=Role.VIEWER)
    with refused("role_exists"):
        role_change(actor=world.ada, binding=viewer, role=Role.EDITOR)


def test_nobody_raises_their_own_role(world: World) -> None:
    with refused("role_above_own"):
        role_change(actor=world.erik, binding=binding_of(world.erik), role=Role.ENVIRONMENT_ADMINISTRATOR)
    with refused("role_above_own"):
        role_grant(actor=world.erik, user=world.erik, organization=world.organization, role=Role.OWNER)


def test_unknown_role_is_refused_beside_its_field(world: World) -> None:
    for key in ("emperor", "", str(world.organization.pk)):
        with pytest.raises(ApplicationError) as refusal:
            role_grant(actor=world.ada, user=world.ben, organization=world.organization, role=key)
        assert set(refusal.value.fields) == {"role"}


def test_roles_on_offer_are_those_held_wholly(world: World) -> None:
    offered = {key for key, _ in grantable_roles(user=world.erik, organization=world.organization)}
    assert offered == set(Role) - {Role.OWNER, Role.ENVIRONMENT_ADMINISTRATOR}


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

    def test_same_role_twice_is_refused(self, world: World) -> None:
        with refused("role_exists"):
            role_invite(actor=world.ada, organization=world.organization, role=Role.VIEWER, email=world.ben.email)


def test_removed_person_s_token_sees_nothing_more(world: World) -> None:
    secret = api_token_create(user=world.ben, actor=world.ben, name="x").secret
    role_revoke(actor=world.ada, binding=binding_of(world.ben))
    assert secret
    assert not Environment.objects.visible_to(world.ben, "environment.view").exists()
