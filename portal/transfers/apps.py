"""What moving instances adds to the console."""

from django.apps import AppConfig


class TransfersConfig(AppConfig):
    """Export, import and promotion of API instances."""

    name = "portal.transfers"

    def ready(self) -> None:
        """Add the card of an instance's page."""
        from portal.apis.bulk_actions import PLACE
        from portal.core import bulk, panels
        from portal.transfers.panels import move_panel

        panels.register(
            "instance",
            name="move",
            template="transfers/panel_move.html",
            context=move_panel,
            permission="policy.view",
            order=80,
        )
        bulk.register(
            PLACE,
            bulk.BulkAction(
                name="export", title="Export", permission="policy.view", url_name="transfers:export", order=60
            ),
        )
        bulk.register(
            PLACE,
            bulk.BulkAction(
                name="promote", title="Promote", permission="policy.view", url_name="transfers:promote", order=61
            ),
        )
