"""A policy of the operator's own on a real gateway: written by the command, named in a file, enforced."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.gateway.conftest import GatewayProcess, call
from tests.stack import ROOT, free_ports, wait_until

pytestmark = pytest.mark.integration

FILE = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: staff}}
spec:
  address: http://127.0.0.1:{port}/staff
  services:
    backend: {{address: "http://127.0.0.1:{backend}"}}
  policies:
    - policyRef: {{name: {name}}}
      config: {{header: x-badge}}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with the files of a new policy."""
    policies = tmp_path / "policies"
    command = [sys.executable, "-m", "portal.cli", "policy", "new", "office-hours", "--folder", str(policies)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    return tmp_path


# What Flex Gateway would take its code from.
EXTENSION = """\
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: Extension
metadata: {name: office-hours-flex}
spec:
  extends: [{name: extension-definition}, {name: proxy-wasm-filter}]
  properties: {header: {type: string}}
  required: [header]
  implementation: base64://AGFzbQEAAAA=
"""


@pytest.fixture(params=["office-hours", "office-hours-flex", "an Extension"])
def port(place: Path, request: pytest.FixtureRequest) -> Iterator[int]:
    """Return the port of a gateway that enforces it."""
    port, backend = free_ports(2)
    config = place / "staff.yaml"
    name, more = ("office-hours-flex", EXTENSION) if request.param == "an Extension" else (request.param, "")
    config.write_text(FILE.format(port=port, backend=backend, name=name) + more, encoding="utf-8")
    environment = {"PORTICO_POLICIES": str(place / "policies")}
    gateway = GatewayProcess(place, config=config, environment=environment).start()
    wait_until(lambda: call(gateway.admin, "/readyz").status == 200, seconds=15, what="readiness")
    yield port
    gateway.terminate()
    assert gateway.wait() == 0


def test_the_policy_is_enforced_and_named(port: int) -> None:
    status, headers, body = call(port, "/staff/x")
    assert (status, headers["content-type"]) == (403, "application/problem+json")
    assert b'"code":"office_hours_refused","policy":"office-hours"' in body
    # Nobody listens at the backend, so this one has passed.
    assert call(port, "/staff/x", headers={"x-badge": "1"})[0] == 502
