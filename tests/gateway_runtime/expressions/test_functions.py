import re

import pytest

from gateway_runtime.expressions.functions import FUNCTIONS
from gateway_runtime.expressions.given import Given
from gateway_runtime.expressions.limits import LIST_LENGTH, TEXT_LENGTH
from gateway_runtime.expressions.types import Kind

from .kit import evaluate, failure, mistake


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("lower('ÀB')", "àb"),
        ("upper('àb')", "ÀB"),
        ("upper(1.50)", "1.5"),
        ("trim(' \\t a b \\n')", "a b"),
        ("splitBy('a,b,,c', ',')", ["a", "b", "", "c"]),
        ("splitBy('a', ',')", ["a"]),
        ("splitBy('abc', '')", ["a", "b", "c"]),
        ("'a--b' splitBy '--'", ["a", "b"]),
        ("splitBy(1.5, '.')", ["1", "5"]),
        ("sizeOf('aé😀')", 3),
        ("sizeOf([1, 2])", 2),
        ("sizeOf({a: 1})", 1),
        ("sizeOf(fromBase64('AAEC'))", 3),
        ("sizeOf(null)", 0),
        # The values of the published examples.
        ("substringBefore('', '-')", ""),
        ("substringBefore('abc', 'b')", "a"),
        ("substringBefore('abc', 'c')", "ab"),
        ("substringBefore('abc', 'd')", ""),
        ("substringBefore('abc', '')", ""),
        ("substringAfter('', '-')", ""),
        ("substringAfter('abc', 'b')", "c"),
        ("substringAfter('abcba', 'b')", "cba"),
        ("substringAfter('abc', 'd')", ""),
        ("substringAfter('abc', '')", "abc"),
        ("substringBeforeLast('', '-')", ""),
        ("substringBeforeLast('abc', 'b')", "a"),
        ("substringBeforeLast('abcba', 'b')", "abc"),
        ("substringBeforeLast('abc', 'd')", ""),
        ("substringBeforeLast('abc', '')", "ab"),
        ("substringAfterLast('', '-')", ""),
        ("substringAfterLast('abc', 'b')", "c"),
        ("substringAfterLast('abcba', 'b')", "a"),
        ("substringAfterLast('abc', 'd')", ""),
        ("substringAfterLast('abc', '')", None),
        ("substringAfterLast('a::b::c', '::')", "c"),
        ("'abc' contains 'b'", True),
        ("'abc' contains ''", True),
        ("'abc' contains 'B'", False),
        ("'a1' contains 1", True),
        ("[1, '2', true] contains 2", False),
        ("[1, '2', true] contains '2'", True),
        ("[1, '2'] contains true", False),
        ("[[1], {a: 2}] contains {a: 2}", True),
        ("[] contains null", False),
        ("[null] contains null", True),
        ("null contains 'a'", False),
        ("fromBase64('dXNlcjpwYXNz')", b"user:pass"),
        ("toString(fromBase64('dXNlcjpwYXNz'))", "user:pass"),
        ("dw::util::Coercions::toString(dw::core::Binaries::fromBase64('dXNlcjpwYXNz'), 'UTF-8')", "user:pass"),
        ("splitBy(dw::core::Binaries::fromBase64('dXNlcjpwYXNz'), ':')[0]", "user"),
        ("dw::Binaries::fromBase64('')", b""),
        ("toString(fromBase64('6Q=='), 'ISO-8859-1')", "é"),
        ("toString(12)", "12"),
        ("toString(12.0)", "12"),
        ("toString(1e22)", "1e+22"),
        ("toString(true)", "true"),
        ("toString(false)", "false"),
        ("toString('a')", "a"),
        ("'a-b-a' replace 'a' with 'cc'", "cc-b-cc"),
        ("replace('abc', '', 'x')", "abc"),
        ("replace(1.5, '.', ',')", "1,5"),
        ("'abc' startsWith 'ab'", True),
        ("endsWith('abc', 'bc')", True),
        ("startsWith(null, 'a')", False),
        ("isBlank(' \t')", True),
        ("isBlank(null)", True),
        ("isBlank('a')", False),
        ("toBase64('é')", "w6k="),
        ("toBase64(fromBase64('AAEC'))", "AAEC"),
        ("isEmpty([])", True),
        ("isEmpty({})", True),
        ("isEmpty('')", True),
        ("isEmpty(null)", True),
        ("isEmpty([null])", False),
        ("[1, 'a', true] joinBy '-'", "1-a-true"),
        ("joinBy([], ',')", ""),
        ("keysOf({a: 1, b: 2})", ["a", "b"]),
        ("namesOf({})", []),
        ("valuesOf({a: 1, b: [2]})", [1, [2]]),
        ("entriesOf({a: 1})", [{"key": "a", "value": 1}]),
        ("flatten([[1], 2, [[3]]])", [1, 2, [3]]),
        ("max([1, 2.5, 2])", 2.5),
        ("min(['b', 'a'])", "a"),
        ("max([])", None),
        ("sum([1, 2.5, '3'])", 6.5),
        ("sum([])", 0),
        ("abs(-2)", 2),
        ("round(2.5)", 3),
        ("round(-2.5)", -2),
        ("round(0.49999999999999994)", 0),
        ("floor(-1.2)", -2),
        ("ceil('1.2')", 2),
        ("7 mod 3", 1),
        ("-7 mod 3", -1),
        ("write({a: [1, null, 'é']})", '{"a":[1,null,"é"]}'),
        ("write(null)", None),
        ("read('{\"a\": 1.0}').a", 1.0),
    ],
)
def test_what_functions_give(source: str, value: object) -> None:
    found = evaluate(source)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("name", [name for name, each in FUNCTIONS.items() if each.parameters and each.of_null is None])
