"""Operators, compiled: `++ and or default`, comparisons, `not`, `if … else`, lists. Types are checked here once."""

from collections.abc import Sequence
from typing import Any

from gateway_runtime.expressions.code import Code, Run, checked, folded, require
from gateway_runtime.expressions.errors import ExpressionError
from gateway_runtime.expressions.limits import TEXT_LENGTH
from gateway_runtime.expressions.types import BOOLEAN, Kind, Type, union
from gateway_runtime.expressions.values import ORDERS, equal, joined, ordered

_TEXT = Kind.STRING | Kind.NUMBER | Kind.BINARY
_ORDERED = Kind.STRING | Kind.NUMBER


def chain(sign: str, parts: Sequence[Code], at: int) -> Code:
    """Compile values that are joined by one operator."""
    if sign == "++":
        return _appended(parts, at)
    if sign == "default":
        return _default(parts, at)
    return _logical(sign, parts, at)


def _logical(sign: str, parts: Sequence[Code], at: int) -> Code:
    for part in parts:
        hint = " Compare it, or put what belongs to it in brackets." if part.type.has(Kind.STRING) else ""
        require(part, Kind.BOOLEAN, f"“{sign}” stands between values that are true or false", hint)
    runs = tuple(checked(part, Kind.BOOLEAN) for part in parts)
    ends_at = sign == "or"  # the value that decides without looking further
    first, second = runs[:2]

    def both(context: Any, given: Any) -> bool:
        return first(context, given) and second(context, given)

    def either(context: Any, given: Any) -> bool:
        return first(context, given) or second(context, given)

    def several(context: Any, given: Any) -> bool:
        return next((ends_at for run in runs if run(context, given) is ends_at), not ends_at)

    run = several if len(runs) > 2 else either if ends_at else both
    return folded(Code(run=run, type=BOOLEAN, at=at), parts)


def _default(parts: Sequence[Code], at: int) -> Code:
    *before, last = parts
    runs = tuple(part.run for part in before)
    otherwise = last.run

    def run(context: Any, given: Any) -> Any:
        for each in runs:
            value = each(context, given)
            if value is not None:
                return value
        return otherwise(context, given)

    kept = [Type(part.type.kinds & ~Kind.NULL, part.type.fields, part.type.items) for part in before]
    return folded(Code(run=run, type=union(*kept, last.type), at=at), parts)


def _appended(parts: Sequence[Code], at: int) -> Code:
    for part in parts:
        hint = " Put a comparison beside “++” in brackets, and write “if (…) 'yes' else 'no'” for a text."
        hint = hint if part.type.has(Kind.BOOLEAN) else ""
        require(part, _TEXT | Kind.LIST | Kind.OBJECT, "“++” joins texts, lists or objects", hint)
    groups = [kinds for kinds in (_TEXT, Kind.LIST, Kind.OBJECT) if all(part.type.has(kinds) for part in parts)]
    if not groups:
        other = next(part for part in parts if not part.type.has(_alike(parts[0].type)))
        message = f"“++” joins values of one kind: here are {parts[0].type.words} and {other.type.words}."
        raise ExpressionError(other.at, "wrong_type", message)
    kinds = Kind(0)
    for group in groups:
        kinds |= Kind.STRING if group == _TEXT else group
    holding = union(*(part.type for part in parts)) if kinds & ~Kind.STRING else None
    runs = tuple(part.run for part in parts)
    first, second = runs[:2]

    def two(context: Any, given: Any) -> Any:
        left, right = first(context, given), second(context, given)
        if type(left) is str and type(right) is str and len(left) + len(right) <= TEXT_LENGTH:
            return left + right
        return joined((left, right))

    def several(context: Any, given: Any) -> Any:
        values = [run(context, given) for run in runs]
        size = 0
        for value in values:
            if type(value) is not str:
                return joined(values)
            size += len(value)
        return "".join(values) if size <= TEXT_LENGTH else joined(values)

    type_ = Type(kinds, items=holding.items if holding else None)
    return folded(Code(run=two if len(runs) == 2 else several, type=type_, at=at), parts)


