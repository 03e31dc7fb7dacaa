"""What one policy costs a request: CPU time of its handlers, without sockets, beside the goal."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from hashlib import sha256
from ipaddress import IPv4Address
from typing import Any

from gateway_runtime.policies.context import RequestContext
from gateway_runtime.schema.document import Consumer, Tier, TierLimit
from tests.benchmarks.bench_expressions import microseconds
from tests.benchmarks.findings import Findings, Progress
from tests.gateway_runtime.policies.kit import policy_case, request
from tests.gateway_runtime.policies.tokens import pem_text, rsa_key, token

TIMES = 20_000
RANGES = 10_000
NO_GOAL = float("inf")
HEADERS = {
    "host": "api.example",
    "user-agent": "curl/8.5.0",
    "accept": "*/*",
    "accept-encoding": "gzip",
    "content-type": "application/json",
    "x-debug": "1",
}
ANSWERED = [
    (name.encode(), b"1") for name in ("server", "date", "content-type", "cache-control", "etag", "x-powered-by")
]
ADA = "Basic YWRhOnNlc2FtZQ=="

SHOP = Consumer(id="shop", name="Shop", client_id="shop-id", secrets=[sha256(b"secret").hexdigest()])
TIER = Tier(id="t", name="Gold", limits=[TierLimit(maximum_requests=1_000_000_000, period_ms=60_000)])

# What is measured, its goal in microseconds, and the call.
Case = tuple[str, float, Callable[[], Any]]


def measure(folder: str, progress: Progress) -> Findings:
    """Measure every case."""
    nothing = microseconds(lambda: None, TIMES)
    findings = Findings()
    rows = []
    for name, goal, call in _cases():
        progress(name)
        took = microseconds(call, TIMES) - nothing
        rows.append((name, f"{took:.2f}", findings.judge(name, took, goal)))
    findings.table(("policy", "µs", "goal"), rows)
    return findings


def _cases() -> Iterator[Case]:
    basic = {"username": "ada", "password": "sesame"}
    yield "basic authentication", 2.0, _request("http-basic-authentication", basic, authorization=ADA)
    yield "header injection", 1.0, _request("header-injection", {"inboundHeaders": [{"key": "x-a", "value": "1"}]})
    injected = {"inboundHeaders": [{"key": "x-a", "value": "#[attributes.headers['x-debug']]"}]}
    yield "header injection, an expression", NO_GOAL, _request("header-injection", injected)
    yield (
        "header removal, a name and a pattern",
        NO_GOAL,
        _request("header-removal", {"inboundHeaders": ["x-debug", "x-trace-.*"]}),
    )
    yield (
        "header removal from an answer",
        NO_GOAL,
        _response("header-removal", {"outboundHeaders": ["server", "x-powered-.*"]}),
    )
    yield f"IP blocklist of {RANGES} ranges", 1.5, _request("ip-blocklist", {"ips": _ranges()})
    yield "CORS, a request", NO_GOAL, _request("cors", None, origin="https://shop.example")
    yield "CORS, its answer", NO_GOAL, _response("cors", None)
    limits = {"rateLimits": [{"maximumRequests": 1_000_000_000, "timePeriodInMilliseconds": 60_000}]}
    yield "rate limiting", 2.0, _request("rate-limiting", limits)
    selected = {**limits, "keySelector": "#[attributes.headers['x-debug']]"}
    yield "rate limiting by an expression", 2.0, _request("rate-limiting", selected)
    yield "rate limiting, a sliding window", 2.0, _request("rate-limiting", {**limits, "algorithm": "sliding-window"})
    quota = {"rateLimits": [{"maximumRequests": 1_000_000_000, "calendarPeriod": "month"}]}
    yield "rate limiting, a quota by the month", 2.0, _request("rate-limiting", quota)
    yield "rate limiting, all headers", NO_GOAL, _request("rate-limiting", {**limits, "exposeHeaders": True})
    known = {"client_id": "shop-id", "client_secret": "secret"}
    yield "rate limiting, SLA-based", NO_GOAL, _request("rate-limiting-sla-based", {}, **known)
    yield "client ID enforcement", NO_GOAL, _request("client-id-enforcement", {}, **known)
    message = {"message": "#[attributes.method] #[attributes.requestPath]", "level": "INFO", "firstSection": True}
    yield (
        "message logging, a line",
        NO_GOAL,
        _request("message-logging", {"loggingConfiguration": [{"itemData": message}]}),
    )
    yield "spike control", 2.0, _request("spike-control", {"maximumRequests": 1_000_000})
    jwt = {"textKey": pem_text(rsa_key())}
    claims = {"sub": "ada", "iss": "https://login.example", "aud": ["shop"], "exp": 9_999, "scope": "read write " * 20}
    bearer = "Bearer " + token(claims, rsa_key(), "RS256")
    yield "JWT, verified before", 3.0, _request("jwt-validation", jwt, authorization=bearer)
    yield "credential injection", 1.0, _request("credential-injection-basic-auth", basic)


def _ranges() -> list[str]:
    chance = random.Random(1)
    return [f"{IPv4Address(chance.randrange(1 << 24, 224 << 24))}/28" for _ in range(RANGES)]


def _request(name: str, config: dict[str, Any] | None, **headers: str) -> Callable[[], Any]:
    handler = policy_case(name, config, consumers=[SHOP], tiers={"shop": TIER}).handlers.request_headers
    assert handler is not None
    context = request(headers={**HEADERS, **headers}, client_ip="198.51.100.7")
    kept = context.headers

    def call() -> Any:
        context.headers = kept.copy()
        context.notes = None
        return handler(context)

    assert call() is None
    return call


def _response(name: str, config: dict[str, Any] | None) -> Callable[[], Any]:
    handler = policy_case(name, config).handlers.response_headers
    assert handler is not None
    context: RequestContext = request(headers=HEADERS)

    def call() -> Any:
        context.response_headers = ANSWERED.copy()
        return handler(context)

    return call
