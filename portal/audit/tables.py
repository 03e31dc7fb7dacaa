"""The table of the audit log."""

from portal.audit.models import AuditEvent
from portal.core.tables import Column, Table


def _changes(event: AuditEvent) -> str:
    changes = [f"{name}: {before} → {after}" for name, before, after in event.differences]
    return "; ".join(changes) or event.message


class AuditTable(Table):
    """One change a row."""

    caption = "Changes, newest first"
    columns = (
        Column("created_at", "When", sort="created_at"),
        Column("actor_name", "Who", sort="actor_name"),
        Column("label", "Action", url_name="audit:detail", sort="action"),
        Column("target_name", "What"),
        Column("differences", "Change", template="audit/cells/change.html", text=_changes),
        Column("kind", "Kind", sort="target_type", extra=True),
        Column("message", "Message", extra=True),
        Column("request_id", "Request id", extra=True),
    )
