"""Business groups: organizations below an organization, and what holds in them from above."""

from typing import Any

import pytest

from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.core.permissions import scope_of
from portal.gateways.models import Gateway
from portal.organizations.custom_role_services import custom_role_change, custom_role_create
from portal.organizations.holding import remembered_roles
from portal.organizations.models import Environment, Organization, Role, RoleBinding
from portal.organizations.selectors import people_with
from portal.organizations.services import organization_create, role_change, role_grant, role_invite, role_revoke
from tests.portal.base import PortalTestCase, World, client_of, make_gateway, make_role, make_user

JSON = "application/json"


def make_group(parent: Organization, name: str = "Retail") -> Organization:
    """Make a business group whose own owner is nobody of the world."""
    owner = make_user(f"Owner of {name}", email=f"{name.lower()}@example.test")
    return organization_create(actor=None, owner=owner, name=name, parent=parent)


def refused(code: str):
    return pytest.raises(ApplicationError, check=lambda error: error.code == code)


@pytest.fixture
def group(world: World) -> Organization:
    return make_group(world.organization)


def give_below(world: World, user: User, role: str = Role.VIEWER) -> RoleBinding:
    return role_grant(actor=None, user=user, organization=world.organization, role=role, holds_below=True)


class TestRoleOnAParent:
    def test_holds_below_where_the_binding_says_so(self, world: World, group: Organization) -> None:
        give_below(world, world.cora)
        gateway = make_gateway(group.environments.first())
        assert gateway in Gateway.objects.visible_to(world.cora, "gateway.view")
        assert world.gateway in Gateway.objects.visible_to(world.cora, "gateway.view")

    def test_holds_there_alone_where_it_does_not(self, world: World, group: Organization) -> None:
        make_gateway(group.environments.first())
        assert list(Gateway.objects.visible_to(world.ben, "gateway.view")) == [world.gateway]

    def test_holds_on_every_level(self, world: World, group: Organization) -> None:
        deepest = make_group(make_group(group, "Shops"), "Berlin")
        give_below(world, world.cora)
        assert deepest.pk in scope_of(world.cora, "gateway.view").organizations

    def test_holds_in_a_group_made_later(self, world: World) -> None:
        give_below(world, world.cora)
        assert make_group(world.organization).pk in scope_of(world.cora, "gateway.view").organizations

    def test_never_holds_above_or_beside(self, world: World, group: Organization) -> None:
        beside = make_group(world.organization, "Wholesale")
        role_grant(actor=None, user=world.cora, organization=group, role=Role.OWNER, holds_below=True)
        seen = scope_of(world.cora, "gateway.view").organizations
        assert seen == {group.pk}
        assert beside.pk not in seen

    def test_of_one_environment_reaches_no_group(self, world: World) -> None:
        with refused("below_an_environment"):
            role_grant(
                actor=world.ada,
                user=world.cora,
                organization=world.organization,
                environment=world.sandbox,
                role=Role.VIEWER,
                holds_below=True,
            )

    def test_counts_among_the_people_with_a_permission(self, world: World, group: Organization) -> None:
        give_below(world, world.cora, Role.CONTRACT_MANAGER)
        found = people_with(environment=group.environments.first(), permission="contract.approve")
        assert world.cora in found
        assert world.erik not in found

    def test_is_found_with_one_query(self, world: World, group: Organization, django_assert_num_queries: Any) -> None:
        give_below(world, world.cora)
        with remembered_roles(), django_assert_num_queries(1):
            scope_of(world.cora, "gateway.view")
            scope_of(world.cora, "api.view")


class TestNobodyReachesFurtherDownThanTheyDo:
    """Dora is an owner of the organization alone: her role does not hold below."""

    @pytest.fixture
    def dora(self, world: World) -> User:
        dora = make_user("Dora Owner")
        make_role(dora, world.organization, Role.OWNER)
        return dora

    def test_by_giving_a_role_to_others_or_themselves(self, world: World, dora: User) -> None:
        for user in (world.cora, dora):
            with refused("role_above_own"):
                role_grant(actor=dora, user=user, organization=world.organization, role=Role.VIEWER, holds_below=True)

    def test_by_inviting(self, world: World, dora: User) -> None:
        with refused("role_above_own"):
            role_invite(
                actor=dora,
                organization=world.organization,
                role=Role.VIEWER,
                email="eve@example.test",
                holds_below=True,
            )
        assert not User.objects.filter(email="eve@example.test").exists()

    def test_by_letting_their_own_role_hold_below(self, world: World, dora: User) -> None:
        own = RoleBinding.objects.get(user=dora)
        with refused("role_above_own"):
            role_change(actor=dora, binding=own, role=own.role, holds_below=True)

    def test_by_taking_what_holds_below(self, world: World, dora: User) -> None:
        binding = give_below(world, world.cora)
        with refused("role_above_own"):
            role_revoke(actor=dora, binding=binding)

    def test_by_changing_a_custom_role_that_holds_below(self, world: World, dora: User) -> None:
        role = custom_role_create(
            actor=None, organization=world.organization, name="Support", permissions=["traffic.view"]
        )
        give_below(world, world.cora, str(role.pk))
        with refused("role_above_own"):
            custom_role_change(actor=dora, custom_role=role, name="Support", permissions=["people.change"])


def test_owner_whose_role_holds_below_gives_it_on(world: World, group: Organization) -> None:
    give_below(world, world.cora, Role.OWNER)
    given = role_grant(
        actor=world.cora, user=world.erik, organization=world.organization, role=Role.VIEWER, holds_below=True
    )
    assert given.holds_below
    role_grant(actor=world.cora, user=world.erik, organization=group, role=Role.EDITOR)
    assert group.pk in scope_of(world.erik, "policy.change").organizations


