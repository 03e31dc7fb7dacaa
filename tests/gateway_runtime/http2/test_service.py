"""Services of HTTP/2: several exchanges over one connection, trailers, and what a service can do wrong."""

import json

import pytest
from h2.errors import ErrorCodes

from gateway_runtime.http2.service import request_fields
from gateway_runtime.schema.upstream import Outliers, Retries
from gateway_runtime.upstream.errors import RESET
from tests.gateway_runtime.fakes import FakeClient, get
from tests.gateway_runtime.http2.peers import Http2Client, Http2Gateway, Http2Service, fields, in_loop, settle

GRPC = ((b"content-type", b"application/grpc"), (b"te", b"trailers"))


def status_of(client: FakeClient) -> int:
    return client.take_problem()[0]


def test_a_head_for_http1_becomes_a_header_list() -> None:
    head = b"POST /a?b=1 HTTP/1.1\r\nhost: a:90\r\nX-A:  1 \r\ntransfer-encoding: chunked\r\nvia: 1.1 p\r\n\r\n"
    assert request_fields(head, b"http") == (
        [(b":method", b"POST"), (b":scheme", b"http"), (b":authority", b"a:90"), (b":path", b"/a?b=1"), (b"x-a", b"1"),
         (b"via", b"1.1 p")],
        -1,
    )  # fmt: skip


def test_exchanges_share_one_connection() -> None:
    @in_loop
    async def test() -> None:
        gateway = Http2Gateway()
        service = Http2Service(gateway.pool)
        one, two = gateway.client(), Http2Client(gateway.state)
        one.send(get("/api/one"))
        number = two.ask(fields(b"/api/two"))
        first, second = service.asked
        assert dict(service.streams[first].fields)[b":path"] == b"/one"
        assert dict(service.streams[second].fields)[b":path"] == b"/two"
        service.answer(second, (b"content-length", b"3"), body=b"two")
        service.answer(first, (b"content-length", b"3"), body=b"one")
        assert two.heard(number).body == b"two"
        assert one.take().endswith(b"\r\n\r\none")
        assert repr(gateway.pool).startswith("<Pool orders-v1 [active 0")
        assert service.connection.is_idle()


def test_trailers_pass_to_a_client_of_http2() -> None:
    @in_loop
    async def test() -> None:
        gateway = Http2Gateway()
        service, client = Http2Service(gateway.pool), Http2Client(gateway.state)
        number = client.ask(fields(b"/api/s/M", *GRPC, (b"grpc-timeout", b"1S"), method=b"POST"), b"question")
        (asked,) = service.asked
        heard = service.streams[asked]
        assert (b"te", b"trailers") in heard.fields
        assert (b"grpc-timeout", b"1S") in heard.fields
        assert (heard.body, heard.ended) == (b"question", True)
        service.answer(asked, GRPC[0], body=b"answer", trailers=[(b"grpc-status", b"0"), (b"grpc-message", b"fine")])
        answer = client.heard(number)
        assert (answer.status, answer.body) == (200, b"answer")
        assert answer.trailers == [(b"grpc-status", b"0"), (b"grpc-message", b"fine")]


def test_trailers_pass_where_answers_are_watched() -> None:
    @in_loop
    async def test() -> None:
        gateway = Http2Gateway(retries=Retries(), outliers=Outliers())
        service, client = Http2Service(gateway.pool), Http2Client(gateway.state)
        number = client.ask(fields(b"/api/s/M", *GRPC, method=b"POST"), b"question")
        service.answer(service.asked[0], GRPC[0], body=b"answer", trailers=[(b"grpc-status", b"0")])
        assert client.heard(number).trailers == [(b"grpc-status", b"0")]


def test_an_answer_of_trailers_only_passes() -> None:
    @in_loop
    async def test() -> None:
        gateway = Http2Gateway()
        service, client = Http2Service(gateway.pool), Http2Client(gateway.state)
        number = client.ask(fields(b"/api/s/M", *GRPC, method=b"POST"), b"question")
        service.answer(service.asked[0], GRPC[0], (b"grpc-status", b"5"))
        answer = client.heard(number)
        assert (answer.header(b"grpc-status"), answer.ended, answer.trailers) == (b"5", True, [])


