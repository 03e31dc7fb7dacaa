"""Bytes that are no request are refused with a reason, however they are cut, and no service sees any of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.http.limits import Limits
from tests.gateway_runtime.fakes import FakeGateway, get

HOST = b"Host: shop.example\r\n"
START = b"GET /api/x HTTP/1.1\r\n" + HOST
POST = b"POST /api/x HTTP/1.1\r\n" + HOST

REFUSED = {
    # Two readings of the length
    "length and chunked": (
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "ambiguous_length",
    ),
    "chunked and length": (
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "ambiguous_length",
    ),
    "two lengths": (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "bad_content_length"),
    "same length twice": (POST + b"Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello", "bad_content_length"),
    "list of lengths": (POST + b"Content-Length: 5, 5\r\n\r\nhello", "bad_content_length"),
    "empty length": (POST + b"Content-Length:\r\n\r\n", "bad_content_length"),
    "empty then good length": (POST + b"Content-Length:\r\nContent-Length: 5\r\n\r\nhello", "bad_content_length"),
    "plus": (POST + b"Content-Length: +5\r\n\r\nhello", "bad_content_length"),
    "minus": (POST + b"Content-Length: -5\r\n\r\nhello", "bad_content_length"),
    "underscore": (POST + b"Content-Length: 1_0\r\n\r\nhello", "bad_content_length"),
    "hexadecimal": (POST + b"Content-Length: 0x10\r\n\r\nhello", "bad_content_length"),
    "fullwidth digit": (POST + "Content-Length: ５\r\n\r\nhello".encode(), "bad_content_length"),
    "inner space": (POST + b"Content-Length: 5 5\r\n\r\nhello", "bad_content_length"),
    "leading zero": (POST + b"Content-Length: 05\r\n\r\nhello", "bad_content_length"),
    "beyond 64 bits": (POST + b"Content-Length: 99999999999999999999\r\n\r\n", "bad_content_length"),
    # Transfer encodings
    "gzip, chunked": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "bad_transfer_encoding"),
    "chunked, chunked": (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "bad_transfer_encoding"),
    "identity": (POST + b"Transfer-Encoding: identity\r\n\r\n", "bad_transfer_encoding"),
    "xchunked": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "bad_transfer_encoding"),
    "quoted": (POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n', "bad_transfer_encoding"),
    "two encodings": (
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "bad_transfer_encoding",
    ),
    "chunked in 1.0": (
        b"POST /api/x HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "bad_transfer_encoding",
    ),
    # Lines and names
    "space before colon": (POST + b"Content-Length : 5\r\n\r\nhello", "bad_header_line"),
    "x85 before colon": (POST + b"Content-Length\x85: 5\r\n\r\nhello", "bad_header_line"),
    "xa0 before colon": (POST + b"Content-Length\xa0: 5\r\n\r\nhello", "bad_header_line"),
    "tab before first name": (b"GET /api/x HTTP/1.1\r\n\tContent-Length: 5\r\n" + HOST + b"\r\n", "folded_header"),
    "folded": (START + b"X-A: 1\r\n 2\r\n\r\n", "folded_header"),
    "folded with tab": (START + b"X-A: 1\r\n\t2\r\n\r\n", "folded_header"),
    "bare LF": (START + b"X-A: 1\nX-B: 2\r\n\r\n", "bare_line_end"),
    "only LF": (b"GET /api/x HTTP/1.1\nHost: shop.example\n\n", "bare_line_end"),
    "bare CR": (START + b"X-A: 1\rX-B: 2\r\n\r\n", "bare_line_end"),
    "CR CR LF": (START + b"X-A: 1\r\r\n\r\n", "bare_line_end"),
    "empty name": (START + b": x\r\n\r\n", "bad_header_line"),
    "no colon": (START + b"X-A\r\n\r\n", "bad_header_line"),
    "NUL in value": (START + b"X-A: a\0b\r\n\r\n", "bad_header_line"),
    "DEL in value": (START + b"X-A: a\x7fb\r\n\r\n", "bad_header_line"),
    "empty first line": (b"\r\n" + START + b"\r\n", "bad_request_line"),
    "two spaces": (b"GET  /api/x HTTP/1.1\r\n" + HOST + b"\r\n", "bad_request_line"),
    "space in target": (b"GET /api/x y HTTP/1.1\r\n" + HOST + b"\r\n", "bad_request_line"),
    "high byte in target": (b"GET /api/\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n", "bad_request_line"),
    "no version": (b"GET /api/x\r\n\r\n", "bad_request_line"),
    "odd method": (b"G(T /api/x HTTP/1.1\r\n" + HOST + b"\r\n", "bad_request_line"),
    "lower-case version": (b"GET /api/x http/1.1\r\n" + HOST + b"\r\n", "bad_request_line"),
    # Who is meant
    "no host": (b"GET /api/x HTTP/1.1\r\n\r\n", "bad_host"),
    "two hosts": (START + HOST + b"\r\n", "bad_host"),
    "list of hosts": (b"GET /api/x HTTP/1.1\r\nHost: a, b\r\n\r\n", "bad_host"),
    "user in host": (b"GET /api/x HTTP/1.1\r\nHost: public@secret\r\n\r\n", "bad_host"),
    "port too high": (b"GET /api/x HTTP/1.1\r\nHost: public:99999\r\n\r\n", "bad_host"),
    "empty host": (b"GET /api/x HTTP/1.1\r\nHost:\r\n\r\n", "bad_host"),
    "another host in the target": (b"GET http://other/api/x HTTP/1.1\r\n" + HOST + b"\r\n", "host_mismatch"),
    "connection names host": (START + b"Connection: Host\r\n\r\n", "bad_connection"),
    "connection names length": (
        POST + b"Connection: close, content-length\r\nContent-Length: 1\r\n\r\nx",
        "bad_connection",
    ),
    "two authorizations": (START + b"Authorization: a\r\nauthorization: b\r\n\r\n", "duplicate_header"),
    # Chunks
    "bare CR in extension": (POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\r;a\r\nhi\r\n0\r\n\r\n", "bad_chunk"),
    "bare LF after size": (POST + b"Transfer-Encoding: chunked\r\n\r\n2\nhi\r\n0\r\n\r\n", "bad_chunk"),
    "no CRLF after data": (POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhiXX0\r\n\r\n", "bad_chunk"),
    "size with sign": (POST + b"Transfer-Encoding: chunked\r\n\r\n+2\r\nhi\r\n0\r\n\r\n", "bad_chunk"),
    "size with 0x": (POST + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nhi\r\n0\r\n\r\n", "bad_chunk"),
    "size of 17 digits": (POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n", "bad_chunk"),
    "bad trailer": (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX A: b\r\n\r\n", "bad_chunk"),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED)
def test_bytes_that_are_no_request_are_refused_and_the_connection_closed(data: bytes, code: str) -> None:
    gateway = FakeGateway()
    upstream = gateway.upstream()
    client = gateway.client()
    client.send(data)
    status, problem, headers = client.take_problem()
    assert (status, problem["code"]) == (400, code)
    assert headers[b"connection"] == b"close"
    assert client.hung_up
    assert upstream.take() == b""


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED)
def test_refusals_do_not_depend_on_where_the_bytes_are_cut(data: bytes, code: str) -> None:
    for cut in range(1, len(data)):
        gateway = FakeGateway()
        upstream = gateway.upstream()
        client = gateway.client()
        client.send(data[:cut])
        if not client.hung_up:
            client.send(data[cut:])
        status, problem, _ = client.take_problem()
        assert status == 400, cut
        # A cut may show a bad line end before the rest of the line is there to be judged.
        assert problem["code"] in (code, "bare_line_end"), cut
        assert client.hung_up, cut
        if code != "bad_chunk":
            assert upstream.take() == b"", cut
        else:
            assert not upstream.take().endswith(b"0\r\n\r\n"), cut


@pytest.mark.parametrize("byte", b'()<>@,;\\"/[]?={} \x00\x1f\x80\xff')
def test_a_header_name_is_a_token(byte: int) -> None:
    gateway = FakeGateway()
    client = gateway.client()
    client.send(START + b"X" + bytes([byte]) + b"Y: 1\r\n\r\n")
    assert client.take_problem()[0] == 400
    assert client.hung_up


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (get(method="CONNECT"), 405, "method_not_allowed"),
        (get(method="TRACE"), 405, "method_not_allowed"),
        (get(method="get"), 501, "method_unknown"),
        (get(method="X" * 60), 501, "method_unknown"),
        (get(method="X" * 1000), 400, "bad_request_line"),
        (get(version="2.0"), 505, "version_not_supported"),
        (get("/api/x", "Expect: x"), 417, "expectation_failed"),
        (get("/api/x", "Expect: 100-continue", "Expect: x"), 417, "expectation_failed"),
        (get("/api/" + "x" * 8192), 414, "uri_too_long"),
        (get("/api/x", "X-A: " + "y" * 62000), 431, "headers_too_large"),
    ],
)
def test_what_is_not_supported_has_its_own_status(data: bytes, status: int, code: str) -> None:
    gateway = FakeGateway()
    client = gateway.client()
    client.send(data)
    got, problem, _ = client.take_problem()
    assert (got, problem["code"]) == (status, code)
    assert client.hung_up


def test_what_does_not_begin_like_a_request_is_refused_at_once() -> None:
    client = FakeGateway().client()
    client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    assert client.take_problem()[0] == 400
    assert client.hung_up


@pytest.mark.parametrize("target", ["/api/../x", "/api/x#y"])
def test_a_refused_head_request_is_answered_without_a_body(target: str) -> None:
    client = FakeGateway().client()
    client.send(get(target, method="HEAD"))
    answer = client.take()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(b"\r\n\r\n")
    assert client.hung_up


def test_an_endless_first_line_is_refused_before_it_ends() -> None:
    client = FakeGateway().client()
    client.send(b"GET /" + b"x" * 9000)
    assert client.take_problem()[0] == 414


def test_endless_headers_are_refused_before_they_end() -> None:
    client = FakeGateway(limits=Limits(header_bytes=1000)).client()
    client.send(START + b"X-A: " + b"y" * 1000)
    assert client.take_problem()[0] == 431


def test_a_good_request_is_read_however_it_is_cut() -> None:
    data = get("/api/x?a=1", "Content-Length: 3", method="POST") + b"abc"
    for size in range(1, len(data)):
        gateway = FakeGateway()
        upstream = gateway.upstream()
        gateway.client().send(data, size=size)
        seen = upstream.take()
        assert seen.startswith(b"POST /x?a=1 HTTP/1.1\r\n"), size
        assert seen.endswith(b"\r\n\r\nabc"), size


@given(st.binary(max_size=300), st.integers(1, 40))
def test_no_bytes_crash_the_connection(data: bytes, size: int) -> None:
    gateway = FakeGateway()
    gateway.upstream()
    client = gateway.client()
    client.send(data, size=size)
    client.send(get(), size=size)
    answer = client.take()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 ")


@given(
    st.lists(
        st.sampled_from(
            [b"GET /api/x HTTP/1.1\r\n", HOST, b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n",
             b"\n", b"\r", b" ", b"\t", b":", b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"X-A: 1\r\n", b"\x00", b"\xff"]
        ),
        max_size=14,
    ),
    st.integers(1, 60),
)  # fmt: skip
def test_cut_or_whole_the_reading_is_the_same(parts: list[bytes], size: int) -> None:
    data = b"".join(parts)
    seen = []
    for step in (0, size):
        gateway = FakeGateway()
        upstreams = [gateway.upstream() for _ in range(2)]
        client = gateway.client()
        client.send(data, size=step)
        forwarded = sorted(upstream.take().partition(b"x-request-id")[0] for upstream in upstreams)
        seen.append((forwarded, client.hung_up))
    # A body that turns out bad after its head was already sent on cannot be unsent; everything else is equal.
    if b"chunked" not in data:
        assert seen[0] == seen[1]
