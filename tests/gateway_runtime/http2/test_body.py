"""Bodies that policies have to do with, where the caller or the service speaks HTTP/2."""

import pytest

from gateway_runtime.http.limits import Limits
from tests.gateway_runtime.fakes import OK, FakeGateway
from tests.gateway_runtime.http.bodies import NO, Filter, filtering, reader
from tests.gateway_runtime.http.test_gathering import framing
from tests.gateway_runtime.http.test_held_answer import refusing

from .peers import Http2Client, Http2Gateway, Http2Service, fields, in_loop, settle

GRPC = (b"content-type", b"application/grpc")


def post(*more: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    return fields(b"/api/x", *more, method=b"POST")


@pytest.mark.parametrize("more", [(), ((b"content-length", b"5"),)])
def test_a_request_is_read_whole_and_sent_with_its_length(more: tuple[tuple[bytes, bytes], ...]) -> None:
    log: list[bytes] = []
    gateway = FakeGateway(reader(lambda body: body + b"!", log=log))
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    number = client.ask(post(*more), b"he", ended=False)
    assert upstream.take() == b""
    client.h2.send_data(number, b"llo", end_stream=True)
    client.flush()
    head, _, body = upstream.take().partition(b"\r\n\r\n")
    assert (log, body, framing(head)) == ([b"hello"], b"hello!", [b"content-length: 6"])
    upstream.answer(OK)
    assert client.heard(number).body == b"hi"


def test_a_stream_above_the_limit_is_refused_and_the_others_go_on() -> None:
    gateway = FakeGateway(reader(), limits=Limits(buffered_body_bytes=4))
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    said = client.ask(post((b"content-length", b"5")), b"hello")
    unsaid = client.ask(post(), b"hell", ended=False)
    client.h2.send_data(unsaid, b"o")
    assert [client.heard(number).status for number in (said, unsaid)] == [413, 413]
    assert upstream.take() == b""
    number = client.ask(post(), b"hell")
    upstream.answer(OK)
    assert client.heard(number).status == 200


def test_the_window_of_a_body_that_is_read_is_opened_again() -> None:
    gateway = FakeGateway(reader())
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    number = client.ask(post(), b"", ended=False)
    for _ in range(20):
        client.h2.send_data(number, b"x" * 16_000)
        client.flush()
    client.h2.end_stream(number)
    client.flush()
    assert upstream.take().endswith(b"x" * 320_000)


def test_a_client_that_asks_is_told_to_send_its_body() -> None:
    gateway = FakeGateway(reader())
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    number = client.ask(post((b"expect", b"100-continue"), (b"content-length", b"2")), None, ended=False)
    assert [dict(head)[b":status"] for head in client.heard(number).interim] == [b"100"]
    client.h2.send_data(number, b"hi", end_stream=True)
    client.flush()
    assert upstream.take().endswith(b"hi")


def test_a_body_that_does_not_come_is_given_up_in_time() -> None:
    gateway = FakeGateway(reader(), limits=Limits(body_seconds=5))
    client = Http2Client(gateway.state)
    number = client.ask(post(), b"h", ended=False)
    gateway.pass_time(6)
    assert client.heard(number).status == 408


def test_an_answer_is_read_whole_and_given_with_its_length() -> None:
    log: list[bytes] = []
    gateway = FakeGateway(reader(lambda body: body + b"!", answers=True, log=log))
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    number = client.ask()
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
    assert client.heard(number).status == 0
    upstream.answer(b"llo")
    heard = client.heard(number)
    assert (log, heard.body, heard.header(b"content-length")) == ([b"hello"], b"hello!", b"6")
    assert heard.ended


@pytest.mark.parametrize("whole", [True, False])
def test_an_answer_streams_through_a_filter_without_a_length_unless_it_is_whole(whole: bool) -> None:
    gateway = FakeGateway(filtering(lambda: Filter(b"!", keeps_length=False), answers=True))
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    number = client.ask()
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe" + (b"llo" if whole else b""))
    if not whole:
        assert client.heard(number).body == b"HE"
        upstream.answer(b"llo")
    heard = client.heard(number)
    assert (heard.body, heard.header(b"content-length"), heard.ended) == (b"HELLO!", b"6" if whole else None, True)


def test_a_filter_that_refuses_an_answer_half_way_resets_its_stream_alone() -> None:
    gateway = FakeGateway(filtering(lambda: Filter(bad=b"bad"), answers=True))
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    number = client.ask()
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
    upstream.answer(b"bad")
    assert client.heard(number).reset is not None
    assert not client.transport.closed


def test_a_request_streams_through_a_filter_and_can_be_refused_by_it() -> None:
    gateway = FakeGateway(filtering(lambda: Filter(b"!", keeps_length=False, bad=b"bad")))
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    number = client.ask(post((b"content-length", b"5")), b"he", ended=False)
    head, _, body = upstream.take().partition(b"\r\n\r\n")
    assert (framing(head), body) == ([b"transfer-encoding: chunked"], b"2\r\nHE\r\n")
    client.h2.send_data(number, b"llo", end_stream=True)
    client.flush()
    assert upstream.take() == b"4\r\nLLO!\r\n0\r\n\r\n"
    upstream.answer(OK)
    assert client.heard(number).status == 200
    number = client.ask(post(), b"he", ended=False)
    client.h2.send_data(number, b"bad")
    assert client.heard(number).status == 422
    assert upstream.transport.aborted


def test_between_two_sides_of_http_2_bodies_lengths_and_trailers_are_right() -> None:
    async def scenario() -> None:
        gateway = Http2Gateway(reader(lambda body: body + b"?"), reader(lambda body: body + b"!", answers=True))
        service, client = Http2Service(gateway.pool), Http2Client(gateway.state)
        number = client.ask(post(GRPC), b"ask")
        await settle()
        (asked,) = service.asked
        heard = service.streams[asked]
        assert (heard.body, heard.header(b"content-length"), heard.ended) == (b"ask?", b"4", True)
        service.answer(asked, GRPC, body=b"said", trailers=[(b"grpc-status", b"0")])
        answer = client.heard(number)
        assert (answer.body, answer.trailers, answer.ended) == (b"said!", [(b"grpc-status", b"0")], True)

    in_loop(scenario)


def test_trailers_of_a_request_that_was_read_whole_are_sent_on() -> None:
    async def scenario() -> None:
        gateway = Http2Gateway(reader())
        service, client = Http2Service(gateway.pool), Http2Client(gateway.state)
        number = client.ask(post(GRPC), b"ask", ended=False)
        client.h2.send_headers(number, [(b"x-sum", b"1")], end_stream=True)
        client.flush()
        await settle()
        (asked,) = service.asked
        heard = service.streams[asked]
        assert (heard.body, heard.trailers, heard.ended) == (b"ask", [(b"x-sum", b"1")], True)

    in_loop(scenario)


def test_a_grpc_caller_is_told_of_a_refused_answer_and_of_nothing_else() -> None:
    async def scenario() -> None:
        gateway = Http2Gateway(reader(refusing, answers=True))
        service, client = Http2Service(gateway.pool), Http2Client(gateway.state)
        number = client.ask(post(GRPC), b"ask")
        await settle()
        service.answer(service.asked[0], GRPC, body=b"said", trailers=[(b"grpc-status", b"0")])
        answer = client.heard(number)
        assert (answer.status, answer.body, answer.trailers) == (200, b"", [])
        assert (answer.header(b"grpc-status"), answer.header(b"content-length")) == (b"2", None)

    in_loop(scenario)


def test_a_refusal_to_a_grpc_caller_stays_a_head_whatever_is_done_to_bodies() -> None:
    gateway = FakeGateway(reader(lambda body: b"put", answers=True), reader(lambda body: NO))
    client = Http2Client(gateway.state)
    answer = client.heard(client.ask(post(GRPC), b"ask"))
    assert (answer.status, answer.body, answer.ended) == (200, b"", True)
    assert answer.header(b"content-length") is None
