"""Shadow mode: verdicts are counted, requests are not touched and wait for nobody."""

import asyncio
from typing import Any

from gateway_runtime.policies.chain import Binding, Chain
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.results import Response
from gateway_runtime.policies.shadow import UNDER_WAY, Shadow, copied, shadowed
from gateway_runtime.schema.policy import Handlers
from gateway_runtime.testing import request

REFUSED = Response(status=403, code="no", title="No", detail="No.", policy="b")


class Counted(list[tuple[str, str, str, int]]):
    def __call__(self, *verdict: Any) -> None:
        self.append(verdict)


def chain(handler: Any, counted: Counted, *, condition: Any = None, response: Any = None) -> Chain:
    handlers = shadowed("b", Handlers(request_headers=handler, response_headers=response), counted)
    return Chain([Binding("b", handlers, condition)])


def test_a_refusal_is_counted_with_application_code_and_status_and_the_request_passes() -> None:
    counted = Counted()
    context = request(application="app-1")
    assert chain(lambda context: REFUSED, counted).run_request(context) is None
    assert counted == [("app-1", "b", "no", 403)]
    assert context.stopped_at == -1


def test_what_passes_is_not_counted() -> None:
    counted = Counted()
    assert chain(lambda context: None, counted).run_request(request()) is None
    assert counted == []


def test_nothing_a_policy_does_to_the_request_stays() -> None:
    def meddle(context: RequestContext) -> None:
        context.headers.append((b"x-new", b"1"))
        context.remove_header(b"x-old")
        context.application = "someone"
        context.principal = b"someone"
        context.note("b", 1)
        context.path = context.api_path = b"/else"
        context.response_headers.append((b"x-new", b"1"))

    context = request(headers={"x-old": "1"})
    context.note("a", {"kept": True})
    before = {name: repr(getattr(context, name)) for name in RequestContext.__slots__}
    chain(meddle, Counted()).run_request(context)
    assert {name: repr(getattr(context, name)) for name in RequestContext.__slots__} == before


def test_a_copy_has_everything_the_request_has() -> None:
    context = request("POST", "/a", {"x": "1"}, application="app")
    probe = copied(context)
    assert all(getattr(probe, name) == getattr(context, name) for name in RequestContext.__slots__)


def test_answers_are_not_touched() -> None:
    def answer(context: RequestContext) -> None:
        context.response_headers.append((b"x-limit", b"1"))

    made = chain(lambda context: None, Counted(), response=answer)
    assert made.response == ()


def test_conditions_hold_in_shadow_too() -> None:
    counted = Counted()
    made = chain(lambda context: REFUSED, counted, condition=lambda context: context.method == b"POST")
    made.run_request(request("GET"))
    assert counted == []
    made.run_request(request("POST"))
    assert len(counted) == 1


def test_a_policy_that_fails_is_counted_as_the_error_it_would_have_been() -> None:
    def broken(context: RequestContext) -> None:
        raise RuntimeError("no")

    counted = Counted()
    assert chain(broken, counted).run_request(request()) is None
    assert counted == [("", "b", "internal_error", 500)]


def test_an_answer_without_a_code_is_no_refusal() -> None:
    counted = Counted()
    answer = Response(status=200, code="", title="", detail="", body=b"")
    assert chain(lambda context: answer, counted).run_request(request()) is None
    assert counted == []


def test_the_request_does_not_wait_for_a_policy_that_does() -> None:
    counted = Counted()

    async def scenario() -> None:
        answered = asyncio.Event()

        async def ask() -> Response:
            await answered.wait()
            return REFUSED

        context = request()
        assert chain(lambda context: ask(), counted).run_request(context) is None
        await asyncio.sleep(0)
        assert counted == []
        context.application = "known by now"
        answered.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(scenario())
    assert counted == [("known by now", "b", "no", 403)]


def test_verdicts_under_way_are_bounded() -> None:
    started: list[int] = []

    async def scenario() -> None:
        answered = asyncio.Event()

        async def ask() -> None:
            started.append(1)
            await answered.wait()

        shadow = Shadow("b", lambda context: ask(), Counted())
        for _ in range(UNDER_WAY + 5):
            shadow(request())
        await asyncio.sleep(0)
        assert len(started) == UNDER_WAY
        answered.set()
        await asyncio.sleep(0.01)
        shadow(request())
        await asyncio.sleep(0)
        assert len(started) == UNDER_WAY + 1

    asyncio.run(scenario())


def test_what_is_not_awaited_does_not_end_what_others_wait_for() -> None:
    async def scenario() -> None:
        shared: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        shadow = Shadow("b", lambda context: shared, Counted())
        for _ in range(UNDER_WAY + 1):
            shadow(request())
        assert not shared.cancelled()
        shared.set_result(None)
        await asyncio.sleep(0.01)

    asyncio.run(scenario())


def test_one_that_waits_and_fails_is_counted() -> None:
    counted = Counted()

    async def ask() -> None:
        raise OSError("away")

    async def scenario() -> None:
        chain(lambda context: ask(), counted).run_request(request())
        await asyncio.sleep(0.01)

    asyncio.run(scenario())
    assert counted == [("", "b", "internal_error", 500)]


def test_later_policies_are_met_as_if_it_were_not_there() -> None:
    counted = Counted()
    after = Response(status=429, code="later", title="Later", detail="Later.", policy="c")
    made = Chain([
        Binding("b", shadowed("b", Handlers(request_headers=lambda context: REFUSED), counted)),
        Binding("c", Handlers(request_headers=lambda context: after)),
    ])  # fmt: skip
    assert made.run_request(request()) is after
    assert len(counted) == 1
