"""The roles of an organization: the built-in ones, and those it has made."""

from typing import Any, ClassVar

from django.db.models import Count

from portal.accounts.current import current_user
from portal.core.commands import Rest
from portal.core.links import console_url
from portal.core.permission_areas import AREAS, in_order
from portal.core.permissions import scope_of
from portal.core.views import Action, ActionView, EditPage, Empty, ListPage, Service
from portal.organizations.custom_role_services import custom_role_change, custom_role_create, custom_role_delete
from portal.organizations.holding import held_permissions
from portal.organizations.models import CustomRole, Role
from portal.organizations.role_forms import CustomRoleForm
from portal.organizations.roles import EXPLAINED, PERMISSIONS
from portal.organizations.tables import CustomRoleTable

PEOPLE = ("People", "organizations:people")
ROLES = ("Roles", "organizations:roles")


def _built_in() -> list[dict[str, Any]]:
    """Return the rows about the built-in roles: the areas in which each changes something, and those it only sees."""
    rows = []
    for role in Role:
        held = PERMISSIONS[role]
        changes, sees = [], []
        for area in AREAS:
            titles = [each.title[0].lower() + each.title[1:] for each in area.change if each.name in held]
            if titles and len(titles) < len(area.change):
                changes.append(f"{area.title} ({', '.join(titles)})")
            elif titles:
                changes.append(area.title)
            elif area.see.name in held:
                sees.append(area.title)
        rows.append({"role": role, "text": EXPLAINED[role], "changes": changes, "sees": sees})
    return rows


class Roles(ListPage):
    """Every role there is here, and what it lets people do."""

    template_name = "organizations/roles.html"
    queryset = CustomRole.objects.select_related("organization").annotate(holders=Count("bindings")).order_by("name")
    permission = "people.view"
    environment_lookup = ""
    table = CustomRoleTable
    search_fields = ("name", "description")
    title = "Roles"
    subtitle = "A role is a named set of permissions. A person may hold several; they add up."
    parents = (PEOPLE,)
    actions = (
        Action(label="Add role", url_name="organizations:custom_role_create", permission="people.change", icon="plus"),
    )
    empty = Empty(
        title="No roles of your own",
        text="The built-in roles below do for most. Make one where none of them fits.",
        icon="users",
    )

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add the built-in roles."""
        return super().get_context(built_in=_built_in(), **context)


class CustomRolePage(EditPage):
    """What creating and changing a role share: both take the right in the whole organization."""

    queryset = CustomRole.objects.select_related("organization")
    permission = "people.change"
    environment_lookup = ""
    template_name = "organizations/custom_role.html"
    form_class = CustomRoleForm
    service: ClassVar[Service] = custom_role_change
    object_name = "custom_role"
    parents = (PEOPLE, ROLES)
    cancel_url_name = "organizations:roles"

    def held_here(self, permission: str) -> bool:
        """Ask for the whole organization."""
        return self.environment.organization_id in scope_of(self.request.user, permission).organizations

    def form_arguments(self) -> dict[str, Any]:
        """Offer what this person holds, and start with the present settings."""
        held = held_permissions(current_user(self.request), self.environment.organization_id)
        if self.object is None:
            return {"held": held}
        role = self.object
        initial = {"name": role.name, "description": role.description, "permissions": in_order(role.permissions)}
        return {"held": held, "initial": initial}

    def success_url(self, result: Any) -> str:
        """Go back to the list."""
        return console_url(self.request, "organizations:roles")


class CustomRoleEdit(CustomRolePage):
    """Changes a role."""

    rest = Rest("PATCH", "/roles/{object.pk}/")
    message = "Saved. Everybody who holds the role has it like this from the next click on."


class CustomRoleCreate(CustomRolePage):
    """Makes a role."""

    rest = Rest("POST", "/roles/")
    service = custom_role_create
    title = "Add role"
    submit_label = "Add role"

    def service_arguments(self) -> dict[str, Any]:
        """Add the organization of the address."""
        return {"organization": self.environment.organization}


class CustomRoleDelete(ActionView):
    """Deletes a role that nobody holds."""

    rest = Rest("DELETE", "/roles/{object.pk}/")
    queryset = CustomRole.objects.select_related("organization")
    permission = "people.change"
    environment_lookup = ""
    service = custom_role_delete
    object_name = "custom_role"
    title = "Delete role"
    message = "{object} is deleted."
    success_url_name = "organizations:roles"
