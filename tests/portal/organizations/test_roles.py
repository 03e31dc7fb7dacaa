"""What each role may do, and where."""

import pytest

from portal.accounts.models import User
from portal.core.permissions import scope_of
from portal.gateways.models import Gateway
from portal.organizations.models import Environment, Organization, Role, RoleBinding
from portal.organizations.roles import PERMISSIONS, rank
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
    "organization.change": (True, False, False),
    "environment.change": (True, False, False),
    "gateway.change": (True, False, False),
    "people.change": (True, False, False),
}
ROLES = (Role.OWNER, Role.EDITOR, Role.VIEWER)


def test_table_holds_every_permission() -> None:
    assert set(TABLE) == set().union(*PERMISSIONS.values())


@pytest.mark.parametrize("permission", TABLE)
def test_roles_hold_what_the_table_says(world: World, permission: str) -> None:
    people = (world.ada, world.erik, world.ben)
    held = tuple(world.organization.pk in scope_of(user, permission).organizations for user in people)
    assert held == TABLE[permission]


def test_each_role_includes_the_next() -> None:
    assert PERMISSIONS[Role.OWNER] > PERMISSIONS[Role.EDITOR] > PERMISSIONS[Role.VIEWER]
    assert rank(Role.OWNER) > rank(Role.EDITOR) > rank(Role.VIEWER) > rank("")


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
