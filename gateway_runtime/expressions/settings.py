"""The settings of policies that take expressions: found in a `Config` by their descriptions, and checked."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import msgspec

from gateway_runtime.expressions.errors import ExpressionError
from gateway_runtime.expressions.expression import Expression, compile_setting
from gateway_runtime.expressions.scope import Scope, Side
from gateway_runtime.expressions.script import compile_script
from gateway_runtime.expressions.types import ANY, BOOLEAN, LIST, NUMBER, OBJECT, STRING, Type
from gateway_runtime.schema.expression import KEY, ExpressionSetting, Gives
from gateway_runtime.schema.faults import ConfigFault

_TYPES: dict[Gives, Type] = {
    Gives.STRING: STRING, Gives.BOOLEAN: BOOLEAN, Gives.NUMBER: NUMBER, Gives.LIST: LIST, Gives.OBJECT: OBJECT,
    Gives.ANY: ANY,
}  # fmt: skip
_STEP = re.compile(r"\[[^\]]*\]|[^.\[\]]+")
# Calls back with the path, the description and the text of every expression below a value.
_Look = Callable[[Any, str], Iterator[tuple[str, ExpressionSetting, str]]]


@cache
def _scope(side: Side, payload: bool, variables: tuple[tuple[str, Gives], ...]) -> Scope:
    return Scope(
        side=side,
        payload=payload,
        variables={name: _TYPES[gives] for name, gives in variables},
    )


def compile_for(takes: ExpressionSetting, source: str) -> Expression:
    """Compile the text of a setting. Raises `ExpressionError`.

    For `build`: what was saved has been checked by the same words, so nothing is raised there.
    """
    side = Side.EITHER if takes.either else Side.RESPONSE if takes.response else Side.REQUEST
    scope = _scope(side, takes.payload, tuple(takes.variables.items()))
    if takes.script:
        return compile_script(source, scope, takes.gives, takes.outputs)
    return compile_setting(source, scope, takes.gives, text=takes.text)


def check_expression(takes: ExpressionSetting, source: str, path: str = "") -> None:
    """Raise `ConfigFault` at `path` when a text cannot be the value of a setting."""
    try:
        compile_for(takes, source)
    except ExpressionError as error:
        raise ConfigFault(path, error.code, error.sentence, error.position) from error


def check_expressions(config: msgspec.Struct) -> None:
    """Check every expression of a policy's settings, defaults too. Raises `ConfigFault` with the setting's path."""
    look = _look_in(type(config))
    if look is not None:
        for path, takes, source in look(config, ""):
            check_expression(takes, source, path)


def expression_setting(config: type[msgspec.Struct], path: str) -> ExpressionSetting | None:
    """Return what the setting at a path (`inboundHeaders[0].value`) takes, None where it takes no expression."""
    info: Any = msgspec.inspect.type_info(config)
    takes: ExpressionSetting | None = None
    for step in _STEP.findall(path):
        _, info = _described(info)
        if step.startswith("["):
            info = getattr(info, "item_type", None) or getattr(info, "value_type", None)
        else:
            info = next((f.type for f in getattr(info, "fields", ()) if f.encode_name == step), None)
            takes = None
        takes = _described(info)[0] or takes
    return takes


def _described(info: Any) -> tuple[ExpressionSetting | None, Any]:
    """Return what a type says about its expressions, and the type without annotations and without “or none”."""
    takes: ExpressionSetting | None = None
    while isinstance(info, msgspec.inspect.Metadata | msgspec.inspect.UnionType):
        if isinstance(info, msgspec.inspect.Metadata):
            takes = (info.extra or {}).get(KEY) or takes
            info = info.type
        else:
            # Where a setting takes an expression or something else, the text is the expression.
            types = [each for each in info.types if not isinstance(each, msgspec.inspect.NoneType)]
            texts = [each for each in types if isinstance(_described(each)[1], msgspec.inspect.StrType)]
            info = (texts or types)[0]
    return takes, info


@cache
def _look_in(config: type[msgspec.Struct]) -> _Look | None:
    info = msgspec.inspect.type_info(config)
    looks = [
        (field.name, field.encode_name, look)
        for field in info.fields  # type: ignore[attr-defined]
        if (look := _look(field.type, None)) is not None
    ]
    if not looks:
        return None

    def inside(value: Any, path: str) -> Iterator[tuple[str, ExpressionSetting, str]]:
        # A setting that may be something else than this struct has nothing of it.
        if type(value) is config:
            for name, wire_name, look in looks:
                yield from look(getattr(value, name), f"{path}.{wire_name}" if path else wire_name)

    return inside


def _look(info: Any, outer: ExpressionSetting | None) -> _Look | None:
    takes, info = _described(info)
    takes = takes or outer
    if isinstance(info, msgspec.inspect.StructType):
        return _look_in(info.cls)
    if takes is not None and isinstance(info, msgspec.inspect.StrType | msgspec.inspect.AnyType):
        return _text(takes)
    inner = getattr(info, "item_type", None) or getattr(info, "value_type", None)
    look = _look(inner, takes) if inner is not None else None
    return _each(look) if look is not None else None


def _text(takes: ExpressionSetting) -> _Look:
    def look(value: Any, path: str) -> Iterator[tuple[str, ExpressionSetting, str]]:
        if type(value) is str:
            yield path, takes, value

    return look


def _each(look: _Look) -> _Look:
    def each(value: Any, path: str) -> Iterator[tuple[str, ExpressionSetting, str]]:
        if isinstance(value, Mapping):
            for name, item in value.items():
                yield from look(item, f"{path}.{name}")
        elif isinstance(value, list | tuple):
            for index, item in enumerate(value):
                yield from look(item, f"{path}[{index}]")

    return each
