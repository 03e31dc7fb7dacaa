"""Schemas of both versions of OpenAPI: what they take as a body."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.specification.faults import SpecificationFault

from .documents import fits, with_body


@pytest.mark.parametrize(
    ("schema", "taken", "refused"),
    [
        ({"type": "string", "nullable": True}, [None, "a"], [1]),
        ({"type": "string"}, ["a"], [None]),
        ({"nullable": True, "allOf": [{"type": "object"}]}, [None, {}], ["a"]),
        ({"type": "integer", "minimum": 3, "exclusiveMinimum": True}, [4], [3]),
        ({"type": "integer", "minimum": 3, "exclusiveMinimum": False}, [3], [2]),
        ({"type": "integer", "maximum": 3, "exclusiveMaximum": True}, [2], [3]),
        ({"exclusiveMinimum": True}, [1], []),
        ({"type": "integer", "format": "int32"}, [2**31 - 1, -(2**31)], [2**31, 1.5]),
        ({"type": "integer", "format": "int64"}, [2**63 - 1], [2**63, 10**30]),
        ({"type": "integer", "format": "int32", "maximum": 10}, [10], [11]),
        ({"type": "integer"}, [1, 1.0, 10**30], [1.5, "1"]),
        ({"type": "string", "format": "date-time"}, ["2026-01-01T00:00:00Z"], ["yesterday"]),
        ({"type": "string", "format": "email"}, ["ada@example.org"], ["ada"]),
        ({"type": "string", "format": "uuid"}, ["123e4567-e89b-12d3-a456-426614174000"], ["1"]),
        ({"type": "string", "format": "shoe-size"}, ["44"], []),
        ({"type": "string", "pattern": "^a+$"}, ["aa"], ["b"]),
        ({"type": "string", "pattern": "^(?=.*[0-9]).{3,}$"}, ["ab1"], ["abc"]),
        ({"type": "string", "minLength": 2}, ["\u00e9\u00e9"], ["\u00e9"]),
        ({"enum": ["a", None]}, ["a", None], ["b"]),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, [1, "a"], [True]),
        ({"type": "object", "additionalProperties": False, "properties": {"a": {}}}, [{"a": 1}], [{"b": 1}]),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, [{"b": 1}], [{"b": "1"}]),
        ({"type": "object", "properties": {"$ref": {"type": "string"}}}, [{"$ref": "a"}], [{"$ref": 1}]),
        ({"type": "object", "properties": {"example": {"type": "integer"}}}, [{"example": 1}], [{"example": "a"}]),
        ({"type": "object", "required": ["id", "name"],
          "properties": {"id": {"type": "integer", "readOnly": True}, "name": {}}}, [{"name": 1}], [{"id": 1}]),
        ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, [[1, 2]], [[1, 1], ["a"]]),
        ({}, [None, 1, "a", [], {}], []),
    ],
)  # fmt: skip
def test_what_3_0_takes(schema: Any, taken: list[Any], refused: list[Any]) -> None:
    for value in taken:
        assert fits(schema, value), value
    for value in refused:
        assert not fits(schema, value), value


@pytest.mark.parametrize(
    ("schema", "taken", "refused"),
    [
        ({"type": ["string", "null"]}, [None, "a"], [1]),
        ({"type": "integer", "exclusiveMinimum": 3}, [4], [3]),
        ({"const": 1}, [1], [2]),
        ({"if": {"type": "string"}, "then": {"minLength": 2}}, ["aa", 1], ["a"]),
        ({"prefixItems": [{"type": "string"}], "items": False}, [["a"]], [["a", 1], [1]]),
        ({"dependentRequired": {"a": ["b"]}}, [{"a": 1, "b": 1}, {}], [{"a": 1}]),
        ({"dependentSchemas": {"a": {"required": ["b"]}}}, [{}], [{"a": 1}]),
        ({"patternProperties": {"^x": {"type": "integer"}}}, [{"x1": 1, "y": "a"}], [{"x1": "a"}]),
        ({"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False}, [{"a": 1}], [{"b": 1}]),
        ({"type": "string", "examples": ["a"], "$comment": "c", "x-more": 1}, ["b"], []),
        (True, [1, None], []),
        (False, [], [1, None]),
    ],
)
def test_what_3_1_takes(schema: Any, taken: list[Any], refused: list[Any]) -> None:
    for value in taken:
        assert fits(schema, value, "3.1.0"), value
    for value in refused:
        assert not fits(schema, value, "3.1.0"), value


NODE = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}, "additionalProperties": False}


def test_a_schema_may_hold_itself() -> None:
    reference = {"$ref": "#/components/schemas/Node"}
    assert fits(reference, {"next": {"next": {}}}, Node=NODE)
    assert not fits(reference, {"next": {"next": {"other": 1}}}, Node=NODE)


def test_beside_a_reference_only_3_1_reads_more() -> None:
    schema = {"$ref": "#/components/schemas/Text", "minLength": 2}
    assert fits(schema, "a", "3.0.3", Text={"type": "string"})
    assert not fits(schema, "a", "3.1.0", Text={"type": "string"})


def test_any_part_of_the_document_may_be_referred_to() -> None:
    schemas = {"A": {"type": "object", "properties": {"a/b": {"type": "integer"}}}}
    assert not fits({"$ref": "#/components/schemas/A/properties/a~1b"}, "x", **schemas)
    assert not fits({"$ref": "#/components/schemas/A/properties/a%7E1b"}, "x", **schemas)


def told(schema: Any, body: bytes, **schemas: Any) -> str:
    found = with_body(schema, **schemas)
    violation = found.body_violation(body, found.body_claim([], -1)[1])
    assert violation is not None
    return f"{violation.code}: {violation.detail}"


OPEN = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a":[1,"sesame"]}', "body_invalid: The body does not fit its schema at “/a/1” (type)."),
        (b'{"<script>":["sesame"]}', "body_invalid: The body does not fit its schema at “/…” (type)."),
        (b'"sesame"', "body_invalid: The body does not fit its schema (type)."),
        (b"sesame", "body_malformed: The body is no valid JSON in UTF-8."),
        (b"\xff", "body_malformed: The body is no valid JSON in UTF-8."),
        (b'{"a":[],"a":[1]}', "body_malformed: The body has an object in which a name is there twice."),
        (b'{"a":[],"b":{"sesame":1,"sesame" :2}}', "body_invalid: The body does not fit its schema at “/b” (type)."),
        (b"[" * 101 + b"]" * 101, "body_invalid: The body is nested deeper than 100 levels."),
        (b"[" * 1_000_000, "body_invalid: The body is nested deeper than 100 levels."),
    ],
)
def test_the_place_and_the_rule_are_said_but_no_value(body: bytes, said: str) -> None:
    assert told(OPEN, body) == said


def test_names_that_are_there_once_are_no_fault_however_they_look() -> None:
    assert fits({}, b'{"a:b":":", "c\\"":"x\\":y", "d" : {"a:b":1}, "e":[{"a":1},{"a":2}]}')
    assert not fits({}, b'{"d" : {"a:b":1, "a\\u003ab":2}}')


@pytest.mark.parametrize(
    "value", [b'"\\u003a"', b'"\\u003A"', b'"\\\\u003a"', b"1" + b"0" * 30, b'"\\n\\"\\u00e9"', b'":"']
)
def test_a_name_is_there_twice_whatever_else_is_there(value: bytes) -> None:
    assert fits({}, b'{"a":1,"b":' + value + b"}")
    assert not fits({}, b'{"a":1,"a":2,"b":' + value + b"}")
    assert not fits({}, b'{"a":' + value + b',"a":' + value + b"}")


TEXTS = st.text(st.sampled_from('a:"\\\u00e9\n'), max_size=3)
PAIRS = st.recursive(
    TEXTS | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=2) | st.lists(st.tuples(TEXTS, inner), max_size=3).map(tuple),
    max_leaves=8,
)


def as_json(value: Any, colon: str, ascii_only: bool) -> str:
    """Return a value as JSON, tuples of pairs as objects."""
    if isinstance(value, tuple):
        pairs = (as_json(n, colon, ascii_only) + colon + as_json(each, colon, ascii_only) for n, each in value)
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(as_json(each, colon, ascii_only) for each in value) + "]"
    text = json.dumps(value, ensure_ascii=ascii_only)
    return text[0] + text[1:-1].replace(":", "\\u003a") + text[-1] if ascii_only and isinstance(value, str) else text


def has_twice(value: Any) -> bool:
    if isinstance(value, tuple):
        return len(dict(value)) < len(value) or any(has_twice(each) for _, each in value)
    return isinstance(value, list) and any(has_twice(each) for each in value)


ANYTHING = with_body({})


@given(PAIRS, st.sampled_from([":", " : "]), st.booleans())
def test_a_name_that_is_there_twice_is_always_found(value: Any, colon: str, ascii_only: bool) -> None:
    body = as_json(value, colon, ascii_only).encode()
    violation = ANYTHING.body_violation(body, ANYTHING.body_claim([], -1)[1])
    assert (violation is not None) is has_twice(value)


def test_the_deepest_body_and_the_longest_chain_together_take_little_stack() -> None:
    schemas: dict[str, Any] = {f"A{n}": {"allOf": [{"$ref": f"#/components/schemas/A{n + 1}"}]} for n in range(19)}
    schemas["A19"] = {"type": "array", "items": {"$ref": "#/components/schemas/A0"}}
    value: Any = []
    for _ in range(99):
        value = [value]
    assert fits({"$ref": "#/components/schemas/A0"}, value, **schemas)
    assert not fits({"$ref": "#/components/schemas/A0"}, [value], **schemas)


def test_a_pattern_that_tries_for_ever_is_given_up() -> None:
    assert not fits({"type": "string", "pattern": r"^(?=(a+)+$)\1b"}, "a" * 5_000 + "c")


def either(*kinds: str) -> dict[str, Any]:
    back = {"$ref": "#/components/schemas/Tree"}
    return {
        "oneOf": [
            {"type": "object", "required": ["of"], "properties": {"of": back, "kind": {"enum": [kind]}}}
            for kind in kinds
        ]
    }


def nested(depth: int) -> bytes:
    return b'{"kind":"b","of":' * depth + b"1" + b"}" * depth


def test_no_place_is_said_where_alternatives_lead_back_because_looking_for_it_would_never_end() -> None:
    tree = {"$ref": "#/components/schemas/Tree"}
    assert told(tree, nested(2), Tree=either("a", "b")) == "body_invalid: The body does not fit its schema."
    assert told(tree, nested(99), Tree=either("a", "b")) == "body_invalid: The body does not fit its schema."


def test_the_place_is_said_where_each_part_leads_back_in_one_way() -> None:
    back = {"nullable": True, "allOf": [{"$ref": "#/components/schemas/Tree"}]}
    schema = {"type": "object", "properties": {"left": back, "right": back, "size": {"type": "integer"}}}
    said = told({"$ref": "#/components/schemas/Tree"}, b'{"left":{},"size":"sesame"}', Tree=schema)
    assert said == "body_invalid: The body does not fit its schema at “/size” (type)."


def test_a_schema_may_not_look_at_one_value_again_and_again() -> None:
    schemas: dict[str, Any] = {f"A{n}": {"allOf": [{"$ref": f"#/components/schemas/A{n + 1}"}] * 3} for n in range(15)}
    schemas["A15"] = {"type": "string"}
    with pytest.raises(SpecificationFault, match="looks at one value more than 10000 times"):
        with_body({"$ref": "#/components/schemas/A0"}, **schemas)
