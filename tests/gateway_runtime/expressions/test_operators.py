from typing import Any

import pytest

from gateway_runtime.expressions.given import Given

from .kit import evaluate, failure, message, mistake


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 == 1.0", True), ("'a' == 'a'", True), ("'a' != 'b'", True), ("null == null", True),
        ("'a' == null", False), ("'a' != null", True), ("true == true", True), ("[1, [2]] == [1, [2.0]]", True),
        ("[1] == [true]", False), ("{a: 1, b: 2} == {b: 2, a: 1}", True), ("{a: 1} == {a: true}", False),
        ("[1] != [1, 2]", True), ("{a: 1} == {b: 1}", False),
        ("1 < 2", True), ("2 <= 2", True), ("3 > 2", True), ("2 >= 3", False), ("'a' < 'b'", True),
        ("'10' < '9'", True),
        ("10 > '9'", True), ("'10' > 9", True), ("'1e3' >= 1000", True), ("-1 < 0", True),
        ("true and false", False), ("true or false", True), ("not true", False), ("!false", True),
        ("true and true and false", False), ("false or false or true", True), ("true and true and true", True),
        ("false or false or false", False), ("not true or true", True), ("not 'a' == 'b'", True),
        ("null default 'a'", "a"), ("'b' default 'a'", "b"), ("false default true", False), ("0 default 1", 0),
        ("null default null default 3", 3), ("null default null", None),
        ("'a' ++ 'b'", "ab"), ("'a' ++ 1 ++ 2.5", "a12.5"), ("1 ++ 2", "12"), ("[1] ++ [2] ++ []", [1, 2]),
        ("{a: 1, b: 1} ++ {b: 2}", {"a": 1, "b": 2}), ("'a' ++ fromBase64('Yg==')", "ab"),
        ("if (true) 1 else 'a'", 1), ("if (1 > 2) 1 else if (2 > 1) 2 else 3", 2), ("if (false) 1 else null", None),
        ("{a: 1, 'b c': [true, null]}", {"a": 1, "b c": [True, None]}), ("{}", {}), ("[]", []),
    ],
)  # fmt: skip
def test_what_operators_give(source: str, value: object) -> None:
    found = evaluate(source)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("source", "one", "two", "value"),
    [
        ("payload == vars.any", True, 1, False),
        ("payload == vars.any", 0, False, False),
        ("payload != vars.any", "a", "a", False),
        ("payload == vars.any", {"a": [1, None]}, {"a": [1.0, None]}, True),
        ("payload == vars.any", {"a": [1, None]}, {"a": [True, None]}, False),
        ("payload == vars.any", [1], {"a": 1}, False),
        ("payload == vars.any", b"a", "a", False),
        ("payload == 'a'", ["a"], None, False),
        ("payload == 1", True, None, False),
        ("payload == null", None, None, True),
        ("payload != null", 0, None, True),
        ("payload < vars.any", 2, 10, True),
        ("payload < vars.any", "2", "10", False),
        ("payload < vars.any", "2", 10, True),
        ("payload and vars.any", True, True, True),
        ("payload and vars.any", False, "not looked at", False),
        ("payload or vars.any", True, None, True),
        ("payload or vars.any or true", False, False, True),
        ("payload ++ vars.any", "a", 1, "a1"),
        ("payload ++ vars.any", [1], ["a"], [1, "a"]),
        ("payload ++ vars.any", {"a": 1}, {"a": 2}, {"a": 2}),
        ("payload default vars.any", None, 2, 2),
        ("if (payload) 1 else vars.any", False, 2, 2),
        ("not payload", False, None, True),
    ],
)
def test_what_operators_give_for_values_that_come(source: str, one: Any, two: Any, value: Any) -> None:
    found = evaluate(source, given=Given(payload=one, vars={"any": two}))
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("source", "one", "two", "code"),
    [
        ("payload < vars.any", None, 1, "null_value"),
        ("payload < vars.any", True, 1, "wrong_type"),
        ("payload < vars.any", [1], 1, "wrong_type"),
        ("payload < vars.any", "a", 1, "not_a_number"),
        ("payload < vars.any", "", 1, "not_a_number"),
        ("payload < vars.any", " 1", 1, "not_a_number"),
        ("payload < vars.any", "nan", 1, "not_a_number"),
        ("payload < vars.any", "1_0", 1, "not_a_number"),
        ("payload < vars.any", "1e999", 1, "not_a_number"),
        ("payload < vars.any", "٣", 1, "not_a_number"),
        ("payload < vars.any", "9" * 5000, 1, "not_a_number"),
        ("payload and vars.any", True, "yes", "wrong_type"),
        ("payload and vars.any", None, True, "null_value"),
        ("payload or vars.any", 1, True, "wrong_type"),
        ("not payload", None, None, "null_value"),
        ("if (payload) 1 else 2", "true", None, "wrong_type"),
        ("payload ++ vars.any", "a", None, "null_value"),
        ("payload ++ vars.any", "a", True, "wrong_type"),
        ("payload ++ vars.any", [], {}, "wrong_type"),
        ("payload ++ 'a'", ["b"], None, "wrong_type"),
        ("payload ++ 'a' ++ 'b'", None, None, "null_value"),
    ],
)
def test_values_that_do_not_fit_fail_when_they_come(source: str, one: Any, two: Any, code: str) -> None:
    assert failure(source, given=Given(payload=one, vars={"any": two})) == code


@pytest.mark.parametrize(
    ("source", "code", "position", "words"),
    [
        ("#[attributes.method == 1]", "never_equal", 20, "A text never equals a number"),
        ("#[attributes.headers['a'] == true]", "never_equal", 26, "never equals true or false"),
        ("#[attributes.method and true]", "wrong_type", 13, "“and” stands between values that are true or false"),
        ("#[true or null]", "wrong_type", 10, "this is always null"),
        ("#[not attributes.method]", "wrong_type", 17, "“not” stands before a value that is true or false"),
        ("#[!attributes.method == 'GET']", "wrong_type", 14, "in brackets"),
        ("#[if (attributes.method) 1 else 2]", "wrong_type", 17, "The condition of “if” is true or false"),
        ("#['a' ++ true]", "wrong_type", 9, "“++” joins texts, lists or objects"),
        ("#['a' ++ (1 == 1)]", "wrong_type", 12, "if (…)"),
        ("#['a' ++ 'b' == 'b']", "wrong_type", 13, "in brackets"),
        ("#['a' ++ [1]]", "wrong_type", 9, "here are a text and a list"),
        ("#[[1] ++ 2 ++ attributes.headers]", "wrong_type", 9, "here are a list and a number"),
        ("#[[1] < 2]", "wrong_type", 2, "“<” compares numbers or texts"),
        ("#[null < 2]", "wrong_type", 2, "always null"),
        ("#[1 < 'a']", "not_a_number", 4, "This always fails"),
        ("#[{a: 1, a: 2}]", "duplicate_name", 12, "“a” is there twice"),
    ],
)
def test_values_that_do_not_fit_are_refused_when_saved(source: str, code: str, position: int, words: str) -> None:
    found = mistake(source)
    assert (found[0], found[2]) == (code, position), found
    assert words in found[1]


def test_what_is_not_needed_is_not_evaluated() -> None:
    context = message()
    assert evaluate("if (true) 'a' else lower(payload)", context, Given(payload=[])) == "a"
    assert evaluate("'a' default lower(payload)", context, Given(payload=[])) == "a"
    assert evaluate("false and payload < 1", context) is False
