"""# Spike control

Smooths bursts: at most a number of requests in any span of time, and what is too much waits a little before it is
refused.

## When to use it

To keep a sudden burst from a backend that cannot take it. It counts all requests to the API together, whoever sends
them: to share an API among callers use [rate limiting](/docs/policies/rate-limiting/).

## Example

```yaml
policyRef:
  name: spike-control
config:
  maximumRequests: 100
  timePeriodInMilliseconds: 1000
  delayTimeInMillis: 500
  delayAttempts: 3
  queuingLimit: 20
  exposeHeaders: true
```

## What it does

The window slides: a request passes when fewer than `maximumRequests` have passed in the last
`timePeriodInMilliseconds`. Without quota a request is held for `delayTimeInMillis` and tried again, up to
`delayAttempts` times. At most `queuingLimit` requests are held at a time; the next one is refused at once, and with 0,
as documented for those who set nothing, none is held. A request that is refused uses no quota.

What a request waits is part of the time in which it must be answered (the response timeout, as it stands 15 seconds).
Windows are kept by each worker process of a gateway on its own and survive a new revision.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 429 | `spike_control_exceeded` | there is no quota; `Retry-After` says in seconds when to come back |

With `exposeHeaders` every answer carries `x-ratelimit-limit`, `x-ratelimit-remaining` and `x-ratelimit-reset`: the
milliseconds until the oldest request leaves the window, 0 while there is quota. Beside
[rate limiting](/docs/policies/rate-limiting/) that tells its limit, too, the one that is nearest to its end is told.
"""

from collections import deque
from typing import Annotated

from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.rate_limiting_headers import Teller, writers_of
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.policy import (
    Category,
    Handlers,
    Phase,
    PolicyConfig,
    PolicyDefinition,
    Refusal,
    setting,
)
from gateway_runtime.state.limits import Limit, Verdict


class Config(PolicyConfig, frozen=True):
    """The window, and how long requests wait for a place in it."""

    maximum_requests: Annotated[
        int, setting("Maximum requests", "How many requests pass in one window.", ge=1, le=1_000_000)
    ] = 1
    time_period_in_milliseconds: Annotated[
        int, setting("Time period in milliseconds", "How long the window is, up to a day.", ge=1, le=86_400_000)
    ] = 1000
    delay_time_in_millis: Annotated[
        int, setting("Delay in milliseconds", "How long a request is held before it is tried again.", ge=1, le=60_000)
    ] = 1000
    delay_attempts: Annotated[
        int, setting("Attempts", "How many times a held request is tried again before it is refused.", ge=0, le=100)
    ] = 1
    queuing_limit: Annotated[
        int,
        setting("Queuing limit", "How many requests are held at a time. With 0 none is: 429 at once.", ge=0, le=10_000),
    ] = 0
    expose_headers: Annotated[
        bool, setting("Expose headers", "Tell callers the limit, what is left and when there is more.")
    ] = False


class Window:
    """When the requests of the last `period` seconds have passed, and how many are `held` for want of a place."""

    __slots__ = ("_maximum", "_passed", "_period", "held")

    def __init__(self, maximum: int, period: float) -> None:
        self._maximum = maximum
        self._period = period
        self._passed: deque[float] = deque()
        self.held = 0

    def take(self, now: float) -> Verdict:
        """Take a place for a request at `now`, if there is one. `reset` is 0 while there is quota."""
        passed = self._passed
        gone = now - self._period
        while passed and passed[0] <= gone:
            passed.popleft()
        remaining = self._maximum - len(passed)
        if remaining <= 0:
            wait = passed[0] - gone
            return Verdict(self._maximum, 0, wait, wait)
        passed.append(now)
        return Verdict(self._maximum, remaining - 1, 0.0 if remaining > 1 else passed[0] - gone, 0.0)


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Take over the window of the running revision where it is of the same size."""
    maximum, period = config.maximum_requests, config.time_period_in_milliseconds
    window: Window = runtime.keep(f"window {maximum} {period}", lambda: Window(maximum, period / 1000))
    refused = runtime.refusal("spike_control_exceeded")
    expose = config.expose_headers
    teller = Teller(runtime.binding, old=expose, new=False)
    writers = writers_of((Limit(maximum, period / 1000),), old=expose, new=False)
    clock, sleep, take = runtime.clock, runtime.sleep, window.take
    delay, attempts = config.delay_time_in_millis / 1000, config.delay_attempts
    places = config.queuing_limit if attempts else 0

    def refuse(context: RequestContext, verdict: Verdict) -> Response:
        return teller.refused(context, refused, verdict, writers)

    async def hold(context: RequestContext, verdict: Verdict) -> Response | None:
        # Asked again, because others may have been held since; and counted here, so that what never runs holds nothing.
        if window.held >= places:
            return refuse(context, verdict)
        window.held += 1
        try:
            for _ in range(attempts):
                await sleep(delay)
                verdict = take(clock())
                if not verdict.retry_after:
                    if expose:
                        teller.passed(context, verdict, writers)
                    return None
        finally:
            window.held -= 1
        return refuse(context, verdict)

    def check(context: RequestContext) -> object:
        verdict = take(clock())
        if not verdict[3]:
            if expose:
                teller.passed(context, verdict, writers)
            return None
        return refuse(context, verdict) if window.held >= places else hold(context, verdict)

    return Handlers(request_headers=check, response_headers=teller.on_response if expose else None)


DEFINITION = PolicyDefinition(
    name="spike-control",
    title="Spike control",
    summary="Smooths bursts: what is too much waits a little before it is refused.",
    category=Category.QUALITY_OF_SERVICE,
    icon="wave-saw-tool",
    config=Config,
    build=build,
    default_order=290,
    phases=(Phase.REQUEST_HEADERS, Phase.RESPONSE_HEADERS),
    example={
        "maximumRequests": 100,
        "timePeriodInMilliseconds": 1000,
        "delayTimeInMillis": 500,
        "delayAttempts": 3,
        "queuingLimit": 20,
        "exposeHeaders": True,
    },
    refusals=(
        Refusal(
            code="spike_control_exceeded",
            status=429,
            title="Too many requests at once",
            detail="This API gets more requests than it takes at a time. Try again after the Retry-After seconds.",
        ),
    ),
    documentation=__doc__ or "",
)
