"""What holds for every expression and every request, tried with generated ones."""

import ast
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from gateway_runtime import expressions
from gateway_runtime.expressions.errors import ExpressionError, Failure
from gateway_runtime.expressions.expression import Expression, compile_setting
from gateway_runtime.expressions.given import AUTHENTICATION, Given
from gateway_runtime.expressions.parser import Parser
from gateway_runtime.expressions.scope import Scope, Side
from gateway_runtime.expressions.tree import Node
from gateway_runtime.expressions.types import kind_of
from gateway_runtime.schema.expression import Gives

from .kit import WIDE, message
from .printing import printed
from .trees import HOSTILE, trees, values, words

# Large trees take long to make on a busy machine; how long they take to evaluate is looked at below.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
OF_THE_LANGUAGE = {type(None), bool, int, float, str, bytes, list, dict}
PYTHON = {Gives.STRING: str, Gives.BOOLEAN: bool, Gives.LIST: list, Gives.OBJECT: dict}
signs = st.lists(
    st.sampled_from(
        ["#[", "]", "[", "(", ")", "{", "}", "'", '"', "`", "\\", "\\u", "$(", "/*", "*/", "//", "\n", " ", "."]
    )
    | st.sampled_from(
        ["attributes", "headers", "payload", "vars", "if", "else", "not", "and", "default", "++", "==", "-"]
    )
    | st.sampled_from(
        ["map", "filter", "reduce", "->", "(a) -> a", "$", "$$", "as", "is", "Number", "?", "--", "*", "+"]
    )
    | st.sampled_from(["replace", "with", "mapObject", "(a: 1) if", "=", "/"])
    | st.sampled_from(["lower", "splitBy", "uuid", "::", ",", ":", "1", "1e999", "\ud800", "\udcff", "\x00", "\u2028"])
    | st.sampled_from(HOSTILE)
    | st.text(max_size=3),
    max_size=25,
).map("".join)


def pure(value: Any) -> bool:
    """Tell whether a value is of the language through and through."""
    if type(value) is list:
        return all(map(pure, value))
    if type(value) is dict:
        return all(type(name) is str and pure(each) for name, each in value.items())
    return type(value) in OF_THE_LANGUAGE


def compiled(source: str, gives: Gives = Gives.ANY, *, text: bool = False, scope: Scope = WIDE) -> Expression | None:
    expression, error = attempted(lambda: compile_setting(source, scope, gives, text=text))
    if error is not None:
        assert 0 <= error.position <= len(source)
        assert error.code.isidentifier()
        assert error.message.endswith((".", "?"))
    return expression


def attempted(call: Callable[[], Any]) -> tuple[Any, ExpressionError | None]:
    """Return what a call returns, or the mistake that it raises."""
    try:
        return call(), None
    except ExpressionError as error:
        return None, error


@UNHURRIED
@given(trees)
def test_a_tree_that_is_written_out_is_read_as_the_same(tree: Node) -> None:
    source = printed(tree)
    read, error = attempted(Parser(source).read)
    # Brackets around everything nest deeper than people do.
    assume(error is None or error.code not in ("too_deep", "too_long"))
    again, end = read
    assert end == len(source)
    assert again == tree
    assert printed(again) == source


@UNHURRIED
@given(trees, values, values, words, words)
def test_evaluation_never_raises_and_gives_what_was_asked_for(
    tree: Node, payload: Any, variable: Any, name: str, value: str
) -> None:
    headers = [(b"x-key", value.encode("utf-8", "surrogatepass"))]
    context = message(query=name.encode("utf-8", "surrogatepass") + b"=%ff", headers=headers)
    context.note(AUTHENTICATION, variable)
    more = Given(payload=payload, vars={"any": variable, "claimSet": variable})
    for gives in Gives:
        expression = compiled(f"#[{printed(tree)}]", gives)
        if expression is not None:
            result = expression.evaluate(context, more)
            assert isinstance(result, Failure) or pure(result)
            assert isinstance(result, Failure | None) or gives not in PYTHON or type(result) is PYTHON[gives]


@UNHURRIED
@given(trees)
def test_many_generated_trees_are_expressions(tree: Node) -> None:
    """Without this the tests beside it could pass by refusing everything."""
    assume(compiled(f"#[{printed(tree)}]") is not None)


