"""Forms of people, environments and organizations."""

from typing import Any

from django import forms

from portal.core.forms import ConsoleForm
from portal.organizations.models import Environment, EnvironmentColour, EnvironmentKind, Role

EVERYWHERE = "everywhere"
AND_BELOW = "below"
ROLE_HELP = "What each role lets people do is on the page Roles. You can give what you hold yourself."
PRIVATE_TARGETS_HELP = (
    "Lets gateways of this environment call upstreams on loopback and private networks. Leave it off where people "
    "whom you do not know may choose upstream addresses."
)


class InviteForm(ConsoleForm):
    """Who is added, in which role, and where."""

    email = forms.EmailField(max_length=254, label="E-mail address", widget=forms.EmailInput(attrs={"autofocus": True}))
    name = forms.CharField(
        max_length=120, required=False, label="Name", help_text="Only used when there is no account with this address."
    )
    role = forms.ChoiceField(label="Role", help_text=ROLE_HELP)
    environment = forms.ChoiceField(label="Where", help_text="A role in one environment says nothing about the others.")

    def __init__(self, *args: Any, roles: Any, environments: Any, everywhere: bool, below: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role: Any = self.fields["role"]
        role.choices, role.initial = roles, Role.VIEWER
        self.environments = {str(environment.pk): environment for environment in environments}
        where: Any = self.fields["environment"]
        where.choices = [(EVERYWHERE, "The whole organization")] if everywhere else []
        where.choices += [(AND_BELOW, "The whole organization and the business groups below")] if below else []
        where.choices += [(pk, environment.name) for pk, environment in self.environments.items()]

    def clean_environment(self) -> Environment | None:
        """Return the environment; None stands for the whole organization."""
        self.cleaned_data["holds_below"] = self.cleaned_data["environment"] == AND_BELOW
        return self.environments.get(self.cleaned_data["environment"])


class RoleForm(ConsoleForm):
    """Another role in the same place."""

    role = forms.ChoiceField(label="Role", help_text=ROLE_HELP)
    holds_below = forms.BooleanField(
        required=False,
        label="Holds in the business groups below too",
        help_text="In those that are there, and in those made later.",
    )

    def __init__(self, *args: Any, roles: Any, below: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role: Any = self.fields["role"]
        role.choices = roles
        if not below:
            del self.fields["holds_below"]


class EnvironmentForm(ConsoleForm):
    """An environment's settings."""

    name = forms.CharField(max_length=80, label="Name", help_text="For example: Staging.")
    kind = forms.ChoiceField(
        label="Kind",
        choices=EnvironmentKind.choices,
        initial=EnvironmentKind.SANDBOX,
        help_text="Production is marked everywhere, so that nobody changes it by mistake.",
    )
    colour = forms.ChoiceField(
        label="Colour",
        choices=[("", "That of its kind"), *EnvironmentColour.choices],
        required=False,
        help_text="A bar of this colour is on every page of the environment.",
    )
    allow_private_targets = forms.BooleanField(
        required=False, label="Allow private upstream addresses", help_text=PRIVATE_TARGETS_HELP
    )


class NewEnvironmentForm(EnvironmentForm):
    """The same with a short name, which cannot be changed later."""

    slug = forms.SlugField(
        max_length=50,
        required=False,
        label="Short name",
        help_text="Part of addresses, for example: staging. Made of the name when left empty; it cannot be changed.",
    )
    field_order = ("name", "slug", "kind", "colour", "allow_private_targets")


class OrganizationForm(ConsoleForm):
    """A new organization or business group."""

    name = forms.CharField(max_length=120, label="Name", help_text="A company, or a part of one that works by itself.")
    slug = forms.SlugField(
        max_length=50,
        required=False,
        label="Short name",
        help_text="Part of addresses. Made of the name when left empty; it cannot be changed.",
    )
