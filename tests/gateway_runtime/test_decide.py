import pytest

from gateway_runtime.configuration.compiler import Compiler
from gateway_runtime.configuration.snapshot import Snapshot
from gateway_runtime.decide import Call, Outcome, Verdict, decide, rehearsed
from gateway_runtime.http.limits import ApiLimits, Limits
from gateway_runtime.policies.chain import Binding, Chain
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.registry import all_definitions
from gateway_runtime.policies.results import Response
from gateway_runtime.policies.shadow import count_nothing, shadowed
from gateway_runtime.schema import document as documents
from gateway_runtime.schema.document import (
    ApiInstance,
    Document,
    Listener,
    PolicyBinding,
    Route,
    Rule,
    Service,
    Target,
)
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.mode import Mode
from gateway_runtime.schema.policy import Handlers, PolicyDefinition
from gateway_runtime.upstream.registry import PoolRegistry
from tests.gateway_runtime.http.bodies import Filter, filtering

LOCK = {"username": "ada", "password": "sesame"}
LIMIT = {"rateLimits": [{"maximumRequests": 1, "timePeriodInMilliseconds": 60_000}]}


def snapshot(mode: Mode = Mode.ENFORCE) -> Snapshot:
    """Return an API whose writes need a password and whose calls are limited."""
    document = Document(
        gateway="g",
        name="edge",
        listeners=[Listener(id="public", name="public", port=8080)],
        apis=[
            ApiInstance(
                id="orders",
                name="Orders",
                listener="public",
                base_path="/orders",
                services=[Service(id="s", name="s", targets=[Target(host="127.0.0.1", port=1)])],
                routes=[Route(id="r", name="all", service="s", destination_path="/v1", rules=[Rule(path="/items.*")])],
                policies=[
                    PolicyBinding(
                        id="1",
                        policy="basic-authentication",
                        order=1,
                        config=LOCK,
                        rules=[Rule(methods="POST")],
                        mode=mode,
                    ),
                    PolicyBinding(id="2", policy="rate-limiting", order=2, config=LIMIT),
                ],
            )
        ],
    )
    return Compiler(PoolRegistry()).compile(7, "digest", documents.encode(document)).snapshot


def test_a_call_that_goes_on_names_its_route_and_each_verdict() -> None:
    decision = decide(snapshot(), Call(port=8080, target="/orders/items/1?x=1"))
    assert (decision.revision, decision.api, decision.route, decision.upstream_path) == (
        7,
        "orders",
        "r",
        "/v1/items/1",
    )
    assert (decision.status, decision.policy, decision.code) == (0, "", "")
    assert decision.verdicts == (
        Verdict(policy="http-basic-authentication", outcome=Outcome.NOT_BOUND),
        Verdict(policy="rate-limiting", outcome=Outcome.CONTINUED),
    )


def test_a_refusal_names_policy_and_reason_and_ends_the_walk() -> None:
    decision = decide(snapshot(), Call(port=8080, method="POST", target="/orders/items"))
    assert (decision.status, decision.policy) == (401, "http-basic-authentication")
    assert decision.verdicts == (
        Verdict(policy="http-basic-authentication", outcome=Outcome.REFUSED, code="basic_credentials_missing"),
    )


def test_counting_policies_count_on_the_snapshot_that_is_asked() -> None:
    asked = snapshot()
    codes = [decide(asked, Call(port=8080, target="/orders/items")).code for _ in range(2)]
    assert codes == ["", "rate_limit_exceeded"]


def test_what_the_gateway_itself_refuses_has_no_policy() -> None:
    asked = snapshot()
    cases = {
        Call(port=8080, target="/nowhere"): (404, "no_api_here"),
        Call(port=9, target="/orders/items"): (404, "no_api_here"),
        Call(port=8080, target="/orders/other"): (404, "no_route"),
        Call(port=8080, target="/orders/../items"): (400, "path_not_canonical"),
    }
    for call, expected in cases.items():
        decision = decide(asked, call)
        assert (decision.status, decision.code) == expected
        assert decision.policy == ""


def test_a_policy_in_shadow_says_what_it_would_do_and_the_walk_goes_on() -> None:
    decision = decide(snapshot(Mode.SHADOW), Call(port=8080, method="POST", target="/orders/items"))
    assert (decision.status, decision.code) == (0, "")
    assert decision.verdicts == (
        Verdict(policy="http-basic-authentication", outcome=Outcome.WOULD_REFUSE, code="basic_credentials_missing"),
        Verdict(policy="rate-limiting", outcome=Outcome.CONTINUED),
    )


def test_a_policy_that_is_off_is_not_there() -> None:
    decision = decide(snapshot(Mode.OFF), Call(port=8080, method="POST", target="/orders/items"))
    assert [verdict.policy for verdict in decision.verdicts] == ["rate-limiting"]


# Bodies

BAD = Response(status=422, code="bad_content", title="No", detail="No.", policy="reader")


