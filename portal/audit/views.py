"""The audit log in the console."""

from portal.audit.filters import AuditFilter
from portal.audit.models import AuditEvent
from portal.audit.tables import AuditTable
from portal.core.views import DetailPage, Empty, ListPage


class AuditLog(ListPage):
    """Who changed what in this organization, newest first."""

    queryset = AuditEvent.objects.order_by("-created_at", "-pk")
    permission = "audit.view"
    environment_lookup = ""
    template_name = "audit/list.html"
    table = AuditTable
    filters = AuditFilter
    search_fields = ("actor_name", "target_name", "action", "message", "request_id")
    title = "Audit log"
    subtitle = "Every change, with who made it and what was there before."
    empty = Empty(title="No changes yet", text="Whatever is changed in this organization is recorded here.")


class AuditDetail(DetailPage):
    """One change: what was there before and after."""

    queryset = AuditEvent.objects.order_by("pk")
    permission = "audit.view"
    environment_lookup = ""
    template_name = "audit/event.html"
    parents = (("Audit log", "audit:list"),)

    def page_title(self) -> str:
        """Name the action and what it was done to."""
        return f"{self.object.label}: {self.object.target_name}"
