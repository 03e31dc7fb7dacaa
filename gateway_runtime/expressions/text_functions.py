"""Functions of texts."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from typing import Any

from gateway_runtime.expressions.casts import text_of
from gateway_runtime.expressions.errors import NOT_BASE64, NOT_TEXT, TOO_LARGE, WRONG_TYPE, Stop
from gateway_runtime.expressions.function import STRINGS_MODULE, TEXT, Function
from gateway_runtime.expressions.limits import LIST_LENGTH, TEXT_LENGTH
from gateway_runtime.expressions.types import BINARY, BOOLEAN, STRING, STRINGS, Kind, Type
from gateway_runtime.expressions.values import as_text, within_text

_CODECS = {"UTF-8": "utf-8", "US-ASCII": "ascii", "ISO-8859-1": "latin-1"}
_BINARIES = ("dw::core::Binaries", "dw::Binaries")


def _lower(text: Any) -> str:
    return within_text(as_text(text).lower())


def _upper(text: Any) -> str:
    return within_text(as_text(text).upper())


def _trim(text: Any) -> str:
    return as_text(text).strip()


def _split(text: Any, separator: Any) -> list[str]:
    text, separator = as_text(text), as_text(separator)
    parts = text.split(separator, LIST_LENGTH) if separator else list(text[: LIST_LENGTH + 1])
    if len(parts) > LIST_LENGTH:
        raise Stop(TOO_LARGE)
    return parts


def _before(text: Any, separator: Any) -> str:
    text = as_text(text)
    at = text.find(as_text(separator))
    return text[:at] if at > 0 else ""


def _after(text: Any, separator: Any) -> str:
    text, separator = as_text(text), as_text(separator)
    at = text.find(separator)
    return text[at + len(separator) :] if at >= 0 else ""


def _last(text: str, separator: str) -> int:
    # Python searches from the end in time that can grow with the product of both lengths; from the start it does not.
    at = text[::-1].find(separator[::-1])
    return len(text) - at - len(separator) if at >= 0 else -1


def _before_last(text: Any, separator: Any) -> str:
    text, separator = as_text(text), as_text(separator)
    if not separator:
        return text[:-1]
    at = _last(text, separator)
    return text[:at] if at > 0 else ""


def _after_last(text: Any, separator: Any) -> str | None:
    text, separator = as_text(text), as_text(separator)
    if not separator:
        return None
    at = _last(text, separator)
    return text[at + len(separator) :] if at >= 0 else ""


def _replace(text: Any, part: Any, by: Any) -> str:
    text, part, by = as_text(text), as_text(part), as_text(by)
    if not part:
        return text
    # A short text may become a very long one, so its length is looked at before it is made.
    if len(text) + text.count(part) * (len(by) - len(part)) > TEXT_LENGTH:
        raise Stop(TOO_LARGE)
    return text.replace(part, by)


def _starts(text: Any, part: Any) -> bool:
    return as_text(text).startswith(as_text(part))


def _ends(text: Any, part: Any) -> bool:
    return as_text(text).endswith(as_text(part))


def _is_blank(text: Any) -> bool:
    return not as_text(text).strip()


def _from_base64(text: Any) -> bytes:
    try:
        return b64decode(as_text(text).encode("ascii"), validate=True)
    except (Base64Error, UnicodeEncodeError):
        raise Stop(NOT_BASE64) from None


def _to_base64(value: Any) -> str:
    if type(value) is not bytes:
        try:
            value = as_text(value).encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise Stop(NOT_TEXT) from None
    return within_text(b64encode(value).decode())


def _to_string(value: Any, encoding: str = "UTF-8") -> str:
    if type(value) is not bytes:
        return text_of(value)
    codec = _CODECS.get(encoding)
    if codec is None:
        raise Stop(WRONG_TYPE)
    try:
        return value.decode(codec)
    except UnicodeDecodeError:
        raise Stop(NOT_TEXT) from None


def _one(call: Callable[..., Any]) -> Function:
    return Function(call=call, gives=STRING, parameters=(("text", TEXT),))


def _two(call: Callable[..., Any], gives: Type = STRING, other: str = "separator") -> Function:
    return Function(call=call, gives=gives, parameters=(("text", TEXT), (other, TEXT)), modules=(STRINGS_MODULE,))


TEXT_FUNCTIONS: dict[str, Function] = {
    "endsWith": Function(call=_ends, gives=BOOLEAN, parameters=(("text", TEXT), ("part", TEXT)), of_null=False),
    "fromBase64": Function(call=_from_base64, gives=BINARY, parameters=(("text", TEXT),), modules=_BINARIES),
    "isBlank": Function(call=_is_blank, gives=BOOLEAN, parameters=(("text", TEXT),), of_null=True),
    "lower": _one(_lower),
    "replace": Function(call=_replace, gives=STRING, parameters=(("text", TEXT), ("part", TEXT), ("by", TEXT))),
    "splitBy": Function(call=_split, gives=STRINGS, parameters=(("text", TEXT), ("separator", TEXT))),
    "startsWith": Function(call=_starts, gives=BOOLEAN, parameters=(("text", TEXT), ("part", TEXT)), of_null=False),
    "substringAfter": _two(_after),
    "substringAfterLast": _two(_after_last, Type(Kind.STRING | Kind.NULL)),
    "substringBefore": _two(_before),
    "substringBeforeLast": _two(_before_last),
    "toBase64": Function(call=_to_base64, gives=STRING, parameters=(("value", TEXT),), modules=_BINARIES),
    "toString": Function(
        call=_to_string,
        gives=STRING,
        parameters=(("value", TEXT | Kind.BOOLEAN), ("encoding", Kind.STRING)),
        optional=1,
        modules=("dw::util::Coercions",),
        choices=tuple(_CODECS),
    ),
    "trim": _one(_trim),
    "upper": _one(_upper),
}
