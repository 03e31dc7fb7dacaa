"""The answers of the gateway itself to requests it does not take: made once, named by stable codes."""

from gateway_runtime.policies.results import Response


class BadMessage(Exception):
    """The bytes of a request are refused. The connection is closed after `response`: its rest cannot be trusted."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.code)
        self.response = response


def bad_request(code: str, detail: str) -> Response:
    """Return a 400 with a reason."""
    return Response(status=400, code=code, title="Bad request", detail=detail)


ALLOW = (b"allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")

METHOD_NOT_ALLOWED = Response(
    status=405,
    code="method_not_allowed",
    title="Method not allowed",
    detail="The gateway does not take CONNECT and TRACE.",
    headers=(ALLOW,),
)
EXPECTATION_FAILED = Response(
    status=417, code="expectation_failed", title="Expectation failed", detail="Only “Expect: 100-continue” is known."
)
REQUEST_TIMEOUT = Response(
    status=408, code="request_timeout", title="Request timeout", detail="The request did not arrive in time."
)
CONTENT_TOO_LARGE = Response(
    status=413,
    code="content_too_large",
    title="Content too large",
    detail="The body is larger than this gateway takes.",
)
URI_TOO_LONG = Response(
    status=414,
    code="uri_too_long",
    title="URI too long",
    detail="The request target is longer than this gateway takes.",
)
HEADERS_TOO_LARGE = Response(
    status=431,
    code="headers_too_large",
    title="Request header fields too large",
    detail="The headers are larger than this gateway takes.",
)
NO_API_HERE = Response(
    status=404, code="no_api_here", title="Not found", detail="No API is deployed at this path on this port."
)
NO_ROUTE = Response(
    status=404, code="no_route", title="Not found", detail="The API at this path has no route for this request."
)
NOT_READY = Response(
    status=503,
    code="not_ready",
    title="Gateway not ready",
    detail="The gateway has not received its configuration yet.",
    headers=((b"retry-after", b"1"),),
)
INTERNAL_ERROR = Response(
    status=500, code="internal_error", title="Internal error", detail="The gateway failed while handling this request."
)
