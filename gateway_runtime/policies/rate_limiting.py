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

## What it does

Each limit counts in a fixed window that is opened by the first request. Every limit must have quota left; a refused
request uses none, so a caller that keeps trying is never locked out. Counters are kept by each worker process of a
gateway on its own and survive a new revision. With more than 100 000 different keys at a time, further keys
share one window.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 429 | `rate_limit_exceeded` | a limit is used up; `Retry-After` says in seconds when to come back |

With `exposeHeaders` every answer carries `x-ratelimit-limit`, `x-ratelimit-remaining` and `x-ratelimit-reset`
(milliseconds) of the limit that is nearest to its end.
"""

import enum
from dataclasses import replace
from math import ceil
from typing import Annotated, NamedTuple

from gateway_runtime.policies.context import Headers, PolicyRuntime, RequestContext
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

KEY_LIMIT = 100_000
SWEEP_SECONDS = 1.0


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
    expose_headers: Annotated[
        bool, setting("Expose headers", "Tell callers their limit, what is left and when it begins anew.")
    ] = False


class Verdict(NamedTuple):
    """The limit nearest to its end. `retry_after` is 0 when the request may pass; times are seconds."""

    limit: int
    remaining: int
    reset: float
    retry_after: float


class Windows:
    """The open windows of one binding: per key a flat list of (end, count) for each limit."""

    __slots__ = ("_entries", "_key_limit", "_limits", "_next_sweep")

    def __init__(self, limits: tuple[tuple[int, float], ...], key_limit: int = KEY_LIMIT) -> None:
        self._limits = limits
        self._entries: dict[str, list[float]] = {}
        self._key_limit = key_limit
        self._next_sweep = 0.0

    def take(self, key: str, now: float) -> Verdict:
        """Use one request of every limit of a key, or none when one of them is used up."""
        windows = self._entries.get(key)
        if windows is None:
            windows = self._open(key, now)
        retry_after = 0.0
        nearest = 1.0
        position = tight = 0
        for maximum, period in self._limits:
            if windows[position] <= now:
                windows[position] = now + period
                windows[position + 1] = 0
            share = 1.0 - windows[position + 1] / maximum
            if share < nearest:
                nearest, tight = share, position
            if share <= 0.0 and windows[position] - now > retry_after:
                retry_after = windows[position] - now
            position += 2
        if not retry_after:
            for index in range(1, position, 2):
                windows[index] += 1
        limit = self._limits[tight // 2][0]
        return Verdict(limit, limit - int(windows[tight + 1]), windows[tight] - now, retry_after)

    def _open(self, key: str, now: float) -> list[float]:
        if len(self._entries) >= self._key_limit:
            # At most one sweep a second: callers who make up new keys must not buy a scan with each request.
            if now >= self._next_sweep:
                self._next_sweep = now + SWEEP_SECONDS
                self._entries = {k: w for k, w in self._entries.items() if any(end > now for end in w[::2])}
            if len(self._entries) >= self._key_limit:
                # Forgetting a live window instead would hand its owner a fresh quota.
                key = "\0overflow"
                if (shared := self._entries.get(key)) is not None:
                    return shared
        opened = self._entries[key] = [0.0, 0.0] * len(self._limits)
        return opened

    def __len__(self) -> int:
        return len(self._entries)


def _headers(verdict: Verdict) -> Headers:
    return [
        (b"x-ratelimit-limit", b"%d" % verdict.limit),
        (b"x-ratelimit-remaining", b"%d" % verdict.remaining),
        (b"x-ratelimit-reset", b"%d" % ceil(verdict.reset * 1000)),
    ]


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Take over the windows of the running revision where the limits and the key are the same."""
    limits = tuple((r.maximum_requests, r.time_period_in_milliseconds / 1000) for r in config.rate_limits)
    windows: Windows = runtime.keep(f"windows {config.key} {limits}", lambda: Windows(limits))
    refused = runtime.refusal("rate_limit_exceeded")
    clock, binding, key, expose = runtime.clock, runtime.binding, config.key, config.expose_headers
    take = windows.take

    def check(context: RequestContext) -> Response | None:
        if key is Key.API:
            verdict = take("", clock())
        else:
            verdict = take(context.application if key is Key.APPLICATION else context.client_ip, clock())
        if verdict[3]:
            headers = [(b"retry-after", b"%d" % ceil(verdict.retry_after))]
            return replace(refused, headers=tuple(headers + (_headers(verdict) if expose else [])))
        if expose:
            context.note(binding, verdict)
        return None

    def on_response(context: RequestContext) -> None:
        verdict = (context.notes or {}).get(binding)
        if verdict is not None:
            context.response_headers += _headers(verdict)

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
    },
    refusals=(
        Refusal(
            code="rate_limit_exceeded",
            status=429,
            title="Too many requests",
            detail="The number of requests allowed in this time is used up. Try again after the Retry-After seconds.",
        ),
    ),
    documentation=__doc__ or "",
)
