"""Policies are told once that a request is over, however that comes about."""

import asyncio
from typing import Any

import pytest

from gateway_runtime.http.ending import EndingTracedExchange
from gateway_runtime.http.exchange import Exchange
from gateway_runtime.http.limits import Limits
from gateway_runtime.policies.chain import Binding, Chain
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.schema.document import Route, Rule
from gateway_runtime.schema.policy import Handlers
from tests.gateway_runtime.fakes import OK, FakeGateway, FakeUpstream, get, refuse_all
from tests.gateway_runtime.http.test_gathering import settle
from tests.gateway_runtime.http.test_traced import Place, token
from tests.gateway_runtime.http.test_upgrade import handshake, switch
from tests.gateway_runtime.http2.peers import Http2Client


class Told:
    """A policy that notes of each request that it has begun and that it is over."""

    def __init__(self) -> None:
        self.story: list[str] = []

    def binding(self, **more: Any) -> Binding:
        return Binding("told", Handlers(request_headers=self.begin, ended=self.end, **more))

    def begin(self, context: RequestContext) -> None:
        self.story.append("begun")

    def end(self, context: RequestContext) -> None:
        self.story.append(f"ended {context.response_status}")


@pytest.fixture
def told() -> Told:
    return Told()


def seen(context: RequestContext) -> None:
    """See an answer: only then its status is in the context."""


def gateway_with(told: Told, *others: Binding, **more: Any) -> FakeGateway:
    return FakeGateway(told.binding(response_headers=seen), *others, **more)


def test_the_end_of_an_answer(told: Told) -> None:
    gateway = gateway_with(told)
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get() + get())
    assert told.story == ["begun"]
    upstream.answer(OK)
    assert told.story == ["begun", "ended 200", "begun"]
    upstream.answer(OK)
    assert told.story == ["begun", "ended 200"] * 2


def test_an_answer_of_the_gateway(told: Told) -> None:
    gateway = gateway_with(told, Binding("door", Handlers(request_headers=refuse_all)))
    gateway.client().send(get())
    assert told.story == ["begun", "ended 401"]


def test_a_request_that_a_policy_before_it_refuses(told: Told) -> None:
    gateway = FakeGateway(Binding("door", Handlers(request_headers=refuse_all)), told.binding())
    gateway.client().send(get())
    assert told.story == ["ended 0"]


def test_a_client_that_goes_while_the_service_is_asked(told: Told) -> None:
    gateway = gateway_with(told)
    gateway.upstream()
    client = gateway.client()
    client.send(get())
    client.go()
    assert told.story == ["begun", "ended 0"]


def test_a_client_that_goes_while_a_policy_waits(told: Told) -> None:
    async def scenario() -> None:
        answered = asyncio.Event()

        async def wait(context: RequestContext) -> None:
            await answered.wait()

        gateway = gateway_with(told, Binding("slow", Handlers(request_headers=wait)))
        client = gateway.client()
        client.send(get())
        await settle()
        client.go()
        assert told.story == ["begun", "ended 0"]
        answered.set()
        await settle()
        assert told.story == ["begun", "ended 0"]

    asyncio.run(scenario())


def test_a_service_that_breaks_off(told: Told) -> None:
    gateway = gateway_with(told)
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi")
    upstream.go(OSError())
    assert told.story == ["begun", "ended 200"]
    assert client.transport.aborted


def test_a_service_that_says_nothing(told: Told) -> None:
    gateway = gateway_with(told, limits=Limits(response_seconds=5))
    gateway.upstream()
    gateway.client().send(get())
    gateway.pass_time(6)
    assert told.story == ["begun", "ended 504"]


def test_a_policy_that_fails(told: Told) -> None:
    def fail(context: RequestContext) -> None:
        raise OSError("broken")

    gateway_with(told, Binding("broken", Handlers(request_headers=fail))).client().send(get())
    assert told.story == ["begun", "ended 0"]


def test_a_request_whose_body_is_still_to_come_is_not_over(told: Told) -> None:
    gateway = gateway_with(told)
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Content-Length: 2", method="POST"))
    upstream.answer(OK)
    assert told.story == ["begun"]
    client.send(b"hi")
    assert told.story == ["begun", "ended 200"]


def test_a_request_without_a_route_is_none_of_theirs(told: Told) -> None:
    route = Route(id="r1", name="some", service="orders-v1", rules=[Rule(path="/there")])
    gateway_with(told, routes=[route]).client().send(get())
    assert told.story == []


def test_a_tunnel_in_the_place_of_the_exchange(told: Told) -> None:
    gateway = gateway_with(told)
    upstream, client = gateway.upstream(), gateway.client()
    client.send(handshake())
    upstream.answer(switch())
    assert told.story == ["begun", "ended 101"]
    client.go()
    assert told.story == ["begun", "ended 101"]


def test_a_tunnel_that_a_policy_has_waited_with_is_traced_to_its_opening() -> None:
    async def scenario() -> None:
        async def wait(context: RequestContext) -> None:
            await asyncio.sleep(0)

        place = Place()
        api = place.snapshot.apis["a1"]
        api.chain = Chain([Binding("slow", Handlers(response_headers=wait))])
        upstream, client = FakeUpstream(place.pool), place.gateway.client()
        client.send(handshake(f"X-Portico-Trace: {token()}"))
        upstream.answer(switch())
        assert place.traces() == []
        await settle()
        assert client.take().startswith(b"HTTP/1.1 101 ")
        assert place.only_trace().status == 101

    asyncio.run(scenario())


def test_a_stream_of_http2(told: Told) -> None:
    gateway = gateway_with(told)
    upstream, client = gateway.upstream(), Http2Client(gateway.state)
    client.ask()
    upstream.answer(OK)
    assert told.story == ["begun", "ended 200"]
    number = client.ask()
    client.h2.reset_stream(number)
    client.flush()
    assert told.story == ["begun", "ended 200", "begun", "ended 0"]


def test_one_that_fails_does_not_keep_others_from_being_told(told: Told) -> None:
    def fail(context: RequestContext) -> None:
        raise OSError("broken")

    gateway = FakeGateway(Binding("broken", Handlers(ended=fail)), told.binding())
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(OK)
    assert client.take().startswith(b"HTTP/1.1 200 ")
    assert told.story == ["begun", "ended 0"]


def test_a_request_that_is_traced(told: Told) -> None:
    place = Place()
    api = place.snapshot.apis["a1"]
    api.chain, api.minds_ends, api.special = Chain([told.binding(response_headers=seen)]), True, True
    upstream, client = FakeUpstream(place.pool), place.send(token=token())
    assert type(client.connection.exchange) is EndingTracedExchange
    upstream.answer(OK)
    assert told.story == ["begun", "ended 200"]
    assert [step.policy for step in place.only_trace().steps] == ["told", "told"]


def test_apis_without_such_a_policy_do_not_know_of_it(told: Told) -> None:
    plain, minding = FakeGateway(Binding("p", Handlers(request_headers=seen))), gateway_with(told)
    for gateway, is_plain in ((plain, True), (minding, False)):
        gateway.upstream()
        client = gateway.client()
        client.send(get())
        assert (type(client.connection.exchange) is Exchange) is is_plain
