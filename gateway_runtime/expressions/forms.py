"""`application/x-www-form-urlencoded`, read and written."""

from typing import Any
from urllib.parse import quote_plus, unquote_plus

from gateway_runtime.expressions.casts import text_of
from gateway_runtime.expressions.errors import BAD_PAYLOAD, NOT_TEXT, WRONG_TYPE, Failure, Stop
from gateway_runtime.expressions.limits import LIST_LENGTH


def read_form(body: bytes) -> dict[str, Any] | Failure:
    """Return the fields of a form by name: a text, or a list of texts where one is there more than once."""
    if body.count(b"&") >= LIST_LENGTH:
        return BAD_PAYLOAD
    found: dict[str, Any] = {}
    for field in body.decode("latin-1").split("&"):
        if not field:
            continue
        name, _, value = field.partition("=")
        try:
            name, value = unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
        except UnicodeDecodeError:
            return BAD_PAYLOAD
        known = found.get(name)
        if known is None:
            found[name] = value
        elif type(known) is list:
            known.append(value)
        else:
            found[name] = [known, value]
    return found


def write_form(value: Any) -> bytes:
    """Return an object as a form. A list becomes a field for each of its items; null none. Raises `Stop`."""
    if type(value) is not dict:
        raise Stop(WRONG_TYPE)
    fields = []
    for name, given in value.items():
        for each in given if type(given) is list else (given,):
            if each is not None:
                fields.append(f"{_quoted(name)}={_quoted(text_of(each))}")
    return "&".join(fields).encode()


def _quoted(text: str) -> str:
    try:
        return quote_plus(text)
    except UnicodeEncodeError:
        raise Stop(NOT_TEXT) from None
