"""From a tree to one closure: names are looked up, types checked and constants computed here, once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from gateway_runtime.expressions import operators
from gateway_runtime.expressions.calculations import calculate, opposite
from gateway_runtime.expressions.calls import call
from gateway_runtime.expressions.casts import cast, is_a
from gateway_runtime.expressions.code import Code, checked, constant, require
from gateway_runtime.expressions.counting import measured
from gateway_runtime.expressions.errors import ExpressionError, nearest, quoted
from gateway_runtime.expressions.functions import function_name
from gateway_runtime.expressions.loops import LOOPS, loop, loop_name, parameter_types, reduction
from gateway_runtime.expressions.objects import FieldCode, fields
from gateway_runtime.expressions.scope import Scope, Source
from gateway_runtime.expressions.selectors import present, select
from gateway_runtime.expressions.tree import (
    Bind,
    Calculate,
    Call,
    Chain,
    Choice,
    Compare,
    Field,
    Fields,
    Items,
    Literal,
    Loop,
    Name,
    Negative,
    Node,
    Not,
    Present,
    Select,
    Typed,
)
from gateway_runtime.expressions.types import ANY, BOOLEAN, Kind, Type


class Compiler:
    """Compiles trees for one scope. Every method raises `ExpressionError`."""

    def __init__(self, scope: Scope, *, counted: bool = False) -> None:
        self._scope = scope
        self._counted = counted
        # Places in the frame: of the names that are known now, and how many there are at most.
        self._own: dict[str, tuple[int, Type]] = {}
        self._used = 0
        self.places = 0
        self._parts = 0

    def code(self, node: Node) -> Code:
        """Return the code of a tree."""
        self._parts += 1
        match node:
            case Literal():
                return constant(node.value, node.at)
            case Name():
                return self._name(node)
            case Select():
                return self._select(node)
            case Present():
                return self._present(node)
            case Call():
                return call(node.name, [self.code(each) for each in node.arguments], node.at, counted=self._counted)
            case Chain():
                return self._paid(operators.chain(node.operator, [self.code(each) for each in node.operands], node.at))
            case Compare():
                return operators.compare(node.operator, self.code(node.left), self.code(node.right), node.at)
            case Calculate():
                return calculate(node.operator, self.code(node.left), self.code(node.right), node.at)
            case Negative():
                return opposite(self.code(node.operand), node.at)
            case Typed():
                return self._typed(node)
            case Loop():
                return self._loop(node)
            case Bind():
                return self._bind(node)
            case Not():
                return operators.negation(self.code(node.operand), node.at)
            case Choice():
                return operators.choice(self.code(node.condition), self.code(node.yes), self.code(node.no), node.at)
            case Items():
                return operators.items([self.code(each) for each in node.items], node.at)
            case Fields():
                return fields([self._field(each) for each in node.fields], node.at)

    def _field(self, field: Field) -> FieldCode:
        key = field.key if isinstance(field.key, str) else self.code(field.key)
        condition = None if field.condition is None else self.code(field.condition)
        return FieldCode(key, self.code(field.value), condition)

    def _typed(self, node: Typed) -> Code:
        compile_ = cast if node.operator == "as" else is_a
        return self._paid(compile_(self.code(node.operand), node.type, node.at))

    def _paid(self, code: Code) -> Code:
        """Return a code whose values are paid for, where steps are counted."""
        return replace(code, run=measured(code.run)) if self._counted and not code.constant else code

    # Names

    def _name(self, node: Name) -> Code:
        own = self._own.get(node.name)
        if own is not None:
            place, type_ = own
            return Code(run=lambda context, frame: frame.places[place], type=type_, at=node.at)
        source = self._scope.whole(node.name)
        if source is None:
            raise self._unknown(node)
        return Code(run=source.read, type=source.type, at=node.at, bare=source.sure)

    def _unknown(self, node: Name) -> ExpressionError:
        message = self._scope.why_not(node.name)
        if node.name.startswith("$"):
            message = "“$” stands for the part of a list or an object in a function, as in payload map $.id."
        if not message and (function_name(node.name) or loop_name(node.name)):
            message = f"“{node.name}” is a function: write {node.name}(…)."
        message = message or f"There is no {quoted(node.name)}.{nearest(node.name, [*self._scope.names, *self._own])}"
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
        return select(self._base(node.base, key), key)

    def _present(self, node: Present) -> Code:
        named = Select(node.base, node.key, node.at)
        source, key = self._source(node.base), self.code(node.key)
        has_parts = source is not None and source.part is not None and key.constant and type(key.value) is str
        if has_parts or self._source(named) is not None:
            # Names that are known beforehand are there when they are not null.
            there = self._select(named).run
            return Code(run=lambda context, frame: there(context, frame) is not None, type=BOOLEAN, at=node.at)
        return present(self._base(node.base, key), key, node.at)

    def _base(self, node: Node, key: Code) -> Code:
        base = self.code(node)
        # A name is looked for in every item of a list.
        return self._paid(base) if base.type.has(Kind.LIST) and key.type.has(Kind.STRING) else base

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

    # Names of the expression's own

    @contextmanager
    def _known(self, names: Sequence[str], types: Sequence[Type]) -> Iterator[tuple[int, ...]]:
        """Let an expression use names of its own, and return their places in the frame."""
        before, begin = self._own, self._used
        places = tuple(range(begin, begin + len(names)))
        self._own = {
            **before,
            **{name: (place, type_) for name, place, type_ in zip(names, places, types, strict=False)},
        }
        self._used = begin + len(names)
        self.places = max(self.places, self._used)
        try:
            yield places
        finally:
            # What stands beside uses the same places: neither is read while the other runs.
            self._own, self._used = before, begin

    def _bind(self, node: Bind) -> Code:
        value = self.code(node.value)
        with self._known((node.name,), (value.type,)) as (place,):
            body = self.code(node.body)
        read, run = value.run, body.run

        def bound(context: Any, frame: Any) -> Any:
            frame.places[place] = read(context, frame)
            return run(context, frame)

        return Code(run=bound, type=body.type, at=body.at)

    def _loop(self, node: Loop) -> Code:
        whole, kind = self.code(node.whole), LOOPS[node.name]
        require(whole, kind.over | Kind.NULL, f"“{node.name}” goes through {Type(kind.over).words}")
        start = None if node.start is None else self.code(node.start)
        types = parameter_types(kind, whole.type) if node.name != "reduce" else (whole.type.items or ANY, ANY)
        parts = self._parts
        with self._known(node.parameters, types) as places:
            body = self.code(node.body)
        require(body, kind.body, f"What “{node.name}” does with each part gives {Type(kind.body).words}")
        cost = self._parts - parts + 1
        if node.name == "reduce":
            return reduction(whole, body, start, places, cost)
        return loop(node.name, whole, body, places, cost)
