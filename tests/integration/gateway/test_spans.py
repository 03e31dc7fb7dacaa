"""Spans of a real gateway, read by a real receiver of OTLP."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.gateway.conftest import GatewayProcess, call
from tests.stack import wait_until

pytestmark = pytest.mark.integration

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FILES = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: orders}}
spec:
  address: http://127.0.0.1:{port}/orders
  services: {{all: {{address: "http://127.0.0.1:{backend}"}}}}
{policies}
---
apiVersion: gateway.mulesoft.com/v1beta1
kind: Configuration
metadata: {{name: traces}}
spec:
  tracing:
{tracing}
"""
POLICY = """\
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: PolicyBinding
metadata: {name: spans}
spec:
  targetRef: {name: orders}
  policyRef: {name: NAME}
  config:
    spanName: "orders #[attributes.method]"
    sampling: {client: 100, random: 0, overall: 100}
    labels:
      - {name: tenant, type: requestHeader, keyName: x-tenant, defaultValue: nobody}
      - {name: fixed, type: literal, defaultValue: always}
      - {name: shell, type: environment, keyName: NO_SUCH_VARIABLE, defaultValue: unset}
"""


class Receiver:
    """A receiver in a process of its own."""

    def __init__(self, *statuses: int) -> None:
        script = Path(__file__).with_name("otlp_receiver.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), *map(str, statuses)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.http, self.grpc = json.loads(self._process.stdout.readline())
        self.spans: list[dict[str, Any]] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.spans.append(json.loads(line))

    def wait(self, count: int) -> list[dict[str, Any]]:
        wait_until(lambda: len(self.spans) >= count, seconds=10, what=f"{count} spans")
        return self.spans

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Any]]:
    running: list[Any] = []
    yield running
    for each in reversed(running):
        if isinstance(each, Receiver):
            each.end()
        else:
            each.kill()


def start(
    started: list[Any], folder: Path, port: int, backend: int, tracing: str, policies: str = ""
) -> GatewayProcess:
    indented = "\n".join(f"    {line}" for line in tracing.strip().splitlines())
    files = folder / "api.yaml"
    files.write_text(FILES.format(port=port, backend=backend, tracing=indented, policies=policies))
    gateway = GatewayProcess(folder, config=files).start()
    gateway.wait_for_revision(1)
    started.append(gateway)
    return gateway


def receiver(started: list[Any], *statuses: int) -> Receiver:
    made = Receiver(*statuses)
    started.append(made)
    return made


def over_http(of: Receiver, more: str = "") -> str:
    return f"provider: {{type: OpenTelemetry, properties: {{endpoint: 'http://127.0.0.1:{of.http}'}}}}\n{more}"


def test_a_request_makes_a_span_of_the_server_and_one_of_each_attempt(
    started: list[Any], tmp_path: Path, port: int, backend: int
) -> None:
    takes = receiver(started)
    start(started, tmp_path, port, backend, over_http(takes))
    answer = call(port, "/orders/items?page=1&token=opaque", {"traceparent": PARENT, "tracestate": "a=b"})
    seen = json.loads(answer.body)["headers"]
    server, client = takes.wait(2)
    assert (server["kind"], client["kind"], server["scope"]) == (2, 3, "portico.gateway")
    assert server["trace"] == client["trace"] == "0af7651916cd43dd8448eb211c80319c"
    assert (server["parent"], server["state"], client["parent"]) == ("b7ad6b7169203331", "a=b", server["span"])
    assert seen["traceparent"] == f"00-{client['trace']}-{client['span']}-01"
    assert seen["tracestate"] == "a=b"
    assert server["name"] == "GET /orders/*"
    expected = {
        "http.request.method": "GET", "url.scheme": "http", "url.path": "/orders/items",
        "url.query": "page=1&token=••••••", "http.route": "/orders/*", "http.response.status_code": 200,
        "server.address": "127.0.0.1", "server.port": port, "client.address": "127.0.0.1",
        "network.protocol.version": "1.1",
    }  # fmt: skip
    assert server["attributes"].items() >= expected.items()
    assert client["attributes"]["server.port"] == backend
    assert client["attributes"]["http.response.status_code"] == 200
    assert server["took_ns"] >= client["took_ns"] > 0
    assert server["resource"]["service.name"] == "portico-gateway"
    assert (server["flags"] & 0x300, client["flags"] & 0x300) == (0x300, 0x100)
    assert not server["error"]


