"""Pages made only for the tests of the generic views: gateways that can be listed, renamed and emptied."""

from typing import Any

import django_filters
from django import forms
from django.db import OperationalError
from django.http import HttpResponse
from django.urls import path

from portal.core.errors import ApplicationError
from portal.core.filters import ConsoleFilterSet
from portal.core.forms import ConsoleModelForm
from portal.core.links import console_url
from portal.core.tables import Column, Table
from portal.core.views import Action, ActionView, DetailPage, EditPage, Empty, ListPage
from portal.gateways.models import Gateway
from portal.urls import CONSOLE
from portal.urls import urlpatterns as portal_patterns
from tests.portal.base import make_gateway


class GatewayTable(Table):
    """Two sortable columns and one with markup that must be escaped."""

    columns = (
        Column("name", "Name", sort="name", url_name="sample_detail"),
        Column("slug", "Short name", sort="slug"),
        Column("created_at", "Made"),
        Column("markup", "Markup", render=lambda row: f"<b>{row.name}</b>"),
        Column("extra", "Extra", render=lambda row: row.slug.upper(), extra=True),
    )
    caption = "Gateways"


class GatewayFilters(ConsoleFilterSet):
    """One filter."""

    slug = django_filters.ChoiceFilter(label="Short name", choices=[("edge", "Edge"), ("inner", "Inner")])


class GatewayForm(ConsoleModelForm):
    """Name and short name, and something that is not the model's."""

    note = forms.CharField(required=False, help_text="Why.")

    class Meta:
        model = Gateway
        fields = ["name", "slug"]


def gateway_rename(*, actor: Any, gateway: Gateway, name: str, slug: str, note: str) -> Gateway:
    """Rename, refusing one name."""
    if name == "Taken":
        raise ApplicationError("taken", "That name is taken.", fields={"name": "Choose another name."})
    if name == "Broken":
        raise ApplicationError("broken", "The gateway cannot be renamed now.")
    gateway.name, gateway.slug = name, slug
    if name == "Elsewhere":
        gateway.environment_id = note
    gateway.save()
    return gateway


def gateway_add(*, actor: Any, environment: Any, name: str, slug: str, note: str) -> Gateway:
    """Make one."""
    return make_gateway(environment, name, slug=slug)


def gateway_empty(*, actor: Any, gateway: Gateway) -> Gateway:
    """Remove the listeners; without any, say so."""
    if not gateway.listeners.exists():
        raise ApplicationError("empty", "It is empty already.")
    gateway.listeners.all().delete()
    return gateway


class SampleList(ListPage):
    """All gateways of the environment."""

    queryset = Gateway.objects
    permission = "gateway.view"
    table = GatewayTable
    filters = GatewayFilters
    search_fields = ("name",)
    title = "Gateways"
    page_size = 2
    actions = (Action(label="Add gateway", url_name="sample_add", permission="gateway.change"),)
    empty = Empty(title="No gateways yet", text="A gateway carries traffic.", command="make gateway", docs="/docs/")


class SampleDetail(DetailPage):
    """One gateway."""

    queryset = Gateway.objects
    permission = "gateway.view"
    place = "sample"
    parents = (("Gateways", "sample_list"),)


class SampleEdit(EditPage):
    """Create and edit."""

    queryset = Gateway.objects
    permission = "gateway.change"
    form_class = GatewayForm
    service = gateway_rename
    title = "Edit gateway"
    message = "Saved the gateway."
    parents = (("Gateways", "sample_list"),)

    def success_url(self, result: Any) -> str:
        """Go to the page of the tests."""
        return console_url(self.request, "sample_detail", result.pk)

    def cancel_url(self) -> str:
        """Go back to the list."""
        return console_url(self.request, "sample_list")


class SampleAdd(SampleEdit):
    """Create."""

    service = gateway_add
    title = "Add gateway"

    def service_arguments(self) -> dict[str, Any]:
        """Make it here."""
        return {"environment": self.environment}


class SampleEmpty(ActionView):
    """Remove the listeners."""

    queryset = Gateway.objects
    permission = "gateway.change"
    service = gateway_empty
    message = "Emptied {object}."
    success_url_name = "sample_list"
    title = "Empty gateway"


def without_database(request: Any) -> HttpResponse:
    """Fail as every page does whose database has gone."""
    raise OperationalError("the connection is closed")


def broken(request: Any) -> HttpResponse:
    """Fail as an unexpected error does."""
    raise RuntimeError("unexpected")


def refused(request: Any) -> HttpResponse:
    """Fail as a service does outside of a form."""
    raise ApplicationError("not_now", "Try again tomorrow.", status=409)


urlpatterns = [
    *portal_patterns,
    path(CONSOLE + "samples/", SampleList.as_view(), name="sample_list"),
    path(CONSOLE + "samples/add/", SampleAdd.as_view(), name="sample_add"),
    path(CONSOLE + "samples/<uuid:pk>/", SampleDetail.as_view(), name="sample_detail"),
    path(CONSOLE + "samples/<uuid:pk>/edit/", SampleEdit.as_view(), name="sample_edit"),
    path(CONSOLE + "samples/<uuid:pk>/empty/", SampleEmpty.as_view(), name="sample_empty"),
    path("broken/", broken),
    path("without-database/", without_database),
    path("api/without-database/", without_database),
    path("api/broken/", broken),
    path("refused/", refused),
]

handler400 = "portal.core.error_pages.bad_request"
handler403 = "portal.core.error_pages.forbidden"
handler404 = "portal.core.error_pages.not_found"
handler500 = "portal.core.error_pages.server_error"
