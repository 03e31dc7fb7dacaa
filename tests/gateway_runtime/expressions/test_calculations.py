"""Calculations, casts, objects with computed and conditional fields, and taking parts out."""

from typing import Any

import pytest

from gateway_runtime.expressions.given import Given

from .kit import evaluate, failure, message, mistake


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 + 2", 3), ("1.5 + 1.5", 3), ("7 / 2", 3.5), ("6 / 2", 3), ("2 * 3 - 1", 5), ("2 - 3", -1), ("-(1 + 2)", -3),
        ("'5' + 1", 6), ("'5' * '2'", 10), ("-'5'", -5), ("9007199254740992 + 1", float(2**53)),
        ("0.1 + 0.2", 0.1 + 0.2),
        ("{a: 1, b: 2} - 'a'", {"b": 2}), ("{a: 1} - 'z'", {"a": 1}), ("[1, 2, 1.0] - 1", [2]), ("[1] - '1'", [1]),
        ("{a: 1, b: 2, c: 3} -- ['a', 'c']", {"b": 2}), ("{a: 1, b: 2} -- {a: 9}", {"b": 2}),
        ("[1, 2, 3, 2] -- [2, 9]", [1, 3]), ("[{a: 1}] -- [{a: 1.0}]", []),
        ("'17' as Number", 17), ("'1.50' as Number", 1.5), ("17 as String", "17"), ("1.0 as String", "1"),
        ("true as String", "true"), ("'True' as Boolean", True), ("false as Boolean", False), ("null as Number", None),
        ("'1' as Number + 1", 2), ("'a' is String", True), ("1 is String", False), ("null is Null", True),
        ("[] is Array", True), ("{} is Object", True), ("true is Boolean", True), ("1.5 is Number", True),
        ("fromBase64('') is Binary", True),
        ("{('a' ++ 'b'): 1}", {"ab": 1}), ("{(1): 1, (true): 2}", {"1": 1, "true": 2}), ("{('a'): 1}.a", 1),
        ("{(a: 1) if true, (b: 2) if false, c: 3}", {"a": 1, "c": 3}), ("{(('a' ++ '1'): 1) if (1 < 2)}", {"a1": 1}),
        ("{(a: 1) if false, (a: 2) if true}", {"a": 2}), ("{(a: 1) if (attributes.method == 'X')}.a", None),
        ("{a: 1}.a?", True), ("{a: null}.a?", True), ("null.a?", False), ("[1][0]?", True), ("[1][1]?", False),
    ],
)  # fmt: skip
def test_what_they_give(source: str, value: Any) -> None:
    found = evaluate(source)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("source", "payload", "value"),
    [
        ("payload.a - payload.b", {"a": 3, "b": "1"}, 2),
        ("payload - 'secret'", {"id": 1, "secret": 2}, {"id": 1}),
        ("payload -- ['a', 'b']", {"a": 1, "b": 2, "c": 3}, {"c": 3}),
        ("payload.a?", {"a": None}, True),
        ("payload.a?", {}, False),
        ("payload.a?", [{"a": 1}], True),
        ("payload.a?", [1], False),
        ("payload['a']?", None, False),
        ("{(payload): 1}", "x", {"x": 1}),
        ("{(payload): 1}", 5, {"5": 1}),
        ("{(a: payload) if payload != null}", None, {}),
        ("(payload - 'a').b", {"a": 1, "b": 2}, 2),
    ],
)
def test_what_they_give_for_values_that_come(source: str, payload: Any, value: Any) -> None:
    assert evaluate(source, given=Given(payload=payload)) == value


