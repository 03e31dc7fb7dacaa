"""The results of scripts as bodies: by the media type that a script declares, else by that of the message."""

from typing import Any

from gateway_runtime.expressions.casts import text_of
from gateway_runtime.expressions.errors import NOT_TEXT, Failure, Stop
from gateway_runtime.expressions.forms import write_form
from gateway_runtime.expressions.given import NOTHING
from gateway_runtime.expressions.payload import is_form, is_json, media_type
from gateway_runtime.expressions.writing import json_bytes, length
from gateway_runtime.expressions.xml_output import write_xml

# What a script may declare; the star stands for anything.
OUTPUTS = (
    "application/json", "*+json", "application/x-www-form-urlencoded", "application/xml", "text/xml", "text/plain",
)  # fmt: skip
_UTF_8 = b"; charset=utf-8"
_SCALARS = (str, int, float, bool, bytes)


def written(value: Any, output: str, present: bytes | None) -> tuple[bytes, bytes | None] | Failure:
    """Return a body and its Content-Type, or what is in the way.

    `output` is what the script declares; without it the message keeps its own Content-Type (`present`), if that can be
    what the value is: an object in a message that was text is JSON.
    """
    try:
        if output:
            wanted = output.encode()
            kind = wanted + _UTF_8 if wanted.startswith(b"text/") else wanted
            return _bytes(value, wanted), kind
        wanted = media_type(present)
        if not _is_structured(wanted) and value is not None and type(value) not in _SCALARS:
            return json_bytes(value, NOTHING), b"application/json"
        return _bytes(value, wanted), _in_utf_8(present)
    except Stop as stop:
        return stop.failure


def _is_structured(wanted: bytes) -> bool:
    return is_json(wanted) or is_form(wanted) or _is_xml(wanted)


def _is_xml(wanted: bytes) -> bool:
    return wanted.endswith((b"/xml", b"+xml"))


def _bytes(value: Any, wanted: bytes) -> bytes:
    if is_json(wanted):
        return json_bytes(value, NOTHING)
    length(value)
    # XML is read as text, so what was not taken apart can go on as it is.
    if _is_xml(wanted) and type(value) is not str:
        return write_xml(value)
    if is_form(wanted) and type(value) is not str:
        return write_form(value)
    return _plain(value)


def _plain(value: Any) -> bytes:
    if type(value) is bytes:
        return value
    try:
        return b"" if value is None else text_of(value).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Stop(NOT_TEXT) from None


def _in_utf_8(present: bytes | None) -> bytes | None:
    """Return a Content-Type without another encoding than that of what is written."""
    if present is None or b"charset" not in present.lower():
        return present
    charset = present.lower().partition(b"charset")[2].lstrip(b" \t=").strip(b'" \t')
    return present if charset.startswith((b"utf-8", b"utf8")) else media_type(present) + _UTF_8
