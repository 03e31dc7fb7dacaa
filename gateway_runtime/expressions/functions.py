"""The functions there are: their values, their types and what they do. All but `uuid` depend on their values alone."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from gateway_runtime.expressions.errors import (
    NOT_BASE64,
    NOT_TEXT,
    TOO_LARGE,
    WRONG_TYPE,
    Stop,
)
from gateway_runtime.expressions.limits import LIST_LENGTH
from gateway_runtime.expressions.types import BINARY, BOOLEAN, NUMBER, STRING, STRINGS, Kind, Type
from gateway_runtime.expressions.values import as_text, equal, within_text

_TEXT = Kind.STRING | Kind.NUMBER | Kind.BINARY
_CORE, _STRINGS = "dw::Core", "dw::core::Strings"
_CODECS = {"UTF-8": "utf-8", "US-ASCII": "ascii", "ISO-8859-1": "latin-1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """`parameters` are names and allowed kinds; null is allowed for the first where `of_null` says what comes out.

    `call` gets the values and raises `Stop` where it cannot go on.
    """

    call: Callable[..., Any]
    gives: Type
    parameters: tuple[tuple[str, Kind], ...] = ()
    optional: int = 0
    of_null: Any = None
    constant: bool = True
    modules: tuple[str, ...] = (_CORE,)
    choices: tuple[str, ...] = ()  # the only values of the last parameter

    @property
    def required(self) -> int:
        """Return how many values must be given."""
        return len(self.parameters) - self.optional

    @property
    def takes(self) -> str:
        """Say which values it takes."""
        names = [name for name, _ in self.parameters]
        if not names:
            return "no values"
        needed = f"{len(names)} values" if len(names) > 1 else "one value"
        if self.optional:
            needed = f"{self.required} or {len(names)} values"
        return f"{needed}: {', '.join(names)}"


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


def _contains(whole: Any, part: Any) -> bool:
    if type(whole) is list:
        return any(equal(item, part) for item in whole)
    if type(part) not in (str, int, float, bytes):
        raise Stop(WRONG_TYPE)
    return as_text(part) in as_text(whole)


def _uuid() -> str:
    return str(uuid4())


def _from_base64(text: Any) -> bytes:
    try:
        return b64decode(as_text(text).encode("ascii"), validate=True)
    except (Base64Error, UnicodeEncodeError):
        raise Stop(NOT_BASE64) from None


def _to_string(value: Any, encoding: str = "UTF-8") -> str:
    if type(value) is not bytes:
        return "true" if value is True else "false" if value is False else as_text(value)
    codec = _CODECS.get(encoding)
    if codec is None:
        raise Stop(WRONG_TYPE)
    try:
        return value.decode(codec)
    except UnicodeDecodeError:
        raise Stop(NOT_TEXT) from None


def _two_texts(call: Callable[..., Any], gives: Type = STRING) -> Function:
    return Function(call=call, gives=gives, parameters=(("text", _TEXT), ("separator", _TEXT)), modules=(_STRINGS,))


FUNCTIONS: dict[str, Function] = {
    "contains": Function(
        call=_contains,
        gives=BOOLEAN,
        parameters=(("whole", _TEXT | Kind.LIST), ("part", Kind(127))),
        of_null=False,
    ),
    "fromBase64": Function(
        call=_from_base64,
        gives=BINARY,
        parameters=(("text", _TEXT),),
        modules=("dw::core::Binaries", "dw::Binaries"),
    ),
    "lower": Function(call=_lower, gives=STRING, parameters=(("text", _TEXT),)),
    "sizeOf": Function(
        call=len,
        gives=NUMBER,
        parameters=(("value", Kind.STRING | Kind.BINARY | Kind.LIST | Kind.OBJECT),),
        of_null=0,
    ),
    "splitBy": Function(call=_split, gives=STRINGS, parameters=(("text", _TEXT), ("separator", _TEXT))),
    "substringAfter": _two_texts(_after),
    "substringAfterLast": _two_texts(_after_last, Type(Kind.STRING | Kind.NULL)),
    "substringBefore": _two_texts(_before),
    "substringBeforeLast": _two_texts(_before_last),
    "toString": Function(
        call=_to_string,
        gives=STRING,
        parameters=(("value", _TEXT | Kind.BOOLEAN), ("encoding", Kind.STRING)),
        optional=1,
        modules=("dw::util::Coercions",),
        choices=tuple(_CODECS),
    ),
    "trim": Function(call=_trim, gives=STRING, parameters=(("text", _TEXT),)),
    "upper": Function(call=_upper, gives=STRING, parameters=(("text", _TEXT),)),
    "uuid": Function(call=_uuid, gives=STRING, constant=False),
}


def function_name(written: str) -> str | None:
    """Return the function that a name means, with or without its module; None where there is none."""
    module, _, name = written.rpartition("::")
    function = FUNCTIONS.get(name)
    return None if function is None or (module and module not in function.modules) else name
