import asyncio
from collections.abc import Awaitable
from typing import Any

from gateway_runtime.policies.chain import Binding, Chain
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.policy import Handlers

from .kit import request

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
