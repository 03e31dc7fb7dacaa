"""What callers are told of their limits, by one policy and by several."""

from datetime import UTC, datetime

from gateway_runtime.policies.chain import Binding, Chain
from gateway_runtime.policies.results import Response
from gateway_runtime.testing import FakeClock, policy_case, request

from .test_rate_limiting import NAME, case


def test_the_headers_of_the_draft_name_all_limits_and_what_is_left_of_the_nearest() -> None:
    clock = FakeClock(datetime(2026, 3, 28, tzinfo=UTC).timestamp())
    limits = [
        {"maximumRequests": 10, "timePeriodInMilliseconds": 60_000},
        {"maximumRequests": 7, "timePeriodInMilliseconds": 1_500},
        {"maximumRequests": 5, "calendarPeriod": "month"},
    ]
    policy = policy_case(NAME, {"rateLimits": limits, "exposeRateLimitHeaders": True}, clock=clock)
    context = request()
    policy.send(context)
    assert policy.answer(context) == {
        "ratelimit-policy": '"minute";q=10;w=60, "1500-milliseconds";q=7, "calendar-month";q=5',
        "ratelimit": '"calendar-month";r=4;t=345600',
    }


def test_headers_of_the_service_and_of_the_caller_are_of_no_account() -> None:
    policy = case((2, 1000), exposeHeaders=True)
    context = request(headers={"x-ratelimit-remaining": "-1", "x-ratelimit-cost": "NaN", "ratelimit": '"x";r=1e99'})
    policy.send(context)
    answered = policy.answer(context, {"x-ratelimit-limit": "-7", "x-ratelimit-remaining": "1e999", "etag": "1"})
    assert answered == {
        "etag": "1",
        "x-ratelimit-limit": "2",
        "x-ratelimit-remaining": "1",
        "x-ratelimit-reset": "1000",
    }


def test_of_several_policies_that_tell_the_nearest_limit_is_told() -> None:
    far = case((100, 60_000), exposeHeaders=True)
    other = policy_case(
        NAME,
        {"rateLimits": [{"maximumRequests": 4, "timePeriodInMilliseconds": 1000}], "exposeHeaders": True},
        binding="binding-2",
    )
    for order in ([far.handlers, other.handlers], [other.handlers, far.handlers]):
        bindings = [Binding(NAME, handlers) for handlers in order]
        chain, context = Chain(bindings), request()
        assert chain.run_request(context) is None
        chain.run_response(context)
        told = [value for name, value in context.response_headers if name == b"x-ratelimit-limit"]
        assert told == [b"4"]


def test_who_tells_in_one_way_does_not_silence_who_tells_in_the_other() -> None:
    near = case((4, 1000), exposeHeaders=True)
    limits = [{"maximumRequests": 100, "timePeriodInMilliseconds": 60_000}]
    far = policy_case(NAME, {"rateLimits": limits, "exposeRateLimitHeaders": True}, binding="binding-2")
    for order in ([near.handlers, far.handlers], [far.handlers, near.handlers]):
        chain, context = Chain([Binding(NAME, handlers) for handlers in order]), request()
        assert chain.run_request(context) is None
        chain.run_response(context)
        told = dict(context.response_headers)
        assert (told[b"x-ratelimit-limit"], told[b"ratelimit-policy"]) == (b"4", b'"minute";q=100;w=60')
        assert len(told) == len(context.response_headers) == 5


def test_a_refusal_tells_of_the_limit_that_is_used_up() -> None:
    far = case((100, 60_000), exposeHeaders=True)
    other = policy_case(
        NAME,
        {"rateLimits": [{"maximumRequests": 1, "timePeriodInMilliseconds": 1000}], "exposeHeaders": True},
        binding="binding-2",
    )
    chain = Chain([Binding(NAME, far.handlers), Binding(NAME, other.handlers)])
    assert chain.run_request(request()) is None
    context = request()
    refused = chain.run_request(context)
    assert isinstance(refused, Response)
    context.response_headers = [*refused.headers]
    chain.run_response(context)
    assert [value for name, value in context.response_headers if name == b"x-ratelimit-limit"] == [b"1"]
