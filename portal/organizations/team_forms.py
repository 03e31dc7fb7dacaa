"""Forms of teams."""

from typing import Any

from django import forms

from portal.core.forms import ConsoleForm
from portal.organizations.forms import AND_BELOW, EVERYWHERE, ROLE_HELP
from portal.organizations.models import Environment


class TeamForm(ConsoleForm):
    """A team's name, and the groups whose people belong to it."""

    name = forms.CharField(max_length=80, label="Name", help_text="For example: Payments.")
    description = forms.CharField(max_length=200, required=False, label="What it is for")
    sign_on_groups = forms.CharField(
        required=False,
        max_length=4000,
        label="Groups of your sign-on provider",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line. Who signs on with one of them is in the team until they sign on without it.",
    )

    def clean_sign_on_groups(self) -> list[str]:
        """Return the groups."""
        return self.cleaned_data["sign_on_groups"].splitlines()


class TeamMemberForm(ConsoleForm):
    """Who is put into a team."""

    email = forms.EmailField(
        max_length=254,
        label="E-mail address",
        help_text="Of somebody who has a role in this organization, or is in a team.",
    )


class TeamRoleForm(ConsoleForm):
    """Which role a team gets, and where."""

    role = forms.ChoiceField(label="Role", help_text=ROLE_HELP)
    environment = forms.ChoiceField(label="Where", help_text="A role in one environment says nothing about the others.")

    def __init__(self, *args: Any, roles: Any, environments: Any, below: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.environments = {str(environment.pk): environment for environment in environments}
        role: Any = self.fields["role"]
        role.choices = roles
        where: Any = self.fields["environment"]
        where.choices = [(EVERYWHERE, "The whole organization")]
        where.choices += [(AND_BELOW, "The whole organization and the business groups below")] if below else []
        where.choices += [(pk, environment.name) for pk, environment in self.environments.items()]

    def clean_environment(self) -> Environment | None:
        """Return the environment; None stands for the whole organization."""
        self.cleaned_data["holds_below"] = self.cleaned_data["environment"] == AND_BELOW
        return self.environments.get(self.cleaned_data["environment"])
