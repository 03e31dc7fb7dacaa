"""What policies see and change, and what happens when they wait or break."""

import asyncio
from collections.abc import Callable

import pytest

from gateway_runtime.http import responses
from gateway_runtime.policies.chain import Binding
from gateway_runtime.policies.context import OWN_ANSWER, WEBSOCKET, RequestContext
from gateway_runtime.policies.results import Refused, Response
from gateway_runtime.schema.policy import Handlers
from tests.gateway_runtime.fakes import DENIED, OK, FakeGateway, get, refuse_all
from tests.gateway_runtime.http.test_gathering import settle
from tests.gateway_runtime.http.test_upgrade import handshake


def test_policies_change_headers_but_not_the_framing() -> None:
    def request(context: RequestContext) -> None:
        assert context.header(b"host") == b"shop.example"
        assert (context.path, context.api_path, context.host) == (b"/api/x", b"/x", b"shop.example")
        context.headers += [(b"x-consumer-id", b"7"), (b"content-length", b"99"), (b"transfer-encoding", b"chunked")]

    def response(context: RequestContext) -> None:
        context.response_headers.append((b"x-status", b"%d" % context.response_status))
        context.response_headers.append((b"content-length", b"99"))

    gateway = FakeGateway(Binding("p", Handlers(request_headers=request, response_headers=response)))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    seen = upstream.take()
    assert b"\r\nx-consumer-id: 7\r\n" in seen
    assert seen.count(b"host: ") == 2  # its own and x-forwarded-host
    assert b": 99" not in seen
    assert b"chunked" not in seen
    upstream.answer(OK)
    answer = client.take()
    assert b"\r\nx-status: 200\r\n" in answer
    assert answer.count(b"content-length: ") == 1


def test_response_policies_before_the_refusing_one_see_the_refusal() -> None:
    def mark(context: RequestContext) -> None:
        context.response_headers.append((b"x-marked", b"%d" % context.response_status))

    first = Binding("mark", Handlers(response_headers=mark))
    gateway = FakeGateway(first, Binding("door", Handlers(request_headers=refuse_all)))
    client = gateway.client()
    client.send(get())
    assert client.take_problem()[2][b"x-marked"] == b"401"


def answer_all(context: RequestContext) -> Response:
    return Response(status=200, code="", title="", detail="", headers=((b"x-kind", b"own"),), body=b"here")


def test_a_policy_can_answer_with_a_body_of_its_own_that_counts_as_no_refusal() -> None:
    gateway = FakeGateway(Binding("p", Handlers(request_headers=answer_all)))
    client = gateway.client()
    client.send(get())
    head, _, body = client.take().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nx-kind: own\r\ncontent-length: 4\r\n" in head
    assert b"content-type" not in head
    assert body == b"here"
    (row,) = gateway.recorded.rows
    assert (row["status"], row["policy"], row["code"]) == (200, "", "")


async def until(condition: Callable[[], object]) -> None:
    for _ in range(20):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not come")


def test_a_policy_that_waits_holds_only_its_own_request() -> None:
    async def scenario() -> None:
        known: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()

        async def ask(context: RequestContext) -> Response | None:
            return await known if context.method == b"POST" else None

        gateway = FakeGateway(Binding("slow", Handlers(request_headers=ask)))
        upstream, client, other = gateway.upstream(), gateway.client(), gateway.client()
        client.send(get("/api/slow", "Content-Length: 4", method="POST") + b"ab")
        await asyncio.sleep(0)
        assert not client.transport.reading  # the rest of the body waits in the kernel
        other.send(get("/api/fast"))
        await until(lambda: upstream.transport.written)
        assert upstream.take().startswith(b"GET /fast ")
        upstream.answer(OK)
        known.set_result(None)
        await until(lambda: upstream.transport.written)
        assert upstream.take().startswith(b"POST /slow ")
        assert client.transport.reading
        client.send(b"cd")
        assert upstream.take().endswith(b"cd")

    asyncio.run(scenario())


def test_a_waiting_policy_that_fails_or_refuses() -> None:
    async def scenario() -> None:
        async def fail(context: RequestContext) -> None:
            raise ValueError

        async def refuse(context: RequestContext) -> Response:
            return DENIED

        for handler, status in ((fail, 500), (refuse, 401)):
            client = FakeGateway(Binding("slow", Handlers(request_headers=handler))).client()
            client.send(get())
            await until(lambda client=client: client.transport.written)
            assert client.take_problem()[0] == status

    asyncio.run(scenario())


