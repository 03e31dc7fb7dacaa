"""The console's page about the settings of a gateway."""

from typing import Any

from portal.core.commands import Rest, placeholder
from portal.core.setting_forms.pages import SettingsPage
from portal.core.setting_forms.secrets import joined, split
from portal.core.views import ActionView
from portal.gateways.settings import NAMES, SECRET
from portal.gateways.settings_forms import GatewaySettingsForm
from portal.gateways.settings_services import gateway_settings_update
from portal.gateways.views import GatewayPage


class GatewaySettingsEdit(GatewayPage, SettingsPage):
    """Timeouts, limits, logs and the rest of what a gateway has besides its listeners and APIs."""

    template_name = "gateways/settings.html"
    permission = "gateway.change"
    form_class = GatewaySettingsForm
    rest = Rest("PATCH", "/gateways/{object.pk}/settings/")
    service = gateway_settings_update
    message = "The settings are saved."

    def page_title(self) -> str:
        """Say what is edited."""
        return f"Settings of {self.object}"

    def form_arguments(self) -> dict[str, Any]:
        """Begin with the present settings."""
        return {"gateway": self.object}

    def typed_arguments(self, typed: dict[str, Any]) -> dict[str, Any]:
        """Return what was typed at the top: there is nothing else."""
        return {"settings": typed[""]}

    def command_values(self) -> dict[str, Any]:
        """Return the settings with a placeholder for each secret."""
        plain, secrets = split(self.form.values, SECRET)
        return joined(plain, {path: placeholder(path) for path, value in secrets.items() if value})

    def save(self, values: dict[str, Any]) -> Any:
        """Call the service with the settings."""
        return super().save({"settings": self.form.values})


class GatewaySettingsReset(GatewayPage, ActionView):
    """Let everything be as by default again."""

    permission = "gateway.change"
    rest = Rest("DELETE", "/gateways/{object.pk}/settings/")
    service = gateway_settings_update
    message = "All settings of {object} are as by default."

    def service_arguments(self) -> dict[str, Any]:
        """Reset every section."""
        return {"settings": dict.fromkeys(NAMES)}
