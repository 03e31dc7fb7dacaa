from typing import Any

import pytest

from gateway_runtime.expressions.errors import BAD_PAYLOAD
from gateway_runtime.expressions.limits import LIST_LENGTH
from gateway_runtime.expressions.payload import read_payload


@pytest.mark.parametrize(
    ("body", "content_type", "value"),
    [
        (b'{"a": [1, 2.5, true, null, "x"]}', b"application/json", {"a": [1, 2.5, True, None, "x"]}),
        (b"[1]", b"application/problem+JSON; charset=utf-8", [1]),
        (b"5", b"text/json", 5),
        (b"{}", b"text/plain", "{}"),
        (b"{}", b"application/jsonp", "{}"),
        (b"a=1&b=2", b"application/x-www-form-urlencoded", {"a": "1", "b": "2"}),
        (
            b"a=1&a=%C3%A9+x&&a=&b",
            b"Application/X-WWW-Form-urlencoded; charset=utf-8",
            {"a": ["1", "é x", ""], "b": ""},
        ),
        (b"a=1&b=2", b"text/plain", "a=1&b=2"),
        ("é".encode(), None, "é"),
        (b"\xff\xfe", b"application/octet-stream", b"\xff\xfe"),
        (b"", b"application/json", None),
        (b"", None, None),
    ],
)
def test_what_a_body_is(body: bytes, content_type: bytes | None, value: Any) -> None:
    found = read_payload(body, content_type)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "body",
    [b"{", b"nul", b'"\xff"', b'"\\ud800"', b"NaN", b"1e999", b"9" * 5000, b"[" * 5000 + b"]" * 5000, b" "],
    ids=lambda body: repr(body[:8]),
)
def test_a_body_that_is_not_its_json_is_a_failure(body: bytes) -> None:
    assert read_payload(body, b"application/json") is BAD_PAYLOAD


def test_a_form_that_is_none_fails() -> None:
    form = b"application/x-www-form-urlencoded"
    assert read_payload(b"a=%ff", form) == BAD_PAYLOAD
    assert read_payload(b"&" * LIST_LENGTH, form) == BAD_PAYLOAD
    assert read_payload(b"&" * (LIST_LENGTH - 1), form) == {}
