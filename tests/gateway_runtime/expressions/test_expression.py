from typing import Any

import pytest

from gateway_runtime.expressions.errors import ExpressionError, Failure
from gateway_runtime.expressions.expression import compile_setting
from gateway_runtime.expressions.given import Given
from gateway_runtime.expressions.limits import TEXT_LENGTH
from gateway_runtime.expressions.scope import Scope
from gateway_runtime.schema.expression import Gives

from .kit import WIDE, evaluate, failure, message, mistake


@pytest.mark.parametrize(
    ("gives", "payload", "value"),
    [
        (Gives.STRING, "a", "a"), (Gives.STRING, 1, "1"), (Gives.STRING, 1.5, "1.5"), (Gives.STRING, 2.0, "2"),
        (Gives.STRING, True, "true"), (Gives.STRING, False, "false"), (Gives.STRING, b"a", "a"),
        (Gives.STRING, None, None), (Gives.STRING, 2**80, "1.2089258196146292e+24"),
        (Gives.BOOLEAN, True, True), (Gives.BOOLEAN, None, None),
        (Gives.NUMBER, 1, 1), (Gives.NUMBER, None, None),
        (Gives.LIST, [1], [1]), (Gives.OBJECT, {"a": 1}, {"a": 1}), (Gives.ANY, [1], [1]), (Gives.ANY, b"a", b"a"),
    ],
)  # fmt: skip
def test_the_result_is_of_the_type_that_is_needed(gives: Gives, payload: Any, value: Any) -> None:
    found = evaluate("payload", given=Given(payload=payload), gives=gives)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("gives", "payload", "code"),
    [
        (Gives.STRING, ["a"], "wrong_type"), (Gives.STRING, {}, "wrong_type"), (Gives.STRING, b"\xff", "not_text"),
        (Gives.STRING, object(), "wrong_type"), (Gives.BOOLEAN, "true", "wrong_type"), (Gives.BOOLEAN, 1, "wrong_type"),
        (Gives.NUMBER, "1", "wrong_type"), (Gives.NUMBER, True, "wrong_type"), (Gives.LIST, "a", "wrong_type"),
        (Gives.OBJECT, [], "wrong_type"), (Gives.STRING, 10**400, "no_number"),
    ],
)  # fmt: skip
def test_a_result_of_another_type_is_a_failure(gives: Gives, payload: Any, code: str) -> None:
    assert failure("payload", given=Given(payload=payload), gives=gives) == code


@pytest.mark.parametrize(
    ("source", "gives", "position", "words"),
    [
        (
            "#[attributes.method]",
            Gives.BOOLEAN,
            13,
            "This setting needs true or false, but the expression gives a text.",
        ),
        ("#[attributes.headers['a'] == 'b']", Gives.NUMBER, 26, "needs a number"),
        ("#[[1]]", Gives.STRING, 2, "needs a text, but the expression gives a list"),
        ("#[attributes.headers]", Gives.STRING, 13, "gives an object"),
        ("#[null]", Gives.STRING, 2, "gives always null"),
        ("#[if (true) 'a' else 1]", Gives.BOOLEAN, 12, "gives a text"),
        ("attributes.method", Gives.STRING, 0, "an expression in “#[…]”"),
        ("", Gives.STRING, 0, "an expression in “#[…]”"),
        ("x #[attributes.method]", Gives.STRING, 0, "nothing stands before"),
        ("#[attributes.method] x", Gives.STRING, 20, "nothing after"),
        ("#[attributes.method]#['a']", Gives.STRING, 20, "nothing after"),
        ("\\#[attributes.method]", Gives.STRING, 0, "takes"),
    ],
)
def test_what_can_never_be_right_is_refused(source: str, gives: Gives, position: int, words: str) -> None:
    _, sentence, at = mistake(source, scope=Scope(), gives=gives)
    assert words in sentence
    assert at == position


