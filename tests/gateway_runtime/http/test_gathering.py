"""Requests whose whole body a policy sees: read to its end, judged, changed and sent with its length."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway_runtime.http.gathering import Gathering
from gateway_runtime.http.limits import ApiLimits, Limits
from gateway_runtime.policies.chain import Binding
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.results import NEEDS_BODY
from gateway_runtime.schema.document import Service, Target
from gateway_runtime.schema.policy import Handlers
from gateway_runtime.schema.upstream import Retries
from gateway_runtime.upstream.pool import Pool
from tests.gateway_runtime.fakes import DENIED, OK, FakeGateway, FakeUpstream, get, refuse_all
from tests.gateway_runtime.http.bodies import NO, Filter, filtering, reader

CHUNKS = b"3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nX-T: 1\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def post(*lines: str, path: str = "/api/x") -> bytes:
    return get(path, *lines, method="POST")


def framing(head: bytes) -> list[bytes]:
    """Return the lines that frame a message."""
    lines = head.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")
    return [line for line in lines if line.startswith((b"content-length", b"transfer-encoding"))]


def test_pieces_are_put_together_and_kept_as_one_object() -> None:
    gathering = Gathering(10, (b"", bytearray(b"ab"), b"c"))
    gathering.add(b"d")
    assert (gathering.size, gathering.whole()) == (4, b"abcd")
    assert gathering.whole() is gathering.whole()
    gathering.add(b"e")
    assert gathering.whole() == b"abcde"


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 50])
@pytest.mark.parametrize(
    "sent",
    [post("Content-Length: 5") + b"hello", post("Transfer-Encoding: chunked") + CHUNKS],
    ids=["length", "chunks"],
)
def test_the_whole_body_is_seen_and_sent_with_its_length_however_it_comes(sent: bytes, size: int) -> None:
    log: list[bytes] = []
    gateway = FakeGateway(reader(log=log))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(sent + get("/api/next"), size=size)
    head, _, body = upstream.take().partition(b"\r\n\r\n")
    assert (log, body) == ([b"hello"], b"hello")
    assert framing(head) == [b"content-length: 5"]
    upstream.answer(OK)
    assert upstream.take().startswith(b"GET /next ")
    upstream.answer(OK)
    assert client.take().count(b" 200 OK") == 2
    assert log == [b"hello", b""]


def test_nothing_is_sent_to_the_service_before_the_body_is_whole() -> None:
    gateway = FakeGateway(reader())
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post("Content-Length: 5") + b"hell")
    assert upstream.take() == b""
    assert client.transport.reading
    client.send(b"o")
    assert upstream.take().endswith(b"hello")


def test_a_changed_body_has_the_right_length_and_no_digest_of_the_old_one() -> None:
    gateway = FakeGateway(reader(lambda body: body + b", world"))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post("Content-Length: 5", "Content-MD5: a", "Digest: b", "Content-Digest: c", "X-Kept: 1") + b"hello")
    head, _, body = upstream.take().partition(b"\r\n\r\n")
    assert body == b"hello, world"
    assert framing(head) == [b"content-length: 12"]
    assert b"igest" not in head
    assert b"MD5" not in head.upper()
    assert b"x-kept: 1" in head.lower()


def test_an_unchanged_body_keeps_its_digest() -> None:
    gateway = FakeGateway(reader())
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post("Content-Length: 5", "Digest: b") + b"hello")
    assert b"digest: b" in upstream.take().lower()


def test_the_same_head_again_never_has_the_length_of_another_body() -> None:
    bodies = iter([b"a much longer one", b"hello", b""])
    gateway = FakeGateway(reader(lambda body: next(bodies)))
    upstream, client = gateway.upstream(), gateway.client()
    for expected in (b"a much longer one", b"hello", b""):
        client.send(post("Content-Length: 5") + b"hello")
        head, _, body = upstream.take().partition(b"\r\n\r\n")
        assert (framing(head), body) == ([b"content-length: %d" % len(expected)], expected)
        upstream.answer(OK)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_body_it_goes_on_at_once_and_none_is_sent(method: str) -> None:
    log: list[bytes] = []
    gateway = FakeGateway(reader(log=log))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get(method=method))
    head = upstream.take()
    assert log == [b""]
    assert head.endswith(b"\r\n\r\n")
    assert framing(head) == []


def test_a_body_may_be_put_where_there_was_none() -> None:
    gateway = FakeGateway(reader(lambda body: b"{}"))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    head, _, body = upstream.take().partition(b"\r\n\r\n")
    assert (framing(head), body) == ([b"content-length: 2"], b"{}")


def test_a_body_that_a_policy_takes_away_leaves_a_length_of_none() -> None:
    gateway = FakeGateway(reader(lambda body: b""))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post("Transfer-Encoding: chunked") + CHUNKS)
    assert framing(upstream.take()) == [b"content-length: 0"]


# Limits


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(
    ("lines", "body"),
    [(("Content-Length: 11",), b"x" * 11), (("Transfer-Encoding: chunked",), b"6\r\nxxxxxx\r\n5\r\nxxxxx\r\n")],
)
def test_a_body_above_the_limit_is_refused_and_the_connection_closed(
    lines: tuple[str, ...], body: bytes, together: bool
) -> None:
    log: list[bytes] = []
    gateway = FakeGateway(reader(log=log), limits=Limits(buffered_body_bytes=10))
    upstream, client = gateway.upstream(), gateway.client()
    if together:
        client.send(post(*lines) + body)
    else:
        client.send(post(*lines))
        client.send(body)
    status, problem, headers = client.take_problem()
    assert (status, problem["code"], headers[b"connection"]) == (413, "content_too_large", b"close")
    assert (log, upstream.take()) == ([], b"")
    assert client.hung_up


def test_a_body_at_the_limit_passes_and_an_api_may_have_a_limit_of_its_own() -> None:
    gateway = FakeGateway(reader(), limits=Limits(buffered_body_bytes=5))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post("Content-Length: 5") + b"hello")
    assert upstream.take().endswith(b"hello")
    upstream.answer(OK)
    (api,) = gateway.state.snapshot.apis.values()  # type: ignore[union-attr]
    api.limits, api.special, api.settled = ApiLimits(buffered_body_bytes=4), True, False
    client.take()
    client.send(post("Content-Length: 5") + b"hello")
    assert client.take_problem()[0] == 413


def test_a_body_that_says_it_is_too_long_is_refused_before_it_is_asked_for() -> None:
    gateway = FakeGateway(reader(), limits=Limits(buffered_body_bytes=10))
    client = gateway.client()
    client.send(post("Content-Length: 11", "Expect: 100-continue"))
    answer = client.take()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert CONTINUE not in answer


def test_a_client_that_asks_is_told_to_send_its_body_once() -> None:
    gateway = FakeGateway(reader())
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post("Content-Length: 5", "Expect: 100-continue"))
    assert client.take() == CONTINUE
    client.send(b"hello")
    assert client.take() == b""
    assert b"expect" not in upstream.take().lower()
    upstream.answer(OK)
    assert client.take().endswith(b"hi")
    assert not client.hung_up


def test_a_client_that_asks_and_is_refused_by_an_earlier_policy_is_not_told_to_go_on() -> None:
    gateway = FakeGateway(Binding("door", Handlers(request_headers=refuse_all)), reader())
    client = gateway.client()
    client.send(post("Content-Length: 5", "Expect: 100-continue"))
    assert client.take().startswith(b"HTTP/1.1 401 ")
    client.send(b"hello")
    assert client.take() == b""


def test_a_body_that_does_not_come_is_given_up_in_time() -> None:
    gateway = FakeGateway(reader(), limits=Limits(body_seconds=5))
    client = gateway.client()
    client.send(post("Content-Length: 5") + b"h")
    gateway.pass_time(4)
    client.send(b"e")
    gateway.pass_time(4)
    assert client.take() == b""
    gateway.pass_time(2)
    status, problem, headers = client.take_problem()
    assert (status, problem["code"], headers[b"connection"]) == (408, "request_timeout", b"close")


def test_a_client_that_goes_while_its_body_is_read_leaves_nothing_behind() -> None:
    gateway = FakeGateway(reader())
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post("Content-Length: 5") + b"he")
    client.go()
    assert gateway.recorded.rows[0]["status"] == 499
    assert not gateway.state.connections
    assert upstream.take() == b""


def test_a_body_that_breaks_the_coding_is_refused_and_not_judged() -> None:
    log: list[bytes] = []
    gateway = FakeGateway(reader(log=log))
    client = gateway.client()
    client.send(post("Transfer-Encoding: chunked") + b"3\r\nabcd\r\n")
    assert client.take_problem()[1]["code"] == "bad_chunk"
    assert log == []


# What the policies say


def test_a_refusal_by_the_body_keeps_the_connection() -> None:
    gateway = FakeGateway(reader(lambda body: NO if body == b"bad" else None))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post("Content-Length: 3") + b"bad" + post("Content-Length: 4") + b"good")
    answer = client.take()
    assert answer.startswith(b"HTTP/1.1 422 ")
    assert upstream.take().endswith(b"good")
    upstream.answer(OK)
    assert client.take().endswith(b"hi")
    assert [(row["status"], row["code"]) for row in gateway.recorded.rows] == [(422, "bad_content"), (200, "")]


def test_only_policies_that_have_seen_the_request_see_a_refusal_of_its_body() -> None:
    def mark(name: bytes) -> Callable[[RequestContext], None]:
        def on_response(context: RequestContext) -> None:
            context.response_headers.append((b"x-seen-by", name))

        return on_response

    gateway = FakeGateway(
        Binding("before", Handlers(response_headers=mark(b"before"))),
        reader(),
        Binding("after", Handlers(response_headers=mark(b"after"))),
        limits=Limits(buffered_body_bytes=4),
    )
    client = gateway.client()
    client.send(post("Content-Length: 5"))
    head = client.take().lower()
    assert b"x-seen-by: before" in head
    assert b"after" not in head


def test_a_body_handler_that_breaks_lets_nothing_pass() -> None:
    def broken(body: bytes) -> None:
        raise ValueError

    gateway = FakeGateway(reader(broken))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post("Content-Length: 5") + b"hello")
    assert client.take_problem()[1]["code"] == "internal_error"
    assert upstream.take() == b""


async def settle() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


@pytest.mark.parametrize("early", [True, False])
def test_policies_that_wait_before_and_after_the_body(early: bool) -> None:
    log: list[bytes] = []

    async def head(context: RequestContext) -> Any:
        await asyncio.sleep(0)
        return NEEDS_BODY

    async def judged(body: bytes) -> Any:
        await asyncio.sleep(0)
        log.append(body)
        return DENIED if body == b"bad" else None

    async def scenario() -> None:
        on_body = lambda context: judged(context.body)  # noqa: E731
        gateway = FakeGateway(Binding("p", Handlers(request_headers=head, request_body=on_body)))
        upstream, client = gateway.upstream(), gateway.client()
        for body in (b"good", b"bad"):
            client.send(post(f"Content-Length: {len(body)}") + (body if early else body[:1]))
            await settle()
            if not early:
                assert client.transport.reading
                client.send(body[1:])
                await settle()
            if body == b"good":
                assert upstream.take().endswith(b"good")
                upstream.answer(OK)
                assert client.take().endswith(b"hi")
        assert upstream.take() == b""
        assert client.take_problem()[0] == 401
        assert log == [b"good", b"bad"]

    asyncio.run(scenario())


def test_later_policies_see_the_body_as_the_ones_before_leave_it_and_filters_come_between() -> None:
    log: list[bytes] = []
    gateway = FakeGateway(
        reader(lambda body: body + b"a", log=log), filtering(Filter), reader(log=log), filtering(lambda: Filter(b"!"))
    )
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post("Content-Length: 1") + b"x")
    assert log == [b"x", b"XA"]
    head, _, body = upstream.take().partition(b"\r\n\r\n")
    assert (framing(head), body) == ([b"content-length: 3"], b"XA!")


# Asking again


def service(**settings: Any) -> Service:
    return Service(id="orders-v1", name="orders", targets=[Target(host="orders.internal", port=9000)], **settings)


def test_an_idempotent_request_whose_body_is_held_is_asked_again_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        gateway = FakeGateway(reader(lambda body: body + b"!"))
        upstream, client = gateway.upstream(), gateway.client()
        fresh = FakeUpstream(gateway.pool, idle=False)

        async def connect(pool: Pool, target: Any) -> Any:
            return fresh.connection

        monkeypatch.setattr(Pool, "connect", connect)
        client.send(get("/api/x", "Content-Length: 2", method="PUT") + b"ab")
        assert upstream.take().endswith(b"ab!")
        upstream.go(ConnectionResetError())
        await settle()
        assert client.take() == b""
        assert fresh.take().endswith(b"ab!")
        fresh.answer(OK)
        assert client.take().endswith(b"hi")

    asyncio.run(scenario())


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_one_that_is_not_is_asked_once(method: str) -> None:
    gateway = FakeGateway(reader(), service=service(retries=Retries()))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Content-Length: 2", method=method) + b"ab")
    upstream.go(ConnectionResetError())
    assert client.take_problem()[0] == 502


def test_a_websocket_handshake_has_no_body_whatever_a_policy_puts_there() -> None:
    log: list[bytes] = []
    gateway = FakeGateway(reader(lambda body: b"{}", log=log))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(
        get(
            "/api/x", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        )
    )  # fmt: skip
    head = upstream.take()
    assert log == [b""]
    assert b"upgrade: websocket" in head.lower()
    assert (framing(head), head[-4:]) == ([], b"\r\n\r\n")


def test_what_a_policy_knows_of_the_request_before_its_body() -> None:
    seen: list[tuple[int, bytes]] = []

    def look(context: RequestContext) -> None:
        seen.append((context.body_length, context.forward_path))

    gateway = FakeGateway(Binding("p", Handlers(request_headers=look)))
    for lines in ((), ("Content-Length: 5",), ("Transfer-Encoding: chunked",)):
        gateway.upstream()
        gateway.client().send(get("/api/a%20b?q=1", *lines, method="POST"))
    assert seen == [(0, b"/a%20b"), (5, b"/a%20b"), (-1, b"/a%20b")]
