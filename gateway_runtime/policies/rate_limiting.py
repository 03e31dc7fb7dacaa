"""# Rate limiting

Lets through at most a number of requests in a span of time, or in each day, week, month or year, and refuses the rest
with 429.

## When to use it

To protect a backend from more traffic than it can carry, or to share it fairly: per API, per caller address, or per
client application (put client ID enforcement before it). Where each application has limits of its own, by the tier of
its contract, use [Rate limiting: SLA-based](/docs/policies/rate-limiting-sla-based/).

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

By a header instead of the application, smoothly, and with a quota for each month as it is in Berlin:

```yaml
policyRef:
  name: rate-limiting
config:
  rateLimits:
    - maximumRequests: 100
      timePeriodInMilliseconds: 1000
    - maximumRequests: 1000000
      calendarPeriod: month
  algorithm: sliding-window
  timeZone: Europe/Berlin
  keySelector: "#[attributes.headers['x-tenant']]"
```

## What it does

Every limit must have quota left; a refused request uses none, so a caller that keeps trying is never locked out. Of
two limits with the same period the smaller one counts.

| A limit with | Counts in | What is used comes back |
| --- | --- | --- |
| `timePeriodInMilliseconds` | a fixed window that is opened by the first request | when the window ends |
| it, and `algorithm: sliding-window` | a sliding window (GCRA) | evenly, one by one: of 100 a second one each 10 ms |
| `calendarPeriod` | the day, week (from Monday), month or year in `timeZone` | at its first midnight |

A sliding window lets a caller that has been quiet use the whole maximum at once, and from then on one request each
time its share of the period has gone by. Over any long time it is exactly the maximum in each period.

`keySelector` is an expression whose every value has its own windows, capitals apart from small letters. Requests for
which it gives nothing, an empty text or cannot be evaluated share one window. It stands in the place of `key`. Where
it says `payload`, the body is read first, up to the limit of the gateway (413 above). With more than 100 000 different
keys at a time in one worker, further keys share one window.

Counters survive a new revision, and shared ones a restart. With another maximum what has been used stays used; with
another period or key it begins anew.

A request that other policies before this one have refused or answered is not counted, one that a policy after it
refuses is; so is one that the service answers with an error. A request that the gateway sends to the service again is
counted once, and a WebSocket once when it is opened.

## Strict and fast

All workers of all replicas of a gateway count together (`clusterizable`) where there is a shared storage: the Redis
of the portal, or the one that is configured. Its clock counts, not that of the node.

Strictly: limits below 100 requests, shorter than a second, or sliding, and all with `exact`, are asked for in Redis
for each request, in one round trip, and exactly as many pass as the limit says. Fast: for others each worker leases a
part in advance, which costs no time. Then at most one request in a hundred too many passes. See [Limits over several
replicas](/docs/operations/limits-over-replicas/).

While the shared storage is away each worker process counts on its own (it fails open); with `blockOnUnknownQuota`
requests are refused with 503 instead, but for what a worker has leased already. A request never waits for longer than
50 milliseconds, and not at all once it is known to be away. With `clusterizable: false` each worker process always
counts on its own.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 429 | `rate_limit_exceeded` | a limit is used up; `Retry-After` says in seconds when to come back |
| 503 | `rate_limit_unknown` | with `blockOnUnknownQuota`: the shared storage is away, so nobody can tell |

With `exposeHeaders` every answer carries `x-ratelimit-limit`, `x-ratelimit-remaining` and `x-ratelimit-reset`
(milliseconds until the window ends; of a sliding one, until all is back). With `exposeRateLimitHeaders` it carries
`RateLimit-Policy` (all limits) and `RateLimit` as the IETF's draft has them: `"minute";r=7;t=30`. Both tell of the
limit that is nearest to its end, also where several policies count, and take the place of headers of the service with
these names. What a request says in such headers is of no account.
"""

import enum
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Annotated

from gateway_runtime.expressions.reading import wire
from gateway_runtime.expressions.settings import compile_for
from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.payloads import of_request, request_handlers
from gateway_runtime.policies.rate_limiting_headers import Teller, writers_of
from gateway_runtime.policies.rate_limiting_settings import (
    ALGORITHM,
    BLOCK_ON_UNKNOWN_QUOTA,
    CLUSTERIZABLE,
    EXACT,
    EXPOSE_HEADERS,
    EXPOSE_STANDARD_HEADERS,
    TIME_ZONE,
    Algorithm,
    RateLimit,
    counted,
    limit_of,
)
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
from gateway_runtime.state.calendar import zone_of
from gateway_runtime.state.limits import UNKNOWN_QUOTA, Verdict

