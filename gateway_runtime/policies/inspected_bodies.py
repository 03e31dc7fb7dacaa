"""What the policies that look into bodies share: what they ask of a head, and when they read a body."""

from collections.abc import Callable

from gateway_runtime.policies.context import Headers, RequestContext
from gateway_runtime.policies.results import NEEDS_BODY, NeedsBody, Response
from gateway_runtime.schema.policy import Handlers

# The encodings that every reader knows, and in which the marks of ASCII are the same bytes and no other ones.
CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "us-ascii", "ascii": "us-ascii", "iso-8859-1": "iso-8859-1"}
# A body in another coding than these is not what its Content-Type says.
_PLAIN = frozenset({b"", b"identity"})


def media_types(context: RequestContext) -> list[bytes]:
    """Return the media types that the `Content-Type` headers name, lower case, without parameters."""
    return [value.split(b";", 1)[0].strip(b" \t").lower() for name, value in context.headers if name == b"content-type"]


def is_encoded(headers: Headers) -> bool:
    """Tell whether a body is compressed or coded otherwise, so that nobody here can read it."""
    for name, value in headers:  # noqa: SIM110 (a generator takes twice as long)
        if name == b"content-encoding" and value.strip(b" \t").lower() not in _PLAIN:
            return True
    return False


def charset(context: RequestContext) -> str | None:
    """Return the lower-case encoding that the `Content-Type` headers name, "" for none, None for several."""
    found = {
        parameter.split("=", 1)[1].strip(" \t\"'")
        for name, value in context.headers
        if name == b"content-type"
        for parameter in value.decode("latin-1").lower().split(";")[1:]
        if parameter.split("=", 1)[0].strip(" \t") == "charset" and "=" in parameter
    }
    return found.pop() if len(found) == 1 else None if found else ""


def is_like_utf_8(context: RequestContext) -> bool:
    """Tell whether the marks of a text are where a reader of UTF-8 finds them, by the encoding that its head names.

    A quote or bracket may be hidden in UTF-7, Shift_JIS or UTF-16 for those who believe the head.
    """
    for name, value in context.headers:
        if name == b"content-type" and b";" in value:
            named = charset(context)
            return named == "" or named in CHARSETS
    return True


def inspecting(
    refusals: dict[str, Response],
    *,
    encoded: str,
    reads: Callable[[RequestContext], bool],
    fault_of: Callable[[RequestContext], str],
) -> Handlers:
    """Return the handlers of a policy that refuses bodies of one kind, by the codes of its refusals.

    `encoded` is the code of compressed ones, and `fault_of` returns that of a body that has been read, or "".
    """
    refuse = refusals[encoded]

    def look(context: RequestContext) -> NeedsBody | Response | None:
        if context.body_length == 0 or not reads(context):
            return None
        return refuse if is_encoded(context.headers) else NEEDS_BODY

    def check(context: RequestContext) -> Response | None:
        found = fault_of(context) if context.body else ""
        return refusals[found] if found else None

    return Handlers(request_headers=look, request_body=check)
