"""What a gateway counts arrives: all of it, and once."""

import os

import pytest

from gateway_runtime.schema.document import PolicyBinding
from tests.integration.conftest import RedisServer
from tests.integration.gateway.conftest import GatewayProcess, api, call, document, password
from tests.integration.publisher import Publisher
from tests.stack import wait_until

pytestmark = pytest.mark.integration


def stored(publisher: Publisher) -> int:
    return sum(row.requests for batch in publisher.batches() for row in batch.rows)


def test_every_request_is_stored_with_its_outcome(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    limit = PolicyBinding(
        id="limit",
        policy="rate-limiting",
        order=1,
        config={"rateLimits": [{"maximumRequests": 5, "timePeriodInMilliseconds": 60_000}]},
    )
    apis = (
        api(backend),
        api(backend, id="locked", base_path="/locked", policies=[password()]),
        api(backend, id="limited", base_path="/limited", policies=[limit]),
    )
    gateway.wait_for_revision(publisher.publish(document(publisher, port, *apis)))
    for _ in range(20):
        assert call(port, "/orders").status == 200
    for _ in range(7):
        assert call(port, "/locked").status == 401
    assert call(port, "/nowhere").status == 404
    limited = [call(port, "/limited").status for _ in range(12)]
    wait_until(lambda: stored(publisher) == 40, seconds=10, what="all requests in Redis")
    counts: dict[tuple[str, int, str, str], int] = {}
    for batch in publisher.batches():
        assert batch.gateway == publisher.gateway
        for row in batch.rows:
            key = (row.api, row.status, row.policy, row.code)
            counts[key] = counts.get(key, 0) + row.requests
            assert sum(row.latency.values()) == row.requests
    assert counts.pop(("limited", 200, "", "")) == limited.count(200)
    assert counts.pop(("limited", 429, "rate-limiting", "rate_limit_exceeded"), 0) == limited.count(429)
    assert counts == {
        ("orders", 200, "", ""): 20,
        ("locked", 401, "http-basic-authentication", "basic_credentials_missing"): 7,
        ("", 404, "", "no_api_here"): 1,
    }
    metrics = gateway.page("/metrics").body.decode()
    assert (
        'portico_http_requests_total{api="orders API",code="200",instance="orders",policy="",route="all",'
        'source="upstream"} 20.0' in metrics
    )
    assert (
        'portico_policy_rejections_total{api="locked API",instance="locked",policy="http-basic-authentication",'
        'reason="basic_credentials_missing"} 7.0' in metrics
    )
    assert (
        'portico_http_request_duration_seconds_bucket{api="orders API",instance="orders",le="+Inf",route="all"} 20.0'
        in metrics
    )
    status = wait_until(
        lambda: (s := publisher.replica()) and s.exported == 40 and s, seconds=5, what="the heartbeat's counts"
    )
    assert (status.served, status.waiting, status.dropped) == (40, 0, 0)


def test_nothing_is_lost_or_doubled_when_redis_is_killed(
    gateway: GatewayProcess, publisher: Publisher, redis_server: RedisServer, backend: int, port: int
) -> None:
    gateway.wait_for_revision(publisher.publish(document(publisher, port, api(backend))))
    sent = 0
    for _ in range(3):
        for _ in range(30):
            assert call(port, "/orders").status == 200
            sent += 1
        redis_server.kill()
        for _ in range(30):
            assert call(port, "/orders").status == 200
            sent += 1
        wait_until(
            lambda: b"portico_events_waiting 0.0" not in gateway.page("/metrics").body, seconds=5, what="waiting"
        )
        redis_server.start()
        wait_until(lambda total=sent: stored(publisher) >= total, seconds=15, what="all requests in Redis")
    assert stored(publisher) == sent
    metrics = gateway.page("/metrics").body
    assert b"portico_events_exported_total %d.0" % sent in metrics
    assert b"portico_events_dropped_total 0.0" in metrics


def test_nothing_is_lost_or_doubled_when_redis_hangs(
    gateway: GatewayProcess, publisher: Publisher, redis_server: RedisServer, backend: int, port: int
) -> None:
    gateway.wait_for_revision(publisher.publish(document(publisher, port, api(backend))))
    for _ in range(20):
        assert call(port, "/orders").status == 200
    redis_server.pause()
    try:
        # Its answer is awaited for two seconds, then asked for again: both happen while it hangs.
        wait_until(lambda: gateway.events("telemetry_waits"), seconds=8, what="the export to time out")
        for _ in range(20):
            assert call(port, "/orders").status == 200
    finally:
        redis_server.resume()
    wait_until(lambda: stored(publisher) >= 40, seconds=15, what="all requests in Redis")
    metric = b"portico_events_exported_total 40.0"
    wait_until(lambda: metric in gateway.page("/metrics").body, seconds=10, what="the count")
    assert stored(publisher) == 40


def test_the_last_requests_before_the_end_are_stored(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    gateway.wait_for_revision(publisher.publish(document(publisher, port, api(backend))))
    for _ in range(10):
        call(port, "/orders")
    gateway.terminate()
    assert gateway.wait() == 0
    assert stored(publisher) == 10
    status = publisher.replica()
    assert status is not None
    assert (status.served, status.exported, status.stopping) == (10, 10, True)


def test_counts_go_on_over_the_death_of_a_worker(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    gateway.wait_for_revision(publisher.publish(document(publisher, port, api(backend))))
    for _ in range(10):
        call(port, "/orders")
    wait_until(lambda: stored(publisher) == 10, seconds=10, what="the first requests in Redis")
    for pid in gateway.worker_pids():
        os.kill(pid, 9)
    wait_until(lambda: not gateway.worker_pids(), seconds=5, what="the workers' end")
    assert gateway.page("/readyz").status == 503
    gateway.wait_for_revision(1)
    for _ in range(10):
        call(port, "/orders")
    wait_until(lambda: stored(publisher) == 20, seconds=10, what="all requests in Redis")
