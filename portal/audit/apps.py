"""The audit trail answers who changed something."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Audit events."""

    name = "portal.audit"

    def ready(self) -> None:
        """Tell pages of all apps who changed their objects."""
        from portal.audit.selectors import changes_of_object
        from portal.core import history

        history.register(changes_of_object)
