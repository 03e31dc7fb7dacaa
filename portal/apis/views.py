"""The console's pages about API instances."""

from typing import Any

import django_filters

from portal.apis.bulk_actions import PLACE
from portal.apis.forms import InstanceDeleteForm, InstanceForm
from portal.apis.instance_settings import limits_said
from portal.apis.models import ApiInstance
from portal.apis.selectors import (
    instance_curl,
    instance_dependents,
    instance_implementation_url,
    instance_url,
    instances_for_list,
    routes_in_order,
)
from portal.apis.services import instance_delete, instance_start, instance_stop, instance_update
from portal.core import ordering
from portal.core.bulk_pages import BulkListPage
from portal.core.commands import Rest
from portal.core.filters import ConsoleFilterSet
from portal.core.links import console_url
from portal.core.setting_forms.pages import SettingsPage
from portal.core.tables import Column, Table
from portal.core.views import Action, ActionView, Breadcrumb, DetailPage, EditPage, Empty, ObjectView
from portal.gateways.models import Gateway

INSTANCES = instances_for_list(ApiInstance.objects.prefetch_related("routes__destinations__service"))
ABOVE: tuple[Breadcrumb, ...] = (("APIs", "apis:list"),)


def _gateways(request: Any) -> Any:
    """Return the gateways that the filter offers: those of the environment of the page."""
    if request is None or getattr(request, "environment", None) is None:
        return Gateway.objects.none()
    return Gateway.objects.visible_to(request.user, "gateway.view").filter(environment=request.environment)


class InstanceFilter(ConsoleFilterSet):
    """Filters of the list of instances."""

    gateway = django_filters.ModelChoiceFilter(queryset=_gateways)

    class Meta:
        model = ApiInstance
        fields = ("status",)


def _labels(instance: ApiInstance) -> str:
    return ", ".join(f"{name}={value}" for name, value in instance.labels.items())


class InstanceTable(Table):
    """Instances with where they are."""

    caption = "API instances"
    columns = (
        Column("name", "API", render=str, link=True, sort="api_version__api__name"),
        Column(
            "status",
            "Status",
            template="apis/cell_status.html",
            sort="status",
            text=lambda row: f"{row.get_status_display()}{', deprecated' if row.deprecated else ''}",
        ),
        Column("gateway.name", "Gateway", sort="gateway__name"),
        Column(
            "endpoint",
            "Endpoint",
            template="apis/cell_endpoint.html",
            sort="base_path",
            text=lambda row: f":{row.listener.port}{row.base_path}",
        ),
        Column("policies_count", "Policies", numeric=True, sort="policies_count"),
        Column("api_version.version", "Version", sort="api_version__version", extra=True),
        Column("label", "Label", sort="label", extra=True),
        Column("labels", "Labels", render=_labels, extra=True),
        Column("implementation_url", "Forwards to", render=instance_implementation_url, extra=True),
        Column("updated_at", "Changed", sort="updated_at", extra=True),
        Column("id", "Id", extra=True),
    )


class InstanceList(BulkListPage):
    """All API instances of the environment."""

    template_name = "apis/list.html"
    queryset = INSTANCES
    permission = "instance.view"
    title = "APIs"
    subtitle = "The APIs that gateways of this environment serve."
    table = InstanceTable
    filters = InstanceFilter
    search_fields = ("api_version__api__name", "label", "base_path")
    bulk_place = PLACE
    bulk_url_name = "apis:bulk"
    actions = (
        Action(label="Add API", url_name="apis:create", permission="instance.change", icon="plus"),
        Action(label="Map", url_name="landscape:map", permission="instance.view", icon="sitemap", primary=False),
        Action(
            label="Import", url_name="transfers:import", permission="instance.change", icon="file-import", primary=False
        ),
    )
    empty = Empty(
        title="No API is deployed here",
        text="Choose a gateway and an API, say where it runs, and it is live in under a second.",
        icon="api",
    )


class InstancePage(ObjectView):
    """What the pages of one instance share."""

    queryset = INSTANCES
    parents = ABOVE
    object_name = "instance"


class InstanceDetail(InstancePage, DetailPage):
    """One instance: where to call it, its state, its routes, and the cards of other apps."""

    template_name = "apis/detail.html"
    permission = "instance.view"
    place = "instance"

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add the addresses."""
        return super().get_context(
            url=instance_url(self.object),
            curl=instance_curl(self.object),
            implementation_url=instance_implementation_url(self.object),
            limits=limits_said(self.object),
            routes=ordering.places(routes_in_order(self.object)),
            **context,
        )


class InstanceSettings(InstancePage, SettingsPage):
    """Change an instance."""

    rest = Rest("PATCH", "/api-instances/{object.pk}/")
    template_name = "apis/settings.html"
    permission = "instance.change"
    form_class = InstanceForm
    service = instance_update
    message = "Saved. The gateway takes it over within a second."

    def page_title(self) -> str:
        """Name the instance: the tab says that these are its settings."""
        return str(self.object)

    def breadcrumbs(self) -> list[tuple[str, str]]:
        """Return what all tabs of an instance have above them."""
        return super().breadcrumbs()[:-1]

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Say what would go with it."""
        return super().get_context(dependents=instance_dependents(self.object), **context)

    def form_arguments(self) -> dict[str, Any]:
        """Begin with the present values."""
        instance = self.object
        return {
            "instance": instance,
            "settings": {"settings": instance.settings},
            "initial": {
                "port": instance.listener.port,
                "base_path": instance.base_path,
                "implementation_url": instance_implementation_url(instance),
                "label": instance.label,
                "labels": instance.labels,
                "consumer_endpoint": instance.consumer_endpoint,
                "api_version": instance.api_version_id,
            },
        }


class InstanceStop(InstancePage, ActionView):
    """Take an instance off the gateway."""

    rest = Rest("POST", "/api-instances/{object.pk}/stop/", body=False)
    permission = "instance.change"
    service = instance_stop
    message = "{object} is stopped. Its settings are kept."


class InstanceStart(InstancePage, ActionView):
    """Bring a stopped instance back."""

    rest = Rest("POST", "/api-instances/{object.pk}/start/", body=False)
    permission = "instance.change"
    service = instance_start
    message = "{object} is on its way to the gateway."


class InstanceDelete(InstancePage, EditPage):
    """Remove an instance after its name was typed."""

    rest = Rest("DELETE", "/api-instances/{object.pk}/")
    template_name = "apis/delete.html"
    permission = "instance.change"
    form_class = InstanceDeleteForm
    submit_label = "Remove API instance"
    message = "The API instance is removed. The API is still in the catalog."

    def page_title(self) -> str:
        """Say what is going to happen."""
        return f"Remove {self.object}"

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Say what would go with it."""
        return super().get_context(dependents=instance_dependents(self.object), **context)

    def form_arguments(self) -> dict[str, Any]:
        """Say whose name must be typed."""
        return {"instance": self.object}

    def save(self, values: dict[str, Any]) -> None:
        """Remove it."""
        instance_delete(actor=self.request.user, instance=self.object)

    def success_url(self, result: Any) -> str:
        """Go to the list."""
        return console_url(self.request, "apis:list")
