"""Functions of lists and objects."""

from typing import Any

from gateway_runtime.expressions.casts import text_of
from gateway_runtime.expressions.errors import NULL_VALUE, TOO_LARGE, WRONG_TYPE, Stop
from gateway_runtime.expressions.function import TEXT, Function
from gateway_runtime.expressions.limits import LIST_LENGTH, TEXT_LENGTH
from gateway_runtime.expressions.types import BOOLEAN, EVERY, LIST, NUMBER, STRING, STRINGS, Kind, Type
from gateway_runtime.expressions.values import as_number, as_text, equal, tidy

_LIST, _OBJECT = ("list", Kind.LIST), ("object", Kind.OBJECT)


def _contains(whole: Any, part: Any, frame: Any) -> bool:
    if type(whole) is list:
        frame.spend(len(whole))
        return any(equal(item, part, frame) for item in whole)
    return as_text(part) in as_text(whole)


def _within(made: list[Any]) -> list[Any]:
    if len(made) > LIST_LENGTH:
        raise Stop(TOO_LARGE)
    return made


def _entries(whole: dict[str, Any]) -> list[Any]:
    return _within([{"key": name, "value": value} for name, value in whole.items()])


def _flatten(whole: list[Any]) -> list[Any]:
    if sum(len(item) if type(item) is list else 1 for item in whole) > LIST_LENGTH:
        raise Stop(TOO_LARGE)
    return [each for item in whole for each in (item if type(item) is list else (item,))]


def _join(whole: list[Any], separator: Any) -> str:
    separator = as_text(separator)
    size = len(separator) * len(whole)
    texts = []
    for item in whole:
        texts.append(text_of(item))
        size += len(texts[-1])
        if size > TEXT_LENGTH:
            raise Stop(TOO_LARGE)
    return separator.join(texts)


def _ordered(whole: list[Any]) -> list[Any]:
    kinds = {float if type(item) is int else type(item) for item in whole}
    if type(None) in kinds:
        raise Stop(NULL_VALUE)
    if len(kinds) > 1 or not kinds <= {float, str}:
        raise Stop(WRONG_TYPE)
    return whole


def _sum(whole: list[Any]) -> float:
    total: float = 0
    for item in whole:
        total = tidy(total + tidy(as_number(item)))
    return total


_SCALAR = Type(Kind.NUMBER | Kind.STRING | Kind.NULL)
HOLDING_FUNCTIONS: dict[str, Function] = {
    "contains": Function(
        call=_contains,
        gives=BOOLEAN,
        parameters=(("whole", TEXT | Kind.LIST), ("part", EVERY)),
        of_null=False,
        spends=True,
    ),
    "entriesOf": Function(call=_entries, gives=Type(Kind.LIST, items=Type(Kind.OBJECT)), parameters=(_OBJECT,)),
    "flatten": Function(call=_flatten, gives=LIST, parameters=(_LIST,)),
    "isEmpty": Function(
        call=lambda value: not value,
        gives=BOOLEAN,
        parameters=(("value", Kind.STRING | Kind.BINARY | Kind.LIST | Kind.OBJECT),),
        of_null=True,
        flat=True,
    ),
    "joinBy": Function(call=_join, gives=STRING, parameters=(_LIST, ("separator", TEXT))),
    "keysOf": Function(call=lambda whole: _within([*whole]), gives=STRINGS, parameters=(_OBJECT,)),
    "max": Function(call=lambda whole: max(_ordered(whole), default=None), gives=_SCALAR, parameters=(_LIST,)),
    "min": Function(call=lambda whole: min(_ordered(whole), default=None), gives=_SCALAR, parameters=(_LIST,)),
    "namesOf": Function(call=lambda whole: _within([*whole]), gives=STRINGS, parameters=(_OBJECT,)),
    "sizeOf": Function(
        call=len,
        gives=NUMBER,
        parameters=(("value", Kind.STRING | Kind.BINARY | Kind.LIST | Kind.OBJECT),),
        of_null=0,
        flat=True,
    ),
    "sum": Function(call=_sum, gives=NUMBER, parameters=(_LIST,)),
    "valuesOf": Function(call=lambda whole: _within([*whole.values()]), gives=LIST, parameters=(_OBJECT,)),
}
