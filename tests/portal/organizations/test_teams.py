"""Teams: what is given to a team holds for its members, and nobody gets more by it than somebody could give them."""

from typing import Any

import pytest

from portal.accounts.models import User
from portal.accounts.oidc import groups_of
from portal.accounts.sign_on_reactions import signed_on
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.core.permissions import scope_of
from portal.organizations.custom_role_services import custom_role_create, custom_role_delete
from portal.organizations.holding import remembered_roles
from portal.organizations.models import Organization, Role, Team, TeamMember, TeamRole
from portal.organizations.selectors import people_with
from portal.organizations.services import invitation_renew, organization_create, role_grant, role_invite
from portal.organizations.team_services import (
    team_change,
    team_create,
    team_delete,
    team_member_add,
    team_member_remove,
    team_role_grant,
    team_role_revoke,
)
from tests.portal.base import PortalTestCase, World, client_of, make_role
from tests.portal.cases import ObjectApiCases, ObjectPageCases

JSON = "application/json"
ISSUER = "https://id.example"


def make_team(organization: Organization, *groups: str, name: str = "Payments") -> Team:
    return team_create(actor=None, organization=organization, name=name, sign_on_groups=groups)


def refused(code: str):
    return pytest.raises(ApplicationError, check=lambda error: error.code == code)


@pytest.fixture
def team(world: World) -> Team:
    """A team of which Cora is a member, without any role."""
    team = make_team(world.organization, "payments-team")
    team_member_add(actor=None, team=team, email=world.cora.email)
    return team


def people_manager(world: World, user: User) -> None:
    role = custom_role_create(
        actor=None, organization=world.organization, name="People manager", permissions=["people.change"]
    )
    role_grant(actor=None, user=user, organization=world.organization, role=str(role.pk))


class TestRoleOfATeam:
    def test_holds_for_its_members(self, world: World, team: Team) -> None:
        team_role_grant(actor=world.ada, team=team, role=Role.POLICY_MANAGER)
        assert world.organization.pk in scope_of(world.cora, "policy.change").organizations

    def test_adds_up_with_their_own(self, world: World, team: Team) -> None:
        team_role_grant(actor=world.ada, team=team, role=Role.POLICY_MANAGER)
        role_grant(actor=world.ada, user=world.cora, organization=world.organization, role=Role.CATALOG_CONTRIBUTOR)
        assert scope_of(world.cora, "policy.change").organizations == scope_of(world.cora, "api.change").organizations

    def test_in_one_environment_holds_there_alone(self, world: World, team: Team) -> None:
        team_role_grant(actor=world.ada, team=team, role=Role.VIEWER, environment=world.sandbox)
        scope = scope_of(world.cora, "gateway.view")
        assert (scope.organizations, scope.environments) == (frozenset(), {world.sandbox.pk})

    def test_reaches_groups_below_where_it_says_so(self, world: World, team: Team) -> None:
        group = organization_create(actor=None, owner=world.ada, name="Retail", parent=world.organization)
        team_role_grant(actor=None, team=team, role=Role.VIEWER)
        assert group.pk not in scope_of(world.cora, "gateway.view").organizations
        team_role_grant(actor=None, team=team, role=Role.CATALOG_VIEWER, holds_below=True)
        assert group.pk in scope_of(world.cora, "api.view").organizations

    def test_may_be_a_custom_one_which_then_stays(self, world: World, team: Team) -> None:
        custom = custom_role_create(
            actor=None, organization=world.organization, name="Support", permissions=["traffic.trace"]
        )
        team_role_grant(actor=world.ada, team=team, role=str(custom.pk))
        assert scope_of(world.cora, "traffic.trace").organizations
        with refused("custom_role_held"):
            custom_role_delete(actor=world.ada, custom_role=custom)

    def test_counts_among_the_people_with_a_permission(self, world: World, team: Team) -> None:
        team_role_grant(actor=world.ada, team=team, role=Role.CONTRACT_MANAGER)
        assert world.cora in people_with(environment=world.production, permission="contract.approve")

    def test_is_found_with_the_person_s_own_by_one_query(
        self, world: World, team: Team, django_assert_num_queries: Any
    ) -> None:
        team_role_grant(actor=world.ada, team=team, role=Role.VIEWER)
        with remembered_roles(), django_assert_num_queries(1):
            scope_of(world.cora, "gateway.view")
            scope_of(world.cora, "api.view")

    def test_ends_with_the_role_the_membership_and_the_team(self, world: World, team: Team) -> None:
        def holds() -> bool:
            return bool(scope_of(world.cora, "gateway.view").organizations)

        role = team_role_grant(actor=world.ada, team=team, role=Role.VIEWER)
        team_role_revoke(actor=world.ada, team_role=role)
        assert not holds()
        team_role_grant(actor=world.ada, team=team, role=Role.VIEWER)
        team_member_remove(actor=world.ada, member=TeamMember.objects.get(user=world.cora))
        assert not holds()
        make_role(world.cora, world.sandbox, Role.CATALOG_VIEWER)
        team_member_add(actor=world.ada, team=team, email=world.cora.email)
        assert holds()
        team_delete(actor=world.ada, team=team)
        assert not holds()


