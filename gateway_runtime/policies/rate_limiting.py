"""# Rate limiting

Lets through at most a number of requests in a span of time and refuses the rest with 429.

## When to use it

To protect a backend from more traffic than it can carry, or to share it fairly: per API, per caller address, or per
client application (put client ID enforcement before it).

## Example

```yaml
policyRef:
  name: rate-limiting
config:
  rateLimits:
    - maximumRequests: 100
      timePeriodInMilliseconds: 1000
    - maximumRequests: 10000
      timePeriodInMilliseconds: 3600000
  key: application
  exposeHeaders: true
```

By a header instead of the application:

```yaml
policyRef:
  name: rate-limiting
config:
  rateLimits:
    - maximumRequests: 100
      timePeriodInMilliseconds: 1000
  keySelector: "#[attributes.headers['x-tenant']]"
```

## What it does

Each limit counts in a fixed window that is opened by the first request. Every limit must have quota left; a refused
request uses none, so a caller that keeps trying is never locked out. Counters survive a new revision. With more than
100 000 different keys at a time, further keys share one window.

`keySelector` is an expression whose every value has its own windows, capitals apart from small letters. Requests for
which it gives nothing, an empty text or cannot be evaluated share one window. It stands in the place of `key`.

All workers of all replicas of a gateway count together (`clusterizable`) where there is a shared storage: the Redis of
the portal, or the one that is configured. Small limits (below 100 requests, or shorter than a second) and those with
`exact` are asked for in Redis for each request, and are exact. For others each worker leases a part in advance, which
costs no time: see [Limits over several replicas](/docs/operations/limits-over-replicas/) for how exact that is.

As it stands it fails open: while the shared storage is away, and with `clusterizable: false`, each worker process
counts on its own. A request never waits for longer than 50 milliseconds for it, and not at all once it is known to be
away. With `blockOnUnknownQuota` requests are refused with 503 instead, but for what a worker has leased already.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 429 | `rate_limit_exceeded` | a limit is used up; `Retry-After` says in seconds when to come back |
| 503 | `rate_limit_unknown` | with `blockOnUnknownQuota`: the shared storage is away, so nobody can tell |

With `exposeHeaders` every answer carries `x-ratelimit-limit`, `x-ratelimit-remaining` and `x-ratelimit-reset`
(milliseconds) of the limit that is nearest to its end.
"""

import enum
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from math import ceil
from typing import Annotated

from gateway_runtime.expressions.reading import wire
from gateway_runtime.expressions.settings import compile_for
from gateway_runtime.policies.context import Headers, PolicyRuntime, RequestContext
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.expression import ExpressionSetting, expression
from gateway_runtime.schema.policy import (
    Category,
    Handlers,
    Phase,
    PolicyConfig,
    PolicyDefinition,
    Refusal,
    setting,
)
from gateway_runtime.state.limits import UNKNOWN_QUOTA, Limit, Verdict

# Smaller limits and shorter windows are counted exactly where they are shared: a part of them is not worth leasing, and
# so few requests are quickly asked about.
LEASED_REQUESTS = 100
LEASED_SECONDS = 1.0
# Callers choose keys, and many are remembered: longer ones are counted under their digest.
LONGEST_KEY = 64
SELECTOR = ExpressionSetting()


class Key(enum.StrEnum):
    """What has its own window."""

    API = "api"
    CLIENT_ADDRESS = "client-address"
    APPLICATION = "application"


class RateLimit(PolicyConfig, frozen=True):
    """So many requests in so much time."""

    maximum_requests: Annotated[
        int, setting("Maximum requests", "How many requests pass in one window.", ge=1, le=1_000_000_000)
    ]
    time_period_in_milliseconds: Annotated[
        int,
        setting("Time period in milliseconds", "How long a window lasts, up to 366 days.", ge=1, le=31_622_400_000),
    ]


class Config(PolicyConfig, frozen=True):
    """The limits, and what they are counted by."""

    rate_limits: Annotated[
        list[RateLimit],
        setting("Limits", "Every limit must have quota left for a request to pass.", min_length=1, max_length=10),
    ]
    key: Annotated[
        Key, setting("Count by", "The whole API together, each caller's address, or each client application.")
    ] = Key.API
    key_selector: Annotated[
        str | None,
        expression(
            "Key selector",
            "What is counted by instead: every value has limits of its own.",
            SELECTOR,
            placeholder="#[attributes.headers['x-tenant']]",
        ),
    ] = None
    expose_headers: Annotated[
        bool, setting("Expose headers", "Tell callers their limit, what is left and when it begins anew.")
    ] = False
    clusterizable: Annotated[
        bool, setting("Share between replicas", "All replicas of the gateway count together in the shared storage.")
    ] = True
    exact: Annotated[
        bool, setting("Count exactly", "Ask the shared storage about each request: exact, and a little slower.")
    ] = False
    block_on_unknown_quota: Annotated[
        bool,
        setting(
            "Block on unknown quota",
            "Refuse requests while the shared storage is away. Otherwise each worker counts by itself then.",
        ),
    ] = False

    def __post_init__(self) -> None:
        if self.key_selector is not None and self.key is not Key.API:
            raise ValueError("Count by a key or by a key selector: leave the key at “api” beside a key selector")