def test_role_is_widened_instead_of_given_twice(world: World) -> None:
    give_below(world, world.ben)
    assert [each.holds_below for each in RoleBinding.objects.filter(user=world.ben)] == [True]
    assert AuditEvent.objects.get(action="role.change").after["holds_below"] is True


class TestMakingAGroup:
    def test_its_maker_owns_it(self, world: World) -> None:
        made = organization_create(actor=world.ada, name="Retail", parent=world.organization)
        assert RoleBinding.objects.get(organization=made).user == world.ada
        assert list(made.above.all()) == [world.organization]
        assert made.environments.count() == 2

    @pytest.mark.parametrize("actor", ["erik", "ben", "cora", "olaf"])
    def test_takes_everything_in_the_parent(self, world: World, actor: str) -> None:
        with refused("group_denied"):
            organization_create(actor=getattr(world, actor), name="Retail", parent=world.organization)

    def test_goes_only_so_deep(self, world: World) -> None:
        parent = world.organization
        for level in range(8):
            parent = organization_create(actor=world.ada, name=f"Level {level}", parent=parent)
        with refused("group_too_deep"):
            organization_create(actor=world.ada, name="Too deep", parent=parent)


class BusinessGroupPageTests(PortalTestCase):
    group: Any

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.group = make_group(cls.world.organization)

    def address(self, name: str) -> str:
        return console_url(self.world.production, f"organizations:{name}")

    def test_list_shows_only_what_one_may_see(self) -> None:
        self.assertNotContains(client_of(self.world.ben).get(self.address("groups")), "Retail")
        give_below(self.world, self.world.ben)
        self.assertContains(client_of(self.world.ben).get(self.address("groups")), "Retail")

    def test_owner_makes_one(self) -> None:
        response = client_of(self.world.ada).post(self.address("group_create"), {"name": "Wholesale", "slug": ""})
        self.assertRedirects(response, self.address("groups"))
        self.assertEqual(Organization.objects.get(name="Wholesale").parent, self.world.organization)

    def test_others_do_not(self) -> None:
        for person, status in ((self.world.erik, 403), (self.world.cora, 404), (self.world.olaf, 404), (None, 302)):
            client = client_of(person)
            self.assertEqual(client.post(self.address("group_create"), {"name": "Wholesale"}).status_code, status)
        self.assertFalse(Organization.objects.filter(name="Wholesale").exists())

    def test_switcher_names_the_organization_above(self) -> None:
        give_below(self.world, self.world.ben)
        page = client_of(self.world.ben).get(self.address("groups"))
        self.assertContains(page, "Acme / Retail")

    def test_switcher_does_not_name_what_one_may_not_see(self) -> None:
        role_grant(actor=None, user=self.world.cora, organization=self.group, role=Role.VIEWER)
        place = Environment.objects.filter(organization=self.group).first()
        page = client_of(self.world.cora).get(console_url(place, "organizations:people"))
        self.assertContains(page, "Retail")
        self.assertNotContains(page, "Acme /")

    def test_people_of_a_group_are_told_who_comes_from_above(self) -> None:
        give_below(self.world, self.world.ben)
        place = Environment.objects.filter(organization=self.group).first()
        page = client_of(self.world.ben).get(console_url(place, "organizations:people"))
        self.assertContains(page, "From above")
        self.assertContains(page, self.world.ben.email)
        self.assertNotContains(page, self.world.erik.email)

    def test_role_that_holds_below_is_given_over_the_form(self) -> None:
        RoleBinding.objects.filter(user=self.world.ada).update(holds_below=True)
        form = {"email": self.world.cora.email, "role": "viewer", "environment": "below"}
        response = client_of(self.world.ada).post(self.address("invite"), form)
        self.assertEqual(response.status_code, 302)
        self.assertTrue(RoleBinding.objects.get(user=self.world.cora).holds_below)

    def test_it_is_not_offered_to_those_whose_role_does_not(self) -> None:
        form = {"email": self.world.cora.email, "role": "viewer", "environment": "below"}
        self.assertEqual(client_of(self.world.ada).post(self.address("invite"), form).status_code, 422)


class BusinessGroupApiTests(PortalTestCase):
    path = "/api/v1/organizations/"

    def make(self, person: Any, parent: Any) -> Any:
        return client_of(person).post(self.path, {"name": "Retail", "parent": str(parent.pk)}, JSON)

    def test_owner_makes_one(self) -> None:
        response = self.make(self.world.ada, self.world.organization)
        self.assertEqual((response.status_code, response.json()["parent"]), (201, str(self.world.organization.pk)))

    def test_editor_does_not(self) -> None:
        response = self.make(self.world.erik, self.world.organization)
        self.assertEqual((response.status_code, response.json()["code"]), (403, "group_denied"))

    def test_nobody_makes_one_below_another_organization(self) -> None:
        response = self.make(self.world.ada, self.world.other_organization)
        self.assertEqual(response.status_code, 400)
        self.assertIn("/parent", response.json()["fields"])

    def test_parent_cannot_be_changed(self) -> None:
        made = self.make(self.world.ada, self.world.organization).json()
        client_of(self.world.ada).patch(f"{self.path}{made['id']}/", {"name": "Retail", "parent": None}, JSON)
        self.assertEqual(Organization.objects.get(pk=made["id"]).parent, self.world.organization)

    def test_role_is_let_hold_below(self) -> None:
        RoleBinding.objects.filter(user=self.world.ada).update(holds_below=True)
        binding = RoleBinding.objects.get(user=self.world.ben)
        body = client_of(self.world.ada).patch(f"/api/v1/people/{binding.pk}/", {"holds_below": True}, JSON).json()
        self.assertEqual((body["role"], body["holds_below"]), ("viewer", True))
