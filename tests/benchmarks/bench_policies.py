"""What one policy costs a request: CPU time of its handlers, without sockets, beside the goal."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from ipaddress import IPv4Address
from typing import Any

import msgspec
from envoy.service.auth.v3.external_auth_pb2 import CheckResponse
from envoy.service.ext_proc.v3.external_processor_pb2 import ProcessingResponse

from gateway_runtime.directories.directory import Directories
from gateway_runtime.fetching.header_changes import changed, for_backend
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.ext_authz_messages import check_request, read_verdict
from gateway_runtime.policies.ext_proc_messages import Part, Parts, headers_message, read_answer
from gateway_runtime.policies.results import NEEDS_BODY
from gateway_runtime.schema.document import Consumer, Tier, TierLimit
from gateway_runtime.testing import PolicyCase, SentRequest, policy_case, request
from gateway_runtime.upstream.connecting import Surroundings
from gateway_runtime.upstream.resolving import Resolver
from tests.benchmarks.bench_expressions import microseconds
from tests.benchmarks.findings import Findings, Progress
from tests.benchmarks.token_policies import token_cases
from tests.gateway_runtime.directories.fakes import FakeLdap
from tests.gateway_runtime.policies.signatures import SHOP, signed
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

LIMITS = {
    "maxContainerDepth": 10,
    "maxObjectEntryCount": 100,
    "maxObjectEntryNameLength": 80,
    "maxArrayElementCount": 100,
    "maxStringValueLength": 500,
}
APPLICATION = Consumer(id="shop", name="Shop", client_id="shop-id", secrets=[sha256(b"secret").hexdigest()])
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
    yield "LDAP authentication, asked before", 2.0, _ldap()
    yield "external authorization, question and verdict", NO_GOAL, _authorization()
    yield "external processing, one message each way", NO_GOAL, _processing()
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
    yield "request size limit", 1.0, _request("request-size-limit", {"maxHeaders": 50, "maxHeaderBytes": 8192})
    yield from token_cases(HEADERS)
    keys = {"keys": f"shop:{SHOP}", "replayProtection": False}
    signature = signed("GET", "/", HEADERS, created=1000)
    yield "HMAC signature", NO_GOAL, _request("hmac-signature", keys, **signature)
    yield "AWS request signature", NO_GOAL, _signature()
    yield "credential injection", 1.0, _request("credential-injection-basic-auth", basic)
    yield from _inspected()
    yield "HTTP caching, nothing kept", NO_GOAL, _request("http-caching", {})
    yield "HTTP caching, an answer kept", NO_GOAL, _kept()
    yield from _scripts()
    yield from _codings()


def _kept() -> Callable[[], Any]:
    """Return a request that is answered from memory, with a kilobyte."""
    case = policy_case("http-caching", {})
    first = request(headers=HEADERS)
    case.send(first)
    case.answer(first, {"content-type": "application/json", "etag": '"1"', "cache-control": "max-age=60"})
    for recording in first.response_filters or ():
        recording.feed(bytes(1000))
        recording.finish()
    handler = case.handlers.request_headers
    assert handler is not None
    context = request(headers=HEADERS)
    assert handler(context) is not None
    return lambda: handler(context)


def _codings() -> Iterator[Case]:
    """Compressing about ten kilobytes of JSON, and reading them again."""
    items = [
        {"sku": f"sku-{n}", "count": n, "price": n / 7, "name": f"An article of number {n * n}"} for n in range(130)
    ]
    body = msgspec.json.encode(items)
    for coding in ("gzip", "br", "zstd"):
        case = policy_case("response-compression", {})
        context = request(headers={"accept-encoding": coding})
        case.send(context)

        def compress(case: PolicyCase = case, context: RequestContext = context) -> bytes:
            context.response_filters = None
            case.answer(context, {"content-type": "application/json", "content-length": str(len(body))})
            (compressing,) = context.response_filters or ()
            return compressing.feed(body) + compressing.finish()

        data = compress()
        assert len(data) < len(body) / 2
        yield f"response compression, {coding} of {len(body) // 1000} KB", NO_GOAL, compress
        reading = policy_case("request-decompression", {})
        sent = request("POST", headers={"content-encoding": coding}, body=data)

        def read(
            case: PolicyCase = reading, sent: SentRequest = sent, coding: str = coding, data: bytes = data
        ) -> bytes:
            sent.headers, sent.request_filters = [(b"content-encoding", coding.encode())], None
            case.send(sent)
            (decoding,) = sent.request_filters or ()
            return decoding.feed(data) + decoding.finish()

        assert read() == body
        yield f"request decompression, {coding} of {len(body) // 1000} KB", NO_GOAL, read


def _scripts() -> Iterator[Case]:
    """Scripts, of which the first sees no body and the others one of about a kilobyte."""
    allow = "if (attributes.headers['x-debug'] != null) { success: true } else { success: false }"
    yield "request filter", NO_GOAL, _request("dataweave-request-filter", {"script": allow})
    added = {"script": "attributes.headers ++ { 'x-a': '1' }", "requestFlow": "onRequest"}
    yield "headers transformation", NO_GOAL, _request("dataweave-headers-transformation", added)
    items = [{"sku": f"sku-{n}", "count": n, "price": n / 7} for n in range(22)]
    body = msgspec.json.encode({"id": 17, "items": items, "password": "secret"})
    fields = {"script": "payload - 'password' ++ { channel: 'web' }", "requestFlow": "onRequest"}
    yield "body transformation, fields of 1 KB", NO_GOAL, _body("dataweave-body-transformation", fields, body)
    loop = "{ lines: payload.items map ((item) -> { article: item.sku, amount: item.count * item.price }) }"
    mapped = {"script": loop, "requestFlow": "onRequest"}
    yield "body transformation, 22 items of 1 KB", NO_GOAL, _body("dataweave-body-transformation", mapped, body)


def _inspected() -> Iterator[Case]:
    """Policies that look into bodies, each of which has about a kilobyte."""
    order = {"id": 17, "placed": "2026-01-01T12:00:00Z", "lines": [{"sku": f"A-{n}", "quantity": n} for n in range(28)]}
    body = msgspec.json.encode(order)
    yield "JSON threat protection, 1 KB", NO_GOAL, _body("json-threat-protection", LIMITS, body)
    twice = body.replace(b'"id":17', b'"id":17,"id" :17')
    yield "JSON threat protection, 1 KB with a name twice", NO_GOAL, _body("json-threat-protection", LIMITS, twice)
    lines = "".join(f'<line sku="A-{n}"><quantity>{n}</quantity></line>' for n in range(20))
    document = f"<order>{lines}</order>".encode()
    yield "XML threat protection, 1 KB", NO_GOAL, _body("xml-threat-protection", {"maxNodeDepth": 9}, document)
    head, seen = _schema_validation(body)
    yield "schema validation, path, query and head", NO_GOAL, head
    yield "schema validation, 1 KB", 30.0, seen
    _, spaced = _schema_validation(json.dumps(order).encode())
    yield "schema validation, 1 KB with spaces", 30.0, spaced
    mock = policy_case("mock-response").handlers.request_headers
    assert mock is not None
    asking = request(path="/orders/17", headers={**HEADERS, "prefer": "example=large"})
    yield "mock response, a named example", NO_GOAL, lambda: mock(asking)


def _schema_validation(body: bytes) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return what judges a request with a body by its head, and what does both, head and body."""
    line = {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string", "pattern": "^A-[0-9]+$"}}}
    schema = {"type": "object", "required": ["id"], "properties": {"lines": {"type": "array", "items": line}}}
    post = {
        "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer"}}],
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "responses": {},
    }
    paths = {f"/shops/{{shop}}/part-{n}/{{id}}": {"post": post} for n in range(50)}
    spec = msgspec.json.encode({"openapi": "3.0.3", "info": {"title": "T", "version": "1"}, "paths": paths}).decode()
    handlers = policy_case("spec-validation", {"source": "inline", "spec": spec}).handlers
    look, check = handlers.request_headers, handlers.request_body
    assert look is not None
    assert check is not None
    context = request("POST", "/shops/7/part-20/9?limit=5", HEADERS, body=body)

    def head() -> Any:
        context.notes = None
        return look(context)

    def both() -> Any:
        head()
        context.body = body
        return check(context)

    assert head() is NEEDS_BODY
    assert both() is None
    return head, both


