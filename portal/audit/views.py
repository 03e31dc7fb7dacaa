"""The audit log in the console."""

from typing import Any
from urllib.parse import urlsplit

from portal.audit.filters import AuditFilter
from portal.audit.models import AuditEvent, UndoStep
from portal.audit.selectors import chain_state, event_whole
from portal.audit.tables import AuditTable
from portal.audit.undo import change_undo, undo_fault, undo_permission
from portal.core.commands import Rest
from portal.core.denied import Denied
from portal.core.links import console_url
from portal.core.views import ActionView, DetailPage, Empty, ListPage


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
    whole = staticmethod(event_whole)
    empty = Empty(title="No changes yet", text="Whatever is changed in this organization is recorded here.")

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add what the last verification found."""
        return super().get_context(chain=chain_state(), **context)


class ChangeUndo(ActionView):
    """Takes a change back."""

    rest = Rest("POST", "/audit-events/{object.pk}/undo/", body=False)
    queryset = AuditEvent.objects.filter(undo_step__isnull=False).select_related("undo_step")
    permission = "audit.view"
    object_name = "event"
    service = change_undo
    title = "Undo"

    def get_object(self) -> AuditEvent:
        """Return the event; who may see it must also be allowed to do what undoes it."""
        event: AuditEvent = super().get_object()
        needed = undo_permission(event.undo_step)
        if not self.get_queryset(needed).filter(pk=event.pk).exists():
            raise Denied(needed, self.title)
        return event

    def success_message(self, result: Any) -> str:
        """Say what is as it was."""
        return f"Undone: {self.object.label}, {self.object.target_name}."

    def after(self, result: Any) -> str:
        """Go back to where the button was."""
        back = urlsplit(self.request.headers.get("Referer", ""))
        own = back.netloc == self.request.get_host() and back.path.startswith("/console/")
        return back.path if own else console_url(self.request, "audit:detail", self.object.pk)


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

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add whether it can be taken back, or why not any more."""
        step = UndoStep.objects.filter(event=self.object).first()
        fault = undo_fault(step) if step is not None else None
        return super().get_context(undo_step=step, undo_fault=fault, may_undo=self._may(step), **context)

    def _may(self, step: UndoStep | None) -> bool:
        return step is not None and self.get_queryset(undo_permission(step)).filter(pk=self.object.pk).exists()
