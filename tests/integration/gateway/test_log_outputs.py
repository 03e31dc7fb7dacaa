"""Logs of a real gateway in files: of every process, across a rotation, and back on standard error."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.gateway.conftest import GatewayProcess, call
from tests.stack import wait_until

pytestmark = pytest.mark.integration

FILES = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: orders}}
spec:
  address: http://127.0.0.1:{port}
  services: {{all: {{address: "http://127.0.0.1:{backend}"}}}}
"""
LOGS = """\
---
apiVersion: gateway.mulesoft.com/v1beta1
kind: Configuration
metadata: {{name: logs}}
spec:
  logging:
    outputs:
      - {{name: runtime, type: file, parameters: {{path: {folder}, file: runtime.log, mkdir: true}}}}
      - {{name: access, type: file, parameters: {{path: {folder}, file: access.log, mkdir: true}}}}
    runtimeLogs: {{outputs: [runtime]}}
    accessLogs: {{enabled: true, outputs: [access]}}
"""


def lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    text = path.read_text()
    # A line that is being written is not there yet.
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def paths(path: Path) -> list[str]:
    return [line["url.path"] for line in lines(path)]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    made = GatewayProcess(tmp_path, config=tmp_path / "api.yaml")
    yield made
    made.kill()


def test_logs_go_to_files_follow_a_rotation_and_come_back(
    gateway: GatewayProcess, tmp_path: Path, port: int, backend: int
) -> None:
    folder = tmp_path / "logs"
    plain = FILES.format(port=port, backend=backend)
    file = tmp_path / "api.yaml"
    file.write_text(plain + LOGS.format(folder=folder))
    gateway.start()
    gateway.wait_for_revision(1)
    access, runtime = folder / "access.log", folder / "runtime.log"
    for number in range(20):
        call(port, f"/first/{number}")
    wait_until(lambda: len(paths(access)) == 20, seconds=5, what="the lines")
    assert sorted(paths(access)) == sorted(f"/first/{number}" for number in range(20))
    assert "revision_applied" in [line["event"] for line in lines(runtime)]

    for each in (access, runtime):
        each.rename(each.with_suffix(".1"))
    for number in range(20):
        call(port, f"/second/{number}")
    wait_until(lambda: len(paths(access)) == 20, seconds=5, what="the lines after the rotation")
    assert len(paths(access.with_suffix(".1"))) == 20

    file.write_text("broken: [")
    wait_until(
        lambda: "configuration_fault" in [line["event"] for line in lines(runtime)], seconds=10, what="the fault"
    )
    assert gateway.events("configuration_fault") == []
    file.write_text(plain)
    # The supervisor says so itself, now where it always did.
    wait_until(lambda: gateway.events("revision_applied"), seconds=10, what="the log on standard error")


def test_the_last_lines_of_every_process_are_written(
    gateway: GatewayProcess, tmp_path: Path, port: int, backend: int
) -> None:
    folder = tmp_path / "logs"
    (tmp_path / "api.yaml").write_text(FILES.format(port=port, backend=backend) + LOGS.format(folder=folder))
    gateway.start()
    gateway.wait_for_revision(1)
    call(port, "/last")
    gateway.terminate()
    assert gateway._process is not None
    gateway._process.wait(40)
    assert paths(folder / "access.log") == ["/last"]
    assert lines(folder / "runtime.log")[-1]["event"] == "gateway_stopped"
    processes = {line["process"] for line in lines(folder / "runtime.log")}
    assert "supervisor" in processes


def test_a_folder_that_is_not_there_costs_lines_and_no_request(
    gateway: GatewayProcess, tmp_path: Path, port: int, backend: int
) -> None:
    text = FILES.format(port=port, backend=backend) + LOGS.format(folder=tmp_path / "logs").replace(
        "mkdir: true", "mkdir: false"
    )
    (tmp_path / "api.yaml").write_text(text)
    gateway.start()
    wait_until(lambda: gateway.revision()["revision"] == 1, seconds=10, what="the revision")
    assert call(port, "/lost").status == 200

    def dropped() -> bool:
        text = gateway.page("/metrics").body.decode()
        counts = [float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if 'outcome="dropped"' in line]
        own = [line for line in text.splitlines() if line.startswith('portico_log_lines_dropped_total{process="super')]
        return sum(counts) == 1 and float(own[0].rsplit(" ", 1)[1]) > 0

    wait_until(dropped, seconds=5, what="the counted lines")
    assert "The log cannot be written: " in gateway.log
