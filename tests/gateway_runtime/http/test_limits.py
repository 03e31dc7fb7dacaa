"""Limits: of one API beside the others, of connections, and the same ones for a connection that is open already."""

from dataclasses import replace

import pytest

from gateway_runtime.http.limits import ApiLimits, Limits
from gateway_runtime.http.origin import TrustedProxies
from gateway_runtime.routing.compiled import CompiledApi
from tests.gateway_runtime.fakes import OK, PORT, FakeGateway, get

ADDRESS = "203.0.113.9"


def limited(**limits: object) -> FakeGateway:
    """Return a gateway whose one API has limits of its own."""
    gateway = FakeGateway()
    assert gateway.state.snapshot is not None
    api: CompiledApi = gateway.state.snapshot.ports[PORT].find(b"/api/x")  # type: ignore[assignment]
    api.limits = ApiLimits(**limits)  # type: ignore[arg-type]
    api.special = True
    return gateway


def chunk(size: int) -> bytes:
    return b"%x\r\n%b\r\n" % (size, b"x" * size)


def test_a_body_as_large_as_allowed_passes() -> None:
    gateway = limited(body_bytes=10)
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Content-Length: 10", method="POST") + b"0123456789")
    assert upstream.take().endswith(b"0123456789")
    upstream.answer(OK)
    client.send(get("/api/x", "Transfer-Encoding: chunked", method="POST"))
    client.send(chunk(4) + chunk(6) + b"0\r\n\r\n")
    assert upstream.take().endswith(b"0\r\n\r\n")
    upstream.answer(OK)
    assert client.take().count(b" 200 OK") == 2


@pytest.mark.parametrize("body", [b"", b"x", b"x" * 11])
def test_a_body_that_says_it_is_too_large_is_refused_before_anything_is_sent(body: bytes) -> None:
    gateway = limited(body_bytes=10)
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Content-Length: 11", method="POST") + body)
    status, problem, headers = client.take_problem()
    assert (status, problem["code"], headers[b"connection"]) == (413, "content_too_large", b"close")
    assert not upstream.take()
    assert client.hung_up


@pytest.mark.parametrize("together", [True, False])
def test_a_body_without_a_length_is_cut_off_where_it_is_too_large(together: bool) -> None:
    gateway = limited(body_bytes=10)
    upstream, client = gateway.upstream(), gateway.client()
    head = get("/api/x", "Transfer-Encoding: chunked", method="POST")
    if together:
        client.send(head + chunk(6) + chunk(6))
        assert not upstream.take()
    else:
        client.send(head + chunk(6))
        assert upstream.take()
        client.send(chunk(6))
        assert upstream.transport.aborted
    assert client.take_problem()[0] == 413
    assert client.hung_up
    assert gateway.recorded.rows[0]["code"] == "content_too_large"


def test_no_body_at_all_may_be_allowed() -> None:
    gateway = limited(body_bytes=0)
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x"))
    assert upstream.take()
    upstream.answer(OK)
    client.take()
    client.send(get("/api/x", "Content-Length: 1", method="POST"))
    assert client.take_problem()[0] == 413


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_api_waits_as_long_as_it_says_for_an_answer(method: str) -> None:
    gateway = limited(response_seconds=40)
    _, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Content-Length: 2", method=method) + b"hi")
    gateway.pass_time(39)
    assert not client.take()
    gateway.pass_time(2)
    assert client.take_problem()[0] == 504


def test_an_api_may_wait_for_a_shorter_time() -> None:
    gateway = limited(response_seconds=2)
    _, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x"))
    gateway.pass_time(3)
    assert client.take_problem()[0] == 504


@pytest.mark.parametrize("seconds", [2, 400])
def test_an_api_has_its_own_time_for_a_stream_that_stands_still(seconds: int) -> None:
    gateway = limited(stream_seconds=seconds)
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x"))
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
    gateway.pass_time(seconds - 1)
    upstream.answer(b"-")
    gateway.pass_time(seconds - 1)
    assert not client.hung_up
    gateway.pass_time(2)
    assert client.transport.aborted


def test_the_next_request_to_another_api_has_the_time_of_the_gateway() -> None:
    gateway = limited(response_seconds=100)
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x"))
    upstream.answer(OK)
    client.take()
    assert gateway.state.snapshot is not None
    api: CompiledApi = gateway.state.snapshot.ports[PORT].find(b"/api/x")  # type: ignore[assignment]
    api.limits, api.special = None, False
    client.send(get("/api/x"))
    gateway.pass_time(gateway.state.limits.response_seconds + 1)
    assert client.take_problem()[0] == 504


def test_new_limits_hold_for_connections_that_are_open() -> None:
    gateway = FakeGateway()
    client = gateway.client()
    gateway.state.limits = replace(gateway.state.limits, target_bytes=300, header_bytes=1024)
    client.send(get("/api/" + "x" * 400))
    assert client.take_problem()[0] == 414


# Connections


def test_a_worker_takes_as_many_connections_as_it_may() -> None:
    gateway = FakeGateway(limits=Limits(connections=2))
    first, second, third = (gateway.client() for _ in range(3))
    assert [c.transport.aborted for c in (first, second, third)] == [False, False, True]
    assert gateway.state.turned_away == {"connections": 1}
    third.go()
    first.go()
    assert not gateway.client().transport.aborted
    assert gateway.client().transport.aborted


def test_an_address_has_as_many_connections_as_it_may() -> None:
    gateway = FakeGateway(limits=Limits(connections_per_address=1))
    client = gateway.client()
    assert not client.transport.aborted
    assert gateway.client().transport.aborted
    assert gateway.state.reserve("198.51.100.1")
    assert gateway.state.turned_away == {"connections_per_address": 1}
    client.go()
    assert not gateway.client().transport.aborted


def test_a_trusted_proxy_brings_many_clients() -> None:
    gateway = FakeGateway(limits=Limits(connections_per_address=1, connections=3))
    gateway.state.proxies = TrustedProxies([f"{ADDRESS}/32"])
    assert [gateway.client().transport.aborted for _ in range(4)] == [False, False, False, True]


def test_nothing_is_remembered_of_an_address_without_connections() -> None:
    gateway = FakeGateway()
    clients = [gateway.client() for _ in range(3)]
    assert gateway.state.addresses == {ADDRESS: 3}
    for client in clients:
        client.go()
        client.go()
    assert gateway.state.addresses == {}
    assert gateway.state.open == 0
