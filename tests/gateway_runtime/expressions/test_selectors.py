from typing import Any

import pytest

from gateway_runtime.expressions.given import Given

from .kit import evaluate, failure, mistake


@pytest.mark.parametrize(
    ("source", "payload", "value"),
    [
        ("payload.a", {"a": 1}, 1),
        ("payload.b", {"a": 1}, None),
        ("payload['a b']", {"a b": [1]}, [1]),
        ("payload.'a b'", {"a b": 1}, 1),
        ("payload.a.b.c", {"a": {"b": None}}, None),
        ("payload.a.b", None, None),
        ("payload[0]", ["a", "b"], "a"),
        ("payload[-1]", ["a", "b"], "b"),
        ("payload[2]", ["a", "b"], None),
        ("payload[-3]", ["a", "b"], None),
        ("payload[0]", "é😀", "é"),
        ("payload[-1]", "é😀", "😀"),
        ("payload[9]", "ab", None),
        ("payload[1.0]", [1, 2], 2),
        ("payload[1e18]", [1, 2], None),
        ("payload.a", [{"a": 1}, {"b": 2}, 3, {"a": None}], [1, None]),
        ("payload.a", [], None),
        ("payload.a", [1], None),
        ("payload[payload[0]]", [1, "x"], "x"),
        ("[1, 2][1]", None, 2),
        ("'abc'[1]", None, "b"),
        ("{a: 1}.a", None, 1),
        ("{a: 1}[payload]", "a", 1),
        ("{a: 1}[payload]", "b", None),
        ("(payload default 'ab')[0]", None, "a"),
        ("splitBy(payload, ' ')[1]", "Bearer x", "x"),
        ("payload.__class__", {}, None),
        ("payload.__class__.__mro__", {"a": 1}, None),
        ("payload.keys", {"a": 1}, None),
        ("payload['__len__']", [1], None),
    ],
)
def test_parts(source: str, payload: Any, value: Any) -> None:
    assert evaluate(source, given=Given(payload=payload)) == value


@pytest.mark.parametrize(
    ("source", "payload", "code"),
    [
        ("payload.a", "text", "wrong_type"),
        ("payload.a", 5, "wrong_type"),
        ("payload.a", True, "wrong_type"),
        ("payload[0]", {"0": 1}, "wrong_type"),
        ("payload[payload]", True, "wrong_type"),
        ("[1][payload]", 0.5, "wrong_type"),
        ("[1][payload]", True, "wrong_type"),
        ("[1][payload]", None, "null_value"),
        ("{a: 1}[payload]", None, "null_value"),
        ("payload.a", b"bytes", "wrong_type"),
        ("payload.upper", "text", "wrong_type"),
        ("payload.__class__", "text", "wrong_type"),
        ("payload.real", 5, "wrong_type"),
    ],
)
def test_what_has_no_parts_fails(source: str, payload: Any, code: str) -> None:
    assert failure(source, given=Given(payload=payload)) == code


def test_values_of_other_types_have_no_parts() -> None:
    for stranger in (object(), str, print, {1}, (1,)):
        assert failure("payload.a", given=Given(payload=stranger)) == "wrong_type"
        assert failure("payload[0]", given=Given(payload=stranger)) == "wrong_type"


@pytest.mark.parametrize(
    ("source", "code", "position", "words"),
    [
        ("#[attributes.method.length]", "no_such_part", 20, "selected by numbers, from 0, but here stands a text"),
        ("#[attributes.headers[0]]", "no_such_part", 21, "selected by names, but here stands a number"),
        ("#[sizeOf('a').x]", "no_such_part", 14, "What stands before this is a number, which has no parts."),
        ("#[{name: 1}.nam]", "unknown_name", 12, "Did you mean “name”?"),
        ("#[splitBy(payload, ',').x]", "no_such_part", 24, "numbers"),
        ("#[true[0]]", "no_such_part", 7, "no parts"),
    ],
)
def test_parts_that_can_never_be_are_refused(source: str, code: str, position: int, words: str) -> None:
    found = mistake(source)
    assert (found[0], found[2]) == (code, position), found
    assert words in found[1]
