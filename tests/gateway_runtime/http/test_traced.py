"""Traced requests: what is noted of them, and that nobody else sees that they are."""

import asyncio
import base64
from typing import Any

import msgspec
import pytest

from gateway_runtime.configuration.compiler import Compiler
from gateway_runtime.http.exchange import Exchange
from gateway_runtime.http.traced import TracedExchange
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.results import Response
from gateway_runtime.schema import document as documents
from gateway_runtime.schema.document import ApiInstance, Document, Listener, PolicyBinding, Route, Rule, Service, Target
from gateway_runtime.schema.envelope import new_keys
from gateway_runtime.schema.mode import Mode
from gateway_runtime.schema.trace import Trace
from gateway_runtime.schema.trace_token import TraceGrant, TraceTokens, trace_token
from gateway_runtime.upstream.errors import REFUSED, UpstreamError
from tests.gateway_runtime.fakes import OK, FakeClient, FakeGateway, FakeUpstream, get
from tests.gateway_runtime.http2.peers import Http2Client, fields

NOW = 1_000_000.0
SIGNING_KEY, KEYS = new_keys()
LOCK = {"username": "ada", "password": "open-sesame"}
ADA = "Basic " + base64.b64encode(b"ada:open-sesame").decode()


class Place:
    """A gateway that is configured by a document, with tokens."""

    def __init__(self, *policies: PolicyBinding, sampled_percent: float = 0, targets: int = 1) -> None:
        self.gateway = FakeGateway()
        state = self.state = self.gateway.state
        state.tracer.tokens = TraceTokens("g", KEYS.verify, now=lambda: NOW)
        document = Document(
            gateway="g",
            name="edge",
            sampled_percent=sampled_percent,
            listeners=[Listener(id="public", name="public", port=8080)],
            apis=[
                ApiInstance(
                    id="a1",
                    name="Orders",
                    listener="public",
                    base_path="/api",
                    services=[
                        Service(
                            id="s",
                            name="s",
                            targets=[Target(host=f"orders-{n}.internal", port=9000) for n in range(targets)],
                        )
                    ],
                    routes=[Route(id="r", name="items", service="s", destination_path="/v1")],
                    policies=list(policies),
                )
            ],
        )
        compiler = Compiler(state.pools)
        self.snapshot = state.snapshot = compiler.compile(7, "d", documents.encode(document)).snapshot
        self.pool = self.snapshot.apis["a1"].routes[0].pool

    def send(self, *lines: str, path: str = "/api/items", token: str | None = None) -> FakeClient:
        client = self.gateway.client()
        client.send(get(path, *lines, *([] if token is None else [f"X-Portico-Trace: {token}"])))
        return client

    def traces(self) -> list[Trace]:
        return [msgspec.msgpack.decode(each, type=Trace) for each in self.state.tracer.take()]

    def only_trace(self) -> Trace:
        (trace,) = self.traces()
        return trace


def token(**changes: Any) -> str:
    grant = TraceGrant(id="grant-1", gateway="g", api="a1", until=int(NOW) + 300)
    return trace_token(msgspec.structs.replace(grant, **changes), SIGNING_KEY)


def basic(**fields: Any) -> PolicyBinding:
    return PolicyBinding(id="1", policy="http-basic-authentication", order=1, config=LOCK, **fields)


def injecting(order: int = 2, value: str = "blue") -> PolicyBinding:
    config = {"inboundHeaders": [{"key": "x-colour", "value": value}]}
    return PolicyBinding(id=f"i{order}", policy="header-injection", order=order, config=config)


