import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from gateway_runtime.policies.chain import Binding, Chain
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.results import NEEDS_BODY, Refused, Response
from gateway_runtime.schema.policy import Handlers
from gateway_runtime.testing import request

REFUSED = Response(status=403, code="no", title="No", detail="No.", policy="b")


def noting(log: list[str], name: str, result: Response | None = None, *, waits: bool = False) -> Handlers:
    async def later() -> Response | None:
        await asyncio.sleep(0)
        return result

    def on_request(context: RequestContext) -> Any:
        log.append(f"{name} request")
        return later() if waits else result

    def on_response(context: RequestContext) -> None:
        log.append(f"{name} response")

    return Handlers(request_headers=on_request, response_headers=on_response)


def test_responses_run_backwards() -> None:
    log: list[str] = []
    chain = Chain([Binding("a", noting(log, "a")), Binding("b", noting(log, "b"))])
    context = request()
    assert chain.run_request(context) is None
    assert chain.run_response(context) is None
    assert log == ["a request", "b request", "b response", "a response"]


def test_an_empty_chain_does_nothing() -> None:
    assert Chain().run_request(request()) is None
    assert Chain().run_response(request()) is None


def test_a_refusal_ends_the_walk_and_only_earlier_policies_see_it() -> None:
    log: list[str] = []
    chain = Chain(
        [Binding("a", noting(log, "a")), Binding("b", noting(log, "b", REFUSED)), Binding("c", noting(log, "c"))]
    )
    context = request()
    assert chain.run_request(context) is REFUSED
    chain.run_response(context)
    assert log == ["a request", "b request", "a response"]


def test_a_condition_that_does_not_hold_skips_the_policy() -> None:
    log: list[str] = []
    chain = Chain([Binding("b", noting(log, "b", REFUSED), lambda context: context.method == b"POST")])
    assert chain.run_request(request("GET")) is None
    assert log == []
    assert chain.run_request(request("POST")) is REFUSED


def run(waiting: Awaitable[Response | None]) -> Response | None:
    async def wait() -> Response | None:
        return await waiting

    return asyncio.run(wait())


def test_a_policy_that_waits_makes_the_walk_wait_and_go_on() -> None:
    log: list[str] = []
    chain = Chain([
        Binding("a", noting(log, "a", waits=True)),
        Binding("skipped", noting(log, "skipped", REFUSED), lambda context: False),
        Binding("b", noting(log, "b", waits=True)),
        Binding("c", noting(log, "c", REFUSED)),
        Binding("d", noting(log, "d")),
    ])  # fmt: skip
    context = request()
    waiting = chain.run_request(context)
    assert isinstance(waiting, Awaitable)
    assert run(waiting) is REFUSED
    assert context.stopped_at == 3
    assert log == ["a request", "b request", "c request"]


def test_the_walk_passes_when_the_last_policy_waits_and_lets_go() -> None:
    log: list[str] = []
    waiting = Chain([Binding("a", noting(log, "a", waits=True))]).run_request(request())
    assert isinstance(waiting, Awaitable)
    assert run(waiting) is None


def test_a_response_handler_that_waits_is_followed_by_the_others() -> None:
    log: list[str] = []

    async def slow() -> None:
        log.append("slow")

    chain = Chain([Binding("a", noting(log, "a")), Binding("b", Handlers(response_headers=lambda context: slow()))])
    waiting = chain.run_response(request())
    assert waiting is not None
    run(waiting)  # type: ignore[arg-type]
    assert log == ["slow", "a response"]


# Bodies


class Upper:
    """A filter that can be seen to have worked."""

    keeps_length = True

    def feed(self, data: bytes) -> bytes:
        return data.upper()

    def finish(self) -> bytes:
        return b"!"


def reading(log: list[str], name: str, result: Any = None, *, waits: bool = False) -> Handlers:
    """Return a policy that wants both bodies and puts its name behind them."""

    async def later() -> Any:
        await asyncio.sleep(0)
        return result

    def on_body(context: RequestContext) -> Any:
        assert context.body is not None
        context.body += name.encode()
        log.append(f"{name} {context.body.decode()}")
        return later() if waits else result

    def on_response_body(context: RequestContext) -> Any:
        assert context.response_body is not None
        context.response_body += name.encode()
        log.append(f"{name} {context.response_body.decode()}")
        return later() if waits else None

    return Handlers(request_body=on_body, response_body=on_response_body)


async def read(context: RequestContext, resume: Any, result: Any, **found: bytes) -> Any:
    """Do what an exchange does with what a walk comes to."""
    reads = 0
    while True:
        if result is NEEDS_BODY:
            reads += 1
            assert reads == 1, "a body is read once"
            for name, value in found.items():
                setattr(context, name, value)
            result = resume(context)
        elif result is None or type(result) is Response:
            return result
        else:
            result = await result


