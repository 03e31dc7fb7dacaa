"""Answers whose whole body a policy sees: read to their end, judged, changed and written with their length."""

import asyncio
from typing import Any

import pytest

from gateway_runtime.http.limits import ApiLimits, Limits
from gateway_runtime.policies.chain import Binding
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.results import NEEDS_BODY, Refused
from gateway_runtime.schema.policy import Handlers
from gateway_runtime.schema.upstream import Retries
from gateway_runtime.upstream.pool import Pool
from tests.gateway_runtime.fakes import OK, FakeGateway, FakeUpstream, get, refuse_all
from tests.gateway_runtime.http.bodies import NO, Filter, filtering, reader

from .test_gathering import framing, service, settle

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello"


def refusing(body: bytes) -> None:
    raise Refused(NO)


@pytest.mark.parametrize("size", [0, 1, 3, 60])
@pytest.mark.parametrize("sent", [LENGTH, CHUNKED], ids=["length", "chunks"])
def test_the_whole_answer_is_seen_and_written_with_its_length_however_it_comes(sent: bytes, size: int) -> None:
    log: list[bytes] = []
    gateway = FakeGateway(reader(answers=True, log=log))
    upstream, client = gateway.upstream(), gateway.client()
    for _ in range(2):
        client.send(get())
        upstream.answer(sent, size=size)
        head, _, body = client.take().partition(b"\r\n\r\n")
        assert (body, framing(head)) == (b"hello", [b"content-length: 5"])
    assert log == [b"hello"] * 2
    assert client.transport.writes == 2
    assert len(gateway.pool.targets[0].idle) == 1


def test_an_answer_that_ends_with_its_connection() -> None:
    gateway = FakeGateway(reader(lambda body: body.upper(), answers=True))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(b"HTTP/1.1 200 OK\r\n\r\nhe")
    upstream.answer(b"llo")
    assert client.take() == b""
    upstream.go()
    head, _, body = client.take().partition(b"\r\n\r\n")
    assert (body, framing(head)) == (b"HELLO", [b"content-length: 5"])
    assert not client.hung_up


def test_a_changed_answer_has_the_right_length_and_no_digest_of_the_old_one() -> None:
    gateway = FakeGateway(reader(lambda body: body + b", world", answers=True))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-MD5: a\r\nRepr-Digest: b\r\nETag: c\r\n\r\nhi")
    head, _, body = client.take().partition(b"\r\n\r\n")
    assert (body, framing(head)) == (b"hi, world", [b"content-length: 9"])
    assert b"igest" not in head
    assert b"md5" not in head.lower()
    assert b"etag: c" in head.lower()


def test_an_answer_that_is_only_looked_at_keeps_its_digest() -> None:
    gateway = FakeGateway(reader(answers=True))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDigest: b\r\n\r\nhi")
    assert b"digest: b" in client.take().lower()


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
    ],
)
def test_an_answer_without_a_body_has_none_afterwards_and_no_length_that_may_be_wrong(
    method: str, answer: bytes
) -> None:
    log: list[bytes] = []
    gateway = FakeGateway(
        reader(lambda body: b"put", answers=True, log=log), filtering(lambda: Filter(b"!"), answers=True)
    )
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get(method=method))
    upstream.answer(answer)
    head = client.take()
    assert log == [b""]
    assert (framing(head), head[-4:]) == ([], b"\r\n\r\n")
    assert not client.hung_up


def test_a_status_without_a_body_that_a_policy_gives_takes_the_body_away() -> None:
    def on_body(context: RequestContext) -> None:
        context.response_status = 204

    gateway = FakeGateway(Binding("p", Handlers(response_body=on_body)))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(LENGTH)
    answer = client.take()
    assert answer.startswith(b"HTTP/1.1 204 ")
    assert (framing(answer), answer[-4:]) == ([], b"\r\n\r\n")


def test_the_gateways_own_refusals_are_seen_too() -> None:
    log: list[bytes] = []
    gateway = FakeGateway(
        reader(lambda body: b"<" + body + b">", answers=True, log=log),
        Binding("door", Handlers(request_headers=refuse_all)),
    )
    client = gateway.client()
    client.send(get())
    head, _, body = client.take().partition(b"\r\n\r\n")
    assert b'"denied"' in log[0]
    assert body == b"<" + log[0] + b">"
    assert framing(head) == [b"content-length: %d" % len(body)]
    assert not client.hung_up