def _signature() -> Callable[[], Any]:
    context = request(path="/orders/17?full=1", headers=HEADERS)
    assert policy_case("aws-request-signature").send(context) is None
    (sign,) = context.when_sent or ()
    kept = context.headers

    def call() -> None:
        context.headers = kept
        sign(b"s3.eu-central-1.amazonaws.com")

    return call


def _ldap() -> Callable[[], Any]:
    directories = Directories(Surroundings(Resolver(), allow_private=True), time.monotonic, FakeLdap())  # type: ignore[arg-type]
    settings = {
        "ldapServerURL": "ldap://127.0.0.1",
        "ldapServerUserDn": "cn=gateway,dc=example",
        "ldapServerUserPassword": "secret",
        "ldapSearchBase": "dc=example",
        "cacheSeconds": 600,
    }
    case = policy_case("ldap-authentication", settings, directories=directories)
    assert asyncio.run(case.ask(request(headers={"authorization": ADA}))) is None
    return _of(case, authorization=ADA)


def _authorization() -> Callable[[], Any]:
    context = request(path="/orders/17?full=1", headers=HEADERS)
    yes = CheckResponse(ok_response={"headers": [{"header": {"key": "x-user", "value": "ada"}}]}).SerializeToString()

    def call() -> Any:
        check_request(context, None, now=1_700_000_000.5, with_certificate=False)
        return changed(context.headers, for_backend(read_verdict(yes).backend))

    return call


