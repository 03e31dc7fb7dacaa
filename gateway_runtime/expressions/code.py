"""A compiled part of an expression, and what the compiler does with every kind of part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway_runtime.expressions.counting import Frame
from gateway_runtime.expressions.errors import NULL_VALUE, WRONG_TYPE, ExpressionError, Stop
from gateway_runtime.expressions.given import NOTHING
from gateway_runtime.expressions.types import Kind, Type, type_of

# Takes the context and what is given beside it: a `Frame` where steps are counted, else a `Given`. Raises `Stop` where
# it cannot go on.
Run = Callable[[Any, Any], Any]
_PYTHON: dict[Kind, tuple[type, ...]] = {
    Kind.NULL: (type(None),), Kind.BOOLEAN: (bool,), Kind.NUMBER: (int, float), Kind.STRING: (str,),
    Kind.BINARY: (bytes,), Kind.LIST: (list,), Kind.OBJECT: (dict,),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """`constant` says that `value` is what it gives, whatever the request.

    `bare` says that `run` never stops and can be called with the context alone, so that nothing has to be put around.
    """

    run: Run
    type: Type
    at: int
    bare: bool = False
    constant: bool = False
    value: Any = None


def constant(value: Any, at: int) -> Code:
    """Return the code of a value that is always the same."""

    def run(context: Any, given: Any = NOTHING) -> Any:
        return value

    return Code(run=run, type=type_of(value), at=at, bare=True, constant=True, value=value)


def folded(code: Code, parts: Sequence[Code]) -> Code:
    """Return the constant that a code of constants is. Raises `ExpressionError` when it can never be evaluated."""
    if not all(part.constant for part in parts):
        return code
    try:
        value = code.run(None, Frame())
    except Stop as stop:
        raise ExpressionError(code.at, stop.failure.code, f"This always fails: {_inside(stop)}") from None
    return constant(value, code.at)


def _inside(stop: Stop) -> str:
    message = stop.failure.message
    return message[:1].lower() + message[1:]


def require(code: Code, kinds: Kind, words: str, hint: str = "") -> None:
    """Raise `ExpressionError` when a code can never give one of these kinds. `words` begin the sentence."""
    if not code.type.has(kinds):
        given = "this is always null" if code.type.kinds == Kind.NULL else f"this gives {code.type.words}"
        raise ExpressionError(code.at, "wrong_type", f"{words}, but {given}.{hint}")


def checked(code: Code, kinds: Kind) -> Run:
    """Return the run of a code that stops at values of other kinds."""
    run = code.run
    if code.type.only(kinds):
        return run
    allowed = frozenset(type_ for kind, types in _PYTHON.items() if kind & kinds for type_ in types)

    def read(context: Any, given: Any) -> Any:
        value = run(context, given)
        if type(value) not in allowed:
            raise Stop(NULL_VALUE if value is None else WRONG_TYPE)
        return value

    return read
