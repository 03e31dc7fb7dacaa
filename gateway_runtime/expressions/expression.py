"""A setting that holds an expression, compiled: the entry to this package for policies and for checks.

`#[…]` alone is an expression and gives a value of its type. Where a setting takes text, expressions may also stand
inside it; the whole is a text then, in which null is nothing. `\\#[` stands for the two signs themselves.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway_runtime.expressions.casts import text_of
from gateway_runtime.expressions.code import Code, Run, checked, constant, folded
from gateway_runtime.expressions.compiler import Compiler
from gateway_runtime.expressions.counting import Frame
from gateway_runtime.expressions.errors import TOO_LARGE, UNFORESEEN, ExpressionError, Failure, Stop
from gateway_runtime.expressions.given import NOTHING, Given
from gateway_runtime.expressions.limits import SHORT, SOURCE_LENGTH, TEXT_LENGTH
from gateway_runtime.expressions.parser import Parser
from gateway_runtime.expressions.scope import Scope
from gateway_runtime.expressions.tree import Bind, Loop, Name, Node, every
from gateway_runtime.expressions.types import EVERY, STRING, Kind, Type
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.schema.expression import Gives

BEGIN, END = "#[", "]"
# JSON can bring them, but nothing can send them on.
_HALF = re.compile("[\ud800-\udfff]")
_TEXT = Kind.STRING | Kind.NUMBER | Kind.BOOLEAN | Kind.BINARY
_TAKEN = {
    Gives.STRING: (_TEXT, "a text"), Gives.BOOLEAN: (Kind.BOOLEAN, "true or false"),
    Gives.NUMBER: (Kind.NUMBER, "a number"), Gives.LIST: (Kind.LIST, "a list"),
    Gives.OBJECT: (Kind.OBJECT, "an object"), Gives.ANY: (EVERY, "anything"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled setting.

    `evaluate(context)` or `evaluate(context, given)` returns a value of the type that was asked for, None for null, or
    a `Failure`; it raises nothing. A text may hold any character, also a line end that a caller has sent: look at it
    before it goes into a header. `constant` says that `value` is what it always returns, so that nothing has to be
    evaluated per request. `uses_payload` says that the body has to be read for it. `output` is the media type that a
    script declares.
    """

    source: str
    type: Type
    evaluate: Callable[..., Any]
    constant: bool = False
    value: Any = None
    uses_payload: bool = False
    output: str = ""


def compile_setting(source: str, scope: Scope, gives: Gives = Gives.STRING, *, text: bool = False) -> Expression:
    """Compile a setting. `text` lets it be plain text, or text with expressions inside. Raises `ExpressionError`."""
    check_source(source)
    parts = _parts(source)
    whole = [(at, part) for at, part in parts if not isinstance(part, str) or part.strip()]
    if len(whole) == 1 and not isinstance(whole[0][1], str):
        return compile_tree(source, whole[0][1], scope, gives)
    if not text:
        stray = [at for at, part in whole if isinstance(part, str)] or [at for at, _ in whole[1:]] or [0]
        raise ExpressionError(stray[0], "not_an_expression", _not_alone(source))
    reads, counted = _needs([part for _, part in parts if not isinstance(part, str)])
    compiler = Compiler(scope, counted=counted)
    codes = [constant(part, at) if isinstance(part, str) else compiler.code(part) for at, part in parts]
    for code in codes:
        _check_type(code, Gives.STRING)
    made = _expression(source, _whole_text(codes), gives, compiler.places if counted else None)
    return replace(made, uses_payload=reads)


def compile_tree(source: str, tree: Node, scope: Scope, gives: Gives) -> Expression:
    """Compile a tree. Raises `ExpressionError`."""
    reads, counted = _needs([tree])
    compiler = Compiler(scope, counted=counted)
    code = compiler.code(tree)
    _check_type(code, gives)
    return replace(_expression(source, code, gives, compiler.places if counted else None), uses_payload=reads)


def _needs(trees: Sequence[Node]) -> tuple[bool, bool]:
    """Tell whether trees read the body, and whether the steps of their evaluation have to be counted."""
    nodes = [node for tree in trees for node in every(tree)]
    reads = any(type(node) is Name and node.name == "payload" for node in nodes)
    return reads, reads or len(nodes) > SHORT or any(type(node) in (Loop, Bind) for node in nodes)