def _processing() -> Callable[[], Any]:
    context = request(path="/orders/17?full=1", headers=HEADERS)
    change = {"set_headers": [{"header": {"key": "x-user", "raw_value": b"ada"}}]}
    said = ProcessingResponse(request_headers={"response": {"header_mutation": change}}).SerializeToString()
    parts = Parts(True, False, True, False)

    def call() -> Any:
        headers_message(Part.REQUEST_HEADERS, context.headers, bodiless=True)
        answer = read_answer(said, Part.REQUEST_HEADERS, parts)
        return changed(context.headers, for_backend(answer.changes, forgiving=True))  # type: ignore[union-attr]

    return call


def _ranges() -> list[str]:
    chance = random.Random(1)
    return [f"{IPv4Address(chance.randrange(1 << 24, 224 << 24))}/28" for _ in range(RANGES)]


def _request(name: str, config: dict[str, Any] | None, **headers: str) -> Callable[[], Any]:
    return _of(policy_case(name, config, consumers=[APPLICATION], tiers={"shop": TIER}), **headers)


def _of(case: PolicyCase, **headers: str) -> Callable[[], Any]:
    handler = case.handlers.request_headers
    assert handler is not None
    context = request(headers={**HEADERS, **headers}, client_ip="198.51.100.7")
    kept = context.headers

    def call() -> Any:
        context.headers = kept.copy()
        context.notes = None
        return handler(context)

    assert call() is None
    return call


def _body(name: str, config: dict[str, Any], body: bytes) -> Callable[[], Any]:
    handler = policy_case(name, config).handlers.request_body
    assert handler is not None
    context = request("POST", headers=HEADERS, body=body)
    kept = context.headers

    def call() -> Any:
        context.headers = kept.copy()
        context.notes = None
        context.body = body
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