# Limits and failures


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n" + b"x" * 11,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n" + b"x" * 11,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 11,
    ],
)
@pytest.mark.parametrize("size", [0, 7])
def test_an_answer_above_the_limit_is_a_bad_gateway(answer: bytes, size: int) -> None:
    log: list[bytes] = []
    gateway = FakeGateway(reader(answers=True, log=log), limits=Limits(buffered_body_bytes=10))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(answer, size=size)
    status, problem, _ = client.take_problem()
    assert (status, problem["code"]) == (502, "upstream_content_too_large")
    assert log == []
    assert not client.hung_up
    assert gateway.pool.active == 0


def test_an_api_may_have_a_limit_of_its_own() -> None:
    gateway = FakeGateway(reader(answers=True))
    (api,) = gateway.state.snapshot.apis.values()  # type: ignore[union-attr]
    api.limits, api.special, api.settled = ApiLimits(buffered_body_bytes=4), True, False
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(LENGTH)
    assert client.take_problem()[0] == 502


def test_a_service_that_breaks_off_half_way_sends_nothing_half() -> None:
    gateway = FakeGateway(reader(answers=True))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(LENGTH[:-2])
    upstream.go(ConnectionResetError())
    status, problem, _ = client.take_problem()
    assert (status, problem["code"]) == (502, "upstream_reset")
    assert not client.hung_up


def test_a_service_that_stops_half_way_is_given_up_in_time() -> None:
    gateway = FakeGateway(reader(answers=True), limits=Limits(response_seconds=10, stream_seconds=5))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(LENGTH[:-2])
    gateway.pass_time(6)
    status, problem, _ = client.take_problem()
    assert (status, problem["code"]) == (504, "upstream_timeout")
    assert upstream.transport.aborted


def test_a_client_that_goes_while_its_answer_is_read_leaves_nothing_behind() -> None:
    gateway = FakeGateway(reader(answers=True))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(LENGTH[:-2])
    client.go()
    assert upstream.transport.aborted
    assert gateway.pool.active == 0
    assert gateway.recorded.rows[0]["status"] == 499


def test_a_body_handler_can_refuse_or_break_and_nothing_of_the_answer_is_shown() -> None:
    def broken(body: bytes) -> None:
        raise ValueError

    for change, status in ((refusing, 422), (broken, 500)):
        gateway = FakeGateway(reader(change, answers=True))
        upstream, client = gateway.upstream(), gateway.client()
        client.send(get())
        upstream.answer(LENGTH)
        found, _, headers = client.take_problem()
        assert found == status
        assert b"X-A" not in headers
        assert not client.hung_up


def test_what_comes_in_between_is_dropped_while_the_answer_is_held() -> None:
    gateway = FakeGateway(reader(answers=True))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    assert client.take().startswith(b"HTTP/1.1 103 ")
    upstream.answer(LENGTH)
    assert client.take().endswith(b"hello")


def test_an_early_answer_is_held_while_the_request_still_comes() -> None:
    gateway = FakeGateway(reader(answers=True))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Content-Length: 4", method="POST") + b"ab")
    upstream.answer(LENGTH[:-2])
    client.send(b"cd" + get("/api/next"))
    upstream.answer(LENGTH[-2:])
    assert upstream.take().partition(b"\r\n\r\n")[2].startswith(b"abcdGET /next")
    assert client.take().endswith(b"hello")


# Waiting


@pytest.mark.parametrize("early", [True, False])
def test_policies_that_wait_before_and_after_the_body(early: bool) -> None:
    async def head(context: RequestContext) -> Any:
        await asyncio.sleep(0)
        return NEEDS_BODY

    async def judged(context: RequestContext) -> None:
        await asyncio.sleep(0)
        assert context.response_body is not None
        context.response_body = context.response_body.upper()
        if context.response_body == b"NEVER":
            raise Refused(NO)

    async def scenario() -> None:
        gateway = FakeGateway(Binding("p", Handlers(response_headers=head, response_body=judged)))
        upstream, client = gateway.upstream(), gateway.client()
        for body, expected in ((b"hello", b"HELLO"), (b"never", b"No.")):
            answer = LENGTH.replace(b"hello", body)
            client.send(get())
            if early:
                upstream.answer(answer)
            else:
                upstream.answer(answer[:-2])
                assert not upstream.transport.reading
                await settle()
                assert upstream.transport.reading
                upstream.answer(answer[-2:])
            await settle()
            assert expected in client.take()

    asyncio.run(scenario())