def test_a_requested_trace_tells_of_each_step() -> None:
    place = Place(basic(), injecting())
    upstream = FakeUpstream(place.pool)
    client = place.send(f"Authorization: {ADA}", "X-Request-Id: r-1", "Accept: */*", token=token())
    assert b"x-portico-trace" not in upstream.take().lower()
    upstream.answer(OK)
    assert client.take().startswith(b"HTTP/1.1 200 OK")
    trace = place.only_trace()
    assert (trace.kind, trace.request_id, trace.grant, trace.revision) == ("requested", "r-1", "grant-1", 7)
    assert (trace.api, trace.route, trace.route_name, trace.upstream_path) == ("a1", "r", "items", "/v1/items")
    assert (trace.method, trace.path, trace.status, trace.code) == ("GET", "/api/items", 200, "")
    assert [(step.policy, step.phase, step.outcome) for step in trace.steps] == [
        ("http-basic-authentication", "request_headers", "continued"),
        ("header-injection", "request_headers", "continued"),
    ]
    assert [(attempt.target, attempt.status) for attempt in trace.attempts] == [("orders-0.internal:9000", 200)]


def test_credentials_are_masked_and_what_is_harmless_is_shown() -> None:
    place = Place(basic(), injecting())
    FakeUpstream(place.pool)
    place.send(
        f"Authorization: {ADA}", "Cookie: a=b", "X-Api-Key: k-1", "X-Note: open-sesame", "Accept: text/html",
        "X-Carry: Bearer abc", path="/api/items?page=2&access_token=opaque-1&api_key=k-2", token=token(),
    ).go()  # fmt: skip
    trace = place.only_trace()
    assert trace.query == [("page", "2"), ("access_token", "••••••"), ("api_key", "••••••")]
    saw = dict(trace.steps[0].saw or [])
    assert saw["accept"] == "text/html"
    for name in ("authorization", "cookie", "x-api-key", "x-note", "x-carry"):
        assert saw[name] == "••••••", name
    text = msgspec.json.encode(trace).decode()
    for secret in ("open-sesame", ADA[6:], "k-1", "k-2", "opaque-1", "a=b"):
        assert secret not in text, secret


def test_what_a_policy_with_secrets_writes_is_masked_in_later_steps() -> None:
    config = {"username": "ada", "password": "open-sesame", "customHeader": "x-plain-name"}
    place = Place(
        PolicyBinding(id="1", policy="credential-injection-basic-auth", order=1, config=config),
        injecting(),
        PolicyBinding(id="3", policy="header-removal", order=3, config={"inboundHeaders": ["x-none"]}),
    )
    FakeUpstream(place.pool)
    place.send(token=token()).go()
    trace = place.only_trace()
    assert dict(trace.steps[1].saw or [])["x-plain-name"] == "••••••"
    assert dict(trace.steps[2].saw or [])["x-colour"] == "blue"


def test_an_api_that_is_configured_anew_is_masked_anew() -> None:
    reading = PolicyBinding(
        id="c", policy="client-id-enforcement", order=1,
        config={
            "clientIdExpression": "#[attributes.headers['x-caller']]",
            "clientSecretExpression": "#[attributes.headers['x-proof']]",
        },
    )  # fmt: skip
    before, after = Place(injecting()), Place(injecting(), reading)
    after.state.tracer = before.state.tracer
    for place, shown in ((before, "ada"), (after, "••••••"), (before, "ada")):
        FakeUpstream(place.pool)
        place.send("X-Caller: ada", token=token()).go()
        assert dict(place.only_trace().steps[0].saw or [])["x-caller"] == shown


def test_a_step_that_sees_the_same_as_the_one_before_does_not_repeat_it() -> None:
    place = Place(basic(), injecting(2), injecting(3, "red"))
    FakeUpstream(place.pool)
    place.send(f"Authorization: {ADA}", token=token()).go()
    assert [step.saw is None for step in place.only_trace().steps] == [False, True, False]


def test_a_refusal_ends_the_steps_and_is_in_no_ring_besides() -> None:
    place = Place(basic(), injecting())
    client = place.send(token=token())
    assert client.take().startswith(b"HTTP/1.1 401")
    trace = place.only_trace()
    assert [(step.policy, step.outcome, step.code) for step in trace.steps] == [
        ("http-basic-authentication", "refused", "basic_credentials_missing")
    ]
    assert (trace.status, trace.policy, trace.code) == (401, "http-basic-authentication", "basic_credentials_missing")
    assert trace.attempts == []
    assert place.state.refusals.take(7) == []


