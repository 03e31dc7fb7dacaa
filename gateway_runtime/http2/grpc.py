"""How a gRPC client is told of a refusal: as Envoy does, HTTP 200 and the reason in grpc-status and grpc-message.

The statuses are those that Envoy maps HTTP ones to, which is what gRPC itself defines for answers without grpc-status.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway_runtime.http2.coding import Field
from gateway_runtime.policies.results import Response

_UNKNOWN = 2
_STATUSES = {400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14}
_is_grpc = re.compile(rb"application/grpc(?:[+;].*)?", re.I | re.S).fullmatch
# Percent-encoded but for printable ASCII without `%` (the gRPC protocol over HTTP/2, Status-Message).
_find_escaped = re.compile(rb"[^ -$&-~]")


def is_grpc(headers: Sequence[Field]) -> bool:
    """Tell whether a request is a gRPC call."""
    return any(name == b"content-type" and _is_grpc(value) is not None for name, value in headers)


def refusal_fields(response: Response) -> list[Field]:
    """Return the headers of an answer that has nothing else."""
    message = f"{response.code}: {response.detail or response.title}".encode()
    escaped = _find_escaped.sub(lambda found: b"%%%02X" % ord(found[0]), message)
    return [
        (b"content-type", b"application/grpc"),
        (b"grpc-status", b"%d" % _STATUSES.get(response.status, _UNKNOWN)),
        (b"grpc-message", escaped),
        *response.headers,
    ]
