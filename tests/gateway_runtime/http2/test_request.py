"""Header lists as canonical requests: what would be refused in HTTP/1.1 is, and what would say something else there."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_runtime.http.limits import Limits
from gateway_runtime.http.message import CHUNKED, Request, parse_request
from gateway_runtime.http.refusals import BadMessage
from gateway_runtime.http2.request import read_request
from tests.gateway_runtime.http2.peers import Fields, fields

GOOD = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"a.example"), (b":path", b"/x")]


def read(given: Fields, *, ended: bool = True, last: Request | None = None) -> Request:
    return read_request(given, ended=ended, last=last, limits=Limits())


def code(given: Fields, *, ended: bool = True) -> str:
    with pytest.raises(BadMessage) as caught:
        read(given, ended=ended)
    return caught.value.response.code


def without(name: bytes) -> Fields:
    return [field for field in GOOD if field[0] != name]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (without(b":method"), "bad_pseudo_header"),
        (without(b":path"), "bad_pseudo_header"),
        (without(b":scheme"), "bad_pseudo_header"),
        (without(b":authority"), "bad_host"),
        *[([*GOOD, field], "bad_pseudo_header") for field in GOOD],
        ([(b"a", b"b"), *GOOD], "bad_pseudo_header"),
        ([*GOOD, (b":status", b"200")], "bad_pseudo_header"),
        ([*GOOD, (b":protocol", b"websocket")], "bad_pseudo_header"),
        ([*GOOD, (b":x", b"1")], "bad_pseudo_header"),
        ([*without(b":scheme"), (b":scheme", b"ftp")], "bad_pseudo_header"),
        *[
            ([*without(b":method"), (b":method", value)], "bad_pseudo_header")
            for value in (b"", b"GET /y HTTP/1.1\r\nhost: b\r\n\r\nGET", b"G T", b"G\tT", b"GET\0")
        ],
        *[([*without(b":method"), (b":method", value)], "method_not_allowed") for value in (b"CONNECT", b"TRACE")],
        ([(b":method", b"CONNECT"), (b":authority", b"a.example:443")], "method_not_allowed"),
        ([*without(b":method"), (b":method", b"get")], "method_unknown"),
        *[
            ([*without(b":path"), (b":path", value)], "bad_target")
            for value in (b"", b"*", b"x", b"http://a.example/x", b"/x HTTP/1.1\r\nhost: b\r\n\r\n", b"/a b", b"/\xe9",
                          b"/\0")
        ],
        *[
            ([*without(b":path"), (b":path", value)], "path_not_canonical")
            for value in (b"//x", b"/a/../b", b"/a/./b", b"/%2e%2e/b", b"/a%2fb", b"/%41", b"/a\\b")
        ],
        ([*without(b":path"), (b":path", b"/x#y")], "fragment_in_target"),
        ([*without(b":path"), (b":path", b"/" + b"a" * 9000)], "uri_too_long"),
        *[
            ([*without(b":authority"), (b":authority", value)], "bad_host")
            for value in (b"", b"a@b", b"a b", b"a\tb", b"a/b", b"a:0", b"a:99999", b"[::1", b"a,b")
        ],
        *[([*without(b":authority"), (b":authority", value)], "bad_header_line") for value in (b" a", b"a\t")],
        ([*GOOD, (b"host", b"b.example")], "host_mismatch"),
        ([*GOOD, (b"host", b"")], "host_mismatch"),
        ([*GOOD, (b"host", b"a.example"), (b"host", b"a.example")], "bad_host"),
        *[
            ([*GOOD, (name, b"x")], "bad_connection")
            for name in (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade", b"te")
        ],
        ([*GOOD, (b"te", b"trailers, deflate")], "bad_connection"),
        *[
            ([*GOOD, (name, b"1")], "bad_header_line")
            for name in (b"", b"X-A", b"x a", b"x:a", b"x\r\ny", b"x\0", b"x\xe9", b"x\x7f", b" x")
        ],
        *[
            ([*GOOD, (b"x-a", value)], "bad_header_line")
            for value in (b"1\r\nx-b: 2", b"1\n2", b"1\r2", b"\r\n", b"1\0", b" 1", b"1 ", b"\t", b"1\x7f", b"1\x01")
        ],
        ([*GOOD, (b"content-length", b"0"), (b"content-length", b"0")], "bad_content_length"),
        *[
            ([*GOOD, (b"content-length", value)], "bad_content_length")
            for value in (b"+1", b"-1", b"1_0", b"0x1", b"01", b"", b"1, 1", b"1")
        ],
        ([*GOOD, (b"x-a", b"a" * 70_000)], "headers_too_large"),
        ([*GOOD, (b"authorization", b"a"), (b"authorization", b"b")], "duplicate_header"),
    ],
)  # fmt: skip
def test_what_is_not_canonical_is_refused(given: Fields, expected: str) -> None:
    assert code(given) == expected


def test_parts_of_a_cookie_are_one_again() -> None:
    request = read([*GOOD, (b"cookie", b"a=1"), (b"x-a", b"1"), (b"cookie", b"b=2")])
    assert request.lines == [b"cookie: a=1; b=2", b"x-a: 1"]


def test_the_host_may_be_said_twice_in_the_same_words_or_once() -> None:
    assert read([*GOOD, (b"host", b"a.example")]).authority == b"a.example"
    assert read([*GOOD, (b"host", b"A.example:80")]).authority == b"a.example"
    assert read([*without(b":authority"), (b"host", b"b.example")]).authority == b"b.example"


def test_a_body_has_a_length_or_chunks() -> None:
    assert read(GOOD).length == 0
    assert read(GOOD, ended=False).length == CHUNKED
    assert read([*GOOD, (b"content-length", b"7")], ended=False).length == 7


def test_the_same_headers_again_are_not_read_again() -> None:
    first = read(fields(b"/api/one", (b"x-a", b"1")))
    second = read(fields(b"/api/two", (b"x-a", b"1")), last=first)
    assert second.lines is first.lines
    assert second.path == b"/api/two"
    assert read(fields(b"/api/two", (b"x-a", b"2")), last=first).lines == [b"x-a: 2"]


NAMES = st.sampled_from([b":method", b":path", b":authority", b":scheme", b"host", b"cookie", b"content-length", b"te",
                         b"x-a", b"accept", b"connection", b"transfer-encoding", b"expect"])  # fmt: skip
VALUES = st.one_of(
    st.sampled_from([b"GET", b"POST", b"/", b"/a", b"https", b"a.example", b"trailers", b"3", b"0", b"chunked", b"a=1",
                     b"100-continue", b"a\r\nb: c", b"a\r\n\r\nGET / HTTP/1.1\r\n"]),
    st.binary(max_size=12),
)  # fmt: skip


@settings(deadline=None, max_examples=600)
@given(st.lists(st.tuples(st.one_of(NAMES, st.binary(max_size=8)), VALUES), max_size=5), st.booleans())
def test_any_header_list_is_one_request_or_none(more: Fields, ended: bool) -> None:
    try:
        request = read([*GOOD, *more], ended=ended)
    except BadMessage:
        return
    # Nothing but what stood in the list is in the request, each in a line of its own.
    for line in request.lines:
        name, _, value = line.partition(b": ")
        assert b"\r" not in line
        assert b"\n" not in line
        assert name == b"cookie" or (name, value) in more
    again = parse_request(b"\r\n".join([b"GET /x HTTP/1.1", b"host: a.example", *request.lines, b"", b""]), Limits())
    assert again.lines == request.lines
