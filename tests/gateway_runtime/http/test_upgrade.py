"""WebSocket handshakes: what opens a tunnel, and everything that does not."""

import asyncio

import pytest

from gateway_runtime.http.limits import Limits
from gateway_runtime.http.message import parse_request
from gateway_runtime.http.upgrade import check_switch
from gateway_runtime.policies.chain import Binding
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.schema.policy import Handlers
from gateway_runtime.upstream.errors import UpstreamError
from tests.gateway_runtime.fakes import OK, FakeClient, FakeGateway, FakeUpstream, denying, get
from tests.gateway_runtime.http.test_gathering import settle

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # the example of RFC 6455, with its answer
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
ASKED = ("Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13")
SWITCH = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {ACCEPT}\r\n%s\r\n"
)


def switch(*lines: str) -> bytes:
    return (SWITCH % "".join(f"{line}\r\n" for line in lines)).encode()


def handshake(*lines: str, without: str = "") -> bytes:
    kept = [line for line in ASKED if not without or not line.startswith(f"{without}:")]
    return get("/api/chat", *kept, *lines)


def asked(*lines: str) -> tuple[FakeGateway, FakeClient, FakeUpstream]:
    """Return a gateway that has passed a handshake on."""
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(handshake(*lines))
    return gateway, client, upstream


def test_a_handshake_is_asked_anew_by_the_gateway() -> None:
    _, _, upstream = asked("Sec-WebSocket-Protocol: chat")
    sent = upstream.take().lower()
    for line in ASKED:
        assert sent.count(line.lower().encode()) == 1
    assert b"\r\nsec-websocket-protocol: chat\r\n" in sent


@pytest.mark.parametrize(
    "lines",
    [
        ("Upgrade: WebSocket", *ASKED[1:]),
        (ASKED[0], "Connection: keep-alive, Upgrade", *ASKED[2:]),
        (ASKED[0], "Connection: keep-alive", "Connection: UPGRADE", *ASKED[2:]),
        (*ASKED, "Content-Length: 0"),
    ],
)
def test_these_are_handshakes(lines: tuple[str, ...]) -> None:
    request = parse_request(get("/api/chat", *lines), Limits())
    assert request.websocket == KEY.encode()
    assert not request.keep_alive
    assert not request.has_length


@pytest.mark.parametrize(
    "lines",
    [
        ASKED[1:],
        (ASKED[0], *ASKED[2:]),
        ASKED[:2] + ASKED[3:],
        ASKED[:3],
        ("Upgrade: websocket, h2c", *ASKED[1:]),
        ("Upgrade: h2c", *ASKED[1:]),
        ("Upgrade: websocket/13", *ASKED[1:]),
        (*ASKED, "Upgrade: websocket"),
        (*ASKED, "Upgrade: h2c"),
        (*ASKED, ASKED[2]),
        (*ASKED, ASKED[3]),
        (*ASKED[:3], "Sec-WebSocket-Version: 8"),
        (*ASKED[:3], "Sec-WebSocket-Version: 013"),
        (*ASKED[:3], "Sec-WebSocket-Version: 13, 8"),
        (ASKED[0], "Connection: close, Upgrade", *ASKED[2:]),
        (*ASKED, "Content-Length: 2"),
        (*ASKED, "Transfer-Encoding: chunked"),
        *(
            (*ASKED[:2], f"Sec-WebSocket-Key: {key}", ASKED[3])
            for key in ("", "x", KEY[:-1], KEY + "=", KEY[:-3] + "R==", KEY[:-4] + "=-==", KEY[:-4], KEY + KEY)
        ),
    ],
)
def test_anything_else_is_an_ordinary_request_without_upgrade(lines: tuple[str, ...]) -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/chat", *lines))
    sent = upstream.take().lower()
    assert sent.startswith(b"get /chat http/1.1\r\n")
    for name in (b"\r\nupgrade:", b"\r\nconnection:", b"\r\nsec-websocket-key:", b"\r\nsec-websocket-version:"):
        assert name not in sent
    upstream.answer(switch())
    assert client.take_problem()[1]["code"] == "upstream_bad_response"


@pytest.mark.parametrize("start", ["POST /api/chat HTTP/1.1", "HEAD /api/chat HTTP/1.1", "GET /api/chat HTTP/1.0"])
def test_only_get_in_http_1_1_asks_for_a_tunnel(start: str) -> None:
    head = "\r\n".join([start, "Host: gateway.test", *ASKED, "", ""]).encode()
    assert not parse_request(head, Limits()).websocket


