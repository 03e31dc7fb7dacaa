"""Values made from schemas fit them, are always the same, and are bounded."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from gateway_runtime.specification.references import References
from gateway_runtime.specification.samples import MOST_VALUES, Sampler

FORMATS = ("date", "date-time", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid", "regex")
small = st.integers(0, 5)


def sample(schema: Any, *, from_examples: bool = True, **schemas: Any) -> Any:
    references = References({"components": {"schemas": schemas}})
    return Sampler(references, from_examples=from_examples).value(schema)


@st.composite
def integers(draw: st.DrawFn) -> dict[str, Any]:
    lowest = draw(st.integers(-1000, 1000))
    schema: dict[str, Any] = {"type": draw(st.sampled_from(["integer", "number"]))}
    # As wide as a step, so that there is a value.
    step = draw(st.integers(1, 7))
    schema |= {draw(st.sampled_from(["minimum", "exclusiveMinimum"])): lowest} if draw(st.booleans()) else {}
    schema |= {draw(st.sampled_from(["maximum", "exclusiveMaximum"])): lowest + 20} if draw(st.booleans()) else {}
    return schema | ({"multipleOf": step} if draw(st.booleans()) else {})


@st.composite
def texts(draw: st.DrawFn) -> dict[str, Any]:
    least, more = draw(st.integers(0, 30)), draw(st.integers(0, 30))
    schema: dict[str, Any] = {"type": "string"}
    schema |= {"minLength": least} if draw(st.booleans()) else {}
    return schema | ({"maxLength": least + more} if draw(st.booleans()) else {})


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.builds(
        lambda items, least, more: {"type": "array", "items": items, "minItems": least, "maxItems": least + more},
        inner, small, small,
    )  # fmt: skip
    objects = st.builds(
        lambda properties, required, least: {
            "type": "object",
            "properties": properties,
            "required": sorted(required),
            "minProperties": least,
        },
        st.dictionaries(st.sampled_from("abcd"), inner, max_size=3), st.sets(st.sampled_from("abcde")), small,
    )  # fmt: skip
    choices = st.builds(lambda each: {"anyOf": each}, st.lists(inner, min_size=1, max_size=3))
    return lists | objects | choices | st.builds(lambda each: {"allOf": [each, {"description": "x"}]}, inner)


plain = (
    integers()
    | texts()
    | st.builds(lambda name: {"type": "string", "format": name}, st.sampled_from(FORMATS))
    | st.builds(lambda each: {"enum": each}, st.lists(small | st.text(max_size=3), min_size=1, max_size=3))
    | st.builds(lambda each: {"const": each}, small | st.none() | st.booleans())
    | st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"type": ["null", "integer"]}, {}, True])
)


@given(st.recursive(plain, containers, max_leaves=12))
def test_a_value_fits_its_schema(schema: Any) -> None:
    made = sample(schema)
    assert Draft202012Validator(schema, validate_formats=True).is_valid(made), made
    assert sample(schema) == made


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"example": 1, "default": 2}, 1),
        ({"examples": [3, 4]}, 3),
        ({"const": 5, "example": 1}, 5),
        ({"default": 2, "enum": [1, 2]}, 2),
        ({"type": "object", "properties": {"a": {"writeOnly": True}, "b": {"readOnly": True}}}, {"b": "string"}),
        ({"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"a": {"minimum": 4}}}]}, {"a": 4}),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, 0),
        ({"$ref": "#/components/schemas/Named"}, {"id": 7}),
        ({"type": "integer", "minimum": 3, "exclusiveMinimum": True}, 4),
        ({"type": "integer", "maximum": -3, "exclusiveMaximum": True}, -4),
        ({"type": "array", "minItems": 3, "uniqueItems": True, "items": {"type": "integer"}}, [0, 1, 2]),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "null"}], "items": False}, [0, None]),
    ],
)
def test_what_the_schema_says_comes_first(schema: Any, value: Any) -> None:
    named = {"type": "object", "properties": {"id": {"type": "integer", "example": 7}}}
    assert sample(schema, Named=named) == value


def test_examples_inside_can_be_passed_over() -> None:
    assert sample({"type": "integer", "example": 9}, from_examples=False) == 0


TREE = {"$ref": "#/components/schemas/Tree"}
WIDE = [f"property-{number}" for number in range(MOST_VALUES * 10)]


@pytest.mark.parametrize(
    "tree",
    [
        {"type": "object", "properties": {"a": TREE, "b": TREE}},
        {"type": "object", "required": ["a", "b"], "properties": {"a": TREE, "b": TREE}},
        {"type": "object", "required": WIDE, "properties": dict.fromkeys(WIDE, TREE)},
        {"type": "object", "required": WIDE},
        {"type": "array", "minItems": 10**9, "items": TREE},
        {"allOf": [TREE, TREE]},
        {"type": "object", "minProperties": 10**9, "additionalProperties": TREE},
        {"type": "array", "minItems": 100, "items": {"type": "string", "minLength": 10**9}},
    ],
)
def test_a_schema_without_end_makes_a_bounded_value(tree: Any) -> None:
    assert len(msgspec.json.encode(sample(TREE, Tree=tree))) < 100 * MOST_VALUES
