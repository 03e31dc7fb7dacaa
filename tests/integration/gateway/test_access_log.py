"""Access lines of a real gateway on its standard output, also where nobody reads that."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.gateway.conftest import GatewayProcess, _clean_environment, call
from tests.integration.gateway.test_shared_limits import quick, timed
from tests.stack import ROOT, wait_until

pytestmark = pytest.mark.integration

__all__ = ["quick"]  # a fixture

FILES = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: orders}}
spec:
  address: http://127.0.0.1:{port}/orders
  services: {{all: {{address: "http://127.0.0.1:{backend}"}}}}
{more}
---
apiVersion: gateway.mulesoft.com/v1beta1
kind: Configuration
metadata: {{name: logs}}
spec:
  logging: {{accessLogs: {logs}}}
"""


class PipedGateway(GatewayProcess):
    """A gateway whose standard output is a pipe."""

    def start(self) -> "PipedGateway":
        self._log.write_bytes(b"")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gateway_runtime", *self._origin, "--workers", "2", "--admin", "127.0.0.1:0"],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=_clean_environment(),
            )  # fmt: skip
        self.admin = wait_until(self._admin_port, seconds=15, what="the admin port")
        self.wait_for_revision(1)
        return self

    def finish(self) -> list[dict]:
        """Stop it and return its lines."""
        assert self._process is not None
        self.terminate()
        output, _ = self._process.communicate(timeout=40)
        return [json.loads(line) for line in output.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[list[PipedGateway]]:
    started: list[PipedGateway] = []
    yield started
    for gateway in started:
        gateway.kill()


def start(
    started: list[PipedGateway], tmp_path: Path, port: int, backend: int, more: str = "", logs: str = "{enabled: true}"
) -> PipedGateway:
    file = tmp_path / "api.yaml"
    file.write_text(FILES.format(port=port, backend=backend, more=more, logs=logs))
    gateway = PipedGateway(tmp_path, config=file)
    started.append(gateway)
    return gateway.start()


def test_every_request_has_one_line(folder: list[PipedGateway], tmp_path: Path, port: int, quick: int) -> None:
    gateway = start(folder, tmp_path, port, quick)
    for number in range(30):
        call(port, f"/orders/{number}")
    call(port, "/nowhere?secret=sesame")
    lines = gateway.finish()
    assert sorted(line["url.path"] for line in lines) == sorted([*(f"/orders/{n}" for n in range(30)), "/nowhere"])
    assert {line["http.response.status_code"] for line in lines} == {200, 404}
    assert "sesame" not in json.dumps(lines)


def test_an_api_is_not_logged_by_default(folder: list[PipedGateway], tmp_path: Path, port: int, quick: int) -> None:
    gateway = start(folder, tmp_path, port, quick, logs="{}")
    call(port, "/orders/1")
    call(port, "/nowhere")
    assert gateway.finish() == []


def test_an_output_that_nobody_reads_costs_lines_and_no_time(
    folder: list[PipedGateway], tmp_path: Path, port: int, quick: int
) -> None:
    # Long lines fill pipe and buffers soon.
    gateway = start(folder, tmp_path, port, quick)
    path = "/orders/" + "x" * 1_000
    statuses, took = timed(port, 20.0, pause=0.0, path=path, enough=lambda: _dropped(gateway) > 0)
    assert set(statuses) == {200}
    assert took[int(len(took) * 0.99)] < 0.05
    # Counts arrive twice a second.
    wait_until(lambda: _dropped(gateway) > 0, seconds=3, what="dropped lines")
    began = time.monotonic()
    gateway.terminate()
    assert gateway.wait() == 0
    assert time.monotonic() - began < 10


def _dropped(gateway: GatewayProcess) -> float:
    lines = gateway.page("/metrics").body.decode().splitlines()
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in lines
        if line.startswith("portico_access_log_lines_total{") and 'outcome="dropped"' in line
    )