def test_spans_go_over_grpc_where_that_is_asked_for(
    started: list[Any], tmp_path: Path, port: int, backend: int
) -> None:
    takes = receiver(started)
    provider = (
        f"provider: {{type: OpenTelemetry gRPC, properties: {{address: '127.0.0.1:{takes.grpc}', "
        "serviceName: edge, headers: {x-key: k1}}}"
    )
    start(started, tmp_path, port, backend, provider)
    for _ in range(400):
        call(port, "/orders/items/" + "x" * 400)
    spans = takes.wait(800)
    assert {each["resource"]["service.name"] for each in spans} == {"edge"}
    assert {each["headers"]["x-key"] for each in spans} == {"k1"}


@pytest.mark.parametrize("name", ["tracing", "tracing-flex"])
def test_the_policy_says_what_is_traced_and_what_is_said_of_it(
    started: list[Any], tmp_path: Path, port: int, backend: int, name: str
) -> None:
    takes = receiver(started)
    start(started, tmp_path, port, backend, over_http(takes), POLICY.replace("NAME", name))
    assert "traceparent" not in json.loads(call(port, "/orders/plain").body)["headers"]
    call(port, "/orders/asked", {"x-client-trace-id": "1", "x-tenant": "blue"})
    server, _ = takes.wait(2)
    assert server["name"] == "orders GET"
    assert server["attributes"]["url.path"] == "/orders/asked"
    said = {key: server["attributes"][key] for key in ("tenant", "fixed", "shell")}
    assert said == {"tenant": "blue", "fixed": "always", "shell": "unset"}


def test_whoever_began_a_trace_decides_on_it(started: list[Any], tmp_path: Path, port: int, backend: int) -> None:
    takes = receiver(started)
    start(started, tmp_path, port, backend, over_http(takes, "sampling: {random: 0}"))
    unsampled = PARENT[:-2] + "00"
    assert json.loads(call(port, "/orders/a", {"traceparent": unsampled}).body)["headers"]["traceparent"] == unsampled
    call(port, "/orders/b")
    call(port, "/orders/c", {"traceparent": PARENT})
    assert takes.wait(2)[0]["attributes"]["url.path"] == "/orders/c"
    assert len(takes.spans) == 2


def test_spans_wait_for_a_receiver_that_is_busy(started: list[Any], tmp_path: Path, port: int, backend: int) -> None:
    takes = receiver(started, 503)
    start(started, tmp_path, port, backend, over_http(takes))
    call(port, "/orders/items")
    assert len(takes.wait(2)) == 2


def test_a_service_that_is_not_there_is_an_error_of_both_spans(
    started: list[Any], tmp_path: Path, port: int, backend: int
) -> None:
    takes = receiver(started)
    start(started, tmp_path, port, 1, over_http(takes))
    assert call(port, "/orders/items").status == 502
    server, client = takes.wait(2)
    assert server["error"]
    assert client["error"]
    assert client["attributes"]["error.type"] == "upstream_refused"
    assert server["attributes"]["portico.code"] == "upstream_refused"


def test_nobody_who_takes_spans_costs_spans_and_no_request(
    started: list[Any], tmp_path: Path, port: int, backend: int
) -> None:
    provider = "provider: {type: OpenTelemetry, properties: {endpoint: 'http://127.0.0.1:1'}}"
    gateway = start(started, tmp_path, port, backend, provider)
    for _ in range(20):
        assert call(port, "/orders/items").status == 200
    wait_until(lambda: gateway.events("spans_not_taken"), seconds=5, what="the warning")
