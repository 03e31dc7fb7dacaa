"""Roles that an organization makes for itself: what they give, and who may make and give them."""

from typing import Any

import pytest

from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.core.permission_areas import ALL
from portal.core.permissions import scope_of
from portal.organizations.custom_role_services import custom_role_change, custom_role_create, custom_role_delete
from portal.organizations.models import CustomRole, Organization, Role, RoleBinding
from portal.organizations.selectors import grantable_roles, people_with
from portal.organizations.services import role_grant, role_invite
from tests.portal.base import PortalTestCase, World, client_of, make_role
from tests.portal.cases import ObjectApiCases, ObjectPageCases

JSON = "application/json"


def make_custom_role(organization: Organization, *permissions: str, name: str = "Support") -> CustomRole:
    return custom_role_create(actor=None, organization=organization, name=name, permissions=permissions)


def refused(code: str):
    return pytest.raises(ApplicationError, check=lambda error: error.code == code)


def people_manager(world: World) -> None:
    """Let Cora give roles, without much else."""
    own = make_custom_role(world.organization, "people.change", "policy.view", name="People manager")
    role_grant(actor=None, user=world.cora, organization=world.organization, role=str(own.pk))


def test_it_gives_exactly_its_permissions_with_what_they_need(world: World) -> None:
    role = make_custom_role(world.organization, "contract.approve")
    role_grant(actor=world.ada, user=world.cora, organization=world.organization, role=str(role.pk))
    assert role.permissions == {"organization.view", "environment.view", "contract.view", "contract.approve"}
    assert world.organization.pk in scope_of(world.cora, "contract.approve").organizations
    assert not scope_of(world.cora, "policy.view").organizations


def test_in_one_environment_it_holds_there_alone(world: World) -> None:
    role = make_custom_role(world.organization, "policy.change")
    role_grant(
        actor=world.ada, user=world.cora, organization=world.organization, environment=world.sandbox, role=str(role.pk)
    )
    scope = scope_of(world.cora, "policy.change")
    assert (scope.organizations, scope.environments) == (frozenset(), {world.sandbox.pk})


def test_its_holders_are_among_the_people_with_a_permission(world: World) -> None:
    role = make_custom_role(world.organization, "contract.approve")
    role_grant(actor=world.ada, user=world.cora, organization=world.organization, role=str(role.pk))
    found = people_with(environment=world.production, permission="contract.approve")
    assert set(found) == {world.ada, world.erik, world.cora}


def test_role_of_another_organization_cannot_be_given(world: World) -> None:
    theirs = make_custom_role(world.other_organization, "policy.change")
    with refused("role_unknown"):
        role_grant(actor=world.ada, user=world.cora, organization=world.organization, role=str(theirs.pk))


def test_change_reaches_its_holders_at_once(world: World) -> None:
    role = make_custom_role(world.organization, "policy.view")
    role_grant(actor=world.ada, user=world.cora, organization=world.organization, role=str(role.pk))
    custom_role_change(actor=world.ada, custom_role=role, name="Support", permissions=["policy.change"])
    assert scope_of(world.cora, "policy.change").organizations


class TestNobodyGivesWhatTheyDoNotHold:
    def test_in_a_new_role(self, world: World) -> None:
        people_manager(world)
        with refused("role_above_own"):
            custom_role_create(
                actor=world.cora, organization=world.organization, name="More", permissions=["gateway.change"]
            )
        assert not CustomRole.objects.filter(name="More").exists()

    def test_by_raising_a_role_they_hold(self, world: World) -> None:
        people_manager(world)
        own = CustomRole.objects.get(name="People manager")
        with refused("role_above_own"):
            custom_role_change(
                actor=world.cora, custom_role=own, name=own.name, permissions=[*own.permissions, "organization.change"]
            )
        own.refresh_from_db()
        assert "organization.change" not in own.permissions

    def test_by_taking_away_what_others_hold_above_them(self, world: World) -> None:
        people_manager(world)
        higher = make_custom_role(world.organization, "gateway.change", name="Operations")
        with refused("role_above_own"):
            custom_role_change(actor=world.cora, custom_role=higher, name="Operations", permissions=["policy.view"])
        with refused("role_above_own"):
            custom_role_delete(actor=world.cora, custom_role=higher)

    def test_by_giving_a_role_to_others_or_themselves(self, world: World) -> None:
        people_manager(world)
        higher = make_custom_role(world.organization, "gateway.change", name="Operations")
        for user in (world.ben, world.cora):
            with refused("role_above_own"):
                role_grant(actor=world.cora, user=user, organization=world.organization, role=str(higher.pk))

    def test_what_they_hold_is_offered(self, world: World) -> None:
        people_manager(world)
        offered = [title for _, title in grantable_roles(user=world.cora, organization=world.organization)]
        assert offered == ["View policies", "Catalog viewer", "People manager"]

    def test_what_they_hold_in_one_environment_does_not_count(self, world: World) -> None:
        make_role(world.cora, world.sandbox, Role.OWNER)
        with refused("role_above_own"):
            custom_role_create(
                actor=world.cora, organization=world.organization, name="More", permissions=["policy.view"]
            )


def test_custom_role_with_everything_does_not_replace_the_last_owner(world: World) -> None:
    everything = make_custom_role(world.organization, *ALL)
    role_grant(actor=world.ada, user=world.cora, organization=world.organization, role=str(everything.pk))
    owner = RoleBinding.objects.get(user=world.ada)
    response = client_of(world.ada).delete(f"/api/v1/people/{owner.pk}/")
    assert (response.status_code, response.json()["code"]) == (409, "last_owner")


