"""The console's pages about gateways."""

from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from portal.core.tables import Column, Table
from portal.core.views import Action, ActionView, DetailPage, EditPage, Empty, ListPage, ObjectView
from portal.gateways.forms import GatewayCreateForm, GatewayEditForm
from portal.gateways.models import Gateway, Replica
from portal.gateways.selectors import gateway_status, replica_state, start_commands
from portal.gateways.services import (
    gateway_create,
    gateway_delete,
    gateway_update,
)

GATEWAYS = Gateway.objects.select_related("environment__organization").prefetch_related(
    "listeners", Prefetch("replicas", queryset=Replica.objects.order_by("-seen_at"))
)


class GatewayTable(Table):
    """Gateways with their live state."""

    caption = "Gateways"
    columns = (
        Column("name", "Name", link=True, sort="name"),
        Column("state", "Status", template="gateways/cell_state.html", render=lambda row: _status(row)),
        Column("replicas", "Replicas", render=lambda row: _status(row).replicas, numeric=True),
        Column("revision", "Running revision", render=lambda row: _status(row).revision or None, numeric=True),
        Column("ports", "Ports", render=lambda row: ", ".join(str(item.port) for item in row.listeners.all())),
        Column("last_contact", "Last contact", render=lambda row: _status(row).last_contact),
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
    """One gateway: state, replicas, listeners, and how to start another replica."""

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
        """Add the live part and the commands."""
        return super().get_context(
            commands=start_commands(self.object),
            listeners=self.object.listeners.prefetch_related("certificates__certificate"),
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
    replicas = [(replica, replica_state(replica, now)) for replica in gateway.replicas.all()[:20]]
    return {"state": gateway_status(gateway, now), "replicas": replicas}


class GatewayCreate(EditPage):
    """Add a gateway with its first listener."""

    queryset = Gateway.objects.select_related("environment__organization")
    permission = "gateway.change"
    title = "Add gateway"
    parents = (("Gateways", "gateways:list"),)
    form_class = GatewayCreateForm
    service = gateway_create
    submit_label = "Add gateway"
    message = "The gateway is there. Start a replica with its registration, as shown below."

    def service_arguments(self) -> dict[str, Any]:
        """Create it in the environment of the address."""
        return {"environment": self.environment}


class GatewayEdit(GatewayPage, EditPage):
    """Rename a gateway or say where consumers reach it."""

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

    permission = "gateway.change"
    service = gateway_delete
    message = "Gateway {object} is removed."
    success_url_name = "gateways:list"
