"""What is written about each finished request."""

import difflib
from typing import Annotated

import msgspec

from gateway_runtime.schema.part import Part
from gateway_runtime.schema.policy import setting

# The fields of a line (Elastic Common Schema 8; `portico.` are our own), as they may be hidden.
FIELDS = (
    "@timestamp", "ecs.version", "event.kind", "event.category", "event.duration", "event.outcome",
    "http.request.method", "http.version", "http.request.id", "http.request.bytes", "http.request.body.bytes",
    "http.response.status_code", "http.response.bytes", "url.domain", "url.path", "url.query", "source.ip",
    "user_agent.original", "tls.version", "portico.api.id", "portico.api.name", "portico.route.id",
    "portico.route.name", "portico.application.id", "portico.application.name", "portico.policy", "portico.code",
    "portico.upstream.target", "portico.upstream.duration_ms",
)  # fmt: skip


class AccessLog(Part, frozen=True):
    """One line for each request, or for a part of them.

    A query may hold secrets, so it is written only with `query`. `hide` names fields that are left out.
    """

    sampling: Annotated[
        Annotated[float, msgspec.Meta(gt=0, le=1)], setting("Share", "Of the requests that are written, from 0 to 1.")
    ] = 1.0
    query: Annotated[bool, setting("Query", "Write the query of a request, which may hold secrets.")] = False
    hide: Annotated[list[str], setting("Hidden fields", "Names of fields that are left out, such as source.ip.")] = []


def unknown_field(name: str) -> str:
    """Return what is said of a field that no line has."""
    near = difflib.get_close_matches(name, FIELDS, n=1, cutoff=0.5)
    hint = f" Did you mean “{near[0]}”?" if near else ""
    return f"There is no field “{name}” in an access line.{hint}"
