"""The table of traces."""

from portal.core.tables import Column, Table
from portal.traces.models import Trace


def _reason(trace: Trace) -> str:
    return trace.code or ("would be refused" if trace.would_refuse else "")


class TraceTable(Table):
    """One request a row."""

    caption = "Requests, newest first"
    columns = (
        Column("at", "When", sort="at"),
        Column("request", "Request", render=str, link=True),
        Column(
            "status", "Status", sort="status", template="traces/cell_status.html", text=lambda row: row.status or None
        ),
        Column("reason", "Reason", template="traces/cell_reason.html", text=_reason),
        Column("application_name", "Application", sort="application_name"),
        Column("kind", "Kind", template="traces/cell_kind.html", sort="kind", text=lambda row: row.get_kind_display()),
        Column(
            "duration",
            "Took",
            template="traces/cell_took.html",
            sort="duration_us",
            text=lambda row: f"{row.duration_ms:g} ms" if row.duration_us else None,
        ),
        Column("method", "Method", sort="method", extra=True),
        Column("host", "Host", sort="host", extra=True),
        Column("path", "Path", sort="path", extra=True),
        Column("policy", "Refusing policy", sort="policy", extra=True),
        Column("client", "Client address", sort="client", extra=True),
        Column("route_name", "Route", sort="route_name", extra=True),
        Column("revision", "Revision", numeric=True, sort="revision", extra=True),
        Column("request_id", "Request id", extra=True),
    )