class TestNobodyGetsMoreByATeam:
    def test_by_giving_it_a_role_above_their_own(self, world: World, team: Team) -> None:
        people_manager(world, world.cora)
        with refused("role_above_own"):
            team_role_grant(actor=world.cora, team=team, role=Role.OWNER)

    def test_by_joining_one_that_holds_more(self, world: World) -> None:
        owners = make_team(world.organization, name="Owners")
        team_role_grant(actor=None, team=owners, role=Role.OWNER)
        people_manager(world, world.cora)
        with refused("role_above_own"):
            team_member_add(actor=world.cora, team=owners, email=world.cora.email)

    def test_by_naming_a_group_of_their_own_for_it(self, world: World) -> None:
        owners = make_team(world.organization, name="Owners")
        team_role_grant(actor=None, team=owners, role=Role.OWNER)
        people_manager(world, world.cora)
        with refused("role_above_own"):
            team_change(actor=world.cora, team=owners, name="Owners", sign_on_groups=["my-group"])

    def test_by_an_invitation_to_an_account_in_a_team_that_holds_more(self, world: World, team: Team) -> None:
        made = role_invite(
            actor=world.ada, organization=world.organization, role=Role.CATALOG_VIEWER, email="eve@example.test"
        )
        team_role_grant(actor=None, team=team, role=Role.OWNER)
        team_member_add(actor=None, team=team, email="eve@example.test")
        with refused("role_above_own"):
            invitation_renew(actor=world.erik, binding=made.binding)


def test_member_must_be_known_in_the_organization(world: World, team: Team) -> None:
    for email in (world.olaf.email, "nobody@example.test"):
        with pytest.raises(ApplicationError) as refusal:
            team_member_add(actor=world.ada, team=team, email=email)
        assert "Nobody in this organization" in refusal.value.fields["email"]


class TestGroupsOfASignOnProvider:
    def sign_on(self, user: User, *groups: str, issuer: str = ISSUER) -> None:
        signed_on(user=user, issuer=issuer, groups=frozenset(groups))

    def test_put_people_into_teams_and_take_them_out(self, world: World) -> None:
        team = make_team(world.organization, "payments-team", "finance")
        team_role_grant(actor=None, team=team, role=Role.VIEWER)
        for groups, member in ((["staff"], False), (["finance"], True), (["payments-team"], True), ([], False)):
            self.sign_on(world.cora, *groups)
            assert bool(scope_of(world.cora, "gateway.view").organizations) == member, groups

    def test_leave_members_by_hand_alone(self, world: World, team: Team) -> None:
        self.sign_on(world.cora, "payments-team")
        self.sign_on(world.cora)
        assert [each.issuer for each in team.members.all()] == [""]

    def test_of_one_provider_say_nothing_about_another(self, world: World) -> None:
        team = make_team(world.organization, "payments-team")
        self.sign_on(world.cora, "payments-team")
        self.sign_on(world.cora, issuer="https://other.example")
        assert [each.issuer for each in team.members.all()] == [ISSUER]

    def test_are_compared_wholly_and_with_their_case(self, world: World) -> None:
        team = make_team(world.organization, "payments-team")
        self.sign_on(world.cora, "payments", "Payments-Team", "payments-team-2", "payments-team\nfinance")
        assert not team.members.exists()

    def test_that_a_team_no_longer_names_let_people_go_at_once(self, world: World, team: Team) -> None:
        self.sign_on(world.ben, "payments-team")
        team_change(actor=world.ada, team=team, name="Payments", sign_on_groups=["finance"])
        assert [each.user for each in team.members.all()] == [world.cora]

    def test_are_recorded(self, world: World) -> None:
        make_team(world.organization, "payments-team")
        self.sign_on(world.cora, "payments-team")
        event = AuditEvent.objects.get(action="team.member_add")
        assert (event.after["issuer"], event.organization_id) == (ISSUER, world.organization.pk)

    @pytest.mark.parametrize(
        ("claim", "groups"),
        [(["a", "b"], {"a", "b"}), ("a", {"a"}), (None, set()), ({"a": True}, set()), (["a", 7, None, ["b"]], {"a"})],
    )
    def test_are_read_from_a_list_or_one_name(self, claim: Any, groups: set[str]) -> None:
        assert groups_of(claim) == groups


