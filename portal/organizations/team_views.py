"""Teams: who belongs to them, and which roles they have."""

from typing import Any, ClassVar

from django.db.models import Count

from portal.accounts.current import current_user
from portal.core.commands import Rest
from portal.core.links import console_url
from portal.core.permissions import scope_of
from portal.core.views import Action, ActionView, DetailPage, EditPage, Empty, ListPage, Service
from portal.organizations.models import Team, TeamMember, TeamRole
from portal.organizations.selectors import grantable_roles, may_give_below
from portal.organizations.tables import TeamTable
from portal.organizations.team_forms import TeamForm, TeamMemberForm, TeamRoleForm
from portal.organizations.team_services import (
    team_change,
    team_create,
    team_delete,
    team_member_add,
    team_member_remove,
    team_role_grant,
    team_role_revoke,
)

PEOPLE = ("People", "organizations:people")
TEAMS = ("Teams", "organizations:teams")


class Teams(ListPage):
    """The teams of this organization."""

    queryset = Team.objects.annotate(
        people=Count("members__user", distinct=True), roles_count=Count("roles", distinct=True)
    ).order_by("name")
    permission = "people.view"
    environment_lookup = ""
    table = TeamTable
    search_fields = ("name", "description")
    title = "Teams"
    subtitle = "What is given to a team holds for each of its members."
    parents = (PEOPLE,)
    actions = (Action(label="Add team", url_name="organizations:team_create", permission="people.change", icon="plus"),)
    empty = Empty(
        title="No teams",
        text="Give roles to a team instead of to each of its people. Groups of your sign-on provider can fill it.",
        icon="users-group",
    )


class TeamDetail(DetailPage):
    """A team with its members and roles."""

    template_name = "organizations/team.html"
    queryset = Team.objects.select_related("organization")
    permission = "people.view"
    environment_lookup = ""
    parents = (PEOPLE, TEAMS)
    actions = (
        Action(
            label="Edit",
            url_name="organizations:team_edit",
            permission="people.change",
            icon="pencil",
            primary=False,
            with_object=True,
        ),
    )

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add members and roles."""
        return super().get_context(
            members=self.object.members.select_related("user"),
            roles=self.object.roles.select_related("environment", "custom_role"),
            **context,
        )


class TeamPage(EditPage):
    """What the forms of teams share: each takes the right in the whole organization."""

    queryset = Team.objects.select_related("organization")
    permission = "people.change"
    environment_lookup = ""
    object_name = "team"
    form_class: ClassVar[type[Any]] = TeamForm
    service: ClassVar[Service] = team_change
    parents = (PEOPLE, TEAMS)

    def held_here(self, permission: str) -> bool:
        """Ask for the whole organization."""
        return self.environment.organization_id in scope_of(self.request.user, permission).organizations

    def success_url(self, result: Any) -> str:
        """Go to the team."""
        team = self.object or result
        return console_url(self.request, "organizations:team", team.pk)

    def cancel_url(self) -> str:
        """Go back to the team, or to the list."""
        return self.success_url(None) if self.object else console_url(self.request, "organizations:teams")


class TeamEdit(TeamPage):
    """Changes a team."""

    rest = Rest("PATCH", "/teams/{object.pk}/")
    template_name = "organizations/team_edit.html"

    def form_arguments(self) -> dict[str, Any]:
        """Start with the present settings."""
        team = self.object
        initial = {"name": team.name, "description": team.description, "sign_on_groups": team.sign_on_groups}
        return {"initial": initial}


class TeamCreate(TeamPage):
    """Makes a team."""

    rest = Rest("POST", "/teams/")
    service = team_create
    title = "Add team"
    submit_label = "Add team"

    def service_arguments(self) -> dict[str, Any]:
        """Add the organization of the address."""
        return {"organization": self.environment.organization}


class TeamMemberAdd(TeamPage):
    """Puts a person into a team."""

    rest = Rest("POST", "/team-members/", takes_object=True)
    form_class = TeamMemberForm
    service = team_member_add
    title = "Add member"
    submit_label = "Add member"
    message = "Added. What the team may do holds from their next click on."


class TeamRoleAdd(TeamPage):
    """Gives a role to a team."""

    rest = Rest("POST", "/team-roles/", takes_object=True)
    form_class = TeamRoleForm
    service = team_role_grant
    title = "Give a role to the team"
    submit_label = "Give role"
    message = "Given. It holds for every member from their next click on."

    def form_arguments(self) -> dict[str, Any]:
        """Offer the roles and places that this person may give."""
        user, organization = current_user(self.request), self.object.organization
        return {
            "roles": grantable_roles(user=user, organization=organization),
            "environments": organization.environments.order_by("name"),
            "below": may_give_below(user=user, organization=organization),
        }


class TeamDelete(ActionView):
    """Deletes a team."""

    rest = Rest("DELETE", "/teams/{object.pk}/")
    queryset = Team.objects.select_related("organization")
    permission = "people.change"
    environment_lookup = ""
    service = team_delete
    title = "Delete team"
    message = "{object} is deleted. Its members have lost what they held by it alone."
    success_url_name = "organizations:teams"


class OfTeam(ActionView):
    """A button about a part of a team."""

    permission = "people.change"
    view_permission = "people.view"
    environment_lookup = ""

    def after(self, result: Any) -> str:
        """Go back to the team."""
        return console_url(self.request, "organizations:team", self.object.team_id)


class TeamMemberRemove(OfTeam):
    """Takes a person out of a team."""

    rest = Rest("DELETE", "/team-members/{object.pk}/")
    queryset = TeamMember.objects.select_related("team__organization", "user")
    service = team_member_remove
    object_name = "member"
    title = "Remove member"
    message = "Removed from the team."


class TeamRoleRemove(OfTeam):
    """Takes a role from a team."""

    rest = Rest("DELETE", "/team-roles/{object.pk}/")
    queryset = TeamRole.objects.select_related("team__organization", "environment", "custom_role")
    service = team_role_revoke
    object_name = "team_role"
    title = "Take role"
    message = "The team no longer has this role."
