"""From a tree to one closure: names are looked up, types checked and constants computed here, once."""

from dataclasses import replace
from typing import Any

from gateway_runtime.expressions import operators
from gateway_runtime.expressions.code import Code, checked, constant, folded, require
from gateway_runtime.expressions.errors import ExpressionError, nearest, quoted
from gateway_runtime.expressions.functions import FUNCTIONS, Function, function_name
from gateway_runtime.expressions.scope import Scope, Source
from gateway_runtime.expressions.selectors import select
from gateway_runtime.expressions.tree import (
    Call,
    Chain,
    Choice,
    Compare,
    Fields,
    Items,
    Literal,
    Name,
    Node,
    Not,
    Select,
)
from gateway_runtime.expressions.types import ANY, Kind, Type, type_of, union


class Compiler:
    """Compiles trees for one scope. Every method raises `ExpressionError`."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def code(self, node: Node) -> Code:
        """Return the code of a tree."""
        match node:
            case Literal():
                return constant(node.value, node.at)
            case Name():
                return self._name(node)
            case Select():
                return self._select(node)
            case Call():
                return self._call(node)
            case Chain():
                return operators.chain(node.operator, [self.code(each) for each in node.operands], node.at)
            case Compare():
                return operators.compare(node.operator, self.code(node.left), self.code(node.right), node.at)
            case Not():
                return operators.negation(self.code(node.operand), node.at)
            case Choice():
                return operators.choice(self.code(node.condition), self.code(node.yes), self.code(node.no), node.at)
            case Items():
                return operators.items([self.code(each) for each in node.items], node.at)
            case Fields():
                return operators.fields([(name, self.code(each)) for name, each in node.fields], node.at)

    # Names

    def _name(self, node: Name) -> Code:
        source = self._scope.whole(node.name)
        if source is None:
            raise self._unknown(node)
        return Code(run=source.read, type=source.type, at=node.at, bare=True)

    def _unknown(self, node: Name) -> ExpressionError:
        message = self._scope.why_not(node.name)
        if not message and function_name(node.name):
            message = f"“{node.name}” is a function: write {node.name}(…)."
        message = message or f"There is no {quoted(node.name)}.{nearest(node.name, self._scope.names)}"
        return ExpressionError(node.at, "unknown_name", message)

    def _select(self, node: Select) -> Code:
        source = self._source(node)
        if source is not None:
            code = Code(run=source.read, type=source.type, at=node.at, bare=source.sure)
            # Taken as anything, so that it is looked at.
            return code if source.sure else replace(code, run=checked(replace(code, type=ANY), source.type.kinds))
        base = self._source(node.base)
        key = self.code(node.key)
        if base is not None and base.part is not None and key.constant and type(key.value) is str:
            return self._part(base, key)
        return select(self.code(node.base), key)

    def _source(self, node: Node) -> Source | None:
        """Return what `group.name` means, None for any other tree."""
        if type(node) is not Select or type(node.base) is not Name or self._scope.whole(node.base.name) is None:
            return None
        group = self._scope.group(node.base.name)
        if group is None:
            return None
        key = self.code(node.key)
        if not key.constant or type(key.value) is not str:
            message = f"What follows “{node.base.name}” is one of its names: {', '.join(sorted(group))}."
            raise ExpressionError(node.at, "unknown_name", message)
        source = group.get(key.value)
        if source is None:
            message = self._scope.why_not(node.base.name, key.value)
            message = message or f"There is no {quoted(f'{node.base.name}.{key.value}')}.{nearest(key.value, group)}"
            raise ExpressionError(node.at, "unknown_name", message)
        return source

    def _part(self, source: Source, key: Code) -> Code:
        assert source.part is not None
        if source.lower and key.value != key.value.lower():
            message = f"Header names are lower case in expressions: write {quoted(key.value.lower())}."
            raise ExpressionError(key.at, "upper_case_header", message)
        assert source.type.items is not None
        return Code(run=source.part(key.value), type=source.type.items, at=key.at, bare=True)

    # Functions

    def _call(self, node: Call) -> Code:
        function = FUNCTIONS[node.name]
        parts = [self.code(each) for each in node.arguments]
        for position, (part, (name, kinds)) in enumerate(zip(parts, function.parameters, strict=False)):
            allowed = kinds | Kind.NULL if position == 0 else kinds
            hint = " Put a comparison beside it in brackets." if part.type.has(Kind.BOOLEAN) else ""
            require(part, allowed, f"The {name} of “{node.name}” is {Type(kinds).words}", hint)
        _check_choice(node.name, function, parts)
        code = Code(run=_run(function, parts), type=_gives(function, parts), at=node.at)
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


def _run(function: Function, parts: list[Code]) -> Any:
    call, of_null = function.call, function.of_null
    if not parts:
        return lambda context, given: call()
    # Null is looked at before the call, everything else that does not fit stops here.
    first = checked(parts[0], function.parameters[0][1] | Kind.NULL)
    if len(parts) == 1:

        def one(context: Any, given: Any) -> Any:
            value = first(context, given)
            return of_null if value is None else call(value)

        return one
    second = checked(parts[1], function.parameters[1][1])

    def two(context: Any, given: Any) -> Any:
        value = first(context, given)
        return of_null if value is None else call(value, second(context, given))

    return two
