"""What moving instances adds to the console."""

from django.apps import AppConfig


class TransfersConfig(AppConfig):
    """Export, import and promotion of API instances."""

    name = "portal.transfers"

    def ready(self) -> None:
        """Add the card of an instance's page."""
        from portal.core import panels
        from portal.transfers.panels import move_panel

        panels.register(
            "instance",
            name="move",
            template="transfers/panel_move.html",
            context=move_panel,
            permission="policy.view",
            order=80,
        )