def test_a_verdict_in_shadow_mode_and_a_binding_that_does_not_hold_are_steps() -> None:
    place = Place(basic(mode=Mode.SHADOW), basic(rules=[Rule(methods="POST")]))
    upstream = FakeUpstream(place.pool)
    place.send(token=token())
    upstream.answer(OK)
    assert [(step.outcome, step.code) for step in place.only_trace().steps] == [
        ("would_refuse", "basic_credentials_missing"),
        ("not_bound", ""),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        "", "x", "a.b", "é", "=.=", "A" * 600, token(until=int(NOW)), token(api="a2"), token(gateway="h"),
        token()[:-2], token(until=int(NOW) + 299).partition(".")[0] + "." + token().partition(".")[2],
        trace_token(TraceGrant(id="x", gateway="g", api="a1", until=int(NOW) + 300), new_keys()[0]),
    ],
)  # fmt: skip
def test_a_token_that_allows_nothing_changes_nothing(bad: str) -> None:
    place = Place()
    upstream = FakeUpstream(place.pool)
    client = place.send("X-Request-Id: r", token=bad)
    seen = upstream.take()
    upstream.answer(OK)
    assert place.traces() == []
    plain = place.send("X-Request-Id: r")
    assert upstream.take() == seen
    upstream.answer(OK)
    assert plain.take() == client.take()


def test_without_a_token_nothing_is_followed() -> None:
    place = Place(basic())
    upstream = FakeUpstream(place.pool)
    client = place.send(f"Authorization: {ADA}")
    assert type(client.connection.exchange) is Exchange
    upstream.answer(OK)
    assert place.traces() == []


def test_the_next_request_of_a_connection_is_not_traced() -> None:
    place = Place()
    upstream = FakeUpstream(place.pool)
    client = place.send(token=token())
    assert type(client.connection.exchange) is TracedExchange
    upstream.answer(OK)
    client.send(get("/api/items"))
    upstream.answer(OK)
    assert len(place.traces()) == 1


def test_sampled_requests_are_traced_without_a_token() -> None:
    place = Place(sampled_percent=100)
    upstream = FakeUpstream(place.pool)
    client = place.send()
    upstream.answer(OK)
    client.send(get("/api/items"))
    upstream.answer(OK)
    assert [trace.kind for trace in place.traces()] == ["sampled", "sampled"]


def test_each_attempt_to_ask_the_service_is_told_with_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        place = Place()
        first, second = FakeUpstream(place.pool), FakeUpstream(place.pool, idle=False)

        async def connect(target: object) -> object:
            return second.connection

        monkeypatch.setattr(type(place.pool), "connect", lambda self, target: connect(target))
        place.send(token=token())
        first.go()
        await asyncio.sleep(0)
        second.answer(OK)
        assert [(each.status, each.code) for each in place.only_trace().attempts] == [(0, "upstream_reset"), (200, "")]

    asyncio.run(run())


def test_a_service_that_cannot_be_reached_is_an_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async def connect(target: object) -> object:
            raise UpstreamError(REFUSED)

        place = Place()
        monkeypatch.setattr(type(place.pool), "connect", lambda self, target: connect(target))
        client = place.send(token=token())
        await asyncio.sleep(0)
        assert client.take().startswith(b"HTTP/1.1 502")
        trace = place.only_trace()
        assert [(each.target, each.status, each.code) for each in trace.attempts] == [
            ("orders-0.internal:9000", 0, "upstream_refused")
        ]
        assert (trace.status, trace.code) == (502, "upstream_refused")

    asyncio.run(run())


