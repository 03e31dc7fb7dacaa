"""A body as a value: what its JSON or its form says, else text, else binary data."""

from typing import Any

import msgspec

from gateway_runtime.expressions.errors import BAD_PAYLOAD, Failure
from gateway_runtime.expressions.forms import read_form


def read_payload(body: bytes, content_type: bytes | None) -> Any | Failure:
    """Return the value of `payload` for a whole body: null when it is empty, a `Failure` when it is not what it says.

    For `Given(payload=…)`. Decode once per body, and not before an expression needs it.
    """
    if not body:
        return None
    if is_json(content_type):
        try:
            return msgspec.json.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return BAD_PAYLOAD
    if is_form(content_type):
        return read_form(body)
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def media_type(content_type: bytes | None) -> bytes:
    """Return the media type of a Content-Type, in small letters and without its parameters."""
    return (content_type or b"").partition(b";")[0].strip().lower()


def is_json(content_type: bytes | None) -> bool:
    """Tell whether a Content-Type is JSON: `application/json`, `application/problem+json; charset=utf-8`."""
    return media_type(content_type).endswith((b"/json", b"+json"))


def is_form(content_type: bytes | None) -> bool:
    """Tell whether a Content-Type is that of an HTML form, without files."""
    return media_type(content_type) == b"application/x-www-form-urlencoded"