def check_source(source: str) -> None:
    """Raise `ExpressionError` when a setting is too long to be read, or holds what is no character."""
    if len(source) > SOURCE_LENGTH:
        message = f"The text is too long: at most {SOURCE_LENGTH:,} characters.".replace(",", "\u202f")
        raise ExpressionError(SOURCE_LENGTH, "too_long", message)
    if half := _HALF.search(source):
        message = "Half of a pair of code units is no character. Write the character itself."
        raise ExpressionError(half.start(), "bad_character", message)


def _not_alone(source: str) -> str:
    if BEGIN in source:
        return "This setting takes one expression: nothing stands before “#[” and nothing after the last “]”."
    return "This setting takes an expression in “#[…]”, as in #[attributes.headers['x-key']]."


def _parts(source: str) -> list[tuple[int, str | Node]]:
    """Return the texts and the trees that a setting is made of, each with its place. Raises `ExpressionError`."""
    parts: list[tuple[int, str | Node]] = []
    at = 0
    while (found := source.find(BEGIN, at)) >= 0:
        if found > at and source[found - 1] == "\\":
            parts.append((at, source[at : found - 1] + BEGIN))
            at = found + len(BEGIN)
            continue
        parts.append((at, source[at:found]))
        tree, at = Parser(source, found + len(BEGIN)).read(END)
        parts.append((found, tree))
    parts.append((at, source[at:]))
    return [(at, part) for at, part in parts if part != ""]


def _whole_text(codes: Sequence[Code]) -> Code:
    # Texts that are the same for every request stand in the form already.
    form = "".join(code.value.replace("%", "%%") if type(code.value) is str else "%s" for code in codes)
    runs = tuple(code.run for code in codes if type(code.value) is not str)

    def run(context: Any, given: Any) -> str:
        written = form % tuple([
            value if type(value := each(context, given)) is str else _written(value) for each in runs
        ])  # fmt: skip
        if len(written) > TEXT_LENGTH:
            raise Stop(TOO_LARGE)
        return written

    return folded(Code(run=run, type=STRING, at=0), codes)


def _written(value: Any) -> str:
    return "" if value is None else text_of(value)


def _check_type(code: Code, gives: Gives) -> None:
    kinds, words = _TAKEN[gives]
    # What is always null is right nowhere but where anything is.
    if not code.type.has(kinds):
        given = "always null" if code.type.kinds == Kind.NULL else code.type.words
        message = f"This setting needs {words}, but the expression gives {given}."
        raise ExpressionError(code.at, "wrong_type", message)


def _expression(source: str, code: Code, gives: Gives, places: int | None) -> Expression:
    """`places` are those of the frame, None where steps need not be counted."""
    run: Callable[..., Any] = code.run
    kinds = _TAKEN[gives][0] | Kind.NULL
    if gives is Gives.STRING and not code.type.only(Kind.STRING | Kind.NULL):
        run = _as_string(run)
    elif gives is not Gives.STRING and not code.type.only(kinds):
        run = checked(code, kinds)
    evaluate = run if run is code.run and code.bare else _guarded(run) if places is None else _counted(run, places)
    if not code.constant:
        return Expression(source, code.type, evaluate)
    value = evaluate(None)
    if isinstance(value, Failure):
        raise ExpressionError(code.at, value.code, value.message)
    return Expression(source, code.type, evaluate, True, value)


def _as_string(run: Run) -> Run:
    def read(context: Any, given: Any) -> str | None:
        value = run(context, given)
        return value if value is None or type(value) is str else _written(value)

    return read


def _guarded(run: Callable[..., Any]) -> Callable[..., Any]:
    def evaluate(context: RequestContext | None, given: Given | Frame = NOTHING) -> Any:
        try:
            return run(context, given)
        except Stop as stop:
            return stop.failure
        except Exception:
            # What nobody has thought of refuses as well: an expression never takes a request down with it.
            return UNFORESEEN

    return evaluate


def _counted(run: Callable[..., Any], places: int) -> Callable[..., Any]:
    guarded = _guarded(run)

    def evaluate(context: RequestContext | None, given: Given = NOTHING) -> Any:
        return guarded(context, Frame(given, places))

    return evaluate
