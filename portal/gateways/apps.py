"""What gateways add to the console."""

from typing import Any

from django.apps import AppConfig
from django.utils import timezone


class GatewaysConfig(AppConfig):
    """Registers the first of the first steps."""

    name = "portal.gateways"

    def ready(self) -> None:
        """Add the step that ticks when a replica is heard of."""
        from portal.core import checklist
        from portal.gateways import certificate_panel
        from portal.gateways.home_panel import panel_register
        from portal.gateways.selectors import gateway_connected
        from portal.gateways.services import environment_gateways_publish
        from portal.organizations.reactions import on_environment_change

        panel_register()
        certificate_panel.panel_register()
        on_environment_change(environment_gateways_publish)

        def done(environment: Any) -> bool:
            return gateway_connected([environment], timezone.now())

        checklist.register(
            10,
            "gateway-connected",
            "Connect a gateway",
            "A gateway carries the traffic. Start a replica and it appears here within seconds.",
            "gateways:list",
            done,
        )
