"""The table of the audit log."""

from portal.core.tables import Column, Table


class AuditTable(Table):
    """One change a row."""

    caption = "Changes, newest first"
    columns = (
        Column("created_at", "When", sort="created_at"),
        Column("actor_name", "Who", sort="actor_name"),
        Column("label", "Action", url_name="audit:detail", sort="action"),
        Column("target_name", "What"),
        Column("differences", "Change", template="audit/cells/change.html"),
    )
