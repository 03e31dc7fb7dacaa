"""What can go wrong with a service, as answers with stable codes."""

import socket
import ssl

from gateway_runtime.policies.results import Response


class UpstreamError(Exception):
    """A service could not be asked, or its answer cannot be used. `response` is what the client gets."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.code)
        self.response = response


def _bad_gateway(code: str, detail: str) -> Response:
    return Response(status=502, code=code, title="Bad gateway", detail=detail)


def _timeout(code: str, detail: str) -> Response:
    return Response(status=504, code=code, title="Gateway timeout", detail=detail)


REFUSED = _bad_gateway("upstream_refused", "The service behind this API does not accept connections.")
RESET = _bad_gateway("upstream_reset", "The service behind this API closed the connection before it had answered.")
BAD_RESPONSE = _bad_gateway(
    "upstream_bad_response", "The service behind this API gave an answer that is not valid HTTP."
)
TOO_LARGE = _bad_gateway(
    "upstream_content_too_large",
    "The answer of the service behind this API is larger than a policy of this gateway can look at.",
)
UNRESOLVED = _bad_gateway("upstream_unresolved", "The name of the service behind this API cannot be resolved.")
ADDRESS_REFUSED = _bad_gateway(
    "upstream_address_refused",
    "The service behind this API is at an address that this gateway may not connect to.",
)
TLS_FAILED = _bad_gateway("upstream_tls_failed", "The service behind this API has no certificate that can be trusted.")
NOT_HTTP2 = _bad_gateway(
    "upstream_not_http2", "The service behind this API does not speak HTTP/2, which is what it is configured for."
)
TIMEOUT = _timeout("upstream_timeout", "The service behind this API did not answer in time.")
CONNECT_TIMEOUT = _timeout("upstream_connect_timeout", "The service behind this API could not be reached in time.")
PROXY_FAILED = _bad_gateway(
    "upstream_proxy_failed", "The proxy in front of the service behind this API does not let this gateway through."
)
CIRCUIT_OPEN = Response(
    status=503,
    code="upstream_circuit_open",
    title="Service unavailable",
    detail="As much as may be is under way to the service behind this API. Try again in a moment.",
    headers=((b"retry-after", b"1"),),
)
NO_TARGET = Response(
    status=503,
    code="upstream_no_target",
    title="Service unavailable",
    detail="The service of this route has no target.",
)


def connect_failure(error: OSError) -> Response:
    """Return the answer for a failed attempt to connect."""
    if isinstance(error, TimeoutError):
        return CONNECT_TIMEOUT
    if isinstance(error, socket.gaierror):
        return UNRESOLVED
    if isinstance(error, ssl.SSLError):
        return TLS_FAILED
    return REFUSED
