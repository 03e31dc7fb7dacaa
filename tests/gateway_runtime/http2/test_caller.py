"""Clients of HTTP/2 in front of a service of HTTP/1.1: one stream, one exchange."""

import json

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from gateway_runtime.http.limits import ApiLimits, Limits
from gateway_runtime.http.origin import TrustedProxies
from gateway_runtime.http2.caller import CallerConnection
from gateway_runtime.schema.access_log import AccessLog
from gateway_runtime.telemetry.access_log import AccessLogger
from tests.gateway_runtime.fakes import OK, PORT, FakeGateway, FakeTransport, denying, get
from tests.gateway_runtime.http2.peers import Http2Client, fields


def test_a_stream_is_answered_like_a_request_of_http1() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    number = client.ask(fields(b"/api/x?a=1", (b"x-request-id", b"abc"), (b"accept", b"*/*")))
    assert upstream.take() == (
        b"GET /x?a=1 HTTP/1.1\r\nhost: orders.internal:9000\r\naccept: */*\r\nx-request-id: abc\r\n"
        b"x-forwarded-for: 203.0.113.9\r\nx-forwarded-proto: http\r\nvia: 2.0 portico\r\n"
        b"x-forwarded-host: shop.example\r\n\r\n"
    )
    upstream.answer(b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX-A: 1\r\nConnection: keep-alive\r\n\r\nhi")
    heard = client.heard(number)
    assert heard.fields == [
        (b":status", b"200"), (b"content-length", b"2"), (b"x-a", b"1"), (b"x-request-id", b"abc")
    ]  # fmt: skip
    assert (heard.body, heard.ended, heard.reset) == (b"hi", True, None)
    assert repr(gateway.pool) == "<Pool orders-v1 [active 0 | idle 1]>"
    assert gateway.recorded.rows[0]["status"] == 200


def test_streams_are_answered_in_any_order() -> None:
    gateway = FakeGateway()
    services = [gateway.upstream() for _ in range(3)]
    client = Http2Client(gateway.state)
    numbers = [client.ask(fields(b"/api/%d" % index)) for index in range(3)]
    by_path = {service.take().split(b" ")[1]: service for service in services}
    for index in (2, 0, 1):
        body = b"answer %d" % index
        by_path[b"/%d" % index].answer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    assert [client.heard(number).body for number in numbers] == [b"answer 0", b"answer 1", b"answer 2"]
    assert not client.connection.streams


def test_an_answer_in_one_piece_is_one_write() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    client.ask()
    before = client.transport.writes
    upstream.answer(OK)
    assert client.transport.writes == before + 1


def test_a_body_without_length_is_chunked_for_the_service() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    number = client.ask(fields(method=b"POST"), b"abc", ended=False)
    client.h2.send_data(number, b"de", end_stream=True)
    client.flush()
    head, _, body = upstream.take().partition(b"\r\n\r\n")
    assert b"\r\ntransfer-encoding: chunked\r\n" in head + b"\r\n"
    assert body == b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    upstream.answer(OK)
    assert client.heard(number).body == b"hi"


def test_a_body_of_known_length_keeps_it() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    client.ask(fields(b"/api/x", (b"content-length", b"5"), method=b"POST"), b"abcde")
    head, _, body = upstream.take().partition(b"\r\n\r\n")
    assert b"\r\ncontent-length: 5" in head
    assert b"chunked" not in head
    assert body == b"abcde"


@pytest.mark.parametrize(("declared", "body"), [(b"5", b"abc"), (b"2", b"abc"), (b"0", b"a"), (b"3", b"")])
def test_a_body_of_another_length_than_declared_is_refused(declared: bytes, body: bytes) -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    number = client.ask(fields(b"/api/x", (b"content-length", declared), method=b"POST"), body)
    assert client.heard(number).status == 400
    assert json.loads(client.heard(number).body)["code"] == "bad_content_length"
    assert not upstream.take() or upstream.transport.aborted
    assert not client.connection.lost


def test_other_streams_go_on_when_one_is_refused() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    good = client.ask()
    bad = client.ask(fields(b"/api/../x"))
    upstream.answer(OK)
    assert client.heard(bad).status == 400
    assert client.heard(good).body == b"hi"


def test_a_refusal_comes_with_its_problem() -> None:
    gateway = denying()
    client = Http2Client(gateway.state)
    heard = client.heard(client.ask(body=b"never wanted", ended=False))
    assert heard.status == 401
    assert json.loads(heard.body)["code"] == "denied"
    assert heard.header(b"www-authenticate") == b"X"
    # The client is told to stop sending, without fault (RFC 9113 section 8.1).
    assert heard.reset == ErrorCodes.NO_ERROR


def test_grpc_clients_are_refused_in_their_own_way() -> None:
    gateway = denying()
    client = Http2Client(gateway.state)
    head = fields(b"/api/x", (b"content-type", b"application/grpc+proto"), (b"te", b"trailers"), method=b"POST")
    heard = client.heard(client.ask(head, b"\0\0\0\0\0"))
    assert heard.status == 200
    assert (heard.header(b"content-type"), heard.header(b"grpc-status")) == (b"application/grpc", b"16")
    assert heard.header(b"grpc-message") == b"denied: No."
    assert heard.header(b"www-authenticate") == b"X"
    assert (heard.body, heard.ended) == (b"", True)
    # Whoever counts refusals counts this one.
    assert (gateway.recorded.rows[0]["status"], gateway.recorded.rows[0]["code"]) == (401, "denied")


def test_a_client_that_gives_up_gives_up_the_service() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    number = client.ask()
    client.h2.reset_stream(number, ErrorCodes.CANCEL)
    client.flush()
    assert upstream.transport.aborted
    assert gateway.recorded.rows[0]["status"] == 499
    assert gateway.pool.active == 0


def test_an_answer_that_breaks_off_resets_the_stream() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    number = client.ask()
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhi")
    upstream.go(ConnectionResetError())
    assert client.heard(number).reset == ErrorCodes.INTERNAL_ERROR
    assert not client.transport.closed


def test_an_interim_answer_and_an_expectation_are_passed_on() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    head = fields(b"/api/x", (b"expect", b"100-continue"), (b"content-length", b"1"), method=b"PUT")
    number = client.ask(head, ended=False)
    assert client.heard(number).interim == [[(b":status", b"100")]]
    upstream.answer(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    assert (b":status", b"103") in client.heard(number).interim[1]
    client.h2.send_data(number, b"x", end_stream=True)
    client.flush()
    upstream.answer(OK)
    assert client.heard(number).body == b"hi"


def test_head_has_a_length_and_no_body() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    number = client.ask(fields(method=b"HEAD"))
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
    heard = client.heard(number)
    assert (heard.header(b"content-length"), heard.body, heard.ended) == (b"10", b"", True)


def test_more_streams_than_allowed_are_refused_one_by_one() -> None:
    gateway = FakeGateway()
    services = [gateway.upstream() for _ in range(100)]
    client = Http2Client(gateway.state)
    client.h2.remote_settings.max_concurrent_streams = 1000
    client.h2.remote_settings.acknowledge()
    numbers = [client.ask() for _ in range(101)]
    assert client.heard(numbers[-1]).reset == ErrorCodes.REFUSED_STREAM
    for service in services:
        service.answer(OK)
    assert all(client.heard(number).body == b"hi" for number in numbers[:100])
    assert client.heard(client.ask()).reset is None


def test_a_shut_window_holds_the_service_back() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    client.takes = False
    number = client.ask()
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" + b"x" * 60_000)
    while upstream.transport.reading:
        upstream.answer(b"x" * 10_000)
    sent = len(client.heard(number).body)
    assert sent == 65_535
    held = client.connection.streams[number].unsent
    assert len(held) < 100_000
    client.takes = True
    client.h2.acknowledge_received_data(sent, number)
    client.flush()
    assert not held
    assert upstream.transport.reading


def test_a_large_answer_is_sent_as_long_as_there_is_room() -> None:
    gateway = FakeGateway()
    services, client = [gateway.upstream(), gateway.upstream()], Http2Client(gateway.state)
    client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1 << 20})
    client.h2.increment_flow_control_window(4 << 20)
    numbers = [client.ask(), client.ask()]
    client.takes = False
    for service in services:
        service.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000)
    assert [len(client.heard(number).body) for number in numbers] == [1_000_000] * 2


