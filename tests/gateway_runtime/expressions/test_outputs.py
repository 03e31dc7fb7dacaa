"""Results of scripts as bodies of each media type, and what cannot be written."""

import json
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.expressions.errors import Failure
from gateway_runtime.expressions.outputs import written
from gateway_runtime.expressions.payload import read_payload

from .trees import values

FORM = "application/x-www-form-urlencoded"
XML = b"<?xml version='1.0' encoding='UTF-8'?>\n"


@pytest.mark.parametrize(
    ("value", "output", "body", "kind"),
    [
        ({"a": [1, None, "é"]}, "application/json", '{"a":[1,null,"é"]}'.encode(), b"application/json"),
        (None, "application/json", b"null", b"application/json"),
        ({"a": 1}, "application/problem+json", b'{"a":1}', b"application/problem+json"),
        ({"a": b"xx"}, "application/json", b'{"a":"eHg="}', b"application/json"),
        ("text", "text/plain", b"text", b"text/plain; charset=utf-8"),
        (17, "text/plain", b"17", b"text/plain; charset=utf-8"),
        (True, "text/plain", b"true", b"text/plain; charset=utf-8"),
        (None, "text/plain", b"", b"text/plain; charset=utf-8"),
        (b"\xff", "text/plain", b"\xff", b"text/plain; charset=utf-8"),
        ({"a b": "é&", "c": [1, True], "d": None}, FORM, b"a+b=%C3%A9%26&c=1&c=true", FORM.encode()),
        ("already=written", FORM, b"already=written", FORM.encode()),
        (
            {"order": {"id": 1, "line": [{"sku": "<&>"}, None], "none": []}},
            "application/xml",
            XML + b"<order><id>1</id><line><sku>&lt;&amp;&gt;</sku></line><line/></order>",
            b"application/xml",
        ),
        ({"a": "é\r"}, "text/xml", XML + "<a>é&#13;</a>".encode(), b"text/xml; charset=utf-8"),
    ],
)
def test_what_a_declared_output_is(value: Any, output: str, body: bytes, kind: bytes) -> None:
    assert written(value, output, b"application/json") == (body, kind)


@pytest.mark.parametrize(
    ("value", "present", "body", "kind"),
    [
        ({"a": 1}, b"application/json; charset=utf-8", b'{"a":1}', b"application/json; charset=utf-8"),
        ("a", b"application/vnd.shop+json", b'"a"', b"application/vnd.shop+json"),
        ({"a": 1}, b'application/json; charset="ISO-8859-1"', b'{"a":1}', b"application/json; charset=utf-8"),
        ({"a": 1}, FORM.encode(), b"a=1", FORM.encode()),
        ({"a": 1}, b"application/soap+xml", XML + b"<a>1</a>", b"application/soap+xml"),
        ("<a/>", b"text/xml", b"<a/>", b"text/xml"),
        ("a", b"text/html", b"a", b"text/html"),
        ("é", b"text/html; charset=latin1", "é".encode(), b"text/html; charset=utf-8"),
        (b"\xff", b"image/png", b"\xff", b"image/png"),
        (None, b"text/plain", b"", b"text/plain"),
        ({"a": 1}, b"text/html", b'{"a":1}', b"application/json"),
        ([1], None, b"[1]", b"application/json"),
        ("a", None, b"a", None),
    ],
)
def test_without_an_output_the_content_type_stays_where_it_can(
    value: Any, present: bytes | None, body: bytes, kind: bytes | None
) -> None:
    assert written(value, "", present) == (body, kind)


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "output", "code"),
    [
        ({"a": 1}, "text/plain", "wrong_type"),
        ([], "text/plain", "wrong_type"),
        ([], FORM, "wrong_type"),
        (5, "application/xml", "not_xml"),
        ({}, "application/xml", "not_xml"),
        ({"a": 1, "b": 2}, "application/xml", "not_xml"),
        ({"a": [1]}, "application/xml", "not_xml"),
        ({"a": {"b c": 1}}, "application/xml", "not_xml"),
        ({"a": {"b><script": 1}}, "application/xml", "not_xml"),
        ({"a": {"x:b": 1}}, "application/xml", "not_xml"),
        ({"xmlns": 1}, "application/xml", "not_xml"),
        ({"": 1}, "application/xml", "not_xml"),
        ({"a": "\x00"}, "application/xml", "not_xml"),
        ({"a": "\udcff"}, "application/xml", "not_xml"),
        ({"a": [[1]]}, "application/xml", "not_xml"),
        ({"a": {"b": [[1]]}}, "application/xml", "not_xml"),
        (nested(200), "application/xml", "not_xml"),
        ({"a": {"b": {}}}, FORM, "wrong_type"),
        ({"\udcff": 1}, FORM, "not_text"),
        ("\udcff", "application/json", "not_json"),
        ({"\udcff": 1}, "application/json", "not_json"),
        (nested(5_000), "application/json", "not_json"),
        ("\ud800", "text/plain", "not_text"),
        ([["a" * 1_000_000]] * 20, "application/json", "too_large"),
        ("a" * 20_000_000, "text/plain", "too_large"),
    ],
)
def test_what_cannot_be_written_fails(value: Any, output: str, code: str) -> None:
    found = written(value, output, None)
    assert isinstance(found, Failure), found
    assert found.code == code


@given(values, st.sampled_from(["application/json", FORM, "application/xml", "text/plain", ""]))
def test_whatever_it_is_it_is_written_or_fails(value: Any, output: str) -> None:
    found = written(value, output, None)
    if isinstance(found, Failure):
        return
    body, _ = found
    if output == "application/json":
        msgspec.json.decode(body)
    if output == "application/xml" and type(value) is dict:
        assert [ElementTree.fromstring(body).tag] == list(value)


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=10)


@given(st.dictionaries(texts, texts | st.lists(texts, min_size=2, max_size=4), max_size=5))
def test_a_form_that_is_written_is_read_as_the_same(value: dict[str, Any]) -> None:
    body, kind = written(value, FORM, None)  # type: ignore[misc]
    if value.keys() - {""}:
        assert read_payload(body, kind) == value


@given(values)
def test_json_that_is_read_and_written_stays_the_same(value: Any) -> None:
    found = written(value, "application/json", None)
    if not isinstance(found, Failure):
        assert json.loads(found[0]) == json.loads(written(read_payload(*found), "application/json", None)[0])  # type: ignore[arg-type, index]
