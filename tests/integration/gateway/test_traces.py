"""What a real gateway tells of single requests, as it arrives in Redis."""

import http.client
import json
import time
from typing import Any

import msgspec
import pytest

from gateway_runtime.schema import keys
from gateway_runtime.schema.trace import TRACES_FIELD, Trace, TraceBatch
from gateway_runtime.schema.trace_token import TraceGrant, trace_token
from tests.integration.gateway.conftest import GatewayProcess, api, call, document, password
from tests.integration.publisher import Publisher
from tests.stack import wait_until

pytestmark = pytest.mark.integration


def told(publisher: Publisher) -> list[tuple[TraceBatch, Trace]]:
    """Return every trace of the gateway that has arrived."""
    batches = [
        msgspec.msgpack.decode(fields[TRACES_FIELD.encode()], type=TraceBatch)
        for _, fields in publisher.redis.xrange(keys.traces(publisher.gateway))
    ]
    return [
        (batch, msgspec.msgpack.decode(trace, type=Trace))
        for batch in batches
        if batch.gateway == publisher.gateway
        for trace in batch.traces
    ]


def wait_for(publisher: Publisher, count: int) -> list[Trace]:
    wait_until(lambda: len(told(publisher)) >= count, seconds=10, what=f"{count} traces")
    return [trace for _, trace in told(publisher)]


def token(publisher: Publisher, **changes: Any) -> str:
    grant = TraceGrant(id="g1", gateway=publisher.gateway, api="orders", until=int(time.time()) + 60)
    return trace_token(msgspec.structs.replace(grant, **changes), publisher.signing_key)


def start(publisher: Publisher, gateway: GatewayProcess, port: int, backend: int, **more: Any) -> None:
    number = publisher.publish(document(publisher, port, api(backend, policies=[password()]), **more))
    gateway.wait_for_revision(number)


AUTHORIZED = {"authorization": "Basic YWRhOnNlc2FtZQ=="}


def test_a_refusal_arrives_with_its_reason_and_the_id_that_its_caller_got(
    publisher: Publisher, gateway: GatewayProcess, port: int, backend: int
) -> None:
    start(publisher, gateway, port, backend)
    answer = call(port, "/orders/items?password=hush", {"authorization": "Basic d3Jvbmc6d3Jvbmc="})
    problem = json.loads(answer.body)
    assert problem["request_id"] == answer.headers["x-request-id"]
    (trace,) = wait_for(publisher, 1)
    assert (trace.request_id, trace.status, trace.code) == (problem["request_id"], 401, problem["code"])
    assert (trace.policy, trace.api, trace.kind) == (problem["policy"], "orders", "refusal")
    assert b"hush" not in msgspec.json.encode(trace)
    assert b"d3Jvbmc" not in msgspec.json.encode(trace)


def test_a_token_traces_its_request_and_the_service_does_not_see_it(
    publisher: Publisher, gateway: GatewayProcess, port: int, backend: int
) -> None:
    start(publisher, gateway, port, backend)
    asked = {**AUTHORIZED, "X-Portico-Trace": token(publisher)}
    seen = json.loads(call(port, "/orders/items?page=2", asked).body)["headers"]
    assert "x-portico-trace" not in seen
    call(port, "/orders/plain", AUTHORIZED)
    (trace,) = wait_for(publisher, 1)
    assert (trace.kind, trace.status, trace.grant, trace.revision) == ("requested", 200, "g1", 1)
    assert [(step.policy, step.outcome) for step in trace.steps] == [("http-basic-authentication", "continued")]
    assert [(each.target, each.status) for each in trace.attempts] == [(f"127.0.0.1:{backend}", 200)]
    assert trace.duration_us >= trace.attempts[0].took_us > 0
    assert b"YWRhOnNlc2FtZQ" not in msgspec.json.encode(trace)


@pytest.mark.parametrize("wrong", ["late", "other API", "unsigned"])
def test_a_token_that_allows_nothing_is_as_if_it_were_not_there(
    publisher: Publisher, gateway: GatewayProcess, port: int, backend: int, wrong: str
) -> None:
    start(publisher, gateway, port, backend)
    bad = {
        "late": token(publisher, until=int(time.time()) - 1),
        "other API": token(publisher, api="another"),
        "unsigned": token(publisher)[:-10],
    }[wrong]
    assert call(port, "/orders/items", {**AUTHORIZED, "X-Portico-Trace": bad}).status == 200
    # One that is told of afterwards shows that nothing was told before.
    call(port, "/orders/items")
    assert [trace.kind for trace in wait_for(publisher, 1)] == ["refusal"]


def test_a_share_of_all_requests_is_traced_where_that_is_set(
    publisher: Publisher, gateway: GatewayProcess, port: int, backend: int
) -> None:
    start(publisher, gateway, port, backend, sampled_percent=100)
    for _ in range(3):
        call(port, "/orders/items", AUTHORIZED)
    assert [trace.kind for trace in wait_for(publisher, 3)] == ["sampled"] * 3
    assert publisher.publish(document(publisher, port, api(backend, policies=[password()]))) == 2
    gateway.wait_for_revision(2)
    call(port, "/orders/items", AUTHORIZED)
    call(port, "/orders/items")
    assert [trace.kind for trace in wait_for(publisher, 4)] == ["sampled"] * 3 + ["refusal"]


def test_what_a_gateway_has_not_sent_it_sends_at_its_end(
    publisher: Publisher, gateway: GatewayProcess, port: int, backend: int
) -> None:
    start(publisher, gateway, port, backend)
    call(port, "/orders/items")
    gateway.terminate()
    assert gateway.wait() == 0
    assert [trace.status for _, trace in told(publisher)] == [401]


def test_a_flood_of_refusals_is_counted_and_not_kept(
    publisher: Publisher, gateway: GatewayProcess, port: int, backend: int
) -> None:
    start(publisher, gateway, port, backend)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for _ in range(3_000):
        connection.request("GET", "/orders/items")
        connection.getresponse().read()
    connection.close()

    def dropped() -> float:
        lines = gateway.page("/metrics").body.decode().splitlines()
        return float(next(line for line in lines if line.startswith("portico_traces_dropped_total")).split()[1])

    wait_until(lambda: len(told(publisher)) + dropped() == 3_000, seconds=10, what="all of them accounted for")
    assert dropped() > 0