def test_a_client_that_never_opens_its_window_is_let_go_in_time() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    client.takes = False
    number = client.ask()
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70_000)
    assert gateway.recorded.rows[0]["status"] == 200
    gateway.pass_time(301)
    assert client.heard(number).reset == ErrorCodes.CANCEL
    assert not client.connection.streams


def test_what_the_service_does_not_take_is_not_acknowledged() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    number = client.ask(fields(method=b"POST"), b"", ended=False)
    upstream.connection.pause_writing()
    sent = 0
    while (room := client.h2.local_flow_control_window(number)) > 0:
        client.h2.send_data(number, b"x" * min(room, 16_384))
        sent += min(room, 16_384)
        client.flush()
    assert sent == 256 << 10
    upstream.connection.resume_writing()
    client.flush()
    assert client.h2.local_flow_control_window(number) == 256 << 10


def test_waiting_has_an_end() -> None:
    gateway = FakeGateway()
    client = Http2Client(gateway.state)
    gateway.upstream()
    answered = client.ask()
    gateway.pass_time(16)
    assert client.heard(answered).status == 504
    gateway.upstream()
    unfinished = client.ask(fields(method=b"POST"), b"x", ended=False)
    gateway.pass_time(61)
    assert client.heard(unfinished).status == 408
    gateway.pass_time(76)
    client.flush()
    assert client.transport.closed
    assert client.goodbye is not None