def test_a_response_policy_that_waits_holds_the_answer_and_its_reading() -> None:
    async def scenario() -> None:
        async def mark(context: RequestContext) -> None:
            await asyncio.sleep(0)
            context.response_headers.append((b"x-marked", b"1"))

        gateway = FakeGateway(Binding("slow", Handlers(response_headers=mark)))
        upstream, client = gateway.upstream(), gateway.client()
        client.send(get())
        upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        assert not upstream.transport.reading
        assert client.take() == b""
        await until(lambda: client.transport.written)
        assert upstream.transport.reading
        upstream.answer(b"cd")
        answer = client.take()
        assert b"\r\nx-marked: 1\r\n" in answer
        assert answer.endswith(b"\r\n\r\nabcd")

    asyncio.run(scenario())


def break_down(context: RequestContext) -> None:
    raise ValueError


def test_a_policy_that_breaks_lets_nothing_pass() -> None:
    gateway = FakeGateway(Binding("broken", Handlers(request_headers=break_down)))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    assert client.take_problem()[1]["code"] == "internal_error"
    assert upstream.take() == b""


def test_a_response_policy_that_breaks_shows_nothing_of_the_answer() -> None:
    gateway = FakeGateway(Binding("broken", Handlers(response_headers=break_down)))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsec")
    assert client.take_problem()[0] == 500
    assert upstream.transport.aborted
    assert not client.hung_up


def test_a_response_policy_can_refuse_with_an_answer_of_its_own() -> None:
    refusal = Response(status=500, code="not_made", title="Not made", detail="It was not made.", policy="p")

    def refuse(context: RequestContext) -> None:
        raise Refused(refusal)

    gateway = FakeGateway(Binding("p", Handlers(response_headers=refuse)))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.take()
    upstream.answer(OK)
    status, body, _ = client.take_problem()
    assert (status, body["code"], body["policy"]) == (500, "not_made", "p")


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_of_a_policy_that_has_no_body_says_no_length(status: int) -> None:
    def answer(context: RequestContext) -> Response:
        return Response(status=status, code="", title="", detail="", headers=((b"etag", b"1"),), body=b"")

    for more in ((), (Binding("q", Handlers(response_headers=lambda context: None)),)):
        gateway = FakeGateway(*more, Binding("p", Handlers(request_headers=answer)))
        client = gateway.client()
        client.send(get() + get())
        heads = client.take().split(b"\r\n\r\n")
        assert [head.startswith(b"HTTP/1.1 %d " % status) for head in heads] == [True, True, False]
        assert b"length" not in b"".join(heads).lower()


def test_nothing_is_prepared_of_an_answer_that_is_made_for_one_request() -> None:
    def answer(context: RequestContext) -> Response:
        return Response(status=200, code="", title="", detail="", body=context.path, once=True)

    gateway = FakeGateway(Binding("p", Handlers(request_headers=answer)))
    client = gateway.client()
    client.send(get())
    before = len(responses._problems)
    for number in range(5):
        client.send(get(f"/api/{number}"))
        assert client.take().endswith(b"/api/%d" % number)
    assert len(responses._problems) == before


def test_policies_know_the_gateways_own_answers_and_what_asks_for_a_websocket() -> None:
    seen: list[set[str]] = []

    def look(context: RequestContext) -> None:
        seen.append({OWN_ANSWER, WEBSOCKET} & set(context.notes or ()))

    gateway = FakeGateway(Binding("p", Handlers(request_headers=look, response_headers=look)))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(OK)
    client.send(get())
    upstream.answer(b"nonsense\r\n\r\n")
    gateway.upstream()
    gateway.client().send(handshake())
    assert seen == [set(), set(), set(), {OWN_ANSWER}, {WEBSOCKET}]


def test_an_answer_in_the_place_of_a_policy_that_waits_is_seen_by_those_before_it_alone() -> None:
    async def scenario() -> None:
        known: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()
        ran: list[str] = []

        async def ask(context: RequestContext) -> Response | None:
            return await known

        def handlers(name: str) -> Handlers:
            return Handlers(
                request_headers=ask if name == "slow" else lambda context: ran.append(f"asked {name}"),
                response_headers=lambda context: ran.append(f"seen {name}"),
            )

        gateway = FakeGateway(*[Binding(name, handlers(name)) for name in ("first", "slow", "last")])
        upstream, client = gateway.upstream(), gateway.client()
        client.send(get())
        await asyncio.sleep(0)
        gateway.pass_time(20)
        assert client.take_problem()[0] == 504
        known.set_result(None)
        await settle()
        assert ran == ["asked first", "seen first"]
        assert upstream.take() == b""

        client.send(get())
        await until(lambda: upstream.transport.written)
        upstream.answer(OK)
        assert ran[2:] == ["asked first", "asked last", "seen last", "seen slow", "seen first"]

    asyncio.run(scenario())