@pytest.mark.parametrize("waits", [False, True])
def test_policies_see_the_body_in_their_order_and_it_is_read_once(waits: bool) -> None:
    log: list[str] = []
    chain = Chain([
        Binding("a", reading(log, "a", waits=waits)),
        Binding("head", noting(log, "head", waits=waits)),
        Binding("b", reading(log, "b", waits=waits)),
    ])  # fmt: skip
    context = request()
    assert asyncio.run(read(context, chain.resume_request, chain.run_request(context), body=b"-")) is None
    assert log == ["a -a", "head request", "b -ab"]
    log.clear()
    answer = chain.run_response(context)
    assert asyncio.run(read(context, chain.resume_response, answer, response_body=b"-")) is None
    assert log == ["b -b", "head response", "a -ba"]


def test_what_comes_before_a_policy_that_wants_the_body_has_run_when_it_is_read() -> None:
    log: list[str] = []
    chain = Chain([Binding("head", noting(log, "head")), Binding("a", reading(log, "a"))])
    assert chain.run_request(request()) is NEEDS_BODY
    assert log == ["head request"]


def test_a_refusal_by_what_the_body_says_stops_the_walk_there() -> None:
    log: list[str] = []
    chain = Chain(
        [
            Binding("a", noting(log, "a")),
            Binding("b", reading(log, "b", REFUSED)),
            Binding("c", noting(log, "c")),
        ]
    )
    context = request()
    assert chain.run_request(context) is NEEDS_BODY
    context.body = b""
    assert chain.resume_request(context) is REFUSED
    assert context.stopped_at == 1
    chain.run_response(context)
    assert log == ["a request", "b b", "a response"]


def test_a_policy_asks_for_a_body_only_where_it_wants_one() -> None:
    log: list[str] = []
    wanted = Handlers(
        request_headers=lambda context: NEEDS_BODY if context.header(b"content-type") else None,
        request_body=lambda context: log.append("seen"),
    )
    chain = Chain([Binding("a", wanted)])
    assert chain.run_request(request()) is None
    assert chain.run_request(request(headers={"content-type": "application/json"})) is NEEDS_BODY
    assert log == []


def test_a_condition_that_does_not_hold_leaves_bodies_alone() -> None:
    chain = Chain([Binding("a", reading([], "a"), lambda context: False)])
    context = request()
    assert chain.run_request(context) is None
    assert chain.run_response(context) is None


def test_a_policy_that_asks_for_a_body_gets_it_as_the_filters_before_it_make_it() -> None:
    log: list[str] = []

    def on_request(context: RequestContext) -> None:
        context.filter_request(Upper())

    def on_response(context: RequestContext) -> None:
        context.filter_response(Upper())

    chain = Chain([
        Binding("outer", reading(log, "outer")),
        Binding("filter", Handlers(request_headers=on_request, response_headers=on_response)),
        Binding("inner", reading(log, "inner")),
    ])  # fmt: skip
    context = request()
    assert chain.run_request(context) is NEEDS_BODY
    context.body = b"x"
    chain.resume_request(context)
    assert log == ["outer xouter", "inner XOUTER!inner"]
    assert context.request_filters is None
    log.clear()
    context = request()
    assert chain.run_response(context) is NEEDS_BODY
    context.response_body = b"x"
    chain.resume_response(context)
    assert log == ["inner xinner", "outer XINNER!outer"]


def test_whoever_has_asked_for_the_body_is_who_ends_the_request_until_it_is_there() -> None:
    log: list[str] = []
    chain = Chain([Binding("a", noting(log, "a")), Binding("b", reading(log, "b")), Binding("c", noting(log, "c"))])
    context = request()
    assert chain.run_request(context) is NEEDS_BODY
    assert context.stopped_at == 1
    chain.run_response(context)
    assert log == ["a request", "a response"]
    context = request()
    chain.run_request(context)
    context.body = b""
    assert chain.resume_request(context) is None
    assert context.stopped_at == -1


def test_a_filter_that_refuses_what_a_later_policy_wants_to_see_refuses_the_request() -> None:
    class Strict(Upper):
        def feed(self, data: bytes) -> bytes:
            raise Refused(REFUSED)

    chain = Chain([
        Binding("a", Handlers(request_headers=lambda context: context.filter_request(Strict()))),
        Binding("b", reading([], "b")),
    ])  # fmt: skip
    context = request()
    assert chain.run_request(context) is NEEDS_BODY
    context.body = b"x"
    assert chain.resume_request(context) is REFUSED
    assert context.stopped_at == 1
