"""Policies about how long and how much is waited for a service, written as documented, on a real gateway."""

import http.client
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.integration.gateway.conftest import GatewayProcess, call
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration

ON_AN_API = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata:
  name: {name}
spec:
  address: http://127.0.0.1:{port}/{name}
  services:
    upstream:
      address: http://127.0.0.1:{service}
      routes:
        - rules: [{{methods: GET}}]
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: PolicyBinding
metadata:
  name: {name}-policy
spec:
  targetRef:
    kind: ApiInstance
    name: {name}
  policyRef:
    name: {policy}
  config: {config}
"""
ON_A_SERVICE = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: Service
metadata:
  name: {name}-service
spec:
  address: http://127.0.0.1:{service}
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata:
  name: {name}
spec:
  address: http://127.0.0.1:{port}/{name}
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: PolicyBinding
metadata:
  name: {name}-route
spec:
  targetRef:
    name: {name}
  policyRef:
    name: route
  config:
    destinationRef:
      name: {name}-service
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: PolicyBinding
metadata:
  name: {name}-policy
spec:
  targetRef:
    kind: Service
    name: {name}-service
  policyRef:
    name: {policy}
  config: {config}
"""


class Service:
    """Answers `/quick` at once, `/held` when it is told to, `/slow` never; `/stops` begins an answer and stops."""

    def __init__(self) -> None:
        self.end, self.told = threading.Event(), threading.Event()
        self.connections: list[int] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                service.connections.append(self.client_address[1])
                if self.path.endswith("/slow"):
                    service.end.wait(30)
                    return
                if self.path.endswith("/held"):
                    service.told.wait(30)
                self.send_response(200)
                self.send_header("content-length", "4")
                self.end_headers()
                self.wfile.write(b"go" if self.path.endswith("/stops") else b"gone")
                if self.path.endswith("/stops"):
                    self.wfile.flush()
                    service.end.wait(30)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.end.set()
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, service: Service) -> Iterator[int]:
    """A gateway with one worker and an API for each policy."""
    [port] = free_ports(1)
    folder = tmp_path_factory.mktemp("waiting")
    parts = [
        form.format(name=name, policy=policy, config=json.dumps(config), port=port, service=service.port)
        for form, name, policy, config in (
            (ON_AN_API, "response", "response-timeout-flex", {"timeout": 1}),
            (ON_AN_API, "stream", "stream-idle-timeout-flex", {"timeout": 1}),
            (ON_A_SERVICE, "idle", "idle-timeout-flex", {"timeout": 1}),
            (
                ON_A_SERVICE,
                "breaker",
                "circuit-breaker-flex",
                {"thresholds": {"maxConnections": 1, "maxPendingRequests": 1}},
            ),
        )
    ]
    (folder / "all.yaml").write_text("---\n".join(parts))
    gateway = GatewayProcess(folder, config=folder / "all.yaml", workers=1)
    try:
        gateway.start()
        gateway.wait_for_revision(1)
        yield port
    finally:
        gateway.kill()


def test_a_service_that_does_not_answer_in_time_is_given_up(port: int) -> None:
    answer = call(port, "/response/slow")
    assert (answer.status, json.loads(answer.body)["code"]) == (504, "upstream_timeout")


def test_one_that_answers_in_time_is_passed_on(port: int) -> None:
    assert (call(port, "/response/quick").status, call(port, "/stream/quick").status) == (200, 200)


def test_an_answer_that_stands_still_is_cut(port: int) -> None:
    with pytest.raises(http.client.IncompleteRead):
        call(port, "/stream/stops")


def test_a_connection_that_nobody_used_for_the_time_is_not_used_again(port: int, service: Service) -> None:
    service.connections.clear()
    call(port, "/idle/quick")
    call(port, "/idle/quick")
    threading.Event().wait(1.6)  # the time itself is what is shown
    call(port, "/idle/quick")
    first, second, third = service.connections
    assert first == second != third


def test_what_is_over_the_ceilings_of_a_service_is_refused(port: int, service: Service) -> None:
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(call, port, "/breaker/held") for _ in range(4)]
        wait_until(lambda: sum(each.done() for each in asked) == 2, seconds=9, what="two refusals")
        service.told.set()
        answers = sorted((each.result() for each in asked), key=lambda answer: answer.status)
    assert [answer.status for answer in answers] == [200, 200, 503, 503]
    assert {json.loads(answer.body)["code"] for answer in answers[2:]} == {"upstream_circuit_open"}