def test_a_service_that_fails_while_a_policy_waits_is_not_asked_again() -> None:
    async def scenario() -> None:
        known: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def wait(context: RequestContext) -> None:
            await known

        gateway = FakeGateway(Binding("p", Handlers(response_headers=wait)), service=service(retries=Retries()))
        upstream, client = gateway.upstream(), gateway.client()
        client.send(get())
        upstream.answer(LENGTH[:-2])
        await asyncio.sleep(0)
        upstream.go(ConnectionResetError())
        assert client.take_problem()[0] == 502
        known.set_result(None)
        await settle()
        assert client.take() == b""

    asyncio.run(scenario())


def test_the_next_request_on_the_connection_is_answered_in_turn() -> None:
    gateway = FakeGateway(reader(lambda body: body * 2, answers=True))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/1") + get("/api/2"))
    upstream.answer(OK)
    upstream.answer(OK)
    parts = client.take().split(b"HTTP/1.1 200 OK")
    assert [part.partition(b"\r\n\r\n")[2] for part in parts] == [b"", b"hihi", b"hihi"]


def test_old_versions_are_answered_too() -> None:
    gateway = FakeGateway(reader(answers=True))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Connection: keep-alive", version="1.0"))
    upstream.answer(CHUNKED)
    head, _, body = client.take().partition(b"\r\n\r\n")
    assert (body, framing(head)) == (b"hello", [b"content-length: 5"])
    assert b"connection: keep-alive" in head


@pytest.mark.parametrize("connects", [True, False])
def test_no_service_is_asked_once_an_answer_in_its_place_is_held(
    connects: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        known: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        held: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def ask(context: RequestContext) -> None:
            await known

        async def hold(context: RequestContext) -> None:
            await held

        first = Binding("hold", Handlers(response_headers=hold))
        gateway = FakeGateway(*((first,) if connects else (first, Binding("slow", Handlers(request_headers=ask)))))
        upstream = FakeUpstream(gateway.pool, idle=not connects)
        monkeypatch.setattr(Pool, "connect", lambda pool, target: known)
        client = gateway.client()
        client.send(get())
        await settle()
        gateway.pass_time(20)
        await settle()
        assert client.take() == b""
        known.set_result(upstream.connection if connects else None)
        await settle()
        assert upstream.take() == b""
        held.set_result(None)
        await settle()
        assert client.take_problem()[0] == 504
        assert gateway.pool.active == 0

    asyncio.run(scenario())


def test_a_policy_that_fails_after_another_answer_was_given_cuts_nothing() -> None:
    async def scenario() -> None:
        known: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def wait(context: RequestContext) -> None:
            await known

        gateway = FakeGateway(Binding("p", Handlers(response_headers=wait)))
        upstream, client = gateway.upstream(), gateway.client()
        client.send(get("/api/x", "Content-Length: 4", method="POST") + b"ab")
        upstream.answer(LENGTH[:-2])
        upstream.go(ConnectionResetError())
        assert client.take_problem()[0] == 502
        await asyncio.sleep(0)
        known.set_exception(ValueError())
        await settle()
        assert not client.transport.aborted
        client.send(b"cd")
        assert [row["status"] for row in gateway.recorded.rows] == [502]

    asyncio.run(scenario())


def test_nothing_more_is_read_while_a_policy_waits_though_the_client_can_take_it() -> None:
    async def scenario() -> None:
        known: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def wait(context: RequestContext) -> None:
            await known

        gateway = FakeGateway(Binding("p", Handlers(response_headers=wait)))
        upstream, client = gateway.upstream(), gateway.client()
        client.send(get())
        client.connection.pause_writing()
        upstream.answer(LENGTH[:-2])
        client.connection.resume_writing()
        assert not upstream.transport.reading
        known.set_result(None)
        await settle()
        assert upstream.transport.reading
        upstream.answer(LENGTH[-2:])
        assert client.take().endswith(b"hello")

    asyncio.run(scenario())