@pytest.mark.parametrize(
    ("source", "payload", "code"),
    [
        ("payload + 1", None, "null_value"),
        ("payload + 1", True, "wrong_type"),
        ("payload + 1", "a", "not_a_number"),
        ("payload + 1", [], "wrong_type"),
        ("1 / payload", 0, "no_number"),
        ("payload * payload", 1e308, "no_number"),
        ("payload * 2", 10**400, "no_number"),
        ("payload + 0", 10**400, "no_number"),
        ("payload + 0", float("nan"), "no_number"),
        ("-payload", 10**400, "no_number"),
        ("payload - 1", True, "wrong_type"),
        ("payload - null", {}, "null_value"),
        ("payload - 1", {}, "wrong_type"),
        ("payload -- ['a']", "a", "wrong_type"),
        ("payload -- ['a']", None, "null_value"),
        ("payload -- [1]", {}, "wrong_type"),
        ("payload -- {a: 1}", [], "wrong_type"),
        ("payload as Number", "x", "not_a_number"),
        ("payload as Number", [], "wrong_type"),
        ("payload as Boolean", "yes", "not_a_boolean"),
        ("payload as String", {}, "wrong_type"),
        ("payload as String", b"\xff", "not_text"),
        ("{(payload): 1}", None, "null_value"),
        ("{(payload): 1}", [], "wrong_type"),
        ("{(a: 1) if payload}", "true", "wrong_type"),
        ("payload.a?", "text", "wrong_type"),
    ],
)
def test_values_that_do_not_fit_fail_when_they_come(source: str, payload: Any, code: str) -> None:
    assert failure(source, given=Given(payload=payload)) == code


@pytest.mark.parametrize(
    ("source", "code", "position", "words"),
    [
        ("#[attributes.method + 'a']", "wrong_type", 20, "Texts are joined by “++”"),
        ("#[1 + [2]]", "wrong_type", 6, "“+” calculates with numbers, but this gives a list"),
        ("#[true * 2]", "wrong_type", 2, "“*” calculates with numbers"),
        ("#[1 / 0]", "no_number", 4, "This always fails"),
        ("#[-[1]]", "wrong_type", 3, "“-” stands before a number"),
        ("#[{a: 1} - 5]", "wrong_type", 11, "What “-” takes out of an object is a name"),
        ("#['a' -- 'b']", "wrong_type", 2, "“--” takes parts out of a list or an object"),
        ("#[[1] -- {a: 1}]", "wrong_type", 9, "What “--” takes out is a list, but this gives an object"),
        ("#[[1] as String]", "wrong_type", 2, "“as String” takes true or false or a number or a text"),
        ("#['x' as Number]", "not_a_number", 6, "This always fails"),
        ("#[{([1]): 1}]", "wrong_type", 4, "The name of a field is a text"),
        ("#[{(a: 1) if 'x'}]", "wrong_type", 13, "The condition of a field is true or false"),
        ("#[{('a'): 1, a: 2}]", "duplicate_name", 16, "“a” is there twice"),
        ("#[(payload -- ['a']).b - true * 2]", "wrong_type", 25, "calculates with numbers"),
        ("#[attributes.headers.'X-A'?]", "upper_case_header", 21, "“x-a”"),
    ],
)
def test_values_that_do_not_fit_are_refused_when_saved(source: str, code: str, position: int, words: str) -> None:
    found = mistake(source)
    assert (found[0], found[2]) == (code, position), found
    assert words in found[1]


def test_whether_a_header_is_there() -> None:
    source = "attributes.headers.'x-key'? and not attributes.queryParams.q?"
    assert evaluate(source, message(headers={"x-key": ""})) is True
    assert evaluate(source, message(query=b"q=1", headers={"x-key": "1"})) is False


def test_whether_a_name_that_is_known_beforehand_is_there() -> None:
    assert evaluate("attributes.scheme?") is False
    assert evaluate("attributes.scheme?", given=Given(scheme="https")) is True
    assert evaluate("authentication.clientId? or vars.any?") is False
    assert evaluate("vars.any?", given=Given(vars={"any": 0})) is True
    assert mistake("#[attributes.metod?]")[0] == "unknown_name"
