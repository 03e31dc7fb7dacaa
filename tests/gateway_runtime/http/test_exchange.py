"""One request and its answer, seen from both connections."""

import gc

import pytest

from gateway_runtime.http.reply import Reply
from tests.gateway_runtime.fakes import OK, FakeGateway, denying, get


def test_request_and_answer_are_rebuilt_and_the_connections_kept() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x?a=1", "X-Request-Id: abc", "Accept: */*"))
    assert upstream.take() == (
        b"GET /x?a=1 HTTP/1.1\r\nhost: orders.internal:9000\r\nAccept: */*\r\nx-request-id: abc\r\n"
        b"x-forwarded-for: 203.0.113.9\r\nx-forwarded-proto: http\r\nvia: 1.1 portico\r\n"
        b"x-forwarded-host: shop.example\r\n\r\n"
    )
    upstream.answer(b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX-A: 1\r\nConnection: keep-alive\r\n\r\nhi")
    assert client.take() == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\nx-request-id: abc\r\n\r\nhi"
    assert not client.hung_up
    assert repr(gateway.pool) == "<Pool orders-v1 [active 0 | idle 1]>"
    client.send(get())
    upstream.answer(OK)
    assert client.take().endswith(b"\r\n\r\nhi")


def test_an_answer_in_one_piece_is_one_write() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(OK)
    assert (client.transport.writes, upstream.transport.writes) == (1, 1)


@pytest.mark.parametrize("size", range(1, 60))
def test_an_answer_may_be_cut_anywhere(size: int) -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "X-Request-Id: a"))
    upstream.answer(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n", size=size
    )
    head, _, body = client.take().partition(b"\r\n\r\n")
    assert head == b"HTTP/1.1 200 OK\r\nx-request-id: a\r\ntransfer-encoding: chunked"
    assert body.endswith(b"0\r\n\r\n")
    assert b"".join(body.split(b"\r\n")[1:-3:2]) == b"abcde"
    assert len(gateway.pool.targets[0].idle) == 1


def test_what_the_client_says_about_itself_and_the_hop_is_dropped() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    dropped = (
        "X-Consumer-Id: admin", "X_Consumer_Id: admin", "x.consumer.id: admin", "X-Portico-Trace: 1",
        "Forwarded: for=a",
        "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: evil", "X-Real-IP: 1.2.3.4", "True-Client-IP: a", "Proxy: evil",
        "CF-Connecting-IP: a", "X-Client-Cert: a", "X-HTTP-Method-Override: DELETE", "X-Original-URL: /b",
        "TE: trailers",
        "Trailer: X", "Keep-Alive: 5", "Proxy-Authorization: a", "Proxy-Connection: close", "Upgrade: h2c",
        "HTTP2-Settings: a", "Connection: Upgrade, X-Secret", "X-Secret: a", "X-Envoy-Original-Path: /b",
    )  # fmt: skip
    client.send(get("/api/x", *dropped, "X-Kept: 1"))
    seen = upstream.take()
    names = [line.partition(b":")[0].lower() for line in seen.split(b"\r\n")[1:-2]]
    assert names == [
        b"host", b"x-kept", b"x-request-id", b"x-forwarded-for", b"x-forwarded-proto", b"via", b"x-forwarded-host",
    ]  # fmt: skip
    assert b"evil" not in seen
    assert b"1.2.3.4" not in seen


@pytest.mark.parametrize("bad", ['"><script>', "a" * 65, "a b", "é", ""])
def test_a_request_id_that_is_not_plain_is_replaced(bad: str) -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "X-Request-Id: " + bad))
    made = upstream.take().partition(b"x-request-id: ")[2].partition(b"\r\n")[0]
    assert len(made) > 10
    upstream.answer(OK)
    assert b"x-request-id: " + made + b"\r\n" in client.take()


# Bodies


def test_a_body_is_sent_on_as_it_comes_and_the_next_request_is_not_part_of_it() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Content-Length: 5", method="POST") + b"he")
    assert upstream.take().endswith(b"content-length: 5\r\nx-request-id: " + gateway_id(gateway) + TAIL + b"he")
    client.send(b"llo" + get("/api/y"))
    assert upstream.take() == b"llo"
    upstream.answer(OK)
    assert upstream.take().startswith(b"GET /y HTTP/1.1\r\n")
    upstream.answer(OK)
    assert client.take().count(b"HTTP/1.1 200 OK") == 2