def test_an_opened_tunnel_is_told_to_the_client() -> None:
    gateway, client, upstream = asked()
    upstream.answer(switch("X-Served-By: chat-1", "Upgrade-Insecure: 1"))
    answer = client.take()
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    lines = head.split(b"\r\n")[1:]
    assert sorted(line for line in lines if not line.startswith(b"x-request-id: ")) == [
        b"connection: Upgrade",
        b"sec-websocket-accept: " + ACCEPT.encode(),
        b"upgrade-insecure: 1",
        b"upgrade: websocket",
        b"x-served-by: chat-1",
    ]
    assert not rest
    assert not gateway.recorded.rows


@pytest.mark.parametrize(
    "answer",
    [
        switch().replace(b"Upgrade: websocket\r\n", b""),
        switch().replace(b"Upgrade: websocket", b"Upgrade: websocket, h2c"),
        switch().replace(b"Upgrade: websocket", b"Upgrade: h2c"),
        switch().replace(b"Connection: Upgrade\r\n", b""),
        switch().replace(b"Connection: Upgrade", b"Connection: close"),
        switch().replace(b"Connection: Upgrade", b"Connection: Upgrade, close"),
        switch().replace(b"Connection: Upgrade", b"Connection: Upgrade, x-a"),
        switch().replace(ACCEPT.encode(), b"aaaaaaaaaaaaaaaaaaaaaaaaaaa="),
        switch().replace(ACCEPT.encode(), b""),
        switch().replace(b"Sec-WebSocket-Accept", b"X-Accept"),
        switch().replace(b"HTTP/1.1", b"HTTP/1.0"),
        switch(f"Sec-WebSocket-Accept: {ACCEPT}"),
        switch("Upgrade: websocket"),
        switch("Content-Length: 0"),
        switch("Content-Length: 5"),
        switch("Transfer-Encoding: chunked"),
        switch("Trailer: X-A"),
        switch("Sec-WebSocket-Extensions: permessage-deflate"),
        switch("Sec-WebSocket-Protocol: chat"),
        switch("Sec-WebSocket-Protocol: "),
    ],
)
def test_a_switch_that_does_not_answer_the_handshake_is_refused(answer: bytes) -> None:
    gateway, client, upstream = asked()
    upstream.answer(answer)
    status, problem, _ = client.take_problem()
    assert (status, problem["code"]) == (502, "upstream_bad_response")
    assert upstream.transport.aborted
    assert gateway.recorded.rows[0]["status"] == 502


@pytest.mark.parametrize(
    ("offered", "chosen", "good"),
    [
        ("Sec-WebSocket-Protocol: chat, superchat", "Sec-WebSocket-Protocol: superchat", True),
        ("Sec-WebSocket-Protocol: chat, superchat", "Sec-WebSocket-Protocol: chat, superchat", False),
        ("Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: Chat", False),
        (
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover",
            True,
        ),
        (
            "Sec-WebSocket-Extensions: permessage-deflate",
            "Sec-WebSocket-Extensions: permessage-deflate, x-other",
            False,
        ),
    ],
)
def test_a_service_chooses_from_what_was_offered(offered: str, chosen: str, good: bool) -> None:
    _, client, upstream = asked(offered)
    upstream.answer(switch(chosen))
    assert client.take().startswith(b"HTTP/1.1 101 " if good else b"HTTP/1.1 502 ")


def test_what_a_policy_has_taken_away_was_not_offered() -> None:
    def without(context: RequestContext) -> None:
        context.remove_header(b"sec-websocket-protocol")

    gateway = FakeGateway(Binding("no-chat", Handlers(request_headers=without)))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(handshake("Sec-WebSocket-Protocol: chat"))
    sent = upstream.take()
    assert b"sec-websocket-protocol" not in sent.lower()
    assert sent.count(KEY.encode()) == 1
    upstream.answer(switch("Sec-WebSocket-Protocol: chat"))
    assert client.take().startswith(b"HTTP/1.1 502 ")


def test_a_switch_that_is_no_head_is_refused() -> None:
    with pytest.raises(UpstreamError):
        check_switch(b"HTTP/1.1 101 \x01\r\n\r\n", KEY.encode(), [])


def test_an_ordinary_answer_is_given_and_the_connection_ends() -> None:
    _, client, upstream = asked()
    upstream.answer(OK)
    answer = client.take()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nconnection: close\r\n" in answer
    assert client.hung_up


