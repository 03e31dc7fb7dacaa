"""What this gateway accepts, another strict parser reads in the same way, and so does its own short cut."""

import itertools
from collections.abc import Iterator

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_runtime.http.body import RequestBody
from gateway_runtime.http.limits import Limits
from gateway_runtime.http.message import Request, parse_request, repeat_request
from gateway_runtime.http.refusals import BadMessage
from gateway_runtime.upstream.errors import UpstreamError
from gateway_runtime.upstream.response import CHUNKED as CHUNKED_ANSWER
from gateway_runtime.upstream.response import UNTIL_CLOSE, parse_response

LIMITS = Limits()
FIRST = [
    b"GET /a HTTP/1.1", b"POST /a?b HTTP/1.1", b"PUT /a HTTP/1.0", b"GET  /a HTTP/1.1", b"GET /a",
    b"HEAD /a%e9 HTTP/1.1", b"DELETE /%C3%a9;x HTTP/1.1",
    b"GET http://a.example/a HTTP/1.1", b"PATCH /a?%00 HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET /a HTTP/1.2",
    b"GET\t/a HTTP/1.1", b"get /a HTTP/1.1",
    b"GET /a HTTP/1.1 ", b" GET /a HTTP/1.1", b"GET /a?b?c HTTP/1.1", b"GET /a\x80 HTTP/1.1", b"GET //a HTTP/1.1",
    b"PURGE /a HTTP/1.1",
]  # fmt: skip
LINES = [
    b"Host: a.example", b"host:a.example", b"Content-Length: 3", b"Content-Length:  3 ", b"Content-Length: 03",
    b"Content-Length: 0", b"content-length:\t3",
    b"Content-Length: 3, 3", b"Content-Length: +3", b"Content-Length: 3\x0b", b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: Chunked",
    b"Transfer-Encoding : chunked", b"Transfer-Encoding: gzip, chunked", b"transfer-encoding:\tchunked\t",
    b"Transfer-Encoding:\xa0chunked", b"X-A: b\tc", b"X-A:",
    b"X-A: \xe9", b"X-A: b\x00", b" X-A: b", b"X A: b", b"X-A: b\x7f", b"X-A: b\x0c", b"X-A\x80: b", b": b", b"X-A",
    b"X-A::", b"X-\xe9: 1", b"Connection: close",
    b"Connection: x-a", b"Connection: content-length", b"Connection: keep-alive, close", b"Expect: 100-continue",
    b"Expect: x", b"Authorization: a",
    b"Host: b.example", b"Host: a.example:80", b"Host:", b"X_A: 1", b"Upgrade: h2c", b"X-A: 1\r", b"X-A: 1\n",
    b"X-A: 1\r\n b",
]  # fmt: skip
BODY = b"3\r\nabc\r\n0\r\n\r\nGET /next HTTP/1.1\r\n\r\n"


def generated_heads() -> Iterator[bytes]:
    """Return every first line with every pair of lines, a Host beside them, and with every line end that is none."""
    for first in FIRST:
        for pair in itertools.product(LINES, repeat=2):
            yield b"\r\n".join([first, b"Host: a.example", *pair, b"", b""])
        for one in LINES:
            for end in (b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r"):
                yield first + end + one + end + b"Host: a.example\r\n\r\n"
                yield first + b"\r\n" + one + b"\r\nHost: a.example" + end + b"\r\n"


def taken(head: bytes) -> Request | None:
    """Return the request, or None where the gateway refuses it."""
    try:
        return parse_request(head, LIMITS)
    except BadMessage:
        return None


def canonical(target: bytes) -> bytes:
    """Return what h11, which leaves targets alone, should have seen for the canonical path."""
    path = target.removeprefix(b"http://a.example")
    return path.replace(b"%e9", b"%E9").replace(b"%a9", b"%A9")


def check_against_h11(head: bytes, request: Request) -> None:
    """Compare line, headers and body of a request that the gateway has taken."""
    other = h11.Connection(h11.SERVER)
    other.receive_data(head + BODY)
    event = other.next_event()
    assert isinstance(event, h11.Request), head
    assert event.method == request.method
    assert canonical(event.target) == request.path + (b"" if request.query is None else b"?" + request.query)
    assert (event.http_version == b"1.0") == request.http10
    theirs = list(event.headers)
    for field in request.headers():
        assert field in theirs, head
    names = [name for name, _ in theirs]
    assert names.count(b"host") <= 1
    assert dict(theirs).get(b"host", b"").removesuffix(b":80") == request.authority
    assert (b"content-length" in names) == request.has_length

    body = RequestBody(request.length)
    content, rest = body.feed(BODY) if request.length else (b"", BODY)
    data = b""
    while isinstance(event := other.next_event(), h11.Data):
        data += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage), head
    assert data == content
    assert other.trailing_data[0] == rest
    # After HTTP/1.0 and `close`, h11 reads no further; where the gateway reads on, so would it.
    if request.keep_alive and not request.http10:
        assert other.their_state in (h11.DONE, h11.MIGHT_SWITCH_PROTOCOL)


