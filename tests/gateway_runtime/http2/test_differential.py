"""The same request in HTTP/1.1 and in HTTP/2: the same verdict, and the same bytes at the service."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateway_runtime.fakes import OK, FakeGateway
from tests.gateway_runtime.http2.peers import Fields, Http2Client

NAMES = st.sampled_from(
    [b"accept", b"x-a", b"x_b", b"x.c", b"authorization", b"x-forwarded-for", b"forwarded", b"x-real-ip", b"client_id",
     b"expect", b"x-consumer-id", b"proxy", b"trailer", b"http2-settings", b"range", b"x-original-url", b"content-type",
     b"x-http-method-override", b"proxy-authorization", b"cookie"]
)  # fmt: skip
VALUES = st.sampled_from([b"1", b"a, b", b"100-continue", b"a=1", b"", b"\xc3\xa9", b"Basic YTpi", b"text/plain; a=b"])
SEGMENTS = st.sampled_from([b"/api", b"/x", b"/", b"//", b"/..", b"/.", b"/%2e", b"/a%20b", b"/%41", b"/%c3%a9", b"/;a",
                            b"/b;c=d", b"?q=1", b"?", b"#f", b"/%2F", b"/a+b", b"/~", b"\\", b"/%zz"])  # fmt: skip
METHODS = st.sampled_from(
    [b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH", b"PURGE", b"get", b"TRACE"]
)
HOSTS = st.sampled_from([b"shop.example", b"SHOP.example:80", b"[::1]:8080", b"a b", b"a:0", b"", b"a@b", b"10.0.0.1"])
BODIES = st.sampled_from([None, b"", b"abc", b"x" * 5000])


def over_http1(method: bytes, path: bytes, host: bytes, more: Fields, body: bytes | None) -> tuple[int, str, bytes]:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    lines = [method + b" " + path + b" HTTP/1.1", b"host: " + host, *[b": ".join(field) for field in more]]
    if body is not None:
        lines.append(b"content-length: %d" % len(body))
    client.send(b"\r\n".join([*lines, b"", b""]) + (body or b""))
    sent = upstream.take()
    if sent:
        upstream.answer(OK)
    head, _, answer = client.take().replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"").partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), code_of(answer), sent


def over_http2(method: bytes, path: bytes, host: bytes, more: Fields, body: bytes | None) -> tuple[int, str, bytes]:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    given: Fields = [(b":method", method), (b":scheme", b"http"), (b":authority", host), (b":path", path), *more]
    if body is not None:
        given.append((b"content-length", b"%d" % len(body)))
    number = client.ask(given, body)
    sent = upstream.take()
    if sent:
        upstream.answer(OK)
    heard = client.heard(number)
    # Which version the caller spoke is the one thing that is said differently.
    return heard.status, code_of(heard.body), sent.replace(b"\r\nvia: 2.0 portico\r\n", b"\r\nvia: 1.1 portico\r\n")


def code_of(body: bytes) -> str:
    return str(json.loads(body).get("code")) if body.startswith(b"{") else ""


@settings(deadline=None, max_examples=500)
@given(
    METHODS,
    st.lists(SEGMENTS, max_size=4).map(lambda parts: b"/api" + b"".join(parts)),
    HOSTS,
    # A cookie in parts is one in HTTP/2 and would be two lines in HTTP/1.1.
    st.lists(st.tuples(NAMES, VALUES), max_size=4, unique_by=lambda field: field[0]),
    BODIES,
)
def test_one_request_in_two_languages(
    method: bytes, path: bytes, host: bytes, more: Fields, body: bytes | None
) -> None:
    more = [*more, (b"x-request-id", b"same")]
    first = over_http1(method, path, host, more, body)
    second = over_http2(method, path, host, more, body)
    assert first == second


def test_the_comparison_sees_what_reaches_the_service() -> None:
    status, code, sent = over_http2(b"POST", b"/api/x", b"a.example", [(b"x-request-id", b"same")], b"abc")
    assert (status, code) == (200, "")
    assert sent.endswith(b"\r\n\r\nabc")
    assert over_http1(b"POST", b"/api/x", b"a.example", [(b"x-request-id", b"other")], b"abc")[2] != sent