def _selected(source: str) -> Callable[[RequestContext], str]:
    """Return what reads the key of a request. Nothing, and what cannot be evaluated, are the empty key."""
    evaluate = compile_for(SELECTOR, source).evaluate

    def key_of(context: RequestContext) -> str:
        value = evaluate(context)
        if type(value) is not str:
            return ""
        if len(value) <= LONGEST_KEY and value.isascii():
            return value
        # Longer than any key that is counted as it is, so that no caller can name another's.
        return "sha256 " + sha256(wire(value)).hexdigest()

    return key_of


def _reader(config: Config) -> Callable[[RequestContext], str]:
    if config.key_selector is not None:
        return _selected(config.key_selector)
    if config.key is Key.APPLICATION:
        return lambda context: context.application
    if config.key is Key.CLIENT_ADDRESS:
        return lambda context: context.client_ip
    return lambda context: ""


def _name(config: Config) -> str:
    """Return what tells windows apart that are counted by something else."""
    if config.key_selector is None:
        return f"windows {config.key}"
    return f"windows selected {sha256(wire(config.key_selector)).hexdigest()[:16]}"


def _headers(verdict: Verdict) -> Headers:
    return [
        (b"x-ratelimit-limit", b"%d" % verdict.limit),
        (b"x-ratelimit-remaining", b"%d" % verdict.remaining),
        (b"x-ratelimit-reset", b"%d" % ceil(verdict.reset * 1000)),
    ]


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Take over the windows of the running revision where the limits and the key are the same."""
    limits = tuple(Limit(r.maximum_requests, r.time_period_in_milliseconds / 1000) for r in config.rate_limits)
    name = _name(config)
    small = any(maximum < LEASED_REQUESTS or period < LEASED_SECONDS for maximum, period in limits)
    blocks = config.block_on_unknown_quota
    exactly = config.clusterizable and (config.exact or small)
    exact = runtime.exact_limiter(name, limits, blocks=blocks) if exactly else None
    refused = runtime.refusal("rate_limit_exceeded")
    unknown = runtime.refusal("rate_limit_unknown", headers=((b"retry-after", b"1"),))
    clock, binding, expose = runtime.clock, runtime.binding, config.expose_headers
    key, key_of = config.key, _reader(config)

    def judge(context: RequestContext, verdict: Verdict) -> Response | None:
        if verdict[3]:
            if verdict is UNKNOWN_QUOTA:
                return unknown
            headers = [(b"retry-after", b"%d" % ceil(verdict.retry_after))]
            return replace(refused, headers=tuple(headers + (_headers(verdict) if expose else [])))
        if expose:
            context.note(binding, verdict)
        return None

    def on_response(context: RequestContext) -> None:
        verdict = (context.notes or {}).get(binding)
        if verdict is not None:
            context.response_headers += _headers(verdict)

    if exact is not None:
        ask = exact.ask

        def check_exactly(context: RequestContext) -> Response | Awaitable[Response | None] | None:
            verdict = ask(key_of(context), clock())
            return judge(context, verdict) if type(verdict) is Verdict else later(context, verdict)  # type: ignore[arg-type]

        async def later(context: RequestContext, verdict: Awaitable[Verdict]) -> Response | None:
            return judge(context, await verdict)

        return Handlers(request_headers=check_exactly, response_headers=on_response if expose else None)

    take = runtime.limiter(name, limits, shared=config.clusterizable, blocks=blocks).take

    def check(context: RequestContext) -> Response | None:
        if key is Key.API:
            verdict = take("", clock())
        else:
            verdict = take(context.application if key is Key.APPLICATION else context.client_ip, clock())
        if verdict[3] or expose:
            return judge(context, verdict)
        return None

    def check_selected(context: RequestContext) -> Response | None:
        verdict = take(key_of(context), clock())
        if verdict[3] or expose:
            return judge(context, verdict)
        return None

    if config.key_selector is not None:
        return Handlers(request_headers=check_selected, response_headers=on_response if expose else None)
    return Handlers(request_headers=check, response_headers=on_response if expose else None)


DEFINITION = PolicyDefinition(
    name="rate-limiting",
    title="Rate limiting",
    summary="Lets through at most a number of requests in a span of time.",
    category=Category.QUALITY_OF_SERVICE,
    icon="gauge",
    config=Config,
    build=build,
    default_order=300,
    phases=(Phase.REQUEST_HEADERS, Phase.RESPONSE_HEADERS),
    example={
        "rateLimits": [{"maximumRequests": 100, "timePeriodInMilliseconds": 60_000}],
        "key": "api",
        "exposeHeaders": True,
        "clusterizable": True,
        "exact": False,
        "blockOnUnknownQuota": False,
    },
    refusals=(
        Refusal(
            code="rate_limit_exceeded",
            status=429,
            title="Too many requests",
            detail="The number of requests allowed in this time is used up. Try again after the Retry-After seconds.",
        ),
        Refusal(
            code="rate_limit_unknown",
            status=503,
            title="Limit not known",
            detail="Whether this request is within the limit cannot be told now. Try again later.",
        ),
    ),
    documentation=__doc__ or "",
)
