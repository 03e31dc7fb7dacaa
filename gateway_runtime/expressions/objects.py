"""Objects that are written out, compiled: fixed names, computed names, and fields that are there under a condition."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway_runtime.expressions.casts import text_of
from gateway_runtime.expressions.code import Code, Run, checked, folded, require
from gateway_runtime.expressions.errors import ExpressionError, quoted
from gateway_runtime.expressions.types import ANY, Kind, Type, optional, union

_NAME = Kind.STRING | Kind.NUMBER | Kind.BOOLEAN


class FieldCode(NamedTuple):
    """One field: a name or what computes it, its value, and what tells whether it is there."""

    key: str | Code
    value: Code
    condition: Code | None


def fields(parts: Sequence[FieldCode], at: int) -> Code:
    """Compile an object. Raises `ExpressionError` when a name is there twice."""
    parts = [_with_known_name(part) for part in parts]
    for part in parts:
        if isinstance(part.key, Code):
            require(part.key, _NAME, "The name of a field is a text")
        if part.condition is not None:
            require(part.condition, Kind.BOOLEAN, "The condition of a field is true or false")
    if all(isinstance(part.key, str) and part.condition is None for part in parts):
        return _fixed(parts, at)
    # What is written twice is no mistake where only one of them may be there: the last one counts.
    runs = [(_key(part.key), part.value.run, _condition(part.condition)) for part in parts]

    def run(context: Any, frame: Any) -> dict[str, Any]:
        made = {}
        for key, value, holds in runs:
            if holds is None or holds(context, frame):
                made[key if type(key) is str else key(context, frame)] = value(context, frame)
        return made

    type_ = Type(Kind.OBJECT, items=ANY)
    if all(isinstance(part.key, str) for part in parts):
        type_ = Type(Kind.OBJECT, fields=_types(parts))
    below = [each for part in parts for each in part if isinstance(each, Code)]
    return folded(Code(run=run, type=type_, at=at), below)


def _fixed(parts: Sequence[FieldCode], at: int) -> Code:
    seen: set[str] = set()
    for part in parts:
        assert isinstance(part.key, str)
        if part.key in seen:
            raise ExpressionError(part.value.at, "duplicate_name", f"The name {quoted(part.key)} is there twice.")
        seen.add(part.key)
    runs = tuple((part.key, part.value.run) for part in parts)
    code = Code(
        run=lambda c, g: {name: run(c, g) for name, run in runs},
        type=Type(Kind.OBJECT, fields=_types(parts)),
        at=at,
    )
    return folded(code, [part.value for part in parts])


def _types(parts: Sequence[FieldCode]) -> dict[str, Type]:
    found: dict[str, Type] = {}
    for key, value, condition in parts:
        assert isinstance(key, str)
        type_ = value.type if condition is None else optional(value.type)
        found[key] = union(found[key], type_) if key in found else type_
    return found


def _with_known_name(part: FieldCode) -> FieldCode:
    if isinstance(part.key, Code) and part.key.constant and type(part.key.value) is str:
        return part._replace(key=part.key.value)
    return part


def _key(key: str | Code) -> Any:
    if isinstance(key, str):
        return key
    run = checked(key, _NAME)

    def read(context: Any, frame: Any) -> str:
        value = run(context, frame)
        return value if type(value) is str else text_of(value)

    return read


def _condition(condition: Code | None) -> Run | None:
    return None if condition is None else checked(condition, Kind.BOOLEAN)
