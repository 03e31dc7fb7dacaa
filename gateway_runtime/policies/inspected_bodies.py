"""What the policies that look into bodies ask of a request's head."""

from gateway_runtime.policies.context import RequestContext


def media_types(context: RequestContext) -> list[bytes]:
    """Return the media types that the `Content-Type` headers name, lower case, without parameters."""
    return [value.split(b";", 1)[0].strip(b" \t").lower() for name, value in context.headers if name == b"content-type"]


def is_encoded(context: RequestContext) -> bool:
    """Tell whether the body is compressed or otherwise encoded."""
    return any(
        name == b"content-encoding" and value.strip(b" \t").lower() not in (b"", b"identity")
        for name, value in context.headers
    )


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
