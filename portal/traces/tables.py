"""The table of traces."""

from portal.core.tables import Column, Table


class TraceTable(Table):
    """One request a row."""

    caption = "Requests, newest first"
    columns = (
        Column("at", "When", sort="at"),
        Column("request", "Request", render=str, link=True),
        Column("status", "Status", sort="status", template="traces/cell_status.html"),
        Column("reason", "Reason", template="traces/cell_reason.html"),
        Column("application_name", "Application", sort="application_name"),
        Column("kind", "Kind", template="traces/cell_kind.html", sort="kind"),
        Column("duration", "Took", template="traces/cell_took.html", sort="duration_us"),
    )
