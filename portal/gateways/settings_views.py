"""The console's page about the settings of a gateway."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from portal.core.setting_posted import ADD, REMOVE, posted_again
from portal.core.views import ActionView, EditPage
from portal.gateways.settings import NAMES
from portal.gateways.settings_forms import GatewaySettingsForm
from portal.gateways.settings_services import gateway_settings_update
from portal.gateways.views import GatewayPage


class GatewaySettingsEdit(GatewayPage, EditPage):
    """Timeouts, limits, logs and the rest of what a gateway has besides its listeners and APIs."""

    template_name = "gateways/settings.html"
    permission = "gateway.change"
    form_class = GatewaySettingsForm
    service = gateway_settings_update
    message = "Saved. Every replica takes the settings within seconds."

    def page_title(self) -> str:
        """Say what is edited."""
        return f"Settings of {self.object}"

    def form_arguments(self) -> dict[str, Any]:
        """Begin with the present settings."""
        return {"gateway": self.object}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Save; or, for browsers without JavaScript, show the form with a row more or less."""
        if ADD in request.POST or REMOVE in request.POST:
            typed = posted_again(GatewaySettingsForm(gateway=self.object).outline, request.POST)
            self.form = GatewaySettingsForm(gateway=self.object, shown=typed)
            return self.form_page()
        return super().post(request, *args, **kwargs)

    def save(self, values: dict[str, Any]) -> Any:
        """Call the service with the settings."""
        return self.service(actor=self.request.user, gateway=self.object, settings=self.form.values)


class GatewaySettingsReset(GatewayPage, ActionView):
    """Let everything be as by default again."""

    permission = "gateway.change"
    service = gateway_settings_update
    message = "All settings of {object} are as by default."

    def service_arguments(self) -> dict[str, Any]:
        """Reset every section."""
        return {"settings": dict.fromkeys(NAMES)}