def test_policies_judge_a_handshake() -> None:
    gateway = denying()
    client = gateway.client()
    client.send(handshake())
    assert client.take_problem()[0] == 401
    assert gateway.recorded.rows[0]["policy"] == "door"


def test_response_policies_see_the_switch_and_cannot_break_it() -> None:
    def mark(context: RequestContext) -> None:
        assert context.response_status == 101
        context.response_headers = [(b"x-marked", b"1"), (b"sec-websocket-accept", b"x"), (b"content-length", b"9")]

    gateway = FakeGateway(Binding("mark", Handlers(response_headers=mark)))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(handshake())
    upstream.answer(switch("X-Gone: 1"))
    answer = client.take()
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"\r\nx-marked: 1\r\n" in answer
    assert answer.count(b"sec-websocket-accept: " + ACCEPT.encode()) == 1
    assert b"content-length" not in answer
    assert b"x-gone" not in answer


def test_a_response_policy_that_fails_opens_nothing() -> None:
    def fail(context: RequestContext) -> None:
        raise RuntimeError

    gateway = FakeGateway(Binding("mark", Handlers(response_headers=fail)))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(handshake())
    upstream.answer(switch())
    assert client.take_problem()[0] == 500
    assert upstream.transport.aborted


@pytest.mark.parametrize("early", [b"", b"x"])
def test_response_policies_may_wait(early: bytes) -> None:
    async def scenario() -> None:
        done = asyncio.Event()

        async def wait(context: RequestContext) -> None:
            await done.wait()
            context.response_headers = [(b"x-marked", b"1")]

        gateway = FakeGateway(Binding("mark", Handlers(response_headers=wait)))
        upstream, client = gateway.upstream(), gateway.client()
        client.send(handshake())
        upstream.answer(switch() + b"\x81\x01a")
        await asyncio.sleep(0)
        assert not client.take()
        assert not upstream.transport.reading
        if early:
            client.send(early)
        done.set()
        for _ in range(3):
            await asyncio.sleep(0)
        answer = client.take()
        if early:
            assert answer.startswith(b"HTTP/1.1 400 ")
        else:
            assert answer.startswith(b"HTTP/1.1 101 ")
            assert b"\r\nx-marked: 1\r\n" in answer
            assert answer.endswith(b"\x81\x01a")
            assert upstream.transport.reading

    asyncio.run(scenario())


SMUGGLED = get("/api/smuggled")


@pytest.mark.parametrize("together", [True, False])
def test_bytes_before_the_switch_are_no_frames(together: bool) -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    if together:
        client.send(handshake() + SMUGGLED)
    else:
        client.send(handshake())
        client.send(SMUGGLED)
    upstream.take()
    upstream.answer(switch())
    status, problem, headers = client.take_problem()
    assert (status, problem["code"], headers[b"connection"]) == (400, "websocket_early_bytes", b"close")
    assert not upstream.take()
    assert upstream.transport.aborted
    assert client.hung_up


@pytest.mark.parametrize("answer", [OK, b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", switch("Upgrade: x")])
def test_bytes_behind_a_refused_handshake_are_no_request(answer: bytes) -> None:
    gateway, client, upstream = asked()
    other = gateway.upstream()
    client.send(SMUGGLED)
    upstream.take()
    upstream.answer(answer)
    client.send(SMUGGLED)
    assert client.take().count(b"HTTP/1.1 ") == 1
    assert client.hung_up
    assert not upstream.take()
    assert not other.take()


def test_what_waits_for_the_switch_is_bounded() -> None:
    _, client, _ = asked()
    client.send(b"x" * 1000)
    assert not client.transport.reading


def test_a_service_that_does_not_answer_a_handshake_is_given_up() -> None:
    gateway, client, _ = asked()
    gateway.pass_time(gateway.state.limits.response_seconds + 1)
    assert client.take_problem()[0] == 504


def test_nothing_passes_before_a_policy_that_waits_has_let_the_tunnel_open() -> None:
    async def scenario() -> None:
        known: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def wait(context: RequestContext) -> None:
            await known

        gateway = FakeGateway(Binding("p", Handlers(response_headers=wait)))
        upstream, client = gateway.upstream(), gateway.client()
        client.send(handshake())
        client.connection.pause_writing()
        upstream.answer(switch())
        client.connection.resume_writing()
        assert not upstream.transport.reading
        known.set_result(None)
        await settle()
        assert upstream.transport.reading
        assert client.take().startswith(b"HTTP/1.1 101 ")

    asyncio.run(scenario())
