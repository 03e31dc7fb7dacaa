import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway_runtime.admin.pages import AdminPages
from gateway_runtime.configuration.client import Running
from gateway_runtime.control import Load, StorageUse, TargetState
from gateway_runtime.schema.replica import ApplyState
from gateway_runtime.schema.telemetry import TrafficRow
from gateway_runtime.telemetry.spool import Spool
from gateway_runtime.telemetry.totals import Totals


def worker(number: int, revision: int) -> Any:
    return SimpleNamespace(
        number=number,
        revision=revision,
        process=SimpleNamespace(pid=100 + number),
        load=Load(3, 2, 0.25),
        storage=StorageUse("closed", 2, 7, 1),
        access=(5, 3),
        log_dropped=4,
        targets=[],
    )


@dataclass
class Workers:
    alive: list[Any] = field(default_factory=lambda: [worker(0, 3), worker(1, 3)])
    api_names: dict[str, str] = field(default_factory=lambda: {"a": 'Orders "v1"'})
    restarts: int = 2
    leaving: bool = False

    def route_name(self, route: str) -> str:
        return {"r": "all"}.get(route, route)


class Gateway:
    """A gateway that serves revision 3."""

    def __init__(self) -> None:
        self.name, self.replica, self.stopping, self.redis_up = "edge", "r1", False, True
        self.client = SimpleNamespace(
            running=Running(revision=3, digest="d", applied_at=5.0, state=ApplyState.APPLIED, failures=1)
        )
        self.workers = Workers()
        self.spool = Spool("g", "r1", lambda: 0.0)
        self.traces_dropped: int | None = 6
        self.spans = SimpleNamespace(exported=8, dropped=9)
        self.totals = Totals()


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


def page(gateway: Gateway, path: str, pages: AdminPages | None = None) -> tuple[int, Any]:
    found = (pages or AdminPages(gateway)).page(path)  # type: ignore[arg-type]
    return found.status, json.loads(found.body)


def test_a_gateway_that_serves_an_api_is_ready(gateway: Gateway) -> None:
    assert page(gateway, "/readyz") == (200, {"status": "ready"})


def test_reasons_for_not_being_ready(gateway: Gateway) -> None:
    gateway.workers.api_names = {}
    assert page(gateway, "/readyz")[1]["code"] == "no_api"
    gateway.workers.alive[1].revision = 0
    assert page(gateway, "/readyz")[1]["code"] == "workers_behind"
    gateway.client.running = Running()
    assert page(gateway, "/readyz")[1]["code"] == "no_revision"
    gateway.workers.alive = []
    assert page(gateway, "/readyz")[1]["code"] == "no_workers"
    gateway.stopping = True
    status, shown = page(gateway, "/readyz")
    assert (status, shown["code"], shown["reason"]) == (503, "draining", "The gateway is shutting down.")


def test_one_that_has_a_successor_is_ready_until_nobody_asks_it_any_more(gateway: Gateway) -> None:
    gateway.workers.alive = []
    gateway.workers.leaving = True
    assert page(gateway, "/readyz")[0] == 200


def test_later_revisions_do_not_take_readiness_back_but_draining_does(gateway: Gateway) -> None:
    pages = AdminPages(gateway)  # type: ignore[arg-type]
    assert page(gateway, "/readyz", pages)[0] == 200
    gateway.workers.api_names = {}
    gateway.client.running = Running(revision=4)
    assert page(gateway, "/readyz", pages)[0] == 200
    gateway.stopping = True
    assert page(gateway, "/readyz", pages)[0] == 503


def test_alive_is_always_said(gateway: Gateway) -> None:
    gateway.stopping = True
    assert page(gateway, "/livez")[0] == 200


def test_the_revision_page_says_what_runs(gateway: Gateway) -> None:
    status, shown = page(gateway, "/revision")
    assert status == 200
    assert shown["workers"] == [{"number": 0, "pid": 100, "revision": 3}, {"number": 1, "pid": 101, "revision": 3}]
    assert (shown["revision"], shown["digest"], shown["state"], shown["applied_at"]) == (3, "d", "applied", 5.0)


def target(host: str, state: str) -> TargetState:
    return TargetState("s1", "orders", f"{host}:9000", state)


def test_the_page_of_upstreams_says_what_each_worker_thinks(gateway: Gateway) -> None:
    first, second = gateway.workers.alive
    first.targets = [target("a", "healthy"), target("b", "ejected")]
    second.targets = [target("b", "healthy")]
    assert page(gateway, "/upstreams") == (
        200,
        {
            "targets": [
                {"service": "s1", "name": "orders", "target": "a:9000", "workers": {"0": "healthy"}},
                {"service": "s1", "name": "orders", "target": "b:9000", "workers": {"0": "ejected", "1": "healthy"}},
            ]
        },
    )


