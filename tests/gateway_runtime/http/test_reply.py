"""What a service answers, good or bad, and what the client gets of it."""

import pytest

from gateway_runtime.policies.chain import Binding
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.schema.policy import Handlers
from tests.gateway_runtime.fakes import OK, FakeGateway, get
from tests.gateway_runtime.http.bodies import Filter, filtering
from tests.gateway_runtime.http.test_gathering import framing


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"),
    ],
)
def test_answers_without_a_body(method: str, answer: bytes) -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get(method=method))
    upstream.answer(answer)
    seen = client.take()
    assert seen.endswith(b"\r\n\r\n")
    assert (b"Content-Length: 500" in seen) == (b"500" in answer)
    assert b"Content-Length: 5\r\n" not in seen
    assert not client.hung_up
    assert len(gateway.pool.targets[0].idle) == 1


def test_interim_answers_are_passed_on_and_100_is_not() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "X-Request-Id: a"))
    upstream.answer(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK, size=7)
    seen = client.take()
    assert seen.startswith(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nx-request-id: a\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert seen.count(b"HTTP/1.1") == 2


def test_an_answer_that_ends_with_the_connection_is_chunked_for_the_client() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(b"HTTP/1.0 200 OK\r\n\r\nabc")
    upstream.answer(b"de")
    upstream.go()
    head, _, body = client.take().partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    assert body == b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert not client.hung_up
    assert len(gateway.pool.targets[0].idle) == 0


BAD_ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX-A: a\0b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX-A: a\rb\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX-A: a\nX-B: b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\n\r\n",
    b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\n\r\n",
    b"HTTP/1.1 20 OK\r\n\r\n",
    b"HTTP/1.1 099 OK\r\n\r\n",
    b"HTTP/2 200 OK\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" * 20,
    b"HTTP/1.1 200 OK\r\nX-A: " + b"y" * 70_000,
]


@pytest.mark.parametrize("answer", BAD_ANSWERS)
def test_an_answer_that_is_not_http_is_502_and_ends_the_upstream_connection(answer: bytes) -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(answer)
    status, problem, _ = client.take_problem()
    assert (status, problem["code"]) == (502, "upstream_bad_response")
    assert upstream.transport.aborted
    assert repr(gateway.pool) == "<Pool orders-v1 [active 0 | idle 0]>"
    assert not client.hung_up


def test_bytes_after_an_answer_reach_nobody() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    assert b"evil" not in client.take()
    assert upstream.transport.closed
    assert not gateway.pool.targets[0].idle


def test_bytes_on_an_idle_upstream_connection_close_it() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    assert upstream.transport.aborted
    other = gateway.upstream()
    client.send(get())
    other.answer(OK)
    assert client.take().endswith(b"hi")


def test_an_answer_cut_short_cuts_the_client() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf")
    upstream.go()
    assert client.take().endswith(b"half")
    assert client.transport.aborted
    assert gateway.recorded.rows[0]["code"] == "upstream_reset"
    assert gateway.recorded.rows[0]["status"] == 200


def test_a_chunked_answer_that_breaks_is_never_ended_properly() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    upstream.answer(b"oops\r\n")
    assert not client.take().endswith(b"0\r\n\r\n")
    assert client.transport.aborted


def test_a_client_that_goes_takes_the_upstream_connection_with_it() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    client.go()
    assert upstream.transport.aborted
    assert not gateway.pool.targets[0].idle
    assert gateway.state.connections == set()
    row = gateway.recorded.rows[0]
    assert (row["status"], row["code"]) == (499, "client_gone")


def test_a_post_on_a_connection_that_was_closed_meanwhile_is_not_repeated() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get(method="POST"))
    upstream.go()
    assert client.take_problem()[1]["code"] == "upstream_reset"


def test_an_early_answer_ends_the_upload() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Content-Length: 10000000", method="POST") + b"x" * 100)
    upstream.answer(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    assert b"connection: close" in client.take()
    assert client.hung_up
    assert upstream.transport.closed
    assert not gateway.pool.targets[0].idle


def test_an_answer_may_begin_before_the_upload_has_ended() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Transfer-Encoding: chunked", method="POST"))
    upstream.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
    upstream.take()
    client.send(b"1\r\nb\r\n0\r\n\r\n")
    assert upstream.take() == b"1\r\nb\r\n0\r\n\r\n"
    upstream.answer(b"1\r\nc\r\n0\r\n\r\n")
    assert client.take().endswith(b"1\r\na\r\n1\r\nc\r\n0\r\n\r\n")


def test_every_exchange_is_counted_once_with_its_bytes() -> None:
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    data = get("/api/x", "Content-Length: 3", method="PUT") + b"abc"
    client.send(data)
    gateway.clock.advance(0.25)
    upstream.answer(OK)
    assert gateway.recorded.rows == [
        {
            "api": "a1", "route": "r1", "application": "", "status": 200, "policy": "", "code": "",
            "bytes_in": len(data), "bytes_out": len(client.take()), "latency_us": 250_000, "upstream_us": 250_000,
        }
    ]  # fmt: skip


@pytest.mark.parametrize("bindings", [(), (filtering(Filter, answers=True),)])
@pytest.mark.parametrize(
    ("method", "answer", "status", "expected"),
    [
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 204, []),
        ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 304, []),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 204, []),
        ("HEAD", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 200, []),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 200, [b"content-length: 0"]),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", 404, [b"content-length: 0"]),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_a_head_says_of_the_body_what_the_status_that_a_policy_gives_allows(
    method: str, answer: bytes, status: int, expected: list[bytes], bindings: tuple[Binding, ...], whole: bool
) -> None:
    def on_response(context: RequestContext) -> None:
        context.response_status = status

    gateway = FakeGateway(Binding("p", Handlers(response_headers=on_response)), *bindings)
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get(method=method))
    upstream.answer(answer, size=0 if whole else answer.index(b"\r\n\r\n") + 6)
    head = client.take()
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert (framing(head), head[-4:]) == (expected, b"\r\n\r\n")
    assert gateway.pool.active == 0
    assert not client.hung_up
