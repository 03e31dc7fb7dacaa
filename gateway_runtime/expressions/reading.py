"""How the parts of a request become values. Every reader takes the context and what is given beside it.

Bytes of the wire are read as UTF-8; what is not UTF-8 is kept as Python's surrogate escapes, so that it goes back to
the wire as it came and equals no text that somebody can write.
"""

from typing import Any
from urllib.parse import unquote_to_bytes

from gateway_runtime.expressions.errors import Failure, Stop
from gateway_runtime.expressions.given import AUTHENTICATION, CLIENT_ID, NOTHING, Given
from gateway_runtime.policies.context import Headers, RequestContext

# Fields that may be sent more than once, as a list in parts (RFC 9110 section 5.3). Of any other, two values would let
# the policy and the service read different ones.
LISTS = frozenset({
    b"accept", b"accept-charset", b"accept-encoding", b"accept-language", b"cache-control", b"content-encoding",
    b"content-language", b"forwarded", b"if-match", b"if-none-match", b"link", b"pragma", b"prefer", b"tracestate",
    b"via", b"x-forwarded-for",
})  # fmt: skip


def text(value: bytes) -> str:
    """Return bytes of the wire as a text that turns back into the same bytes."""
    return value.decode("utf-8", "surrogateescape")


def wire(value: str) -> bytes:
    """Return a text as bytes for the wire. A lone surrogate that is no escape becomes “?”."""
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace")


def request_header(name: bytes) -> Any:
    """Return the reader of one request header: null when it is absent, or there twice without being a list."""
    separator = _separator(name)

    def read(context: RequestContext, given: Given = NOTHING) -> str | None:
        found = None
        for key, value in context.headers:
            if key == name:
                if found is not None:
                    return None if separator is None else whole(context)
                found = value
        return None if found is None else found.decode("utf-8", "surrogateescape")

    def whole(context: RequestContext) -> str:
        assert separator is not None
        return text(separator.join([value for key, value in context.headers if key == name]))

    return read


def _separator(name: bytes) -> bytes | None:
    # HTTP/2 cuts a cookie into pieces, which belong together again (RFC 9113 section 8.2.3).
    return b"; " if name == b"cookie" else b", " if name in LISTS else None


def response_header(name: bytes) -> Any:
    """Return the reader of one response header; several values are joined, as a browser shows them."""

    def read(context: RequestContext, given: Given = NOTHING) -> str | None:
        found = [value for key, value in context.response_headers if key == name]
        return text(b", ".join(found)) if found else None

    return read


def request_headers(context: RequestContext, given: Given = NOTHING) -> dict[str, str]:
    """Return all request headers by name, without those that `request_header` refuses."""
    whole: dict[str, str] = {}
    for name, values in _by_name(context.headers).items():
        separator = _separator(name)
        if len(values) == 1 or separator is not None:
            whole[text(name)] = text((separator or b"").join(values))
    return whole


def response_headers(context: RequestContext, given: Given = NOTHING) -> dict[str, str]:
    """Return all response headers by name."""
    return {text(name): text(b", ".join(values)) for name, values in _by_name(context.response_headers).items()}


def present_header(name: bytes) -> Any:
    """Return the reader of one header of the response, or of the request as long as there is no response."""
    before, after = request_header(name), response_header(name)

    def read(context: RequestContext, given: Given = NOTHING) -> str | None:
        value: str | None = after(context) if context.response_status else before(context)
        return value

    return read


def present_headers(context: RequestContext, given: Given = NOTHING) -> dict[str, str]:
    """Return all headers of the response, or of the request as long as there is no response."""
    return response_headers(context) if context.response_status else request_headers(context)


def present_status(context: RequestContext, given: Given = NOTHING) -> int | None:
    """Return the status of the response, null as long as there is none."""
    return context.response_status or None


def _by_name(headers: Headers) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    return found


def query_parameter(name: str) -> Any:
    """Return the reader of one query parameter: null when it is absent or there twice."""
    wanted = wire(name)

    def read(context: RequestContext, given: Given = NOTHING) -> str | None:
        found = None
        query = context.query
        escaped = query.find(b"%") >= 0 or query.find(b"+") >= 0
        for part in query.split(b"&"):
            key, _, value = part.partition(b"=")
            if (_unescaped(key) if escaped else key) == wanted:
                if found is not None:
                    return None
                found = value
        return None if found is None else text(_unescaped(found))

    return read


def query_parameters(context: RequestContext, given: Given = NOTHING) -> dict[str, str]:
    """Return all query parameters by name, without those that are there twice."""
    found: dict[str, str | None] = {}
    for part in context.query.split(b"&") if context.query else ():
        key, _, value = part.partition(b"=")
        name = text(_unescaped(key))
        found[name] = None if name in found else text(_unescaped(value))
    return {name: value for name, value in found.items() if value is not None}


def _unescaped(part: bytes) -> bytes:
    if b"%" in part or b"+" in part:
        return unquote_to_bytes(part.replace(b"+", b" "))
    return part


def method(context: RequestContext, given: Given = NOTHING) -> str:
    """Return the method."""
    return text(context.method)


def request_path(context: RequestContext, given: Given = NOTHING) -> str:
    """Return the canonical path as received, without the query."""
    return text(context.path)


def query_string(context: RequestContext, given: Given = NOTHING) -> str:
    """Return what is behind the question mark, as received."""
    return text(context.query)


def request_uri(context: RequestContext, given: Given = NOTHING) -> str:
    """Return path and query."""
    return text(context.path + b"?" + context.query if context.query else context.path)


def remote_address(context: RequestContext, given: Given = NOTHING) -> str:
    """Return the caller's address."""
    return context.client_ip


def local_address(context: RequestContext, given: Given = NOTHING) -> str | None:
    """Return the address that the caller has connected to."""
    return given.local_address


def scheme(context: RequestContext, given: Given = NOTHING) -> str | None:
    """Return `http` or `https`."""
    return given.scheme


def version(context: RequestContext, given: Given = NOTHING) -> str | None:
    """Return the version of HTTP."""
    return given.version


def status_code(context: RequestContext, given: Given = NOTHING) -> int:
    """Return the status of the response."""
    return context.response_status


def client_id(context: RequestContext, given: Given = NOTHING) -> str | None:
    """Return the client ID, once a policy has found the client application."""
    notes = context.notes
    if notes:
        if CLIENT_ID in notes:
            return notes[CLIENT_ID]
        if AUTHENTICATION in notes:
            # Who has brought a token is known by its subject, which is not the client ID: rather none than that.
            return None
    return text(context.principal) if context.application else None


def client_name(context: RequestContext, given: Given = NOTHING) -> str | None:
    """Return the name of the client application."""
    return context.application_name or None


def principal(context: RequestContext, given: Given = NOTHING) -> str | None:
    """Return the user name or client ID that a policy has checked."""
    return text(context.principal) if context.principal else None


def properties(context: RequestContext, given: Given = NOTHING) -> Any:
    """Return what the policy that identified the caller knows of it."""
    notes = context.notes
    return notes.get(AUTHENTICATION) if notes else None


def payload(context: RequestContext, given: Given = NOTHING) -> Any:
    """Return the body, where the policy has one. Raises `Stop` where it is not what it says it is."""
    value = given.payload
    if type(value) is Failure:
        raise Stop(value)
    return value


def variable(name: str) -> Any:
    """Return the reader of one variable of the policy."""

    def read(context: RequestContext, given: Given = NOTHING) -> Any:
        return given.vars.get(name)

    return read
