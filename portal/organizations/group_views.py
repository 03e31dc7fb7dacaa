"""The business groups below an organization."""

from typing import Any

from django.db.models import Count, Prefetch

from portal.core.commands import Rest
from portal.core.permissions import scope_of
from portal.core.views import Action, EditPage, Empty, ListPage
from portal.organizations.forms import OrganizationForm
from portal.organizations.models import Environment, Organization
from portal.organizations.services import organization_create
from portal.organizations.tables import BusinessGroupTable

GROUPS = ("Business groups", "organizations:groups")


class BusinessGroups(ListPage):
    """Every business group below this organization that the person may see, whatever its level."""

    queryset = Organization.objects.select_related("parent")
    permission = "organization.view"
    environment_lookup = ""
    table = BusinessGroupTable
    search_fields = ("name", "slug")
    title = "Business groups"
    subtitle = "Organizations below this one, each with its own catalog, environments and people."
    actions = (
        Action(
            label="Add business group",
            url_name="organizations:group_create",
            permission="organization.change",
            icon="plus",
        ),
    )
    empty = Empty(
        title="No business groups",
        text="Make one for a part of the company that works by itself. Roles given here can hold there too.",
        icon="sitemap",
    )

    def get_queryset(self, permission: str = "") -> Any:
        """Look below the organization of the address, not at itself."""
        groups = self.queryset.visible_to(self.request.user, permission or self.permission)
        below = groups.filter(above=self.environment.organization_id)
        places = Environment.objects.visible_to(self.request.user, "environment.view").order_by("kind", "name")
        below = below.prefetch_related(Prefetch("environments", places))
        return below.annotate(environments_count=Count("environments", distinct=True)).order_by("name", "pk")


class BusinessGroupCreate(EditPage):
    """Makes a business group with its first environments."""

    rest = Rest("POST", "/organizations/")
    queryset = Organization.objects.select_related("parent")
    permission = "organization.change"
    environment_lookup = ""
    form_class = OrganizationForm
    service = organization_create
    title = "Add business group"
    submit_label = "Add business group"
    parents = (GROUPS,)
    cancel_url_name = "organizations:groups"

    def held_here(self, permission: str) -> bool:
        """Ask for the whole organization."""
        return self.environment.organization_id in scope_of(self.request.user, permission).organizations

    def service_arguments(self) -> dict[str, Any]:
        """Put it below the organization of the address."""
        return {"parent": self.environment.organization}

    def success_message(self, result: Any) -> str:
        """Say where it is found."""
        return f"{result} is ready. You find it under the name of the organization, above."

    def check_again(self, result: Any) -> None:
        """Leave out what asks for the organization of the address: this one is new."""

    def success_url(self, result: Any) -> str:
        """Go back to the list."""
        return self.cancel_url()