class TeamCases(PortalTestCase):
    team: Any
    other: Any

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.team = make_team(cls.world.organization, "payments-team")
        cls.other = make_team(cls.world.other_organization, "payments-team")


class TeamPageTests(ObjectPageCases, TeamCases):
    list_page, detail_page = "organizations:teams", "organizations:team"
    create_page, edit_page = "organizations:team_create", "organizations:team_edit"
    actions = ("organizations:team_delete",)
    create_form = {"name": "New", "sign_on_groups": "a\r\nb"}
    edit_form = {"name": "Renamed"}

    def get_target(self) -> Team:
        return self.team

    def get_other_target(self) -> Team:
        return self.other

    def address(self, name: str, target: Any) -> str:
        return console_url(self.world.production, f"organizations:{name}", target.pk)

    def test_groups_stand_one_on_a_line(self) -> None:
        client_of(self.world.ada).post(console_url(self.world.production, self.create_page), self.create_form)
        self.assertEqual(Team.objects.get(name="New").groups, ["a", "b"])

    def test_member_and_role_are_added_and_taken_over_forms(self) -> None:
        client = client_of(self.world.ada)
        client.post(self.address("team_member_add", self.team), {"email": self.world.ben.email})
        role = {"role": "editor", "environment": str(self.world.sandbox.pk)}
        client.post(self.address("team_role_add", self.team), role)
        self.assertEqual(scope_of(self.world.ben, "policy.change").environments, {self.world.sandbox.pk})
        page = client.get(self.address("team", self.team))
        self.assertContains(page, self.world.ben.email)
        self.assertContains(page, "Editor")
        client.post(self.address("team_role_remove", TeamRole.objects.get()))
        client.post(self.address("team_member_remove", TeamMember.objects.get()))
        self.assertFalse(TeamMember.objects.exists() or TeamRole.objects.exists())

    def test_parts_are_changed_by_nobody_else(self) -> None:
        member = team_member_add(actor=None, team=self.team, email=self.world.ben.email)
        role = team_role_grant(actor=None, team=self.team, role="viewer")
        for person, status in ((self.world.ben, 403), (self.world.cora, 404), (self.world.olaf, 404), (None, 302)):
            client = client_of(person)
            for name, target in (
                ("team_member_add", self.team),
                ("team_role_add", self.team),
                ("team_member_remove", member),
                ("team_role_remove", role),
            ):
                self.assertEqual(client.post(self.address(name, target)).status_code, status, name)


class TeamApiTests(ObjectApiCases, TeamCases):
    path = "/api/v1/teams/"
    create = {"name": "New"}
    change = {"name": "Renamed"}
    deletes = True

    def get_target(self) -> Team:
        return self.team

    def get_other_target(self) -> Team:
        return self.other

    def get_create(self) -> dict[str, Any]:
        return {"name": "New", "organization": str(self.world.organization.pk), "sign_on_groups": ["a", "b"]}

    def test_what_is_not_sent_stays(self) -> None:
        body = client_of(self.world.ada).patch(f"{self.path}{self.team.pk}/", {"name": "Renamed"}, JSON).json()
        self.assertEqual((body["name"], body["sign_on_groups"]), ("Renamed", ["payments-team"]))

    def test_group_of_two_lines_is_refused(self) -> None:
        body = {"sign_on_groups": ["a\nb"]}
        response = client_of(self.world.ada).patch(f"{self.path}{self.team.pk}/", body, JSON)
        self.assertEqual((response.status_code, response.json()["code"]), (400, "groups_unusable"))


class TeamMemberApiTests(ObjectApiCases, TeamCases):
    path = "/api/v1/team-members/"
    create = {"email": "erik@example.test"}
    deletes = True
    member: Any
    other_member: Any

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.member = team_member_add(actor=None, team=cls.team, email=cls.world.ben.email)
        cls.other_member = team_member_add(actor=None, team=cls.other, email=cls.world.olaf.email)

    def get_target(self) -> TeamMember:
        return self.member

    def get_other_target(self) -> TeamMember:
        return self.other_member

    def get_create(self) -> dict[str, Any]:
        return {"team": str(self.team.pk), "email": self.world.erik.email}


class TeamRoleApiTests(ObjectApiCases, TeamCases):
    path = "/api/v1/team-roles/"
    create = {"role": "editor"}
    deletes = True
    role: Any
    other_role: Any

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.role = team_role_grant(actor=None, team=cls.team, role="viewer")
        cls.other_role = team_role_grant(actor=None, team=cls.other, role="viewer")

    def get_target(self) -> TeamRole:
        return self.role

    def get_other_target(self) -> TeamRole:
        return self.other_role

    def get_create(self) -> dict[str, Any]:
        return {"team": str(self.team.pk), "role": "editor"}
