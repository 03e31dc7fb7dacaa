"""Nobody keeps a connection by being slow. One coarse timer, turned here by hand."""

import asyncio

import pytest

from gateway_runtime.policies.chain import Binding
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.schema.policy import Handlers
from gateway_runtime.upstream.pool import Pool
from gateway_runtime.upstream.target import TargetConnections
from tests.gateway_runtime.fakes import OK, FakeGateway, get
from tests.gateway_runtime.http.test_gathering import settle


def test_a_connection_that_says_nothing_is_closed_without_a_word() -> None:
    gateway = FakeGateway()
    client = gateway.client()
    gateway.pass_time(29)
    assert not client.hung_up
    gateway.pass_time(2)
    assert client.hung_up
    assert client.take() == b""


def test_a_head_that_comes_byte_by_byte_is_408() -> None:
    gateway = FakeGateway()
    client = gateway.client()
    for byte in get()[:6]:
        client.send(bytes([byte]))
        gateway.pass_time(6)
    assert client.take_problem()[:2][0] == 408
    assert client.hung_up


def test_an_idle_connection_is_closed_after_its_time() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(OK)
    client.take()
    gateway.pass_time(74)
    assert not client.hung_up
    gateway.pass_time(2)
    assert client.transport.closed
    assert client.take() == b""


def test_a_body_that_stops_is_408_and_the_upstream_connection_is_dropped() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Content-Length: 10", method="POST") + b"abc")
    gateway.pass_time(59)
    client.send(b"d")
    gateway.pass_time(59)
    assert client.take() == b""
    gateway.pass_time(2)
    assert client.take_problem()[1]["code"] == "request_timeout"
    assert client.hung_up
    assert upstream.transport.aborted


def test_a_service_that_does_not_answer_is_504_and_its_connection_is_dropped() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    gateway.pass_time(14)
    assert client.take() == b""
    gateway.pass_time(2)
    status, problem, _ = client.take_problem()
    assert (status, problem["code"]) == (504, "upstream_timeout")
    assert upstream.transport.aborted
    assert not client.hung_up


def test_a_service_that_takes_no_more_of_a_body_is_504() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Content-Length: 10", method="POST") + b"abc")
    upstream.connection.pause_writing()
    gateway.pass_time(61)
    assert client.take_problem()[0] == 504
    assert upstream.transport.aborted
    # The rest is little: it is thrown away, and the connection serves on.
    client.send(b"defghij" + get("/nope"))
    assert client.take_problem()[0] == 404


def test_an_answer_that_stops_cuts_the_client() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    gateway.pass_time(299)
    upstream.answer(b"d")
    gateway.pass_time(299)
    assert not client.transport.aborted
    gateway.pass_time(2)
    assert client.transport.aborted
    assert upstream.transport.aborted


def test_a_refused_client_that_does_not_go_is_cut() -> None:
    gateway = FakeGateway()
    client = gateway.client()
    client.send(b"nonsense\r\n\r\n")
    assert client.transport.eof
    gateway.pass_time(3)
    assert client.transport.aborted


def test_idle_upstream_connections_are_closed_after_their_time() -> None:
    gateway = FakeGateway()
    old = gateway.upstream()
    gateway.pass_time(30)
    young = gateway.upstream()
    gateway.pass_time(31)
    assert old.transport.closed
    assert not young.transport.closed


@pytest.mark.parametrize(("sent", "status"), [(b"ab", 504), (b"", 408)])
def test_a_client_that_is_not_read_is_not_the_one_who_is_late(sent: bytes, status: int) -> None:
    async def scenario() -> None:
        known: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def wait(context: RequestContext) -> None:
            await known

        gateway = FakeGateway(Binding("slow", Handlers(request_headers=wait)))
        client = gateway.client()
        client.send(get("/api/x", "Content-Length: 4", method="POST") + sent)
        assert client.transport.reading is not bool(sent)
        gateway.pass_time(gateway.state.limits.body_seconds + 1)
        assert client.take_problem()[0] == status

    asyncio.run(scenario())


@pytest.mark.parametrize("begun", [True, False])
def test_a_service_whose_answer_a_policy_holds_is_not_the_one_who_is_late(
    begun: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        known: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def wait(context: RequestContext) -> None:
            await known

        late: list[TargetConnections] = []
        monkeypatch.setattr(Pool, "timed_out", lambda pool, target: late.append(target))
        gateway = FakeGateway(Binding("slow", Handlers(response_headers=wait)))
        upstream, client = gateway.upstream(), gateway.client()
        client.send(get())
        if begun:
            upstream.answer(OK[:-1])
        gateway.pass_time(gateway.state.limits.response_seconds + 1)
        if not begun:
            known.set_result(None)
            await settle()
        assert client.take_problem()[0] == 504
        assert late == ([] if begun else [upstream.connection.target])

    asyncio.run(scenario())
