"""What the map adds to the console."""

from django.apps import AppConfig


class LandscapeConfig(AppConfig):
    """Which API calls which."""

    name = "portal.landscape"

    def ready(self) -> None:
        """Add the card of an instance's page."""
        from portal.core import panels
        from portal.landscape.panels import calls_panel

        panels.register(
            "instance",
            name="calls",
            template="landscape/panel_calls.html",
            context=calls_panel,
            permission="instance.view",
            order=70,
        )
