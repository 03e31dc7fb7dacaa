"""Tables of people and environments."""

from typing import Any

from portal.core.tables import Column, Table


def _where(binding: Any) -> str:
    if binding.environment is not None:
        return str(binding.environment)
    return "Whole organization and groups below" if binding.holds_below else "Whole organization"


class PeopleTable(Table):
    """Who holds which role where."""

    caption = "People and their roles"
    default_sort = ("user__name", "user__email", "created_at")
    columns = (
        Column(
            "user",
            "Person",
            template="organizations/cells/person.html",
            sort="user__name",
            text=lambda binding: f"{binding.user.name} <{binding.user.email}>",
            key=True,
        ),
        Column("role", "Role", render=lambda binding: binding.title, sort="role"),
        Column("environment", "Where", render=_where),
        Column("created_at", "Since", sort="created_at"),
        Column("user.email", "E-mail address", sort="user__email", extra=True),
        Column("user.last_login", "Last sign-in", sort="user__last_login", extra=True),
        Column("pk", "Actions", template="organizations/cells/role_actions.html", actions=True),
    )


class TeamTable(Table):
    """The teams of an organization."""

    caption = "Teams"
    columns = (
        Column("name", "Name", url_name="organizations:team", sort="name", key=True),
        Column("description", "What it is for"),
        Column("people", "People", numeric=True, sort="people"),
        Column("roles_count", "Roles", numeric=True, sort="roles_count"),
        Column("sign_on_groups", "Groups of the provider", render=lambda team: ", ".join(team.groups)),
        Column("updated_at", "Changed", sort="updated_at", extra=True),
    )


class BusinessGroupTable(Table):
    """The business groups below an organization."""

    caption = "Business groups"
    columns = (
        Column(
            "name",
            "Name",
            template="organizations/cells/group.html",
            sort="name",
            text=lambda group: group.name,
            key=True,
        ),
        Column("slug", "Short name", sort="slug"),
        Column("parent", "Below", sort="parent__name"),
        Column("environments_count", "Environments", numeric=True, sort="environments_count"),
        Column("created_at", "Added", sort="created_at"),
    )


class CustomRoleTable(Table):
    """The roles that an organization has made."""

    caption = "Roles of this organization"
    columns = (
        Column(
            "name",
            "Name",
            template="organizations/cells/custom_role.html",
            sort="name",
            text=lambda role: role.name,
            key=True,
        ),
        Column("permissions", "Permissions", render=lambda role: len(role.permissions)),
        Column("holders", "Held by", sort="holders"),
        Column("updated_at", "Changed", sort="updated_at", extra=True),
        Column("pk", "Actions", template="organizations/cells/custom_role_actions.html", actions=True),
    )


class EnvironmentTable(Table):
    """The environments of an organization."""

    caption = "Environments"
    columns = (
        Column(
            "name",
            "Name",
            template="organizations/cells/environment.html",
            sort="name",
            text=lambda environment: environment.name,
            key=True,
        ),
        Column("slug", "Short name"),
        Column("kind", "Kind", render=lambda environment: environment.get_kind_display()),
        Column(
            "colour",
            "Colour",
            template="organizations/cells/colour.html",
            text=lambda environment: environment.get_colour_display(),
        ),
        Column("allow_private_targets", "Private upstreams"),
        Column("created_at", "Added", sort="created_at", extra=True),
        Column("pk", "Actions", template="organizations/cells/environment_actions.html", actions=True),
    )
