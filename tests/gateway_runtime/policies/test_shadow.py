"""Shadow mode: verdicts are counted, requests are not touched and wait for nobody."""

import asyncio
from typing import Any

import pytest

from gateway_runtime.policies.chain import Binding, Chain
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.results import NEEDS_BODY, NeedsBody, Response
from gateway_runtime.policies.shadow import UNDER_WAY, Shadow, copied, shadowed
from gateway_runtime.schema.policy import Handlers
from gateway_runtime.testing import request

REFUSED = Response(status=403, code="no", title="No", detail="No.", policy="b")


class Counted(list[tuple[str, str, str, int]]):
    def __call__(self, *verdict: Any) -> None:
        self.append(verdict)


def chain(handler: Any, counted: Counted, *, condition: Any = None, response: Any = None, body: Any = None) -> Chain:
    handlers = shadowed(
        "b", Handlers(request_headers=handler, request_body=body, response_headers=response), counted, most=10
    )
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


@pytest.mark.parametrize("body", [b"", b"bad", b"x" * 11])
@pytest.mark.parametrize("waits", [True, False])
def test_a_policy_is_told_once_that_its_copy_has_been_judged(waits: bool, body: bytes) -> None:
    ended: list[Any] = []

    async def scenario() -> None:
        async def later(context: RequestContext) -> Response:
            return REFUSED

        def look(context: RequestContext) -> NeedsBody:
            context.note("b", "mine")
            return NEEDS_BODY

        handlers = Handlers(
            request_headers=look,
            request_body=later if waits else refuse_bad,
            ended=lambda context: ended.append(context.notes),
        )
        made = Chain([Binding("b", shadowed("b", handlers, Counted(), most=10))])
        context = request("POST", body=body)
        if made.run_request(context) is NEEDS_BODY:
            context.body = body
            made.resume_request(context)
        await asyncio.sleep(0.01)
        made.ended[0](context)

    asyncio.run(scenario())
    assert ended == [{"b": "mine"}]


def test_a_policy_is_told_of_a_copy_whose_body_never_came() -> None:
    ended: list[RequestContext] = []
    handlers = Handlers(request_body=refuse_bad, ended=ended.append)
    made, context = Chain([Binding("b", shadowed("b", handlers, Counted(), most=10))]), request("POST", body=b"bad")
    assert made.run_request(context) is NEEDS_BODY
    made.ended[0](context)
    assert len(ended) == 1


def test_later_policies_are_met_as_if_it_were_not_there() -> None:
    counted = Counted()
    after = Response(status=429, code="later", title="Later", detail="Later.", policy="c")
    made = Chain([
        Binding("b", shadowed("b", Handlers(request_headers=lambda context: REFUSED), counted)),
        Binding("c", Handlers(request_headers=lambda context: after)),
    ])  # fmt: skip
    assert made.run_request(request()) is after
    assert len(counted) == 1


def refuse_bad(context: RequestContext) -> Response | None:
    assert context.body is not None
    context.body, body = b"changed", context.body
    return REFUSED if body in (b"bad", b"") else None


@pytest.mark.parametrize("asks", [None, lambda context: NEEDS_BODY])
def test_a_body_is_judged_where_the_gateway_would_read_it_and_is_not_changed(asks: Any) -> None:
    for body, count in ((b"bad", 1), (b"good", 0)):
        counted = Counted()
        made, context = chain(asks, counted, body=refuse_bad), request("POST", body=body)
        assert made.run_request(context) is NEEDS_BODY
        context.body = body
        assert made.resume_request(context) is None
        assert (context.body, context.notes, context.stopped_at) == (body, {}, -1)
        assert len(counted) == count


@pytest.mark.parametrize("length", [-1, 11])
def test_a_body_of_unknown_or_too_great_length_is_not_judged_and_not_asked_for(length: int) -> None:
    counted = Counted()
    context = request("POST", body=b"bad")
    context.body_length = length
    assert chain(None, counted, body=refuse_bad).run_request(context) is None
    assert counted == []


def test_a_request_without_a_body_is_judged_at_once() -> None:
    counted = Counted()
    context = request()
    assert chain(None, counted, body=refuse_bad).run_request(context) is None
    assert context.body is None
    assert len(counted) == 1


def test_what_the_head_handler_leaves_is_there_for_the_body_handler_alone() -> None:
    counted, seen = Counted(), []

    def head(context: RequestContext) -> Any:
        context.note("mine", 7)
        return NEEDS_BODY

    def body(context: RequestContext) -> None:
        seen.append(context.notes)

    made, context = chain(head, counted, body=body), request("POST", body=b"x")
    made.run_request(context)
    context.body = b"x"
    made.resume_request(context)
    assert seen == [{"mine": 7}]
    assert context.notes == {}


def test_a_body_handler_that_fails_or_waits_is_counted_beside_the_request() -> None:
    counted = Counted()

    async def later() -> Response:
        return REFUSED

    def broken(context: RequestContext) -> None:
        raise RuntimeError("no")

    async def scenario() -> None:
        for handler in (lambda context: later(), broken):
            made, context = chain(None, counted, body=handler), request("POST", body=b"x")
            made.run_request(context)
            context.body = b"x"
            assert made.resume_request(context) is None
            await asyncio.sleep(0.01)

    asyncio.run(scenario())
    assert [verdict[2] for verdict in counted] == ["no", "internal_error"]


def test_one_that_asks_for_the_body_only_after_waiting_is_not_judged() -> None:
    counted = Counted()

    async def ask() -> Any:
        return NEEDS_BODY

    async def scenario() -> None:
        chain(lambda context: ask(), counted, body=refuse_bad).run_request(request("POST", body=b"bad"))
        await asyncio.sleep(0.01)

    asyncio.run(scenario())
    assert counted == []
