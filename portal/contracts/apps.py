"""Contracts as an application of Django."""

from django.apps import AppConfig


class ContractsConfig(AppConfig):
    """Client applications and their access."""

    name = "portal.contracts"

    def ready(self) -> None:
        """Add tiers and contracts to the page of an API instance."""
        from portal.contracts.panels import contracts_panel, tiers_panel
        from portal.core import panels

        panels.register(
            "instance",
            name="contracts",
            template="contracts/panel_contracts.html",
            context=contracts_panel,
            permission="contract.view",
            order=60,
        )
        panels.register(
            "instance",
            name="tiers",
            template="contracts/panel_tiers.html",
            context=tiers_panel,
            permission="contract.view",
            order=61,
        )
