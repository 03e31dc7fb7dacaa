"""Whoever is full stops whoever gives, in both directions."""

from gateway_runtime.http.flow_control import NOT_CONNECTED, PEER_IS_FULL, ReadGate
from tests.gateway_runtime.fakes import OK, FakeGateway, FakeTransport, get


def test_reading_goes_on_when_the_last_reason_is_gone() -> None:
    transport = FakeTransport()
    gate = ReadGate(transport)  # type: ignore[arg-type]
    gate.pause(PEER_IS_FULL)
    gate.pause(NOT_CONNECTED)
    gate.pause(PEER_IS_FULL)
    gate.resume(PEER_IS_FULL)
    assert not transport.reading
    gate.resume(NOT_CONNECTED)
    gate.resume(NOT_CONNECTED)
    assert transport.reading


def test_a_slow_client_stops_the_reading_of_the_answer() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
    client.connection.pause_writing()
    assert not upstream.transport.reading
    client.connection.resume_writing()
    assert upstream.transport.reading
    upstream.answer(b"def")
    assert len(gateway.pool.targets[0].idle) == 1


def test_a_slow_service_stops_the_reading_of_the_body() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Content-Length: 6", method="POST") + b"abc")
    upstream.connection.pause_writing()
    assert not client.transport.reading
    upstream.connection.resume_writing()
    assert client.transport.reading


def test_a_client_that_reads_no_answers_gets_no_more_of_its_requests_answered() -> None:
    gateway = FakeGateway()
    client = gateway.client()
    client.connection.pause_writing()
    client.send(get("/nope") * 3)
    assert client.take() == b""
    assert not client.transport.reading
    client.connection.resume_writing()
    assert client.take().count(b"HTTP/1.1 404 ") == 3
    assert client.transport.reading


def test_a_client_that_is_still_full_stops_the_next_answer_from_its_first_byte() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(OK)
    client.connection.pause_writing()
    client.send(get())
    assert not client.transport.reading
    client.connection.resume_writing()
    upstream.answer(OK)
    assert client.take().count(b"HTTP/1.1 200 ") == 2