TAIL = (
    b"\r\nx-forwarded-for: 203.0.113.9\r\nx-forwarded-proto: http\r\nvia: 1.1 portico\r\n"
    b"x-forwarded-host: shop.example\r\n\r\n"
)


def gateway_id(gateway: FakeGateway, number: int = 0) -> bytes:
    return gateway.state._prefix + b"%x" % number


def test_a_get_with_a_body_is_one_request() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Content-Length: 27") + b"GET /secret HTTP/1.1\r\nA: b\r\n"[:27] + get("/api/z"))
    assert upstream.take().startswith(b"GET /x HTTP/1.1\r\n")
    upstream.answer(OK)
    assert upstream.take().startswith(b"GET /z HTTP/1.1\r\n")


def test_chunks_are_made_anew_and_trailers_dropped() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Transfer-Encoding: chunked", method="POST"))
    assert b"\r\ntransfer-encoding: chunked\r\n" in upstream.take()
    client.send(b"2;ext=1\r\nhe\r\n3\r\nllo\r\n0\r\nX-Consumer-Id: admin\r\n\r\n")
    assert upstream.take() == b"5\r\nhello\r\n0\r\n\r\n"
    upstream.answer(OK)
    assert client.take().endswith(b"hi")
    assert not client.hung_up


def test_an_empty_body_keeps_its_length() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Content-Length: 0", method="POST"))
    assert b"\r\ncontent-length: 0\r\n" in upstream.take()


def test_a_client_that_waits_is_told_to_go_on_once_the_policies_have_passed() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Expect: 100-continue", "Content-Length: 2", method="PUT"))
    assert client.take() == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert b"expect" not in upstream.take()
    client.send(b"ab")
    assert upstream.take() == b"ab"


def test_a_client_that_waits_and_is_refused_is_not_read_from_again() -> None:
    gateway = denying()
    client = gateway.client()
    client.send(get("/api/x", "Expect: 100-continue", "Content-Length: 2", method="PUT"))
    status, _, headers = client.take_problem()
    assert (status, headers[b"connection"]) == (401, b"close")
    client.send(get())
    assert client.take() == b""


# Versions and connections


def test_http_1_0_is_answered_and_closed() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get(version="1.0"))
    assert upstream.take().startswith(b"GET /x HTTP/1.1\r\n")
    upstream.answer(OK)
    assert b"\r\nconnection: close\r\n" in client.take()
    assert client.hung_up


def test_http_1_0_without_host_and_with_keep_alive() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(b"GET /api/x HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
    assert b"x-forwarded-host" not in upstream.take()
    upstream.answer(OK)
    assert b"\r\nconnection: keep-alive\r\n" in client.take()
    assert not client.hung_up


def test_http_1_0_gets_no_chunks() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Connection: keep-alive", version="1.0"))
    upstream.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    head, _, body = client.take().partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert b"connection: close" in head
    assert body == b"abc"
    assert client.hung_up


def test_connection_close_is_honoured() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Connection: close"))
    assert b"connection" not in upstream.take()
    upstream.answer(OK)
    assert b"\r\nconnection: close\r\n" in client.take()
    assert client.transport.closed


def test_draining_says_close() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    gateway.state.draining = True
    upstream.answer(OK)
    assert b"\r\nconnection: close\r\n" in client.take()
    assert client.hung_up


def test_pipelined_requests_are_answered_one_after_the_other_in_order() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/1") + get("/nope") + get("/api/3") + get("/api/4")[:20])
    assert upstream.take().startswith(b"GET /1 ")
    assert not client.transport.reading
    upstream.answer(OK)
    assert upstream.take().startswith(b"GET /3 ")
    upstream.answer(OK)
    assert client.transport.reading
    client.send(get("/api/4")[20:])
    assert upstream.take().startswith(b"GET /4 ")
    upstream.answer(OK)
    statuses = [part[:3] for part in client.take().split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"404", b"200", b"200"]


def test_a_thousand_pipelined_refusals_do_not_nest() -> None:
    client = denying().client()
    client.send(get() * 1000)
    assert client.take().count(b"HTTP/1.1 401 ") == 1000


def test_what_has_ended_is_freed_without_the_collector() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    gc.collect()
    gc.disable()
    try:
        for path in ("/api/x", "/nope"):
            client.send(get(path))
            upstream.answer(OK) if path == "/api/x" else None
        client.send(get("/api/gone"))
        client.go()
        # Not isinstance: it would wake lazy objects of other libraries.
        left = [thing for thing in gc.get_objects() if issubclass(type(thing), Reply)]
    finally:
        gc.enable()
    assert left == []