def test_blanks_around_an_expression_mean_nothing() -> None:
    assert evaluate("  #[ attributes.method ]\n") == "GET"
    assert evaluate("  #[ attributes.method ]\n", text=True) == "GET"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("plain text", "plain text"),
        ("", ""),
        (" ", " "),
        ("Hello #[attributes.method]!", "Hello GET!"),
        ("#[attributes.method] #[attributes.requestPath]", "GET /orders/17"),
        ("#[attributes.method]#[attributes.headers['x']]#[1 == 1]", "GETtrue"),
        ("a #[splitBy('x]y', ']')[1]] b", "a y b"),
        (r"a \#[attributes.method] b", "a #[attributes.method] b"),
        (r"\#[", "#["),
        (r"\ #[1] \\", r"\ 1 \\"),
        ("# [1] #(2) [3]", "# [1] #(2) [3]"),
        ("é😀 #['é'] #[1.0]", "é😀 é 1"),
    ],
)
def test_expressions_inside_text(source: str, value: str) -> None:
    assert evaluate(source, text=True, gives=Gives.STRING) == value


def test_a_mistake_inside_text_has_its_place() -> None:
    found = mistake("Hello #[attributes.method] and #[attributes.metod]", text=True)
    assert found[0] == "unknown_name"
    assert found[2] == 44
    assert mistake("Hello #[attributes.headers]!", text=True)[0] == "wrong_type"
    assert mistake("Hello #[1", text=True)[0] == "unexpected_end"


def test_text_that_grows_too_large_is_a_failure() -> None:
    given = Given(payload="a" * TEXT_LENGTH)
    assert failure("#[payload]!", given=given, text=True, gives=Gives.STRING) == "too_large"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("#['a' ++ 'b']", "ab"), ("#[upper('a') ++ sizeOf([1, 2])]", "A2"), ("#[1 == 1 and not false]", "true"),
        ("#[if (1 > 2) attributes.method else 'x']", "x"), ("plain", "plain"), ("a #['b'] c", "a b c"),
        ("#[splitBy('a,b', ',')[1]]", "b"), ("#[{a: [1, 'x']}.a[1]]", "x"), ("#[null default 'a']", "a"),
    ],
)  # fmt: skip
def test_constants_are_computed_when_compiled(source: str, value: str) -> None:
    compiled = compile_setting(source, Scope(), Gives.STRING, text=True)
    assert compiled.constant
    assert compiled.value == value
    assert compiled.evaluate(message()) == value


@pytest.mark.parametrize("source", ["#[attributes.method]", "#[uuid()]", "a #[attributes.method]", "#['a' ++ uuid()]"])
def test_what_depends_on_the_request_is_no_constant(source: str) -> None:
    compiled = compile_setting(source, Scope(), Gives.STRING, text=True)
    assert not compiled.constant
    assert isinstance(compiled.evaluate(message()), str)


def test_the_place_in_the_sentence_counts_from_one() -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_setting("#[attributs]", Scope())
    assert caught.value.sentence.startswith("Character 3: There is no “attributs”.")


def test_deeply_nested_values_fail_quietly() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    other: Any = []
    for _ in range(100_000):
        other = [other]
    given = Given(payload=deep, vars={"any": other})
    assert failure("payload == vars.any", given=given) == "not_evaluated"
    # Taken apart step by step: freeing it at once would need as many steps of recursion.
    while deep:
        deep, other = deep[0], other[0]


def test_failures_tell_nothing_of_the_request() -> None:
    result = evaluate("payload.a < 1", given=Given(payload={"a": "s3cret"}))
    assert isinstance(result, Failure)
    assert "s3cret" not in str(result)


def test_one_evaluation_leaves_nothing_for_the_next() -> None:
    read = compile_setting("#[attributes.headers['x-key'] default 'none']", WIDE).evaluate
    assert read(message(headers={"x-key": "a"})) == "a"
    assert read(message()) == "none"


def test_constant_text_that_is_none_is_refused() -> None:
    assert mistake("a #[fromBase64('/w==')] b", text=True)[0] == "not_text"
    assert mistake("#[fromBase64('/w==')]", gives=Gives.STRING)[0] == "not_text"


@pytest.mark.parametrize("source", ["#['a\ud800']", "#[\udcff]", "text \udfff", "#[1] \ud83d"])
def test_half_a_character_is_refused(source: str) -> None:
    code, _, position = mistake(source, text=True)
    assert code == "bad_character"
    assert "\ud800" <= source[position] <= "\udfff"
