"""The console's pages about the listeners of a gateway."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse

from portal.core.commands import Rest
from portal.core.setting_forms.pages import SettingsPage
from portal.core.views import ActionView
from portal.gateways.listener_forms import ListenerForm, shown_listener
from portal.gateways.listener_services import listener_create, listener_delete, listener_update
from portal.gateways.models import Certificate, Gateway, Listener
from portal.gateways.ports import port_warning

LISTENERS = Listener.objects.select_related("gateway__environment__organization")


class ListenerFormPage(SettingsPage):
    """What adding and editing share."""

    template_name = "gateways/listener.html"
    permission = "gateway.change"
    form_class = ListenerForm
    parents = (("Gateways", "gateways:list"),)
    message = ""

    @property
    def gateway(self) -> Gateway:
        """Return the gateway of the listener."""
        raise NotImplementedError

    def shown(self) -> dict[str, Any] | None:
        """Return what the form begins with; None for the defaults."""
        return None

    def form_arguments(self) -> dict[str, Any]:
        """Give the form its present values and the certificates to choose from."""
        mine = Certificate.objects.visible_to(self.request.user, "gateway.view")
        return {
            "settings": self.shown(),
            "certificates": mine.filter(environment=self.gateway.environment_id).defer("private_key", "chain"),
        }

    def typed_arguments(self, typed: dict[str, Any]) -> dict[str, Any]:
        """Return what was typed at the top: there is nothing else."""
        return {"settings": typed[""]}

    def command_values(self) -> dict[str, Any]:
        """Return what the service gets."""
        return dict(self.form.values)

    def save(self, values: dict[str, Any]) -> Any:
        """Call the service with the settings."""
        return self.service(actor=self.request.user, **self.object_argument(), **self.form.values)

    def saved(self, result: Listener) -> HttpResponse:
        """Also say when another gateway listens on the same port."""
        if warning := port_warning(gateway=result.gateway, port=result.port):
            messages.warning(self.request, warning)
        return super().saved(result)


class ListenerCreate(ListenerFormPage):
    """Open a further port on a gateway."""

    queryset = Gateway.objects.select_related("environment__organization")
    title = "Add listener"
    rest = Rest("POST", "/listeners/", takes_object=True)
    service = listener_create
    submit_label = "Add listener"
    message = "The listener is there; the gateway opens it within seconds."

    @property
    def gateway(self) -> Gateway:
        """Return the object of the page."""
        found: Gateway = self.object
        return found


class ListenerEdit(ListenerFormPage):
    """Change a listener."""

    queryset = LISTENERS
    view_permission = "gateway.view"
    rest = Rest("PATCH", "/listeners/{object.pk}/")
    service = listener_update

    @property
    def gateway(self) -> Gateway:
        """Return the gateway of the object."""
        found: Gateway = self.object.gateway
        return found

    def shown(self) -> dict[str, Any]:
        """Return the present settings."""
        return shown_listener(self.object)

    def breadcrumbs(self) -> list[tuple[str, str]]:
        """Lead back to the gateway."""
        above = [each for each in super().breadcrumbs() if each[0] != str(self.object)]
        return [*above, (str(self.gateway), self.gateway.get_absolute_url())]

    def saved(self, result: Listener) -> HttpResponse:
        """Say what consumers have to know of it."""
        before = self.object
        if (before.port, before.protocol) != (result.port, result.protocol) and result.api_instances.exists():
            text = f"Saved. Consumers now call {result.get_protocol_display()} on port {result.port}: tell them."
            messages.warning(self.request, text)
        else:
            messages.success(self.request, "Saved.")
        return super().saved(result)


class ListenerDelete(ActionView):
    """Close a port."""

    queryset = LISTENERS
    permission = "gateway.change"
    rest = Rest("DELETE", "/listeners/{object.pk}/")
    service = listener_delete
    message = "{object} is closed."
