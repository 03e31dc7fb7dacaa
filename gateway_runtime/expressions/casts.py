"""`as` and `is`: a value as one of another type, and whether it is of a type, by the names of DataWeave."""

from collections.abc import Callable
from typing import Any

from gateway_runtime.expressions.code import Code, checked, folded, require
from gateway_runtime.expressions.errors import NOT_A_BOOLEAN, Stop
from gateway_runtime.expressions.types import BOOLEAN, NUMBER, STRING, Kind, Type, kind_of, optional
from gateway_runtime.expressions.values import as_number, as_text, tidy

_PLAIN = Kind.STRING | Kind.NUMBER | Kind.BOOLEAN
KINDS: dict[str, Kind] = {
    "String": Kind.STRING, "Number": Kind.NUMBER, "Boolean": Kind.BOOLEAN, "Array": Kind.LIST, "Object": Kind.OBJECT,
    "Null": Kind.NULL, "Binary": Kind.BINARY,
}  # fmt: skip


def text_of(value: Any) -> str:
    """Return a text, number, binary data, true or false as a text. Raises `Stop`."""
    return ("true" if value else "false") if type(value) is bool else as_text(value)


def _boolean(value: Any) -> bool:
    if type(value) is bool:
        return value
    written = as_text(value).lower()
    if written not in ("true", "false"):
        raise Stop(NOT_A_BOOLEAN)
    return written == "true"


CASTS: dict[str, tuple[Callable[[Any], Any], Kind, Type]] = {
    "String": (text_of, _PLAIN | Kind.BINARY, STRING),
    "Number": (lambda value: tidy(as_number(value)), Kind.STRING | Kind.NUMBER, NUMBER),
    "Boolean": (_boolean, Kind.STRING | Kind.BOOLEAN, BOOLEAN),
}


def cast(operand: Code, name: str, at: int) -> Code:
    """Compile `operand as name`. Null stays null."""
    convert, takes, gives = CASTS[name]
    require(operand, takes | Kind.NULL, f"“as {name}” takes {Type(takes).words}")
    run = checked(operand, takes | Kind.NULL)

    def read(context: Any, frame: Any) -> Any:
        value = run(context, frame)
        return None if value is None else convert(value)

    type_ = optional(gives) if operand.type.has(Kind.NULL) else gives
    return folded(Code(run=read, type=type_, at=at), (operand,))


def is_a(operand: Code, name: str, at: int) -> Code:
    """Compile `operand is name`."""
    run, kind = operand.run, KINDS[name]
    return folded(Code(run=lambda c, f: kind_of(run(c, f)) is kind, type=BOOLEAN, at=at), (operand,))
