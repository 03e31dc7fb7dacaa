"""Calculations, compiled: `+ - * /`, the opposite of a number, and parts taken out of lists and objects (`-`, `--`)."""

import operator
from collections.abc import Callable
from typing import Any

from gateway_runtime.expressions.code import Code, checked, folded, require
from gateway_runtime.expressions.errors import ExpressionError
from gateway_runtime.expressions.types import ANY, NUMBER, Kind, Type
from gateway_runtime.expressions.values import as_number, calculated, tidy, without, without_all

_NUMBERS = Kind.NUMBER | Kind.STRING
_HOLDING = Kind.LIST | Kind.OBJECT
_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip


def calculate(sign: str, left: Code, right: Code, at: int) -> Code:
    """Compile a calculation."""
    if sign == "--":
        return _without_all(left, right, at)
    if sign == "-" and left.type.has(_HOLDING):
        return _minus(left, right, at)
    return _numbers(sign, left, right, at)


def _numbers(sign: str, left: Code, right: Code, at: int) -> Code:
    for part in (left, right):
        hint = " Texts are joined by “++”." if sign == "+" and part.type.has(Kind.LIST | Kind.OBJECT) else ""
        require(part, _NUMBERS, f"“{sign}” calculates with numbers", hint)
    if sign == "+" and left.type.only(Kind.STRING) and right.type.only(Kind.STRING):
        raise ExpressionError(at, "wrong_type", "“+” adds numbers. Texts are joined by “++”.")
    one, other, operation = left.run, right.run, _OPERATIONS[sign]
    run = lambda c, f: calculated(operation, one(c, f), other(c, f))  # noqa: E731
    return folded(Code(run=run, type=NUMBER, at=at), (left, right))


def _minus(left: Code, right: Code, at: int) -> Code:
    """What stands before it may be a number, too, as far as is known before a request."""
    if left.type.only(_HOLDING | Kind.NULL) and not left.type.has(Kind.LIST):
        require(right, Kind.STRING, "What “-” takes out of an object is a name")
    one, other = checked(left, _NUMBERS | _HOLDING), right.run

    def run(context: Any, frame: Any) -> Any:
        whole, part = one(context, frame), other(context, frame)
        kind = type(whole)
        if kind is dict or kind is list:
            return without(whole, part, frame)
        return calculated(operator.sub, whole, part)

    kinds = (left.type.kinds & _HOLDING) | (Kind.NUMBER if left.type.has(_NUMBERS) else Kind(0))
    items = left.type.items if left.type.fields is None else ANY
    return folded(Code(run=run, type=Type(kinds, items=items), at=at), (left, right))


def _without_all(left: Code, right: Code, at: int) -> Code:
    require(left, _HOLDING, "“--” takes parts out of a list or an object")
    takes = _HOLDING if left.type.has(Kind.OBJECT) else Kind.LIST
    require(right, takes, f"What “--” takes out is {Type(takes).words}")
    one, other = left.run, right.run
    items = left.type.items if left.type.fields is None else ANY
    type_ = Type(left.type.kinds & _HOLDING, items=items)
    return folded(Code(run=lambda c, f: without_all(one(c, f), other(c, f), f), type=type_, at=at), (left, right))


def opposite(operand: Code, at: int) -> Code:
    """Compile `-operand`."""
    require(operand, _NUMBERS, "“-” stands before a number")
    run = operand.run
    return folded(Code(run=lambda c, f: tidy(-as_number(run(c, f))), type=NUMBER, at=at), (operand,))