def test_every_generated_head_that_is_taken_means_the_same_to_h11() -> None:
    seen = [(head, request) for head in generated_heads() if (request := taken(head)) is not None]
    assert len(seen) > 1000
    for head, request in seen:
        check_against_h11(head, request)


@settings(deadline=None)
@given(st.sampled_from(FIRST), st.lists(st.sampled_from(LINES), max_size=5), st.sampled_from([b"\r\n", b"\n", b"\r"]))
def test_every_accepted_head_means_the_same_to_h11(first: bytes, lines: list[bytes], end: bytes) -> None:
    head = b"\r\n".join([first, *lines[:1]]) + (end if lines[1:] else b"") + b"\r\n".join(lines[1:]) + b"\r\n\r\n"
    if head.find(b"\r\n\r\n") == len(head) - 4 and (request := taken(head)) is not None and request.authority:
        check_against_h11(head, request)


SECOND = [
    *FIRST, b"GET /a/b HTTP/1.1", b"POST /a/../b HTTP/1.1", b"GET /a//b HTTP/1.1", b"GET /a/. HTTP/1.1",
    b"GET /a/.b HTTP/1.1", b"GET /a?/../b HTTP/1.1",
    b"GET /a#b HTTP/1.1", b"GET /a\\b HTTP/1.1", b"CONNECT /a HTTP/1.1", b"GET / HTTP/1.1", b"GET /? HTTP/1.1",
    b"TRACE /a HTTP/1.1", b"GETX /a HTTP/1.1",
    b"GET /" + b"a" * 9000 + b" HTTP/1.1", b"GET /a;b HTTP/1.1", b"GET ? HTTP/1.1", b"GET /a\x7f HTTP/1.1",
    b"GET /a?\x7f HTTP/1.1", b"GET /..a/b.. HTTP/1.1",
]  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_what_is_read_by_the_headers_before_it_is_read_as_if_it_were_alone(line: bytes) -> None:
    for first, second in itertools.product(FIRST, SECOND):
        last = taken(b"\r\n".join([first, b"Host: a.example", line, b"", b""]))
        for rest in (b"", b"abc", b"\r\n\r\n", b"GET /c HTTP/1.1\r\n\r\n"):
            head = b"\r\n".join([second, b"Host: a.example", line, b"", b""])
            repeated = None if last is None else repeat_request(head + rest, last, LIMITS)
            if repeated is None:
                continue
            alone = taken(head)
            assert alone is not None, head
            assert repeated.head_bytes == len(head)
            for name in ("method", "path", "query", "host", "authority", "lines", "length", "has_length", "http10",
                         "keep_alive",
                         "expects_continue", "request_id"):  # fmt: skip
                assert getattr(repeated, name) == getattr(alone, name), (name, head)


ANSWER_LINES = [
    b"HTTP/1.1 200 OK", b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.0 200 OK", b"HTTP/1.1 204 No Content",
    b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 404 \xe9", b"HTTP/1.1  200 OK",
    b"HTTP/1.1 20 OK", b"HTTP/2 200 OK", b"HTTP/1.1 103 Early Hints", b"HTTP/1.1 200 O\0K", b"HTTP/1.1 599 Odd\tone",
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_every_answer_of_a_service_that_is_taken_means_the_same_to_h11(method: str) -> None:
    compared = 0
    for first, (one, two) in itertools.product(ANSWER_LINES, itertools.product(LINES, repeat=2)):
        head = b"\r\n".join([first, one, two, b"", b""])
        try:
            answer = parse_response(head, method.encode())
        except UpstreamError:
            continue
        other = h11.Connection(h11.CLIENT)
        other.send(h11.Request(method=method, target="/", headers=[("host", "a")]))
        other.send(h11.EndOfMessage())
        other.receive_data(head + BODY)
        event = other.next_event()
        assert isinstance(event, h11.Response | h11.InformationalResponse), head
        assert event.status_code == answer.status
        compared += 1
        if answer.status < 200:
            continue
        data = b""
        while isinstance(event := other.next_event(), h11.Data):
            data += bytes(event.data)
        if answer.length == UNTIL_CLOSE:
            assert (data, event) == (BODY, h11.NEED_DATA), head
        elif answer.length == CHUNKED_ANSWER:
            assert (data, type(event)) == (b"abc", h11.EndOfMessage), head
        else:
            assert (data, type(event)) == (BODY[: answer.length], h11.EndOfMessage), head
    assert compared > 500
