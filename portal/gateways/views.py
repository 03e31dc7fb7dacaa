"""The console's pages about gateways."""

from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from portal.core.commands import Rest
from portal.core.tables import Column, Table
from portal.core.views import Action, ActionView, DetailPage, EditPage, Empty, ListPage, ObjectView
from portal.gateways.filters import GatewayFilters
from portal.gateways.forms import GatewayEditForm
from portal.gateways.models import Gateway, Replica
from portal.gateways.replica_selectors import replica_details, replicas_with_lag
from portal.gateways.selectors import gateway_status
from portal.gateways.services import (
    gateway_delete,
    gateway_update,
)

GATEWAYS = Gateway.objects.select_related("environment__organization").prefetch_related(
    "listeners", Prefetch("replicas", queryset=replicas_with_lag(Replica.objects.order_by("-seen_at")))
)


# Replicas on a gateway's page, those heard last first. REST has all of them.
SHOWN = 50


class GatewayTable(Table):
    """Gateways with their live state."""

    caption = "Gateways"
    columns = (
        Column("name", "Name", link=True, sort="name"),
        Column(
            "state",
            "Status",
            template="gateways/cell_state.html",
            render=lambda row: _status(row),
            text=lambda row: _status(row).state.label,
        ),
        Column("replicas", "Replicas", render=lambda row: _status(row).replicas, numeric=True),
        Column("revision", "Running revision", render=lambda row: _status(row).revision or None, numeric=True),
        Column("ports", "Ports", render=lambda row: ", ".join(str(item.port) for item in row.listeners.all())),
        Column("last_contact", "Last contact", render=lambda row: _status(row).last_contact),
        Column("public_host", "Public host", sort="public_host", extra=True),
        Column("slug", "Short name", sort="slug", extra=True),
        Column("created_at", "Added", sort="created_at", extra=True),
        Column("id", "Id", extra=True),
    )


def _status(gateway: Gateway) -> Any:
    return gateway_status(gateway, timezone.now())


class GatewayList(ListPage):
    """All gateways of the environment; their state is renewed every three seconds."""

    template_name = "gateways/list.html"
    queryset = GATEWAYS
    permission = "gateway.view"
    title = "Gateways"
    subtitle = "A gateway carries the traffic of your APIs. All its replicas share one configuration."
    table = GatewayTable
    filters = GatewayFilters
    search_fields = ("name", "slug")
    actions = (Action(label="Add gateway", url_name="gateways:create", permission="gateway.change", icon="plus"),)
    empty = Empty(
        title="No gateway yet",
        text="Add one, start a replica with its registration, and it connects by itself.",
        icon="building-bridge-2",
    )


class GatewayPage(ObjectView):
    """What the pages below a gateway share."""

    queryset = GATEWAYS
    parents = (("Gateways", "gateways:list"),)


class GatewayDetail(GatewayPage, DetailPage):
    """One gateway: state, replicas, listeners, and the way to another replica."""

    template_name = "gateways/detail.html"
    permission = "gateway.view"
    place = "gateway"
    actions = (
        Action(label="Edit", url_name="gateways:edit", permission="gateway.change", with_object=True, primary=False),
        Action(
            label="Settings", url_name="gateways:settings", permission="gateway.change", with_object=True, primary=False
        ),
        Action(
            label="Add listener",
            url_name="gateways:listener_create",
            permission="gateway.change",
            icon="plus",
            primary=False,
            with_object=True,
        ),
    )

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add the live part and the listeners."""
        return super().get_context(
            listeners=self.object.listeners.prefetch_related("certificates__certificate"),
            credentials=self.object.credentials.filter(ended_at=None).only("gateway_id", "number", "ends_at"),
            **live(self.object),
            **context,
        )


class GatewayLive(GatewayPage):
    """The part of a gateway's page that is renewed every three seconds."""

    permission = "gateway.view"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer with that part only."""
        self.object = self.get_object()
        return render(request, "gateways/live.html", {"object": self.object, "renewed": True, **live(self.object)})


def live(gateway: Gateway) -> dict[str, Any]:
    """Return what changes by itself on a gateway's page."""
    now = timezone.now()
    shown = replica_details(gateway, gateway.replicas.all()[:SHOWN], now)
    return {"state": gateway_status(gateway, now), "replicas": shown, "more": gateway.replicas.all()[SHOWN:]}


class GatewayEdit(GatewayPage, EditPage):
    """Rename a gateway or say where consumers reach it."""

    rest = Rest("PATCH", "/gateways/{object.pk}/")
    template_name = "gateways/edit.html"
    permission = "gateway.change"
    form_class = GatewayEditForm
    service = gateway_update

    def form_arguments(self) -> dict[str, Any]:
        """Begin with the present values."""
        names = ("name", "public_host", "sampled_percent")
        return {"initial": {name: getattr(self.object, name) for name in names}}


class GatewayDelete(GatewayPage, ActionView):
    """Remove a gateway."""

    rest = Rest("DELETE", "/gateways/{object.pk}/")
    permission = "gateway.change"
    service = gateway_delete
    message = "Gateway {object} is removed."
    success_url_name = "gateways:list"