def test_a_client_of_http1_gets_the_answer_without_trailers() -> None:
    @in_loop
    async def test() -> None:
        gateway = Http2Gateway()
        service, client = Http2Service(gateway.pool), gateway.client()
        client.send(get("/api/x", "Content-Length: 2", method="POST") + b"hi")
        (asked,) = service.asked
        assert (service.streams[asked].body, service.streams[asked].ended) == (b"hi", True)
        service.answer(asked, body=b"abc", trailers=[(b"grpc-status", b"0")])
        head, _, body = client.take().partition(b"\r\n\r\n")
        assert b"transfer-encoding: chunked" in head
        assert body == b"3\r\nabc\r\n0\r\n\r\n"


def test_both_sides_may_talk_at_the_same_time() -> None:
    @in_loop
    async def test() -> None:
        gateway = Http2Gateway()
        service, client = Http2Service(gateway.pool), Http2Client(gateway.state)
        number = client.ask(fields(b"/api/s/M", *GRPC, method=b"POST"), b"one", ended=False)
        (asked,) = service.asked
        service.answer(asked, GRPC[0], body=b"1", ended=False)
        assert client.heard(number).body == b"1"
        client.h2.send_data(number, b"two", end_stream=True)
        client.flush()
        service.flush()
        assert (service.streams[asked].body, service.streams[asked].ended) == (b"onetwo", True)
        service.h2.send_headers(asked, [(b"grpc-status", b"0")], end_stream=True)
        service.flush()
        assert client.heard(number).trailers == [(b"grpc-status", b"0")]


def test_a_cancelled_call_is_cancelled_at_the_service() -> None:
    @in_loop
    async def test() -> None:
        gateway = Http2Gateway()
        service, client = Http2Service(gateway.pool), Http2Client(gateway.state)
        number = client.ask()
        (asked,) = service.asked
        client.h2.reset_stream(number, ErrorCodes.CANCEL)
        client.flush()
        service.flush()
        assert service.streams[asked].reset == ErrorCodes.CANCEL
        assert gateway.pool.active == 0
        assert not service.transport.closed


@pytest.mark.parametrize("begun", [False, True])
def test_a_reset_by_the_service_reaches_the_client(begun: bool) -> None:
    @in_loop
    async def test() -> None:
        gateway = Http2Gateway()
        service, client = Http2Service(gateway.pool), Http2Client(gateway.state)
        number = client.ask(fields(method=b"POST"))
        (asked,) = service.asked
        if begun:
            service.answer(asked, body=b"x", ended=False)
        service.h2.reset_stream(asked, ErrorCodes.INTERNAL_ERROR)
        service.flush()
        heard = client.heard(number)
        if begun:
            assert heard.reset == ErrorCodes.INTERNAL_ERROR
        else:
            assert (heard.status, json.loads(heard.body)["code"]) == (502, RESET.code)


@pytest.mark.parametrize(
    ("more", "body"),
    [
        ([(b"content-length", b"5")], b"abc"),
        ([(b"content-length", b"2")], b"abc"),
        ([(b"content-length", b"3"), (b"content-length", b"3")], b"abc"),
        ([(b"transfer-encoding", b"chunked")], b"abc"),
        ([(b"connection", b"close")], b"abc"),
        ([(b"X-Upper", b"1")], b"abc"),
        ([(b"x-a", b"1\r\nset-cookie: a=b")], b"abc"),
        ([(b"x-a", b"1\0")], b"abc"),
        ([(b"x:a", b"1")], b"abc"),
        ([(b"", b"1")], b"abc"),
        ([(b":path", b"/")], b"abc"),
    ],
)
def test_an_answer_with_two_readings_is_none(more: list[tuple[bytes, bytes]], body: bytes) -> None:
    @in_loop
    async def test() -> None:
        gateway = Http2Gateway()
        service, client = Http2Service(gateway.pool), gateway.client()
        client.send(get("/api/x"))
        service.answer(service.asked[0], *more, body=body)
        answer = client.take()
        assert answer.startswith(b"HTTP/1.1 502 ") or client.transport.aborted
        assert b"set-cookie" not in answer
        # The other exchanges of the connection have nothing to do with it.
        assert not service.transport.closed
        client = gateway.client()
        client.send(get("/api/x"))
        service.answer(service.asked[-1], (b"content-length", b"2"), body=b"hi")
        assert client.take().endswith(b"\r\n\r\nhi")


