"""The health check of a real gateway: a service that falls ill and is well again, asked by one worker."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.integration.gateway.conftest import GatewayProcess, call
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration

FILE = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata:
  name: orders
spec:
  address: http://127.0.0.1:{port}/orders
  services:
    backend:
      address: http://127.0.0.1:{backend}
      routes:
        - rules: [{{methods: GET}}]
  policies:
    - policyRef:
        name: health-check-flex
      config:
        upstreamUrl: http://127.0.0.1:{ill}
        basePath: /health
        intervalSeconds: 1
"""


class Service:
    """Answers with `status` and notes who asked for what."""

    def __init__(self) -> None:
        self.status = 200
        self.asked: list[tuple[str, str]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.asked.append((self.path, self.headers["user-agent"]))
                self.send_response(service.status)
                self.send_header("location", "/elsewhere")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.server.shutdown()
    made.server.server_close()


def notices(gateway: GatewayProcess) -> list[dict[str, Any]]:
    return json.loads(gateway.page("/notices").body)["notices"]


def test_a_service_that_falls_ill_and_is_well_again(tmp_path: Path, backend: int, service: Service) -> None:
    [port] = free_ports(1)
    (tmp_path / "conf.d").mkdir()
    path = tmp_path / "conf.d" / "orders.yaml"
    path.write_text(FILE.format(port=port, backend=backend, ill=service.port))
    gateway = GatewayProcess(tmp_path, config=tmp_path / "conf.d", workers=2)
    try:
        gateway.start()
        gateway.wait_for_revision(1)

        def state() -> bool | None:
            return next((each["good"] for each in notices(gateway)), None)

        wait_until(lambda: state() is True, seconds=10, what="a first check")
        [notice] = notices(gateway)
        assert notice["text"] == f"http://127.0.0.1:{service.port}/health answers 200."
        assert (notice["name"], notice["policy"]) == ("orders", "health-check")
        service.status = 302
        wait_until(lambda: state() is False, seconds=10, what="the failed check")
        assert notices(gateway)[0]["text"].endswith("answers 302 instead of 200.")
        assert call(port, "/orders/a").status == 200
        assert {path for path, _ in service.asked} == {"/health"}
        assert {agent for _, agent in service.asked} == {"portico-health-check"}
        [target] = json.loads(gateway.page("/upstreams").body)["targets"]
        assert target["workers"] == {"0": "unhealthy"}
        assert "portico_upstream_healthy{" in gateway.page("/metrics").body.decode()
        told = gateway.events("target_unhealthy")
        assert [(line["target"], line["reason"]) for line in told] == [(f"127.0.0.1:{service.port}", "status_302")]
        service.status = 200
        wait_until(lambda: state() is True, seconds=10, what="the good check")
        assert gateway.events("target_healthy")
        # Without the policy nobody asks any more, and nothing is said.
        path.write_text(path.read_text().partition("  policies:")[0])
        gateway.wait_for_revision(2)
        wait_until(lambda: notices(gateway) == [], seconds=5, what="no notices")
    finally:
        gateway.kill()


def test_an_authorizer_that_is_away_is_told_on_the_admin_port(tmp_path: Path, backend: int) -> None:
    [port] = free_ports(1)
    path = tmp_path / "orders.yaml"
    policy = FILE.format(port=port, backend=backend, ill=1).replace("health-check-flex", "native-ext-authz-flex")
    path.write_text(policy.partition("        upstreamUrl")[0] + "        uri: h2://127.0.0.1:1\n")
    gateway = GatewayProcess(tmp_path, config=path, workers=1)
    try:
        gateway.start()
        gateway.wait_for_revision(1)
        assert notices(gateway) == []
        assert call(port, "/orders/a").status == 403
        wait_until(lambda: notices(gateway), seconds=5, what="the notice")
        [notice] = notices(gateway)
        assert notice["text"] == "The authorizer h2://127.0.0.1:1 cannot be asked (refused). Callers get 403."
    finally:
        gateway.kill()