def test_every_refusal_is_kept_with_its_reason() -> None:
    place = Place(basic())
    place.send("X-Request-Id: one")
    place.send("X-Request-Id: two", path="/nowhere")
    place.gateway.client().send(b"GET / HTTP/1.1\r\nbad line\r\n\r\n")
    kept = place.state.refusals.take(7)
    assert [(each.kind, each.status, each.policy, each.code, each.api) for each in kept] == [
        ("refusal", 401, "http-basic-authentication", "basic_credentials_missing", "a1"),
        ("refusal", 404, "", "no_api_here", ""),
        ("refusal", 400, "", kept[2].code, ""),
    ]
    assert [each.request_id for each in kept[:2]] == ["one", "two"]
    assert (kept[0].method, kept[0].path, kept[0].revision) == ("GET", "/api/items", 7)
    assert place.state.refusals.take(7) == []


def test_a_flood_of_refusals_is_bounded_and_what_is_lost_is_counted() -> None:
    place = Place(basic())
    client = place.gateway.client()
    for _ in range(250):
        client.send(get("/api/items"))
    assert len(place.state.refusals.take(7)) == 200
    assert place.state.refusals.dropped == 50


def test_a_policy_that_fails_says_so() -> None:
    def failing(context: RequestContext) -> Response | None:
        raise RuntimeError("broken")

    place = Place(basic())
    api = place.snapshot.apis["a1"]
    assert api.chain is not None
    api.chain = api.chain.with_steps(tuple(s._replace(handler=failing) for s in api.chain.request), ())
    client = place.send(token=token())
    assert client.take().startswith(b"HTTP/1.1 500")
    (step,) = place.only_trace().steps
    assert (step.outcome, step.code) == ("failed", "internal_error")


def test_a_verdict_in_shadow_mode_that_is_waited_for_is_told_if_it_comes_in_time() -> None:
    async def run() -> None:
        answer: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()
        place = Place(basic(mode=Mode.SHADOW))
        api = place.snapshot.apis["a1"]
        assert api.chain is not None
        (step,) = api.chain.request
        step.handler._handler = lambda context: answer  # type: ignore[attr-defined]
        upstream = FakeUpstream(place.pool)
        place.send(token=token())
        answer.set_result(Response(status=401, code="late", title="Late", detail="Late.", policy=step.policy))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        upstream.answer(OK)
        assert [(each.outcome, each.code) for each in place.only_trace().steps] == [("would_refuse", "late")]

    asyncio.run(run())


def test_a_stream_of_http2_is_traced_and_the_next_one_is_not() -> None:
    place = Place(basic(), injecting())
    upstream, client = FakeUpstream(place.pool), Http2Client(place.state)
    credentials = (b"authorization", ADA.encode())
    number = client.ask(fields(b"/api/items", (b"x-portico-trace", token().encode()), credentials))
    assert b"x-portico-trace" not in upstream.take()
    upstream.answer(OK)
    assert client.heard(number).body == b"hi"
    trace = place.only_trace()
    assert (trace.status, [step.outcome for step in trace.steps]) == (200, ["continued", "continued"])
    number = client.ask(fields(b"/api/items", credentials))
    upstream.answer(OK)
    assert client.heard(number).body == b"hi"
    assert place.traces() == []


def test_a_refused_stream_is_kept_with_its_reason() -> None:
    place = Place(basic())
    client = Http2Client(place.state)
    client.ask(fields(b"/api/items"))
    (kept,) = place.state.refusals.take(7)
    assert (kept.status, kept.code, kept.api) == (401, "basic_credentials_missing", "a1")


def test_a_policy_that_reads_the_body_is_two_steps() -> None:
    place = Place(PolicyBinding(id="1", policy="json-threat-protection", order=1, config={}))
    upstream = FakeUpstream(place.pool)
    client = place.gateway.client()
    head = get(
        "/api/items",
        "Content-Type: application/json",
        "Content-Length: 2",
        f"X-Portico-Trace: {token()}",
        method="POST",
    )
    client.send(head)
    client.send(b"{}")
    upstream.answer(OK)
    trace = place.only_trace()
    assert [(step.phase, step.outcome) for step in trace.steps] == [
        ("request_headers", "needs_body"),
        ("request_body", "continued"),
    ]
    assert b"{}" not in msgspec.json.encode(trace)
