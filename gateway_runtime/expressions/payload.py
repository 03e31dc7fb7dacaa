"""A body as a value: what its JSON says, else text, else binary data."""

from typing import Any

import msgspec

from gateway_runtime.expressions.errors import BAD_PAYLOAD, Failure


def read_payload(body: bytes, content_type: bytes | None) -> Any | Failure:
    """Return the value of `payload` for a whole body: null when it is empty, a `Failure` when its JSON is none.

    For `Given(payload=…)`. Decode once per body, and not before an expression needs it.
    """
    if not body:
        return None
    if is_json(content_type):
        try:
            return msgspec.json.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return BAD_PAYLOAD
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def is_json(content_type: bytes | None) -> bool:
    """Tell whether a Content-Type is JSON: `application/json`, `application/problem+json; charset=utf-8`."""
    media_type = (content_type or b"").partition(b";")[0].strip().lower()
    return media_type.endswith((b"/json", b"+json"))
