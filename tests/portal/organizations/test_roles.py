"""What each role may do, and where."""

from typing import Any

import pytest

from portal.accounts.models import User
from portal.core.permission_areas import ALL, completed
from portal.core.permissions import scope_of
from portal.gateways.models import Gateway
from portal.organizations.holding import remembered_roles
from portal.organizations.models import Environment, Organization, Role, RoleBinding
from portal.organizations.roles import EXPLAINED, PERMISSIONS
from portal.organizations.services import role_grant, role_revoke
from tests.portal.base import World, make_role, make_user

# permission: (owner, editor, viewer). Written out, so that nobody gains or loses one by accident.
TABLE = {
    "organization.view": (True, True, True),
    "environment.view": (True, True, True),
    "api.view": (True, True, True),
    "gateway.view": (True, True, True),
    "instance.view": (True, True, True),
    "policy.view": (True, True, True),
    "contract.view": (True, True, True),
    "revision.view": (True, True, True),
    "traffic.view": (True, True, True),
    "audit.view": (True, True, True),
    "people.view": (True, True, True),
    "api.change": (True, True, False),
    "instance.change": (True, True, False),
    "policy.change": (True, True, False),
    "contract.approve": (True, True, False),
    "gateway.publish": (True, True, False),
    "tier.change": (True, True, False),
    "traffic.trace": (True, True, False),
    "api.deprecate": (True, True, False),
    "alert.view": (True, True, True),
    "alert.change": (True, True, False),
    "organization.change": (True, False, False),
    "environment.change": (True, False, False),
    "gateway.change": (True, False, False),
    "people.change": (True, False, False),
}
ROLES = (Role.OWNER, Role.EDITOR, Role.VIEWER)


def test_table_holds_every_permission() -> None:
    assert set(TABLE) == ALL


@pytest.mark.parametrize("permission", TABLE)
def test_roles_hold_what_the_table_says(world: World, permission: str) -> None:
    people = (world.ada, world.erik, world.ben)
    held = tuple(world.organization.pk in scope_of(user, permission).organizations for user in people)
    assert held == TABLE[permission]


def test_owner_includes_editor_includes_viewer() -> None:
    assert PERMISSIONS[Role.OWNER] > PERMISSIONS[Role.EDITOR] > PERMISSIONS[Role.VIEWER]


# What each of the finer roles adds to seeing the organization and its environments.
FINER = {
    Role.ENVIRONMENT_ADMINISTRATOR: ALL - {"organization.change", "people.change"},
    Role.API_VIEWER: {"api.view", "gateway.view", "instance.view", "revision.view"},
    Role.API_MANAGER: {"api.view", "gateway.view", "instance.view", "revision.view", "instance.change"},
    Role.API_CREATOR: {"api.view", "gateway.view", "instance.view", "revision.view", "instance.change", "api.change"},
    Role.DEPLOYER: {"api.view", "gateway.view", "instance.view", "revision.view", "gateway.publish"},
    Role.POLICY_VIEWER: {"api.view", "gateway.view", "instance.view", "policy.view"},
    Role.POLICY_MANAGER: {"api.view", "gateway.view", "instance.view", "policy.view", "policy.change"},
    Role.CONTRACT_VIEWER: {"api.view", "gateway.view", "instance.view", "contract.view"},
    Role.CONTRACT_MANAGER: {
        "api.view", "gateway.view", "instance.view", "contract.view", "contract.approve", "tier.change",
    },
    Role.ALERT_VIEWER: {"api.view", "gateway.view", "instance.view", "traffic.view", "alert.view"},
    Role.ALERT_MANAGER: {"api.view", "gateway.view", "instance.view", "traffic.view", "alert.view", "alert.change"},
    Role.CATALOG_VIEWER: {"api.view"},
    Role.CATALOG_CONTRIBUTOR: {"api.view", "api.change"},
    Role.CATALOG_ADMINISTRATOR: {"api.view", "api.change", "api.deprecate"},
}  # fmt: skip


