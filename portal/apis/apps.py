"""What API instances add to the console."""

from django.apps import AppConfig


class ApisConfig(AppConfig):
    """Registers the instances' cards on other pages, the settings tab and the second of the first steps."""

    name = "portal.apis"

    def ready(self) -> None:
        """Register them."""
        from portal.apis.bulk_actions import bulk_actions_register
        from portal.apis.panels import panels_register
        from portal.apis.selectors import api_deployed
        from portal.core import checklist

        panels_register()
        bulk_actions_register()
        checklist.register(
            20,
            "api-deployed",
            "Deploy an API",
            "Choose an API, say where it runs and under which path consumers call it.",
            "apis:create",
            api_deployed,
        )