@UNHURRIED
@given(trees, values)
def test_the_type_that_is_promised_is_kept(tree: Node, payload: Any) -> None:
    expression = compiled(f"#[{printed(tree)}]")
    assume(expression is not None)
    assert expression is not None
    result = expression.evaluate(message(), Given(payload=payload, vars={"any": payload, "claimSet": payload}))
    if not isinstance(result, Failure):
        assert expression.type.has(kind_of(result))


@UNHURRIED
@given(trees)
def test_a_constant_is_what_is_evaluated(tree: Node) -> None:
    expression = compiled(f"#[{printed(tree)}]")
    if expression is not None and expression.constant:
        assert not isinstance(expression.value, Failure)
        assert pure(expression.value)
        assert expression.evaluate(message()) == expression.value


@settings(UNHURRIED, max_examples=400)
@given(signs, st.booleans())
@example("#[payload.__class__.__base__.__subclasses__()]", False)
@example("#['{0.__class__}']", False)
@example("#[`${7*7}`]", False)
@example("#[" + "9" * 5000 + "]", False)
@example("#['\\ud800']", False)
@example("#[" * 40, True)
def test_any_text_is_compiled_or_refused_with_a_place(source: str, text: bool) -> None:
    for scope in (WIDE, Scope(side=Side.RESPONSE)):
        expression = compiled(source, text=text, scope=scope)
        if expression is not None:
            result = expression.evaluate(message(), Given(payload=source))
            assert isinstance(result, Failure) or pure(result)


@UNHURRIED
@given(values)
def test_names_of_python_are_just_names(payload: Any) -> None:
    for name in ("__class__", "__dict__", "__init__", "format", "keys", "real"):
        expression = compiled(f"#[payload.{name}]")
        assert expression is not None
        result = expression.evaluate(message(), Given(payload=payload))
        if type(payload) is dict:
            assert result is payload.get(name)
        elif type(payload) is list:
            assert result is None or all(type(each) is dict for each in payload if type(each) is dict and name in each)
        else:
            assert result is None if payload is None else isinstance(result, Failure)


@UNHURRIED
@given(values, values)
def test_equality_is_symmetric_and_keeps_kinds_apart(one: Any, other: Any) -> None:
    expression = compiled("#[[payload == vars.any, vars.any == payload, payload != vars.any]]")
    assert expression is not None
    same, turned, different = expression.evaluate(message(), Given(payload=one, vars={"any": other}))
    assert same == turned
    assert same != different
    if same:
        assert kind_of(one) == kind_of(other)


@UNHURRIED
@given(st.text(max_size=30), st.text(max_size=3))
def test_splitting_and_joining_are_opposites(text: str, separator: str) -> None:
    assume(separator)
    expression = compiled("#[splitBy(payload, vars.any)]")
    assert expression is not None
    assert separator.join(expression.evaluate(message(), Given(payload=text, vars={"any": separator}))) == text


def seconds(source: str, size: int) -> float:
    """Return how long a search takes in the text that is worst for one that tries every place."""
    expression = compiled(f"#[{source}]")
    assert expression is not None
    more = Given(payload="a" * size, vars={"any": "ab" + "a" * (size // 2)})
    best = math.inf
    for _ in range(5):
        started = time.perf_counter()
        assert not isinstance(expression.evaluate(message(), more), Failure)
        best = min(best, time.perf_counter() - started)
    return best


@pytest.mark.parametrize(
    "source",
    [
        "substringBefore(payload, vars.any)",
        "substringAfter(payload, vars.any)",
        "substringBeforeLast(payload, vars.any)",
        "substringAfterLast(payload, vars.any)",
        "splitBy(payload, vars.any)",
        "payload contains vars.any",
        "splitBy(payload, 'aaaaaaaaaaaaaaaaaaaa')",
        "upper(lower(trim(payload)))",
        "payload ++ payload ++ payload ++ payload",
        "payload == vars.any or payload < vars.any",
    ],
)
def test_time_grows_with_the_size_and_no_faster(source: str) -> None:
    # Sixteen times the size: a search in quadratic time takes 256 times as long.
    assert seconds(source, 100_000) < 64 * max(seconds(source, 6_250), 5e-5)


def test_nothing_in_the_evaluator_reaches_for_attributes_by_name() -> None:
    package = Path(expressions.__file__).parent
    forbidden = {"getattr", "setattr", "hasattr", "eval", "exec", "compile", "__import__", "vars", "globals", "locals"}
    used = [
        f"{path.name}:{node.lineno}: {node.func.id}"
        for path in package.glob("*.py")
        # It looks at descriptions of settings, never at values of a request.
        if path.name != "settings.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in forbidden
    ]
    assert used == []
