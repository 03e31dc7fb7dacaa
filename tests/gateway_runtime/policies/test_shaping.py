"""Policies that are settings of an API: what they make of it, for whom, and that they see no request."""

from typing import Any

import pytest

from gateway_runtime.configuration.compiler import Compiled, Compiler
from gateway_runtime.http.state import WorkerState
from gateway_runtime.policies.registry import all_definitions, definition
from gateway_runtime.policies.shaping import shaped
from gateway_runtime.schema import document
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.limits import ApiLimits
from gateway_runtime.schema.mode import Mode
from gateway_runtime.schema.upstream import CircuitBreaker, ServiceTimeouts
from gateway_runtime.testing import policy_case, request

SERVICES = [
    document.Service(id=name, name=name, targets=[document.Target(host="192.0.2.1", port=port)])
    for name, port in (("s", 1), ("t", 2))
]
ROUTE = document.Route(id="r", name="r", service="s")
API = document.ApiInstance(id="a", name="A", listener="l", base_path="/a", services=SERVICES, routes=[ROUTE])
SHAPING = [policy.name for policy in all_definitions() if policy.shape is not None]


def binding(policy: str, config: dict[str, Any], order: int = 1, **more: Any) -> document.PolicyBinding:
    return document.PolicyBinding(id=f"b-{policy}-{order}", policy=policy, order=order, config=config, **more)


def compiled(*bindings: document.PolicyBinding) -> Compiled:
    api = document.ApiInstance(
        id="a", name="A", listener="l", base_path="/a", services=SERVICES, routes=[ROUTE], policies=[*bindings]
    )
    other = document.ApiInstance(id="b", name="B", listener="l", base_path="/b", services=SERVICES, routes=[ROUTE])
    listener = document.Listener(id="l", name="l", port=8080)
    made = document.Document(gateway="g", name="g", listeners=[listener], apis=[api, other])
    return Compiler(WorkerState(recorder=None).pools).compile(1, "", document.encode(made))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("policy", "config", "limits"),
    [
        ("response-timeout", {"timeout": 60}, ApiLimits(response_seconds=60)),
        ("response-timeout", {}, ApiLimits(response_seconds=15)),
        ("stream-idle-timeout", {"timeout": 0.5}, ApiLimits(stream_idle_seconds=0.5)),
        ("stream-idle-timeout", {}, ApiLimits(stream_idle_seconds=300)),
    ],
)
def test_a_time_is_a_limit_of_the_api(policy: str, config: dict[str, Any], limits: ApiLimits) -> None:
    assert shaped(API, [binding(policy, config)]).limits == limits


def test_the_idle_time_is_that_of_every_service() -> None:
    made = shaped(API, [binding("idle-timeout", {"timeout": 30})])
    assert [each.timeouts for each in made.services] == [ServiceTimeouts(connection_idle_seconds=30)] * 2
    made = shaped(API, [binding("idle-timeout", {})])
    assert [each.timeouts for each in made.services] == [ServiceTimeouts(connection_idle_seconds=60)] * 2


def test_ceilings_are_those_of_every_service() -> None:
    thresholds = {"maxConnections": 1, "maxPendingRequests": 0, "maxRequests": 2, "maxRetries": 0}
    made = shaped(API, [binding("circuit-breaker", {"thresholds": thresholds})])
    expected = CircuitBreaker(max_connections=1, max_pending_requests=0, max_requests=2, max_retries=0)
    assert [each.circuit_breaker for each in made.services] == [expected] * 2


def test_of_two_the_later_one_holds_and_one_that_is_off_does_not() -> None:
    bindings = [
        binding("response-timeout", {"timeout": 1}, 1),
        binding("response-timeout", {"timeout": 2}, 2),
        binding("response-timeout", {"timeout": 3}, 3, mode=Mode.OFF),
    ]
    assert shaped(API, bindings).limits.response_seconds == 2


@pytest.mark.parametrize("policy", SHAPING)
def test_it_sees_no_request(policy: str) -> None:
    case = policy_case(policy)
    assert not case.chain.request
    assert not case.chain.response
    assert case.send(request()) is None


@pytest.mark.parametrize("policy", SHAPING)
def test_it_holds_for_a_whole_api_and_cannot_be_tried_out(policy: str) -> None:
    found = definition(policy)
    assert found.whole_api
    assert not found.can_shadow
    refused = compiled(binding(policy, found.example, rules=[document.Rule(path="/x")]))
    assert "is for a whole API and cannot have rules" in refused.faults[0].message


def test_what_is_compiled_is_what_the_policies_make_of_it() -> None:
    snapshot = compiled(
        binding("response-timeout", {"timeout": 7}, 1),
        binding("circuit-breaker", {"thresholds": {"maxRequests": 1}}, 2),
    ).snapshot
    limits = snapshot.apis["a"].limits
    assert limits is not None
    assert limits.response_seconds == 7
    # The other API asks the same services, and has no ceiling.
    shaped_pool, other_pool = (next(iter(snapshot.apis[name].pools())) for name in ("a", "b"))
    assert shaped_pool is not other_pool
    assert snapshot.apis["b"].limits is None


@pytest.mark.parametrize(
    ("policy", "config", "path"),
    [
        ("response-timeout", {"timeout": 0}, "timeout"),
        ("stream-idle-timeout", {"timeout": 86_401}, "timeout"),
        ("idle-timeout", {"timeout": "1s"}, "timeout"),
        ("circuit-breaker", {}, "thresholds"),
        ("circuit-breaker", {"thresholds": {"maxConnections": 0}}, "thresholds.maxConnections"),
        ("circuit-breaker", {"thresholds": {"maxConnection": 1}}, "thresholds.maxConnection"),
    ],
)
def test_unusable_settings_are_refused_by_name(policy: str, config: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(policy, config)
    assert caught.value.path == path