def test_role_that_somebody_holds_is_not_deleted(world: World) -> None:
    role = make_custom_role(world.organization, "policy.view")
    role_grant(actor=world.ada, user=world.cora, organization=world.organization, role=str(role.pk))
    with refused("custom_role_held"):
        custom_role_delete(actor=world.ada, custom_role=role)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "Viewer"}, "name"),
        ({"name": ""}, "name"),
        ({"permissions": []}, "permissions"),
        ({"permissions": ["environment.view"]}, "permissions"),
        ({"permissions": ["policy.veiw"]}, "permissions"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(world: World, values: dict[str, Any], field: str) -> None:
    with pytest.raises(ApplicationError) as refusal:
        custom_role_create(
            actor=world.ada,
            organization=world.organization,
            **({"name": "Support", "permissions": ["policy.view"]} | values),
        )
    assert field in refusal.value.fields


def test_changes_are_recorded_with_before_and_after(world: World) -> None:
    role = custom_role_create(
        actor=world.ada, organization=world.organization, name="Support", permissions=["audit.view"]
    )
    custom_role_change(actor=world.ada, custom_role=role, name="Audit", permissions=["audit.view"])
    custom_role_delete(actor=world.ada, custom_role=role)
    deleted, changed, created = AuditEvent.objects.order_by("-created_at")
    assert [each.action for each in (created, changed, deleted)] == [
        "custom_role.create",
        "custom_role.change",
        "custom_role.delete",
    ]
    assert (changed.before["name"], changed.after["name"]) == ("Support", "Audit")
    assert {each.organization_id for each in (created, changed, deleted)} == {world.organization.pk}


def test_invited_person_gets_a_custom_role(world: World) -> None:
    role = make_custom_role(world.organization, "policy.view")
    made = role_invite(
        actor=world.ada, organization=world.organization, role=str(role.pk), email="eve@example.test", name="Eve"
    )
    assert made.binding.title == "Support"


class CustomRolePageTests(ObjectPageCases, PortalTestCase):
    list_page, create_page = "organizations:roles", "organizations:custom_role_create"
    edit_page = "organizations:custom_role_edit"
    actions = ("organizations:custom_role_delete",)
    form = {"permissions": ["policy.view"]}
    create_form = {"name": "New"}
    edit_form = {"name": "Renamed"}

    role: Any
    other: Any

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.role = make_custom_role(cls.world.organization, "contract.approve")
        cls.other = make_custom_role(cls.world.other_organization, "contract.approve")

    def get_target(self) -> CustomRole:
        return self.role

    def get_other_target(self) -> CustomRole:
        return self.other

    def test_owner_of_one_environment_makes_none(self) -> None:
        make_role(self.world.cora, self.world.sandbox, Role.OWNER)
        address = console_url(self.world.sandbox, "organizations:custom_role_create")
        self.assertEqual(client_of(self.world.cora).get(address).status_code, 403)

    def test_list_shows_built_in_roles_and_its_own(self) -> None:
        page = client_of(self.world.ben).get(console_url(self.world.production, "organizations:roles"))
        self.assertContains(page, "Support")
        self.assertContains(page, "Environment administrator")

    def test_person_is_given_it_over_the_form(self) -> None:
        binding = RoleBinding.objects.get(user=self.world.ben)
        address = console_url(self.world.production, "organizations:role_change", binding.pk)
        response = client_of(self.world.ada).post(address, {"role": str(self.role.pk)})
        self.assertEqual(response.status_code, 302)
        binding.refresh_from_db()
        self.assertEqual((binding.role, binding.custom_role), ("", self.role))

    def test_what_one_does_not_hold_cannot_be_ticked(self) -> None:
        world = self.world
        people_manager(world)
        address = console_url(world.production, "organizations:custom_role_create")
        client = client_of(world.cora)
        self.assertContains(client.get(address), "you do not hold it")
        response = client.post(address, {"name": "More", "permissions": ["gateway.change"]})
        self.assertContains(response, "no permission that you can give", status_code=422)


class CustomRoleApiTests(ObjectApiCases, PortalTestCase):
    path = "/api/v1/roles/"
    create = {"name": "New"}
    change = {"name": "Renamed"}
    deletes = True
    role: Any
    other: Any

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.role = make_custom_role(cls.world.organization, "contract.approve")
        cls.other = make_custom_role(cls.world.other_organization, "contract.approve")

    def get_target(self) -> CustomRole:
        return self.role

    def get_other_target(self) -> CustomRole:
        return self.other

    def get_create(self) -> dict[str, Any]:
        return {"name": "New", "organization": str(self.world.organization.pk), "permissions": ["policy.change"]}

    def test_what_is_not_sent_stays(self) -> None:
        body = client_of(self.world.ada).patch(f"{self.path}{self.role.pk}/", {"name": "Renamed"}, JSON).json()
        self.assertEqual(body["name"], "Renamed")
        self.assertIn("contract.approve", body["permissions"])

    def test_person_is_given_it(self) -> None:
        binding = RoleBinding.objects.get(user=self.world.ben)
        address = f"/api/v1/people/{binding.pk}/"
        body = client_of(self.world.ada).patch(address, {"role": str(self.role.pk)}, JSON).json()
        self.assertEqual((body["role"], body["role_title"]), (str(self.role.pk), "Support"))

    def test_built_in_roles_are_told_with_their_permissions(self) -> None:
        body = client_of(self.world.cora).get("/api/v1/built-in-roles/").json()
        self.assertIn("owner", [role["role"] for role in body["roles"]])
        self.assertIn("policy.change", [permission["name"] for permission in body["permissions"]])
        self.assertEqual(client_of(None).get("/api/v1/built-in-roles/").status_code, 401)
