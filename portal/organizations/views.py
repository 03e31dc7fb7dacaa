"""People, environments and new organizations."""

from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from portal.accounts.current import current_user
from portal.accounts.views import ServiceFormView
from portal.core.commands import Rest
from portal.core.links import console_url
from portal.core.permissions import scope_of
from portal.core.views import Action, ActionView, EditPage, Empty, ListPage, Service, go
from portal.organizations.forms import EnvironmentForm, InviteForm, NewEnvironmentForm, OrganizationForm, RoleForm
from portal.organizations.models import Environment, RoleBinding
from portal.organizations.person_services import person_sessions_end
from portal.organizations.selectors import bindings_from_above, grantable_roles, may_give_below
from portal.organizations.services import (
    Invitation,
    environment_change,
    environment_create,
    invitation_renew,
    organization_create,
    role_change,
    role_invite,
    role_revoke,
)
from portal.organizations.tables import EnvironmentTable, PeopleTable

PEOPLE = ("People", "organizations:people")
ENVIRONMENTS = ("Environments", "organizations:environments")


def invitation_page(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    """Show a new person's link, this one time."""
    context = {"title": f"{invitation.binding.user} is added", "invitation": invitation}
    return render(request, "organizations/invited.html", context)


class People(ListPage):
    """Who holds which role in this organization."""

    template_name = "organizations/people.html"
    queryset = RoleBinding.objects.select_related("user", "environment", "organization", "custom_role")
    permission = "people.view"
    environment_lookup = ""
    table = PeopleTable
    search_fields = ("user__name", "user__email")
    title = "People"
    subtitle = "A role in the whole organization holds in all of its environments."
    actions = (
        Action(label="Add person", url_name="organizations:invite", permission="people.change", icon="user-plus"),
        Action(label="Roles", url_name="organizations:roles", permission="people.view", icon="id-badge", primary=False),
        Action(
            label="Teams", url_name="organizations:teams", permission="people.view", icon="users-group", primary=False
        ),
    )
    empty = Empty(title="Nobody here", text="Add people by their e-mail address and give each a role.", icon="users")

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add those whose role holds here from above."""
        above = bindings_from_above(organization=self.environment.organization)
        return super().get_context(from_above=above if self.environment.organization.parent_id else (), **context)


class InvitePerson(EditPage):
    """Adds somebody by e-mail address."""

    rest = Rest("POST", "/people/")
    queryset = RoleBinding.objects.select_related("user", "environment", "organization", "custom_role")
    permission = "people.change"
    environment_lookup = ""
    form_class = InviteForm
    service = role_invite
    title = "Add person"
    submit_label = "Add person"
    parents = (PEOPLE,)
    message = ""

    def _everywhere(self) -> bool:
        return self.environment.organization_id in scope_of(self.request.user, self.permission).organizations

    def form_arguments(self) -> dict[str, Any]:
        """Offer only the roles and places that this person may give."""
        here = None if self._everywhere() else self.environment
        environments = Environment.objects.visible_to(self.request.user, self.permission)
        return {
            "roles": grantable_roles(
                user=current_user(self.request), organization=self.environment.organization, environment=here
            ),
            "environments": environments.filter(organization_id=self.environment.organization_id),
            "everywhere": self._everywhere(),
            "below": may_give_below(user=current_user(self.request), organization=self.environment.organization),
        }

    def service_arguments(self) -> dict[str, Any]:
        """Add the organization of the address."""
        return {"organization": self.environment.organization}

    def saved(self, result: Invitation) -> HttpResponse:
        """Show the link of a new person, else go back to the list."""
        if result.link:
            return invitation_page(self.request, result)
        messages.success(self.request, f"{result.binding.user} is added.")
        return go(self.request, console_url(self.request, "organizations:people"))


class ChangeRole(EditPage):
    """Gives a person another role in the same place."""

    rest = Rest("PATCH", "/people/{object.pk}/")
    queryset = RoleBinding.objects.select_related("user", "environment", "organization", "custom_role")
    permission = "people.change"
    environment_lookup = ""
    template_name = "organizations/role.html"
    form_class = RoleForm
    service = role_change
    object_name = "binding"
    title = "Change role"
    parents = (PEOPLE,)
    cancel_url_name = "organizations:people"

    def page_title(self) -> str:
        """Name the person."""
        return f"Role of {self.object.user}"

    def form_arguments(self) -> dict[str, Any]:
        """Offer only the roles that this person may give."""
        binding = self.object
        roles = grantable_roles(
            user=current_user(self.request), organization=binding.organization, environment=binding.environment
        )
        user = current_user(self.request)
        below = binding.environment is None and may_give_below(user=user, organization=binding.organization)
        initial = {"role": binding.role_key, "holds_below": binding.holds_below}
        return {"roles": roles, "below": below or binding.holds_below, "initial": initial}

    def check_again(self, result: Any) -> None:
        """Let people lower their own role; the service has checked what it may."""

    def success_url(self, result: Any) -> str:
        """Go back to the list."""
        return console_url(self.request, "organizations:people")


class RemoveRole(ActionView):
    """Takes a role from a person."""

    rest = Rest("DELETE", "/people/{object.pk}/")
    queryset = RoleBinding.objects.select_related("user", "environment", "organization", "custom_role")
    permission = "people.change"
    environment_lookup = ""
    service = role_revoke
    object_name = "binding"
    title = "Remove person"
    success_url_name = "organizations:people"

    def success_message(self, result: Any) -> str:
        """Say who lost what."""
        return f"{self.object.user} no longer has this role."


class InviteAgain(ActionView):
    """Makes a new link for somebody who never signed in."""

    no_command = "A link is made again in the console alone; over REST, add the person once more."
    queryset = RoleBinding.objects.select_related("user", "environment", "organization", "custom_role")
    permission = "people.change"
    environment_lookup = ""
    service = invitation_renew
    object_name = "binding"
    title = "Invite again"
    success_url_name = "organizations:people"

    def done(self, result: Invitation) -> HttpResponse:
        """Show the link."""
        return invitation_page(self.request, result)


class EndSessions(ActionView):
    """Signs a person out everywhere."""

    rest = Rest("POST", "/people/{object.pk}/end-sessions/")
    queryset = RoleBinding.objects.select_related("user", "environment", "organization", "custom_role")
    permission = "people.change"
    environment_lookup = ""
    service = person_sessions_end
    object_name = "binding"
    title = "Sign out everywhere"
    success_url_name = "organizations:people"

    def success_message(self, result: Any) -> str:
        """Say who is signed out."""
        return f"{self.object.user} is signed out everywhere."


class Environments(ListPage):
    """The environments of this organization."""

    queryset = Environment.objects.select_related("organization")
    permission = "environment.view"
    environment_lookup = ""
    table = EnvironmentTable
    title = "Environments"
    subtitle = "Separate places for gateways and API instances."
    actions = (
        Action(
            label="Add environment",
            url_name="organizations:environment_create",
            permission="environment.change",
            icon="plus",
        ),
        Action(
            label="Business groups",
            url_name="organizations:groups",
            permission="organization.view",
            icon="sitemap",
            primary=False,
        ),
    )


class EnvironmentEdit(EditPage):
    """Creates or changes an environment."""

    rest = Rest("PATCH", "/environments/{object.pk}/")
    queryset = Environment.objects.select_related("organization")
    permission = "environment.change"
    environment_lookup = ""
    form_class: ClassVar[type[Any]] = EnvironmentForm
    service: ClassVar[Service] = environment_change
    parents = (ENVIRONMENTS,)
    cancel_url_name = "organizations:environments"

    def form_arguments(self) -> dict[str, Any]:
        """Start with the present settings."""
        names = ("name", "kind", "colour", "allow_private_targets")
        return {"initial": {name: getattr(self.object, name) for name in names}} if self.object else {}

    def success_url(self, result: Any) -> str:
        """Go back to the list."""
        return console_url(self.request, "organizations:environments")


class EnvironmentCreate(EnvironmentEdit):
    """Creates an environment, which takes the right in the whole organization."""

    rest = Rest("POST", "/environments/")
    form_class = NewEnvironmentForm
    service = environment_create
    title = "Add environment"
    submit_label = "Add environment"

    def held_here(self, permission: str) -> bool:
        """Ask for the whole organization."""
        return self.environment.organization_id in scope_of(self.request.user, permission).organizations

    def service_arguments(self) -> dict[str, Any]:
        """Add the organization of the address."""
        return {"organization": self.environment.organization}


class OrganizationCreate(LoginRequiredMixin, ServiceFormView):
    """Creates an organization; only for operators of the installation."""

    template_name = "generic/edit.html"
    form_class = OrganizationForm
    title = "New organization"
    submit_label = "Create organization"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse everybody else."""
        if request.user.is_authenticated and not request.user.is_operator:
            raise PermissionDenied("Only an operator of this installation makes organizations.")
        return super().dispatch(request, *args, **kwargs)

    def act(self, form: OrganizationForm) -> HttpResponse:
        """Create it and go there."""
        organization = organization_create(actor=current_user(self.request), **form.cleaned_data)
        first = organization.environments.order_by("kind", "name").first()
        messages.success(self.request, f"{organization} is ready.")
        return redirect(console_url(first, "console_home"))
