import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from gateway_runtime.policies.chain import Binding, Chain
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import PolicyCase, policy_case, request

NAME = "spike-control"
LIMIT = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


def statuses(case: PolicyCase, count: int) -> list[int]:
    """Send requests that are not to wait."""
    return [refused.status if (refused := case.send(request())) else 200 for _ in range(count)]


def limits(pairs: Any) -> list[int]:
    headers = {name.decode(): int(value) for name, value in pairs}
    return [headers[name] for name in LIMIT]


async def start(case: PolicyCase) -> "asyncio.Future[Response | None]":
    """Send a request that may wait, and let it run until it does."""
    result = case.chain.run_request(request())
    if result is None or isinstance(result, Response):
        done: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()
        done.set_result(result)
        return done

    async def whole(waiting: Awaitable[Response | None]) -> Response | None:
        return await waiting

    task = asyncio.get_running_loop().create_task(whole(result))
    await asyncio.sleep(0)
    return task


def test_the_documented_defaults_let_one_request_a_second_pass_and_hold_none() -> None:
    case = policy_case(NAME, {})
    assert statuses(case, 3) == [200, 429, 429]
    case.clock.advance(0.999)
    assert statuses(case, 1) == [429]
    case.clock.advance(0.001)
    assert statuses(case, 2) == [200, 429]


def test_the_window_slides() -> None:
    case = policy_case(NAME, {"maximumRequests": 2, "timePeriodInMilliseconds": 1000})
    assert statuses(case, 1) == [200]
    case.clock.advance(0.75)
    assert statuses(case, 2) == [200, 429]
    case.clock.advance(0.25)
    # A fixed window would begin anew here and let two pass.
    assert statuses(case, 2) == [200, 429]
    case.clock.advance(0.75)
    assert statuses(case, 2) == [200, 429]


def test_a_caller_who_keeps_trying_is_not_locked_out() -> None:
    case = policy_case(NAME, {"maximumRequests": 5})
    passed = 0
    for _ in range(1000):
        passed += statuses(case, 1) == [200]
        case.clock.advance(0.01)
    assert passed == 50


def test_a_refusal_says_when_to_come_back() -> None:
    case = policy_case(NAME, {"timePeriodInMilliseconds": 2500})
    statuses(case, 1)
    case.clock.advance(1.0)
    refused = case.send(request())
    assert refused is not None
    assert (refused.status, refused.code, refused.policy) == (429, "spike_control_exceeded", NAME)
    assert refused.headers == ((b"retry-after", b"2"),)


def test_exposed_headers_count_down_and_reset_is_zero_while_there_is_quota() -> None:
    case = policy_case(NAME, {"maximumRequests": 2, "timePeriodInMilliseconds": 1000, "exposeHeaders": True})
    found = []
    for _ in range(2):
        context = request()
        assert case.send(context) is None
        case.answer(context)
        found.append(limits(context.response_headers))
        case.clock.advance(0.25)
    assert found == [[2, 1, 0], [2, 0, 750]]
    refused = case.send(request())
    assert refused is not None
    assert limits(refused.headers[1:]) == [2, 0, 500]


def both_orders(*cases: PolicyCase) -> list[Chain]:
    bindings = [Binding(case.definition.name, case.handlers) for case in cases]
    return [Chain(bindings), Chain(bindings[::-1])]


def beside_rate_limiting() -> tuple[PolicyCase, PolicyCase]:
    config = {"rateLimits": [{"maximumRequests": 9, "timePeriodInMilliseconds": 60_000}], "exposeHeaders": True}
    spike = policy_case(NAME, {"maximumRequests": 3, "exposeHeaders": True})
    return spike, policy_case("rate-limiting", config, binding="binding-2")


def test_beside_rate_limiting_and_a_service_that_tell_the_nearest_limit_stands_once() -> None:
    spike, rate = beside_rate_limiting()
    for chain in both_orders(spike, rate):
        context = request()
        assert chain.run_request(context) is None
        context.response_headers = [(b"x-ratelimit-limit", b"7")]
        chain.run_response(context)
        assert sorted(name.decode() for name, _ in context.response_headers) == sorted(LIMIT)
        assert limits(context.response_headers) == [3, 2, 0]
        spike.clock.advance(1)


def test_what_rate_limiting_says_as_it_refuses_is_not_said_again() -> None:
    spike, rate = beside_rate_limiting()
    for _ in range(9):
        assert rate.send(request()) is None
    for chain in both_orders(spike, rate):
        context = request()
        refused = chain.run_request(context)
        assert isinstance(refused, Response)
        context.response_headers = [*refused.headers[1:]]
        chain.run_response(context)
        assert sorted(name.decode() for name, _ in context.response_headers) == sorted(LIMIT)
        assert limits(context.response_headers) == [9, 0, 60_000]


