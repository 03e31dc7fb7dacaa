"""What one policy costs a request: CPU time of its handlers, without sockets, beside the goal."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from typing import Any

from gateway_runtime.fetching.client import Fetched
from gateway_runtime.fetching.remote import Remotes
from gateway_runtime.fetching.url import Url
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.testing import FakeClock, policy_case, request
from gateway_runtime.upstream.connecting import Surroundings
from tests.benchmarks.bench_expressions import microseconds
from tests.benchmarks.findings import Findings, Progress
from tests.gateway_runtime.policies.tokens import key_set, pem_text, rsa_jwk, rsa_key, token

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
    yield "token introspection, asked before", 3.0, _token("oauth2-token-introspection", scopes="orders:read")
    exposed = _token("oauth2-token-introspection", exposeHeaders=True)
    yield "token introspection, fields exposed", NO_GOAL, exposed
    yield "OpenID Connect token, verified before", 3.0, _token("openidconnect-access-token-enforcement")
    oauth2 = _token("credential-injection-oauth2")
    yield "credential injection with OAuth 2.0", 1.0, oauth2
    yield "credential injection", 1.0, _request("credential-injection-basic-auth", basic)


def _ranges() -> list[str]:
    chance = random.Random(1)
    return [f"{IPv4Address(chance.randrange(1 << 24, 224 << 24))}/28" for _ in range(RANGES)]


def _request(name: str, config: dict[str, Any] | None, **headers: str) -> Callable[[], Any]:
    handler = policy_case(name, config).handlers.request_headers
    assert handler is not None
    context = request(headers={**HEADERS, **headers}, client_ip="198.51.100.7")
    kept = context.headers

    def call() -> Any:
        context.headers = kept.copy()
        context.notes = None
        return handler(context)

    assert call() is None
    return call


async def _provider(url: Url, surroundings: Surroundings, **more: Any) -> Fetched:
    """Answer like an authorization server that knows every token, or like an OpenID provider."""
    if url.target.endswith("openid-configuration"):
        answer = b'{"issuer":"https://login.example","jwks_uri":"https://login.example/jwks"}'
    elif url.target == "/jwks":
        answer = key_set(rsa_jwk(rsa_key(), kid="a"))
    else:
        answer = (
            b'{"active":true,"sub":"ada","client_id":"shop","iss":"https://login.example","scope":"orders:read",'
            b'"access_token":"t","token_type":"Bearer","expires_in":9999}'
        )
    return Fetched(200, {}, answer)


def _token(name: str, **settings: Any) -> Callable[[], Any]:
    """Return a request with a token that has been seen before."""
    known = {
        "oauth2-token-introspection": {
            "introspectionURL": "https://login.example/introspect", "authorizationValue": "Basic x",
            "skipClientIdValidation": True,
        },
        "openidconnect-access-token-enforcement": {"issuer": "https://login.example", "scopes": "orders:read"},
        "credential-injection-oauth2": {
            "oauthService": "https://login.example/token", "clientId": "a", "clientSecret": "b",
        },
    }  # fmt: skip
    clock = FakeClock()
    case = policy_case(name, known[name] | settings, clock=clock, remotes=Remotes(None, clock, _provider))
    handler = case.handlers.request_headers
    assert handler is not None
    claims = {"sub": "ada", "iss": "https://login.example", "exp": 9_999, "scope": "orders:read", "client_id": "shop"}
    bearer = "Bearer " + token(claims, rsa_key(), "RS256", kid="a")
    headers = {**HEADERS, "authorization": bearer}
    assert asyncio.run(case.ask(request(headers=headers))) is None
    context = request(headers=headers)
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