# Callers choose keys, and many are remembered: longer ones are counted under their digest.
LONGEST_KEY = 64
SELECTOR = ExpressionSetting(payload=True)


class Key(enum.StrEnum):
    """What has its own window."""

    API = "api"
    CLIENT_ADDRESS = "client-address"
    APPLICATION = "application"


class Config(PolicyConfig, frozen=True):
    """The limits, and what they are counted by."""

    rate_limits: Annotated[
        list[RateLimit],
        setting("Limits", "Every limit must have quota left for a request to pass.", min_length=1, max_length=10),
    ]
    algorithm: Annotated[Algorithm, ALGORITHM] = Algorithm.FIXED_WINDOW
    time_zone: Annotated[str, TIME_ZONE] = "UTC"
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
    expose_headers: Annotated[bool, EXPOSE_HEADERS] = False
    expose_rate_limit_headers: Annotated[bool, EXPOSE_STANDARD_HEADERS] = False
    clusterizable: Annotated[bool, CLUSTERIZABLE] = True
    exact: Annotated[bool, EXACT] = False
    block_on_unknown_quota: Annotated[bool, BLOCK_ON_UNKNOWN_QUOTA] = False

    def __post_init__(self) -> None:
        if self.key_selector is not None and self.key is not Key.API:
            raise ValueError("Count by a key or by a key selector: leave the key at “api” beside a key selector")
        zone_of(self.time_zone)


def _selected(source: str) -> Callable[[RequestContext], str]:
    """Return what reads the key of a request. Nothing, and what cannot be evaluated, are the empty key."""
    evaluate = of_request(compile_for(SELECTOR, source))

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


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Take over what the running revision has counted where period and key are the same."""
    written = [
        limit_of(
            each.maximum_requests,
            each.time_period_in_milliseconds,
            each.calendar_period,
            config.algorithm,
            config.time_zone,
        )
        for each in config.rate_limits
    ]
    limits, exact = counted(written, exact=config.exact)
    ask = runtime.limiter(
        _name(config), limits, shared=config.clusterizable, exact=exact, blocks=config.block_on_unknown_quota
    ).ask
    headers = {"old": config.expose_headers, "new": config.expose_rate_limit_headers}
    teller, writers = Teller(runtime.binding, **headers), writers_of(limits, **headers)
    refused = runtime.refusal("rate_limit_exceeded")
    unknown = runtime.refusal("rate_limit_unknown", headers=((b"retry-after", b"1"),))
    clock, tells, key_of = runtime.clock, teller.tells, _reader(config)

    def check(context: RequestContext) -> Response | Awaitable[Response | None] | None:
        verdict = ask(key_of(context), clock())
        if type(verdict) is not Verdict:
            return later(context, verdict)  # type: ignore[arg-type]
        if verdict[3] or tells:
            return judge(context, verdict)
        return None

    def judge(context: RequestContext, verdict: Verdict) -> Response | None:
        if verdict is UNKNOWN_QUOTA:
            return unknown
        if verdict[3]:
            return teller.refused(context, refused, verdict, writers)
        if tells:
            teller.passed(context, verdict, writers)
        return None

    async def later(context: RequestContext, verdict: Awaitable[Verdict]) -> Response | None:
        return judge(context, await verdict)

    selector = config.key_selector
    reads_body = selector is not None and compile_for(SELECTOR, selector).uses_payload
    return Handlers(
        **request_handlers(check, reads_body=reads_body), response_headers=teller.on_response if tells else None
    )


DEFINITION = PolicyDefinition(
    name="rate-limiting",
    title="Rate limiting",
    summary="Lets through at most a number of requests in a span of time, or a quota by the calendar.",
    category=Category.QUALITY_OF_SERVICE,
    icon="gauge",
    config=Config,
    build=build,
    default_order=300,
    phases=(Phase.REQUEST_HEADERS, Phase.RESPONSE_HEADERS),
    example={
        "rateLimits": [{"maximumRequests": 100, "timePeriodInMilliseconds": 60_000}],
        "algorithm": "fixed-window",
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