def test_headers_are_kept_to_oneself_when_nobody_asked_for_them() -> None:
    case = policy_case(NAME, {})
    assert case.handlers.response_headers is None
    assert case.definition.phases


def test_a_request_without_quota_is_held_and_tried_again() -> None:
    async def scenario() -> None:
        case = policy_case(NAME, {"timePeriodInMilliseconds": 1500, "delayAttempts": 2, "queuingLimit": 1})
        assert statuses(case, 1) == [200]
        held = await start(case)
        await case.sleep.advance(0.999)
        assert not held.done()
        await case.sleep.advance(0.001)
        assert not held.done()  # its first attempt came too early
        await case.sleep.advance(1.0)
        assert held.result() is None
        # It has used the quota that it waited for.
        assert statuses(case_without_queue(case), 1) == [429]

    asyncio.run(scenario())


def case_without_queue(case: PolicyCase) -> PolicyCase:
    """Return the next revision of a binding, with the same window and without a queue."""
    return policy_case(NAME, {"timePeriodInMilliseconds": 1500}, clock=case.clock, kept=case.kept)


def test_a_held_request_is_refused_after_its_last_attempt() -> None:
    async def scenario() -> None:
        config = {"timePeriodInMilliseconds": 60_000, "delayTimeInMillis": 500, "delayAttempts": 3, "queuingLimit": 1}
        case = policy_case(NAME, {**config, "exposeHeaders": True})
        assert statuses(case, 1) == [200]
        held = await start(case)
        for _ in range(2):
            await case.sleep.advance(0.5)
            assert not held.done()
        await case.sleep.advance(0.5)
        refused = held.result()
        assert refused is not None
        assert refused.status == 429
        assert refused.headers[0] == (b"retry-after", b"59")
        assert limits(refused.headers[1:]) == [1, 0, 58_500]

    asyncio.run(scenario())


def test_no_more_than_the_queuing_limit_are_held() -> None:
    async def scenario() -> None:
        case = policy_case(NAME, {"queuingLimit": 2, "timePeriodInMilliseconds": 60_000})
        assert statuses(case, 1) == [200]
        # All are sent before any of them has begun to wait.
        waiting = [case.chain.run_request(request()) for _ in range(4)]
        tasks = [asyncio.get_running_loop().create_task(each) for each in waiting]  # type: ignore[arg-type]
        await asyncio.sleep(0)
        assert [task.done() for task in tasks] == [False, False, True, True]
        assert statuses(case, 1) == [429]
        await case.sleep.advance(1.0)
        assert [task.result().status for task in tasks] == [429] * 4
        # Their places are free again.
        assert not (await start(case)).done()
        await case.sleep.advance(1.0)

    asyncio.run(scenario())


def test_a_held_request_that_is_given_up_leaves_its_place() -> None:
    async def scenario() -> None:
        case = policy_case(NAME, {"queuingLimit": 1, "timePeriodInMilliseconds": 60_000})
        statuses(case, 1)
        held = await start(case)
        held.cancel()
        await asyncio.sleep(0)
        assert not (await start(case)).done()
        never_run = policy_case(NAME, {"queuingLimit": 1}, kept={})
        statuses(never_run, 1)
        assert never_run.handlers.request_headers is not None
        never_run.handlers.request_headers(request()).close()
        assert not (await start(never_run)).done()
        await never_run.sleep.advance(1.0)

    asyncio.run(scenario())


def test_the_window_survives_a_new_revision_of_the_same_size() -> None:
    first = policy_case(NAME, {})
    assert statuses(first, 1) == [200]
    assert statuses(policy_case(NAME, {"delayAttempts": 5}, clock=first.clock, kept=first.kept), 1) == [429]
    assert statuses(policy_case(NAME, {"maximumRequests": 2}, clock=first.clock, kept=first.kept), 1) == [200]


def test_without_attempts_nothing_is_held() -> None:
    assert statuses(policy_case(NAME, {"delayAttempts": 0, "queuingLimit": 5}), 2) == [200, 429]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("maximumRequests", 0),
        ("maximumRequests", "1"),
        ("timePeriodInMilliseconds", 0),
        ("delayTimeInMillis", 0),
        ("delayAttempts", -1),
        ("queuingLimit", -1),
        ("queuingLimit", 10_001),
        ("exposeHeaders", "yes"),
    ],
)
def test_unusable_settings_are_refused_at_their_place(setting: str, value: object) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(NAME, {setting: value})
    assert caught.value.path == setting