def test_a_target_is_healthy_where_every_worker_sends_requests_to_it(gateway: Gateway) -> None:
    first, second = gateway.workers.alive
    first.targets = [target("a", "healthy"), target("b", "ejected"), target("c", "healthy")]
    second.targets = [target("a", "healthy"), target("b", "healthy"), target("c", "unhealthy")]
    text = AdminPages(gateway).page("/metrics").body.decode()  # type: ignore[arg-type]
    (family,) = [each for each in text_string_to_metric_families(text) if each.name == "portico_upstream_healthy"]
    assert {sample.labels["target"]: sample.value for sample in family.samples} == {
        "a:9000": 1,
        "b:9000": 0,
        "c:9000": 0,
    }
    assert {(sample.labels["upstream"], sample.labels["service"]) for sample in family.samples} == {("orders", "s1")}


@pytest.mark.parametrize("path", ["/", "/nothing", "/metrics/", "/livez/..", ""])
def test_other_paths_are_not_found(gateway: Gateway, path: str) -> None:
    assert page(gateway, path)[0] == 404


def test_metrics_are_valid_and_name_api_route_status_and_policy(gateway: Gateway) -> None:
    gateway.totals.add(
        [
            TrafficRow(1, "a", "r", "", 200, "", "", 5, 50, 500, {600: 5}, {590: 5}),
            TrafficRow(1, "a", "r", "", 401, "basic", "wrong", 2, 20, 200, {100: 2}, {}),
            TrafficRow(1, "gone", "old", "", 404, "", "no_route", 1, 1, 1, {100: 1}, {}),
            TrafficRow(1, "a", "", "", 429, "limit", "used_up", 0, 0, 0, {}, {}, 4),
        ]
    )
    text = AdminPages(gateway).page("/metrics").body.decode()  # type: ignore[arg-type]
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

    def value(name: str, **labels: str) -> float:
        return samples[(name, tuple(sorted(labels.items())))]

    place = {"api": 'Orders "v1"', "instance": "a", "route": "all"}
    assert value("portico_http_requests_total", **place, code="200", policy="", source="upstream") == 5
    assert value("portico_http_requests_total", **place, code="401", policy="basic", source="policy") == 2
    gone = {"api": "gone", "instance": "gone", "route": "old"}
    assert value("portico_http_requests_total", **gone, code="404", policy="", source="gateway") == 1
    refused = {"api": 'Orders "v1"', "instance": "a", "policy": "basic", "reason": "wrong"}
    assert value("portico_policy_rejections_total", **refused) == 2
    assert value("portico_http_request_duration_seconds_count", **place) == 7
    would = {"api": 'Orders "v1"', "instance": "a", "policy": "limit", "reason": "used_up"}
    assert value("portico_policy_shadow_rejections_total", **would) == 4
    assert not [labels for name, labels in samples if "shadow" not in name and ("policy", "limit") in labels]
    assert value("portico_upstream_duration_seconds_count", **place) == 5
    assert value("portico_http_response_size_bytes_sum", **place) == 700
    assert value("portico_config_version") == 3
    assert value("portico_config_reload_failures_total") == 1
    assert value("portico_redis_up") == 1
    assert value("portico_traces_dropped_total") == 6
    assert (value("portico_spans_exported_total"), value("portico_spans_dropped_total")) == (8, 9)
    assert value("portico_worker_restarts_total") == 2
    assert value("portico_connections", worker="0", state="idle") == 3
    assert value("portico_inflight_requests", worker="0") == 2
    assert value("portico_log_lines_dropped_total", process="worker 1") == 4
    assert value("portico_log_lines_dropped_total", process="supervisor") == 0
    assert value("portico_event_loop_lag_seconds", worker="0") == 0.25


def test_a_ready_gateway_tells_that_the_newest_configuration_was_refused(gateway: Gateway) -> None:
    running = gateway.client.running
    running.state, running.error_code, running.error_path = ApplyState.REJECTED, "unknown_setting", "a.yaml:6: spec.x"
    running.message = "There is no setting."
    refused = {"code": "unknown_setting", "path": "a.yaml:6: spec.x", "reason": "There is no setting."}
    assert page(gateway, "/readyz") == (200, {"status": "ready", "revision": 3, "refused": refused})


def test_without_redis_its_metrics_are_left_out(gateway: Gateway) -> None:
    gateway.redis_up = gateway.spool = gateway.traces_dropped = None  # type: ignore[assignment]
    text = AdminPages(gateway).page("/metrics").body.decode()  # type: ignore[arg-type]
    assert "portico_config_version 3.0" in text
    assert "portico_redis_up" not in text
    assert "portico_events" not in text
    assert "portico_traces" not in text
