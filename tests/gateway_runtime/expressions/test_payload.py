from typing import Any

import pytest

from gateway_runtime.expressions.errors import BAD_PAYLOAD
from gateway_runtime.expressions.payload import read_payload


@pytest.mark.parametrize(
    ("body", "content_type", "value"),
    [
        (b'{"a": [1, 2.5, true, null, "x"]}', b"application/json", {"a": [1, 2.5, True, None, "x"]}),
        (b"[1]", b"application/problem+JSON; charset=utf-8", [1]),
        (b"5", b"text/json", 5),
        (b"{}", b"text/plain", "{}"),
        (b"{}", b"application/jsonp", "{}"),
        (b"a=1&b=2", b"application/x-www-form-urlencoded", "a=1&b=2"),
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