@pytest.mark.parametrize("beginning", [b"", b"PRI * HTTP", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0"])
def test_a_client_that_does_not_begin_is_let_go(beginning: bytes) -> None:
    gateway = FakeGateway()
    bare = gateway.client()
    if beginning:
        bare.send(beginning)
    gateway.pass_time(31)
    assert bare.hung_up


def test_a_draining_worker_says_goodbye_and_finishes() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    number = client.ask()
    client.connection.close_after_reply()
    client.connection.close_if_idle()
    assert not client.transport.closed
    client.transport.take()  # GOAWAY: `h2` as a client would take nothing after it
    upstream.answer(OK)
    assert b"hi" in client.transport.take()
    assert client.transport.closed
    assert number == 1


def test_a_new_stream_after_goodbye_is_refused() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    client.ask()
    client.connection.go_away()
    client.transport.take()
    client.h2.send_headers(3, fields(), end_stream=True)
    client.connection.data_received(client.h2.data_to_send())
    assert client.transport.take() == b"\0\0\x04\x03\0\0\0\0\x03" + b"\0\0\0\x07"
    assert upstream.take().startswith(b"GET ")
    assert gateway.recorded.rows == []


def test_a_client_without_tls_may_know_that_http2_is_spoken() -> None:
    gateway = FakeGateway()
    bare = gateway.client()
    client = Http2Client(gateway.state)
    client.h2 = type(client.h2)(client.h2.config)
    client.h2.initiate_connection()
    client.h2.send_headers(1, fields(), end_stream=True)
    upstream = gateway.upstream()
    bare.send(client.h2.data_to_send(), size=7)
    upstream.answer(OK)
    client.hear(bare.take())
    assert client.streams[1].body == b"hi"
    assert bare.connection not in gateway.state.connections
    assert bare.speaker in gateway.state.connections


def test_a_connection_that_has_spoken_http1_stays_with_it() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(OK)
    client.take()
    client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert client.take().startswith(b"HTTP/1.1 505 ")


def test_lost_connections_leave_nothing_behind() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    client.ask()
    client.connection.connection_lost(None)
    assert upstream.transport.aborted
    assert not gateway.state.connections
    assert gateway.pool.active == 0
    assert [row["status"] for row in gateway.recorded.rows] == [499]


def test_connections_are_counted_once_whatever_they_speak() -> None:
    gateway = FakeGateway(limits=Limits(connections=2))
    client, bare = Http2Client(gateway.state), gateway.client()
    bare.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert gateway.state.open == 2
    third = Http2Client.__new__(Http2Client)
    third.transport, third.connection = FakeTransport(), CallerConnection(gateway.state, PORT)
    third.connection.connection_made(third.transport)  # type: ignore[arg-type]
    assert third.transport.aborted
    third.connection.connection_lost(None)
    bare.go()
    client.connection.connection_lost(None)
    assert (gateway.state.open, gateway.state.addresses) == (0, {})


def test_a_trusted_proxy_says_for_whom_each_stream_is() -> None:
    gateway = FakeGateway()
    gateway.state.proxies = TrustedProxies(["203.0.113.0/24"])
    client = Http2Client(gateway.state)
    for address in (b"198.51.100.1", b"198.51.100.2", b"198.51.100.2"):
        upstream = gateway.upstream()
        client.ask(fields(b"/api/x", (b"x-forwarded-for", address)))
        head = upstream.take()
        assert b"\r\nx-forwarded-for: " + address + b", 203.0.113.9\r\n" in head
        assert b"\r\nvia: 2.0 portico\r\n" in head


def test_an_api_may_take_smaller_bodies() -> None:
    gateway = FakeGateway()
    gateway.upstream()
    (api,) = gateway.state.snapshot.apis.values()  # type: ignore[union-attr]
    api.limits, api.special = ApiLimits(body_bytes=3), True
    client = Http2Client(gateway.state)
    number = client.ask(fields(method=b"POST"), b"abc", ended=False)
    client.h2.send_data(number, b"d", end_stream=True)
    assert client.heard(number).status == 413
    assert client.heard(client.ask(fields(b"/api/x", (b"content-length", b"4"), method=b"POST"), b"abcd")).status == 413


def test_an_upgrade_is_not_offered_and_not_taken() -> None:
    gateway = FakeGateway()
    client = Http2Client(gateway.state)
    head = fields(b"/api/x", (b"upgrade", b"websocket"), (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="))
    assert client.heard(client.ask(head)).status == 400


def test_the_access_log_tells_the_version() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    lines: list[bytes] = []
    (api,) = gateway.state.snapshot.apis.values()  # type: ignore[union-attr]
    api.access_log = gateway.state.access_log = AccessLogger(AccessLog(), lines.append)
    client.ask()
    upstream.answer(OK)
    client.ask(fields(b"/api/../x"))
    good, bad = (json.loads(line) for line in lines)
    assert (good["http.version"], good["url.path"], good["source.ip"]) == ("2", "/api/x", "203.0.113.9")
    assert (bad["http.response.status_code"], bad["portico.code"]) == (400, "path_not_canonical")