def compare(sign: str, left: Code, right: Code, at: int) -> Code:
    """Compile a comparison."""
    return _order(sign, left, right, at) if sign in ORDERS else _equality(sign, left, right, at)


def _equality(sign: str, left: Code, right: Code, at: int) -> Code:
    if not left.type.has(right.type.kinds) and Kind.NULL not in (left.type.kinds, right.type.kinds):
        message = f"{_capital(left.type.words)} never equals {right.type.words}, so “{sign}” always gives the same."
        if left.type.has(Kind.BOOLEAN) or right.type.has(Kind.BOOLEAN):
            message += " Put what is compared in brackets."
        raise ExpressionError(at, "never_equal", message)
    one, other = left.run, right.run
    same = sign == "=="
    plain = all(code.type.only(Kind.STRING | Kind.NULL) for code in (left, right))
    if right.constant and type(right.value) is str:
        value = right.value
        run: Run = (lambda c, g: one(c, g) == value) if same else (lambda c, g: one(c, g) != value)
    elif right.constant and right.value is None:
        run = (lambda c, g: one(c, g) is None) if same else (lambda c, g: one(c, g) is not None)
    elif plain:
        run = (lambda c, g: one(c, g) == other(c, g)) if same else (lambda c, g: one(c, g) != other(c, g))
    else:
        run = lambda c, g: equal(one(c, g), other(c, g), g) is same  # noqa: E731 — one of four like it
    return folded(Code(run=run, type=BOOLEAN, at=at), (left, right))


def _order(sign: str, left: Code, right: Code, at: int) -> Code:
    for part in (left, right):
        require(part, _ORDERED, f"“{sign}” compares numbers or texts")
    one, other, test = left.run, right.run, ORDERS[sign]
    if any(all(code.type.only(kind) for code in (left, right)) for kind in (Kind.NUMBER, Kind.STRING)):
        run: Run = lambda c, g: test(one(c, g), other(c, g))  # noqa: E731
    else:
        run = lambda c, g: ordered(test, one(c, g), other(c, g))  # noqa: E731
    return folded(Code(run=run, type=BOOLEAN, at=at), (left, right))


def negation(operand: Code, at: int) -> Code:
    """Compile `not`."""
    hint = " Put a comparison behind “!” in brackets." if operand.type.has(Kind.STRING) else ""
    require(operand, Kind.BOOLEAN, "“not” stands before a value that is true or false", hint)
    run = checked(operand, Kind.BOOLEAN)
    return folded(Code(run=lambda c, g: not run(c, g), type=BOOLEAN, at=at), (operand,))


def choice(condition: Code, yes: Code, no: Code, at: int) -> Code:
    """Compile `if … else`."""
    require(condition, Kind.BOOLEAN, "The condition of “if” is true or false")
    if condition.constant and condition.type == BOOLEAN:
        return yes if condition.value else no
    test, one, other = checked(condition, Kind.BOOLEAN), yes.run, no.run
    return Code(run=lambda c, g: one(c, g) if test(c, g) else other(c, g), type=union(yes.type, no.type), at=at)


def items(parts: Sequence[Code], at: int) -> Code:
    """Compile a list."""
    runs = tuple(part.run for part in parts)
    held = union(*(part.type for part in parts)) if parts else None
    code = Code(
        run=lambda c, g: [run(c, g) for run in runs],
        type=Type(Kind.LIST, items=held),
        at=at,
    )
    return folded(code, parts)


def _alike(type_: Type) -> Kind:
    """Return the kinds that can be joined to the first one of a type."""
    return _TEXT if type_.has(_TEXT) else Kind.LIST if type_.has(Kind.LIST) else Kind.OBJECT


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
