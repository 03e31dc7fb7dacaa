"""Puts traces on the pages of lower apps."""

from django.apps import AppConfig


class TracesConfig(AppConfig):
    """Registers the instance's tab and card."""

    name = "portal.traces"

    def ready(self) -> None:
        """Register them."""
        from portal.traces.panels import panels_register

        panels_register()