def test_streams_are_given_as_far_as_the_service_allows() -> None:
    @in_loop
    async def test() -> None:
        gateway = Http2Gateway()
        one, two = Http2Service(gateway.pool, streams=2), Http2Service(gateway.pool, streams=2)
        clients = [gateway.client() for _ in range(4)]
        for client in clients:
            client.send(get())
        assert (len(one.asked), len(two.asked)) == (2, 2)
        assert gateway.pool.targets[0].acquire(0.0) is None


def test_goodbye_of_a_service_ends_what_it_has_not_begun() -> None:
    @in_loop
    async def test() -> None:
        gateway = Http2Gateway()
        service, other = Http2Service(gateway.pool), Http2Service(gateway.pool, known=False)
        one, two = gateway.client(), gateway.client()
        one.send(get("/api/one"))
        two.send(get("/api/two"))
        first, second = service.asked
        gateway.pool.targets[0].connections.append(other.connection)  # type: ignore[attr-defined]
        service.connection.data_received(b"\0\0\x08\x07\0\0\0\0\0" + first.to_bytes(4, "big") + b"\0\0\0\0")
        await settle()
        # What was not begun is asked again, the other one is still answered.
        assert dict(other.streams[other.asked[0]].fields)[b":path"] == b"/two"
        service.answer(first, (b"content-length", b"2"), body=b"hi")
        assert one.take().endswith(b"hi")
        assert service.transport.closed
        other.answer(other.asked[0], (b"content-length", b"2"), body=b"ho")
        assert two.take().endswith(b"ho")
        assert second == 3


def test_a_connection_that_is_lost_fails_its_exchanges() -> None:
    @in_loop
    async def test() -> None:
        gateway = Http2Gateway()
        service = Http2Service(gateway.pool)
        clients = [gateway.client() for _ in range(3)]
        for client in clients:
            client.send(get(method="POST"))
        assert len(service.asked) == 3
        service.connection.connection_lost(ConnectionResetError())
        assert [status_of(client) for client in clients] == [502] * 3
        assert gateway.pool.active == 0
        assert not gateway.pool.targets[0].connections  # type: ignore[attr-defined]


def test_a_slow_client_shuts_the_window_of_the_service() -> None:
    @in_loop
    async def test() -> None:
        gateway = Http2Gateway()
        service, client = Http2Service(gateway.pool), gateway.client()
        client.send(get())
        (asked,) = service.asked
        service.answer(asked, ended=False)
        client.connection.pause_writing()
        sent = 0
        while room := service.h2.local_flow_control_window(asked):
            service.h2.send_data(asked, b"x" * min(room, 16_384))
            sent += min(room, 16_384)
            service.flush()
        assert sent <= (256 << 10) + 16_384
        client.connection.resume_writing()
        service.flush()
        assert service.h2.local_flow_control_window(asked) > 0


def test_a_shut_window_of_the_service_holds_the_client_back() -> None:
    @in_loop
    async def test() -> None:
        gateway = Http2Gateway()
        service, client = Http2Service(gateway.pool), gateway.client()
        service.takes = False
        client.send(get("/api/x", "Content-Length: 1000000", method="POST"))
        sent = 0
        while client.transport.reading:
            client.send(b"x" * 10_000)
            sent += 10_000
            service.flush()
        assert sent < 200_000
        service.h2.acknowledge_received_data(len(service.streams[service.asked[0]].body), service.asked[0])
        service.flush()
        assert client.transport.reading


def test_an_idle_connection_is_closed_in_time() -> None:
    @in_loop
    async def test() -> None:
        gateway = Http2Gateway()
        gateway.pass_time(1)
        service, client = Http2Service(gateway.pool), gateway.client()
        client.send(get())
        service.answer(service.asked[0], (b"content-length", b"2"), body=b"hi")
        gateway.pass_time(59)
        assert not service.transport.closed
        gateway.pass_time(2)
        assert service.transport.closed
        assert not gateway.pool.targets[0].connections  # type: ignore[attr-defined]


def test_a_service_that_has_gone_silent_gets_nothing_new() -> None:
    @in_loop
    async def test() -> None:
        gateway = Http2Gateway()
        service, client = Http2Service(gateway.pool), gateway.client()
        client.send(get())
        gateway.pass_time(16)
        assert status_of(client) == 504
        assert not service.connection.has_room()
        assert service.transport.closed
