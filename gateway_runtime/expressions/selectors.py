"""Selectors, compiled: `object.name`, `list[0]`, `list.name`, `text[0]`, `object.name?`. A part not there is null."""

from typing import Any

from gateway_runtime.expressions.code import Code, folded
from gateway_runtime.expressions.errors import ExpressionError, nearest, quoted
from gateway_runtime.expressions.types import ANY, BOOLEAN, NULL, Kind, Type, optional, union
from gateway_runtime.expressions.values import selected


def select(base: Code, key: Code) -> Code:
    """Return the code of a part of a value. Raises `ExpressionError` when there can never be one."""
    type_ = _part_type(base, key)
    run, part, value = base.run, key.run, key.value
    if not key.constant:
        code = Code(run=lambda c, g: selected(run(c, g), part(c, g)), type=type_, at=key.at)
        return folded(code, (base, key))

    def read(context: Any, given: Any) -> Any:
        whole = run(context, given)
        return whole.get(value) if type(whole) is dict and by_name else selected(whole, value)

    by_name = type(value) is str
    return folded(Code(run=read, type=type_, at=key.at), (base, key))


def present(base: Code, key: Code, at: int) -> Code:
    """Return the code that tells whether a part is there, be it null. Raises `ExpressionError` as `select` does."""
    _part_type(base, key)
    run, part = base.run, key.run

    def read(context: Any, frame: Any) -> bool:
        whole, by = run(context, frame), part(context, frame)
        if type(whole) is dict and type(by) is str:
            return by in whole
        return selected(whole, by) is not None

    return folded(Code(run=read, type=BOOLEAN, at=at), (base, key))


def _part_type(base: Code, key: Code) -> Type:
    found: list[Type] = []
    if base.type.has(Kind.OBJECT) and key.type.has(Kind.STRING):
        found.append(_field_type(base.type, key))
    if base.type.has(Kind.LIST) and key.type.has(Kind.NUMBER):
        found.append(optional(base.type.items or ANY))
    if base.type.has(Kind.LIST) and key.type.has(Kind.STRING) and (base.type.items or ANY).has(Kind.OBJECT):
        found.append(Type(Kind.LIST | Kind.NULL, items=ANY))
    if base.type.has(Kind.STRING) and key.type.has(Kind.NUMBER):
        found.append(Type(Kind.STRING | Kind.NULL))
    if found:
        return union(*found, NULL) if base.type.has(Kind.NULL) else union(*found)
    if base.type.kinds == Kind.NULL:
        return NULL
    raise ExpressionError(key.at, "no_such_part", _why_none(base.type, key.type))


def _field_type(base: Type, key: Code) -> Type:
    if base.fields is None:
        return optional(base.items or ANY)
    if not key.constant:
        return union(NULL, *base.fields.values())
    if type(key.value) is not str:
        return NULL
    field = base.fields.get(key.value)
    if field is None and base.only(Kind.OBJECT | Kind.NULL):
        message = f"There is no {quoted(key.value)} in this object.{nearest(key.value, base.fields)}"
        raise ExpressionError(key.at, "unknown_name", message)
    return field or NULL


def _why_none(base: Type, key: Type) -> str:
    if base.has(Kind.LIST | Kind.STRING | Kind.OBJECT):
        by = "names" if base.only(Kind.OBJECT | Kind.NULL) else "numbers, from 0"
        return f"The parts of {base.words} are selected by {by}, but here stands {key.words}."
    return f"What stands before this is {base.words}, which has no parts."