def reading(*, shadow: bool = False) -> Snapshot:
    """Return an API with a policy that refuses a body in which there is “bad”, and one more behind it."""

    def on_body(context: RequestContext) -> Response | None:
        assert context.body is not None
        return BAD if b"bad" in context.body else None

    handlers = Handlers(request_body=on_body)
    if shadow:
        handlers = shadowed("reader", handlers, count_nothing, most=10)
    made = snapshot()
    made.apis["orders"].chain = Chain([
        Binding("reader", handlers), Binding("next", Handlers(request_headers=lambda context: None)),
    ])  # fmt: skip
    return made


def outcomes(asked: Snapshot, body: bytes | None, *headers: tuple[str, str]) -> tuple[str, list[str]]:
    call = Call(port=8080, method="POST", target="/orders/items", body=body, headers=headers)
    decision = decide(asked, call, limits=Limits(buffered_body_bytes=10))
    return decision.code, [str(verdict.outcome) for verdict in decision.verdicts]


def test_a_body_that_is_given_is_judged() -> None:
    assert outcomes(reading(), b"bad") == ("bad_content", ["refused"])
    assert outcomes(reading(), b"good") == ("", ["continued", "continued"])
    assert outcomes(reading(), b"") == ("", ["continued", "continued"])
    assert outcomes(reading(shadow=True), b"bad") == ("", ["would_refuse", "continued"])


def test_a_body_that_only_streams_through_a_filter_is_refused_where_the_filter_refuses_it() -> None:
    made = snapshot()
    made.apis["orders"].chain = Chain([filtering(lambda: Filter(bad=b"bad"))])
    assert outcomes(made, b"bad") == ("bad_content", ["continued"])
    assert outcomes(made, b"good") == ("", ["continued"])
    assert outcomes(made, None, ("content-length", "3")) == ("", ["continued"])


def test_a_body_above_the_limit_of_its_api_is_refused_before_any_policy() -> None:
    made = reading()
    made.apis["orders"].limits = ApiLimits(body_bytes=3)
    assert outcomes(made, b"good") == ("content_too_large", [])
    assert outcomes(made, None, ("content-length", "4")) == ("content_too_large", [])
    assert outcomes(made, b"abc") == ("", ["continued", "continued"])


def test_a_body_that_is_not_known_is_not_guessed_at() -> None:
    announced = ("content-length", "3")
    assert outcomes(reading(), None, announced) == ("", ["needs_body", "continued"])
    assert outcomes(reading(shadow=True), None, announced) == ("", ["needs_body", "continued"])
    assert outcomes(reading(), None) == ("", ["continued", "continued"])


def test_a_body_that_the_gateway_would_not_read_is_refused_but_not_in_shadow() -> None:
    assert outcomes(reading(), b"x" * 11) == ("content_too_large", ["refused"])
    assert outcomes(reading(), None, ("content-length", "11")) == ("content_too_large", ["refused"])
    assert outcomes(reading(shadow=True), b"bad" * 11) == ("", ["needs_body", "continued"])


def test_a_policy_that_fails_lets_nothing_past() -> None:
    def fail(_: RequestContext) -> None:
        raise ValueError

    made = snapshot()
    made.apis["orders"].chain = Chain([Binding("broken", Handlers(request_headers=fail), None)])
    decision = decide(made, Call(port=8080, target="/orders/items"))
    assert (decision.status, decision.policy) == (500, "broken")
    assert decision.verdicts == (Verdict(policy="broken", outcome=Outcome.FAILED, code=decision.code),)


def test_a_rehearsal_refuses_what_a_gateway_would_fence() -> None:
    broken = ApiInstance(
        id="a", name="a", listener="l", base_path="/a", policies=[PolicyBinding(id="p", policy="none", order=1)]
    )
    document = Document(gateway="g", name="edge", listeners=[Listener(id="l", name="l", port=1)], apis=[broken])
    with pytest.raises(ConfigFault, match="no policy “none”"):
        rehearsed(document)


@pytest.mark.parametrize("policy", all_definitions(), ids=lambda policy: policy.name)
def test_no_policy_starts_anything_when_it_is_rehearsed(policy: PolicyDefinition) -> None:
    """Without an event loop nothing can be asked: a policy that tried would fail."""
    specification = '{"openapi": "3.0.3", "info": {"title": "a", "version": "1"}, "paths": {}}'
    api = ApiInstance(
        id="a",
        name="a",
        listener="l",
        base_path="",
        specification=specification,
        services=[Service(id="s", name="s", targets=[Target(host="127.0.0.1", port=1)])],
        routes=[Route(id="r", name="all", service="s")],
        policies=[PolicyBinding(id="p", policy=policy.name, order=1, config=policy.example)],
    )
    made = rehearsed(Document(gateway="g", name="e", listeners=[Listener(id="l", name="l", port=1)], apis=[api]))
    for credentials in ("Basic YTpi", "Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.eyJzdWIiOiJhIn0.c2ln"):
        decision = decide(made, Call(port=1, target="/x", headers=(("authorization", credentials),)))
        assert not [verdict for verdict in decision.verdicts if verdict.outcome is Outcome.FAILED]