def test_null_gives_null(name: str) -> None:
    more = ", '1'" * (FUNCTIONS[name].required - 1)
    assert evaluate(f"{name}(null{more})") is None
    assert evaluate(f"{name}(attributes.headers['x']{more})") is None


def test_every_function_can_be_called_with_its_module() -> None:
    first = {Kind.LIST: "[1]", Kind.OBJECT: "{a: 1}", Kind.NUMBER | Kind.STRING: "1"}
    for name, function in FUNCTIONS.items():
        for module in function.modules:
            values = [first.get(kinds, "'YQ=='") for _, kinds in function.parameters[: function.required]]
            called = f"{module}::{name}({', '.join(values)})".replace("read('YQ==')", "read('1')")
            assert evaluate(called) is not None


def test_uuid_is_new_each_time() -> None:
    one, other = evaluate("[uuid(), uuid()]")
    assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one)
    assert one != other


@pytest.mark.parametrize(
    ("source", "position", "words"),
    [
        ("#[lower([1])]", 8, "The text of “lower” is a number or a text or binary data, but this gives a list."),
        ("#[lower(true)]", 8, "this gives true or false"),
        ("#[splitBy('a', null)]", 15, "this is always null"),
        ("#[sizeOf(1)]", 9, "this gives a number"),
        ("#[{a: 1} contains 'a']", 2, "this gives an object"),
        ("#['a' contains 'b' == true]", 19, "Put what is compared in brackets"),
        ("#[toString(payload, 'utf8')]", 20, "is one of UTF-8, US-ASCII, ISO-8859-1"),
        ("#[fromBase64('*')]", 2, "always fails"),
        ("#[lower]", 2, "“lower” is a function: write lower(…)."),
    ],
)
def test_values_that_do_not_fit_are_refused_when_saved(source: str, position: int, words: str) -> None:
    found = mistake(source)
    assert found[2] == position
    assert words in found[1]


@pytest.mark.parametrize(
    ("source", "payload", "code"),
    [
        ("lower(payload)", [1], "wrong_type"),
        ("lower(payload)", True, "wrong_type"),
        ("splitBy('a', payload)", None, "null_value"),
        ("sizeOf(payload)", 5, "wrong_type"),
        ("payload contains 'a'", {"a": 1}, "wrong_type"),
        ("'a' contains payload", [], "wrong_type"),
        ("fromBase64(payload)", "é", "not_base64"),
        ("fromBase64(payload)", "YQ", "not_base64"),
        ("toString(fromBase64(payload))", "6Q==", "not_text"),
        ("lower(payload)", b"\xff", "not_text"),
        ("toString(payload, payload)", b"x", "wrong_type"),
        ("toString(fromBase64('YQ=='), payload)", "rot13", "wrong_type"),
        ("'a' contains payload", None, "null_value"),
        ("'a' contains payload", True, "wrong_type"),
        ("payload joinBy ','", [1, None], "null_value"),
        ("payload joinBy ','", [[1]], "wrong_type"),
        ("max(payload)", [1, "a"], "wrong_type"),
        ("max(payload)", [1, None], "null_value"),
        ("min(payload)", [True], "wrong_type"),
        ("sum(payload)", ["a"], "not_a_number"),
        ("sum(payload)", [10**400], "no_number"),
        ("sum(payload)", [1e308, 1e308], "no_number"),
        ("round(payload)", float("inf"), "no_number"),
        ("floor(payload)", float("nan"), "no_number"),
        ("payload mod 0", 1, "no_number"),
        ("read(payload)", "{", "not_json"),
        ("read(payload)", "[" * 5000, "not_json"),
        ("write(payload)", "\udcff", "not_json"),
    ],
)
def test_values_that_do_not_fit_fail_when_they_come(source: str, payload: object, code: str) -> None:
    assert failure(source, given=Given(payload=payload)) == code


@pytest.mark.parametrize(
    "source",
    [
        "splitBy(payload, ',')",
        "splitBy(payload, '')",
        "upper(payload)",
        "lower(payload)",
        "payload ++ payload",
        "payload replace ',' with ',,'",
        "[payload, payload] joinBy ''",
        "toBase64(payload)",
        "write(payload)",
    ],
)
def test_what_functions_make_is_bounded(source: str) -> None:
    assert failure(source, given=Given(payload="," * (TEXT_LENGTH + 1))) == "too_large"


def test_as_many_parts_as_allowed_are_made() -> None:
    assert len(evaluate("splitBy(payload, ',')", given=Given(payload="," * (LIST_LENGTH - 1)))) == LIST_LENGTH
    assert failure("splitBy(payload, ',')", given=Given(payload="," * LIST_LENGTH)) == "too_large"
    assert failure("payload ++ payload", given=Given(payload=[1] * LIST_LENGTH)) == "too_large"