@pytest.mark.parametrize("role", FINER)
def test_finer_role_holds_exactly_this(role: Role) -> None:
    assert PERMISSIONS[role] - {"organization.view", "environment.view"} == FINER[role] - {
        "organization.view",
        "environment.view",
    }


def test_every_role_is_explained_and_has_permissions() -> None:
    assert set(PERMISSIONS) == set(EXPLAINED) == set(Role)


def test_every_role_has_what_its_permissions_need() -> None:
    assert {role for role, held in PERMISSIONS.items() if completed(held) != held} == set()


def test_roles_of_one_person_add_up(world: World) -> None:
    make_role(world.cora, world.organization, Role.CATALOG_CONTRIBUTOR)
    make_role(world.cora, world.sandbox, Role.POLICY_MANAGER)
    assert world.organization.pk in scope_of(world.cora, "api.change").organizations
    assert scope_of(world.cora, "policy.change").environments == {world.sandbox.pk}


class TestWithinOneRequest:
    def test_roles_are_asked_for_once(self, world: World, django_assert_num_queries: Any) -> None:
        with remembered_roles(), django_assert_num_queries(1):
            for permission in TABLE:
                scope_of(world.ben, permission)

    def test_role_given_meanwhile_counts_at_once(self, world: World) -> None:
        with remembered_roles():
            assert not scope_of(world.cora, "api.view").organizations
            role_grant(actor=world.ada, user=world.cora, organization=world.organization, role=Role.VIEWER)
            assert scope_of(world.cora, "api.view").organizations

    def test_role_taken_meanwhile_is_gone_at_once(self, world: World) -> None:
        with remembered_roles():
            assert scope_of(world.ben, "api.view").organizations
            role_revoke(actor=world.ada, binding=RoleBinding.objects.get(user=world.ben))
            assert not scope_of(world.ben, "api.view").organizations

    def test_nothing_is_remembered_from_one_request_to_the_next(self, world: World) -> None:
        with remembered_roles():
            scope_of(world.ben, "api.view")
        RoleBinding.objects.filter(user=world.ben).delete()
        with remembered_roles():
            assert not scope_of(world.ben, "api.view").organizations


def test_role_in_an_organization_holds_in_all_its_environments_and_no_other(world: World) -> None:
    seen = Environment.objects.visible_to(world.ben, "environment.view")
    assert set(seen) == {world.production, world.sandbox}


class TestRoleInOneEnvironment:
    @pytest.fixture
    def eve(self, world: World) -> User:
        eve = make_user("Eve Sandbox")
        make_role(eve, world.sandbox, Role.OWNER)
        return eve

    def test_holds_there_alone(self, world: World, eve: User) -> None:
        assert list(Environment.objects.visible_to(eve, "environment.change")) == [world.sandbox]
        assert not Gateway.objects.visible_to(eve, "gateway.view").exists()

    def test_sees_but_does_not_change_what_belongs_to_the_organization(self, world: World, eve: User) -> None:
        assert list(Organization.objects.visible_to(eve, "organization.view")) == [world.organization]
        assert not Organization.objects.visible_to(eve, "organization.change").exists()

    def test_sees_only_people_of_that_environment(self, world: World, eve: User) -> None:
        assert [binding.user for binding in RoleBinding.objects.visible_to(eve, "people.view")] == [eve]


def test_inactive_person_holds_nothing(world: World) -> None:
    world.ada.is_active = False
    assert not Organization.objects.visible_to(world.ada, "organization.view").exists()


def test_operator_holds_nothing_by_that(world: World) -> None:
    operator = make_user("Otto Operator", is_operator=True)
    assert not Organization.objects.visible_to(operator, "organization.view").exists()


def test_misspelt_permission_is_an_error_and_not_a_no(world: World) -> None:
    with pytest.raises(ValueError, match=r"gateway\.veiw"):
        Gateway.objects.visible_to(world.ada, "gateway.veiw")
