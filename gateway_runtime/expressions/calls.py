"""Calls of functions, compiled: how many values, of which kinds, and what null comes to."""

from typing import Any

from gateway_runtime.expressions.code import Code, Run, checked, folded, require
from gateway_runtime.expressions.counting import measured
from gateway_runtime.expressions.errors import ExpressionError
from gateway_runtime.expressions.function import Function
from gateway_runtime.expressions.functions import FUNCTIONS
from gateway_runtime.expressions.types import Kind, Type, type_of, union


def call(name: str, parts: list[Code], at: int, *, counted: bool) -> Code:
    """Compile a call. Raises `ExpressionError`."""
    function = FUNCTIONS[name]
    for position, (part, (words, kinds)) in enumerate(zip(parts, function.parameters, strict=False)):
        allowed = kinds | Kind.NULL if position == 0 else kinds
        hint = " Put a comparison beside it in brackets." if part.type.has(Kind.BOOLEAN) else ""
        require(part, allowed, f"The {words} of “{name}” is {Type(kinds).words}", hint)
    _check_choice(name, function, parts)
    run = _run(function, parts, counted and not function.flat)
    code = Code(run=run, type=_gives(function, parts), at=at)
    return folded(code, parts) if function.constant else code


def _check_choice(name: str, function: Function, parts: list[Code]) -> None:
    if not function.choices or len(parts) < len(function.parameters) or not parts[-1].constant:
        return
    if parts[-1].value not in function.choices:
        what = function.parameters[-1][0]
        message = f"The {what} of “{name}” is one of {', '.join(function.choices)}."
        raise ExpressionError(parts[-1].at, "unknown_value", message)


def _gives(function: Function, parts: list[Code]) -> Type:
    if parts and parts[0].type.has(Kind.NULL):
        return union(function.gives, type_of(function.of_null))
    return function.gives


def _run(function: Function, parts: list[Code], counted: bool) -> Run:
    """Null is looked at before the call, everything else that does not fit stops here."""
    do, of_null = function.call, function.of_null
    if not parts:
        return lambda context, frame: do()
    kinds = [kinds | Kind.NULL if at == 0 else kinds for at, (_, kinds) in enumerate(function.parameters)]
    reads = [checked(part, kind) for part, kind in zip(parts, kinds, strict=False)]
    if counted:
        reads = [measured(read) for read in reads]
    first, *others = reads

    def one(context: Any, frame: Any) -> Any:
        value = first(context, frame)
        return of_null if value is None else do(value)

    def one_counted(context: Any, frame: Any) -> Any:
        value = first(context, frame)
        return of_null if value is None else do(value, frame)

    def two(context: Any, frame: Any) -> Any:
        value = first(context, frame)
        return of_null if value is None else do(value, second(context, frame))

    def two_counted(context: Any, frame: Any) -> Any:
        value = first(context, frame)
        return of_null if value is None else do(value, second(context, frame), frame)

    def several(context: Any, frame: Any) -> Any:
        value = first(context, frame)
        if value is None:
            return of_null
        return do(value, *[read(context, frame) for read in others])

    run: Run = one_counted if function.spends else one
    if others:
        second = others[0]
        run = several if len(others) > 1 else two_counted if function.spends else two
    return measured(run) if counted else run
